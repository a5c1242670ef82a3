"""The arguments of the verifier: everything that is wrong with them."""

from valet.resource_server.identifiers import (
    AUDIENCE,
    ISSUER,
    LONGEST_INTROSPECTION_CACHE,
    LONGEST_MAX_STALE,
    LONGEST_PROOF_AGE,
    MOST_PUBLIC_URLS,
    RESOURCE_METADATA,
    SHORTEST_PROOF_AGE,
    is_credential,
    is_public_url,
)


def wrong_names(issuer: str, audience: str, status_max_stale: int, resource_metadata: str) -> list[str]:
    wrong = []
    if not ISSUER.fullmatch(issuer):
        wrong.append(
            f"issuer is {issuer!r}, and must be https://host without a path (http for a loopback address only)"
        )
    if not AUDIENCE.fullmatch(audience):
        wrong.append(f"audience is {audience!r}, and must be the one identifier of this API")
    if not 0 <= status_max_stale <= LONGEST_MAX_STALE:
        wrong.append(f"status_max_stale is {status_max_stale!r}, and must be 0 to {LONGEST_MAX_STALE} seconds")
    if resource_metadata and not RESOURCE_METADATA.fullmatch(resource_metadata):
        wrong.append(
            f"resource_metadata is {resource_metadata!r}, and must be the https address of this API's metadata"
        )
    return wrong


def wrong_proofs(public_urls: tuple[str, ...], proof_max_age: int, is_proof_required: bool) -> list[str]:
    wrong = []
    if len(public_urls) > MOST_PUBLIC_URLS or not all(is_public_url(each) for each in public_urls):
        wrong.append(
            f"public_url is {' '.join(public_urls)!r}, and must be up to {MOST_PUBLIC_URLS} addresses with spaces "
            "between them, each https://host with or without a path, and no slash at its end (http for a loopback "
            "address only)"
        )
    if not SHORTEST_PROOF_AGE <= proof_max_age <= LONGEST_PROOF_AGE:
        wrong.append(
            f"proof_max_age is {proof_max_age!r}, and must be {SHORTEST_PROOF_AGE} to {LONGEST_PROOF_AGE} seconds"
        )
    if is_proof_required and not public_urls:
        wrong.append("is_proof_required is set, and no proof can be judged without public_url")
    return wrong


def wrong_introspection(client: str, secret: str, cache: int) -> list[str]:
    wrong = []
    if bool(client) != bool(secret):
        wrong.append("introspection_client and introspection_secret are given together or not at all")
    if client and not is_credential(client):
        wrong.append(f"introspection_client is {client!r}, and must be a client_id")
    if secret and not is_credential(secret):
        wrong.append("introspection_secret is malformed: it must be 1 to 500 characters without spaces")
    if not 0 <= cache <= LONGEST_INTROSPECTION_CACHE:
        wrong.append(f"introspection_cache is {cache!r}, and must be 0 to {LONGEST_INTROSPECTION_CACHE} seconds")
    return wrong
