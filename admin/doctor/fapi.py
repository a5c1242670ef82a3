"""The FAPI 2.0 Security Profile: what the registrations, the keys and the deployment of its clients break."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from valet.keys.ring import signing_algs
from valet.models.clients import Client
from valet.protocol import profile
from valet.protocol.supported import FAPI2_ALGORITHMS

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook, Finding, warning
from admin.terminal.spelling import command

_LANES = "Deploy with SigningAlgorithm=PS256, or RS256+PS256 if other clients need RS256, and wait until a key signs"
_TIMEOUT = 5  # seconds
# Suites of TLS 1.2 without forward secrecy, with CBC, or with ChaCha20. BCP 195 (RFC 9325 §4.2) recommends only those
# with ECDHE and AES-GCM, and the OpenID Foundation's suite refuses a server that takes another.
_NOT_RECOMMENDED = "AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA:AES128-SHA256:AES256-SHA256:" + (
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:"
    "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"
)


def look_clients(evidence: Evidence) -> Iterator[Finding]:
    for client in held(evidence):
        for rule in profile.broken_by(client):
            yield Finding(
                f"The profile fapi2 holds for the client {client.client_id}, but {rule.sentence}",
                f"Valet refuses its requests until then (FAPI 2.0 Security Profile section {rule.section}).",
                _mend(client, rule),
            )


def look_lanes(evidence: Evidence) -> Iterator[Finding]:
    """Finds that no key signs for the clients, and that status lists are signed with RS256."""
    signing = signing_algs(evidence.ring.keys)
    if not held(evidence) or not signing:  # keys.states tells of a ring in which no key signs
        return
    if set(signing).isdisjoint(FAPI2_ALGORITHMS):
        yield Finding(
            f"Keys sign only with {', '.join(signing)}, and clients have the profile fapi2",
            "Their token requests are refused as temporarily_unavailable (FAPI 2.0 Security Profile section 5.4.1).",
            _LANES,
        )
    elif signing[0] not in FAPI2_ALGORITHMS:
        yield warning(
            f"Status lists are signed with {signing[0]}, the first algorithm of the deployment",
            "The FAPI 2.0 Security Profile does not take it for any JWT (section 5.4.1).",
            "If all clients can do without RS256, deploy with SigningAlgorithm=PS256",
        )


def look_tls(evidence: Evidence) -> Iterator[Finding]:
    """Finds that the issuer takes a TLS 1.2 suite that BCP 195 does not recommend."""
    if not held(evidence):
        return
    evidence.only_on_aws("TLS")
    parts = urlsplit(evidence.deployment.issuer)
    if (suite := weak_suite_of(parts.hostname or "", parts.port or 443)) is not None:
        yield Finding(
            f"{evidence.deployment.issuer} takes the TLS 1.2 suite {suite}",
            "The FAPI 2.0 Security Profile permits only the suites that BCP 195 recommends (section 5.2.2). API "
            "Gateway takes more.",
            "Put CloudFront in front, as docs/fapi.md says",
        )


def weak_suite_of(host: str, port: int) -> str | None:
    """The suite that the server chooses if it is offered only those that BCP 195 does not recommend; None if it refuses
    the handshake. Raises CannotLook if there is no connection.

    The server's certificate is not verified, because nothing is sent or read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{_NOT_RECOMMENDED}:@SECLEVEL=0")
    try:
        connection = socket.create_connection((host, port), timeout=_TIMEOUT)
    except OSError as error:
        raise CannotLook(f"{host} does not answer: {error}") from None
    with connection:
        try:
            with context.wrap_socket(connection, server_hostname=host) as wrapped:
                chosen = wrapped.cipher()
        except (ssl.SSLError, ConnectionError):
            return None
        except OSError as error:
            raise CannotLook(f"{host} does not answer: {error}") from None
    return chosen[0] if chosen else None


def held(evidence: Evidence) -> list[Client]:
    """The clients that the profile holds for: all of them, if it is the deployment's."""
    deployed = evidence.environment("TokenFunction").get("PROFILE") or "plain"
    return [client for client in evidence.clients if client.is_fapi2 or deployed != "plain"]


def _mend(client: Client, rule: profile.Rule) -> str:
    if rule.only is not None:
        return command("valet clients change", client.client_id, "--security-profile", "fapi2")
    return f"Change {client.client_id} with the options that {command('valet clients change --help')} tells"


CHECKS = (Check("fapi.clients", look_clients), Check("fapi.lanes", look_lanes), Check("fapi.tls", look_tls))
