"""The public keys of clients that authenticate by private_key_jwt: a client without a usable one is refused."""

from collections.abc import Iterator

from valet.aws.dynamodb.client_keys import DynamoPublishedKeys
from valet.models.client_keys import FRESH_FOR, GOOD_FOR
from valet.models.clients import Client
from valet.registration.client_keys import names_of

from admin.desk import span
from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding
from admin.terminal.spelling import command


def look_published_keys(evidence: Evidence) -> Iterator[Finding]:
    published = DynamoPublishedKeys(evidence.deployment.registry)
    for client in evidence.clients:
        if not client.jwks_uri or client.is_disabled:
            continue
        kept = published.find(client.client_id)
        if kept is None or kept.jwks_uri != client.jwks_uri:
            yield Finding(
                f"No keys were fetched from {client.jwks_uri} yet, for {client.client_id}",
                "The client cannot authenticate, so Valet refuses it.",
                _fetch(client),
            )
        elif (age := evidence.now - kept.fetched_at) > FRESH_FOR:
            yield Finding(
                f"The keys of {client.client_id} were last fetched {span(age)} ago, from {client.jwks_uri}",
                f"A key that the client withdrew since then still counts, and after {span(GOOD_FOR)} all are refused.",
                _fetch(client),
            )
        elif not names_of(kept.jwks):
            yield Finding(
                f"{client.client_id} publishes no usable key at {client.jwks_uri}",
                "The client cannot authenticate, so Valet refuses it.",
                f"Let the client publish a public key for PS256, ES256, EdDSA or RS256, then {_fetch(client)}",
            )


def _fetch(client: Client) -> str:
    return command("valet clients fetch-keys", client.client_id)


CHECKS = (Check("clients.keys", look_published_keys),)
