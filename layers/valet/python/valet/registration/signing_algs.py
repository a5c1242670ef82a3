"""The lanes of the key ring that clients and protected APIs are registered for (OpenID Connect Registration §2)."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from valet.keys.ring import ANNOUNCED, find_signing_key, signing_algs
from valet.models.clients import Client, ProtectedApi
from valet.models.keys import SigningKey
from valet.protocol.supported import FAPI2_ALGORITHMS
from valet.registration.rules import Wrong

ID_TOKENS, ACCESS_TOKENS = "id_token_signed_response_alg", "access_token_signing_alg"


def refusals_of_alg(
    after: Client | ProtectedApi, before: Client | ProtectedApi | None, keys: Sequence[SigningKey]
) -> Iterator[Wrong]:
    """Why the registration cannot be changed to another algorithm: no key signs with it.

    An algorithm that is registered already is not judged again: another member must be free to change.
    """
    member = ID_TOKENS if isinstance(after, Client) else ACCESS_TOKENS
    alg = getattr(after, member)
    if before is not None and getattr(before, member) == alg:
        return
    if alg and find_signing_key(keys, alg) is None:
        yield Wrong(member, _what_to_do(alg, keys), alg)


def refusals_of_profile(after: Client, before: Client | None, keys: Sequence[SigningKey]) -> Iterator[Wrong]:
    """Why the client cannot be changed to the profile fapi2 now: no key signs with an algorithm that it takes.

    A profile that is registered already is not judged again, as with an algorithm.
    """
    if not after.is_fapi2 or (before is not None and before.is_fapi2):
        return
    if set(signing_algs(keys)).isdisjoint(FAPI2_ALGORITHMS):
        reason = (
            "its tokens cannot be signed with RS256, and no key signs with another algorithm: deploy with "
            "SigningAlgorithm PS256, ES256, RS256+PS256 or RS256+ES256, and wait until a key does"
        )
        yield Wrong("profile", reason, after.profile)


def _what_to_do(alg: str, keys: Sequence[SigningKey]) -> str:
    lanes = f"only with {' and '.join(signing_algs(keys))}" if keys else "nor with any other algorithm"
    if any(key.alg == alg and key.state == ANNOUNCED for key in keys):
        return f"no key signs with it yet, {lanes}; its keys are announced: try again when one of them signs"
    return f"no key signs with it, {lanes}: deploy with a SigningAlgorithm that names it, and wait until a key does"


def registered_for_others(
    clients: Iterable[Client], apis: Iterable[ProtectedApi], algs: Collection[str]
) -> Iterator[Client | ProtectedApi]:
    """The clients and APIs that are registered for another algorithm than these."""
    yield from (client for client in clients if client.id_token_signed_response_alg not in ("", *algs))
    yield from (api for api in apis if api.access_token_signing_alg not in ("", *algs))
