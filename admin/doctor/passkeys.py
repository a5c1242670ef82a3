"""Passkeys: the domain that they belong to stays, and who requires them can have them."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from valet import settings
from valet.aws.dynamodb.enrolment import RP_ID
from valet.protocol.supported import PASSKEY_ACR

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding

_LOGIN = "LoginFunction"
_VARIABLES = ("ISSUER_URL", "PASSKEY_DOMAIN", "MAIL", "SECOND_FACTOR", "FEDERATION", "DEVICE_AUTHORIZATION")


def rp_id_of(evidence: Evidence) -> str:
    """The domain of the deployment's passkeys; empty: there are none."""
    return _settings_of(evidence).rp_id


def features_of(evidence: Evidence) -> frozenset[str]:
    """What the deployment has of what can be switched off."""
    return _settings_of(evidence).features


def _settings_of(evidence: Evidence) -> settings.Settings:
    deployed = evidence.environment(_LOGIN)
    return settings.read({name: deployed.get(name, "") for name in _VARIABLES})


def look_domain(evidence: Evidence) -> Iterator[Finding]:
    rp_id, host = rp_id_of(evidence), urlsplit(evidence.deployment.issuer).hostname or ""
    kept = (evidence.deployment.registry.get(*RP_ID) or {}).get("rp_id", "")
    if kept and kept != rp_id:
        now = f"this deployment's is {rp_id}" if rp_id else "this deployment has none"
        yield Finding(
            f"People's passkeys belong to {kept}, but {now}",
            "No passkey works, and none can be added.",
            f"Deploy with IssuerUrl or CustomDomain in that domain, and with PasskeyDomain={kept}.",
        )
    elif rp_id and rp_id != host and not host.endswith(f".{rp_id}"):
        yield Finding(
            f"PasskeyDomain is {rp_id}, and the issuer's host {host} is not in that domain",
            "Browsers refuse every passkey.",
            "Deploy with PasskeyDomain empty, or a parent domain of the issuer's host.",
        )


def look_required(evidence: Evidence) -> Iterator[Finding]:
    if rp_id_of(evidence):
        return
    why = "There are no passkeys without IssuerUrl or CustomDomain, so every sign-in is refused."
    mend = "Deploy with IssuerUrl or CustomDomain, or do not require the level phr."
    for client in evidence.clients:
        if client.required_acr == PASSKEY_ACR and not client.is_disabled:
            yield Finding(f"The client {client.client_id} requires passkeys", why, mend)
    for named in sorted(evidence.register.policy().role_required_acr):
        role, _, acr = named.rpartition("=")
        if acr == PASSKEY_ACR:
            yield Finding(f"The policy requires passkeys of people with the role {role}", why, mend)


CHECKS = (Check("passkeys.domain", look_domain), Check("passkeys.required", look_required))
