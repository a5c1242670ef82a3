"""Devices: which clients may ask people for a yes, and what that could be abused for (RFC 8628 §5.4)."""

from collections.abc import Iterator

from valet.models.clients import Client
from valet.protocol.scope import ISSUERS_OWN, closure
from valet.protocol.supported import DEVICE_CODE

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning
from admin.terminal.spelling import command


def look_clients(evidence: Evidence) -> Iterator[Finding]:
    able = [client for client in evidence.clients if DEVICE_CODE in client.grant_types and not client.is_disabled]
    if evidence.deployment.parameters.get("DeviceAuthorization") != "on":
        for client in able:
            yield warning(
                f"The client {client.client_id} may use devices, and the deployment has none",
                "Its requests are answered as if there were no such grant type.",
                "Deploy with DeviceAuthorization=on: `make deploy`",
            )
        return
    if not able:
        yield warning(
            "The deployment has devices, and no client may use them",
            "The page and the endpoint are there for nobody.",
            "Deploy with DeviceAuthorization=off: `make deploy`",
        )
    for client in able:
        own = sorted(set(closure(client.scope, evidence.scopes)) - ISSUERS_OWN)
        if own and not client.is_confidential and client.device_network == "any":
            yield warning(
                f"Anybody can ask people for {', '.join(own)} in the name of the public client {client.client_id}",
                "Somebody who talks a person into typing a code gets this access (device-code phishing).",
                _how(client),
            )


def _how(client: Client) -> str:
    change = command("valet clients change", client.client_id, "--device-network", "same")
    return f"If its devices are in people's own networks: {change}; else take scopes from it that it can do without"


CHECKS = (Check("devices.clients", look_clients),)
