"""The rules of a client that is registered with the profile fapi2 (FAPI 2.0 Security Profile §5.3.2, §5.4.1).

One list says what its registration has to be. The rules of registration refuse by it, `valet doctor` reports by it, and
the endpoints ask it again for the record that they hold: the request of a client whose record breaks a rule is refused,
so that an edited item weakens nothing. The rest of this module is what the profile asks of single requests and tokens.

Only requests of such clients import this module.
"""

from collections.abc import Callable, Sequence

from valet.errors import SigningFailed, UnauthorizedClient
from valet.frozen import Frozen
from valet.keys.ring import signing_algs
from valet.models.clients import Client
from valet.models.keys import SigningKey
from valet.protocol.supported import FAPI2_ALGORITHMS, PRIVATE_KEY_JWT

# The records that keep every rule, by client_id. The registry reads a record again after ten seconds: it is another
# object then, and is judged again.
_good: dict[str, Client] = {}
_MOST_GOOD = 64


class Rule(Frozen):
    """What the registration of a client has to be."""

    name: str
    section: str  # of the FAPI 2.0 Security Profile
    sentence: str  # what the client must be, for operators and for the client's developer
    member: str  # of Client, which the rule is about
    is_kept_by: Callable[[Client], bool]
    only: str | bool | None = None  # the one value that keeps the rule, where there is just one to set


RULES = (
    Rule(
        "confidential",
        "5.3.2.1",
        "the client must be confidential, which is a web application",
        "application_type",
        lambda client: client.is_confidential and client.application_type == "web",
    ),
    Rule(
        "private_key_jwt",
        "5.3.2.1",
        "the client must authenticate by private_key_jwt",
        "token_endpoint_auth_method",
        lambda client: client.token_endpoint_auth_method == PRIVATE_KEY_JWT,
        only=PRIVATE_KEY_JWT,
    ),
    Rule(
        "sender-constrained tokens",
        "5.3.2.1",
        "its access tokens must be bound to a key, by DPoP",
        "dpop_bound_access_tokens",
        lambda client: client.dpop_bound_access_tokens,
        only=True,
    ),
    Rule(
        "no rotation",
        "5.3.2.1",
        "its refresh tokens must not rotate",
        "refresh_token_rotation",
        lambda client: not client.refresh_token_rotation or "refresh_token" not in client.grant_types,
        only=False,
    ),
    Rule(
        "pushed requests",
        "5.3.2.2",
        "it must push its authorization requests (PAR)",
        "require_pushed_authorization_requests",
        lambda client: client.require_pushed_authorization_requests or not _has_authorization_requests(client),
        only=True,
    ),
    Rule(
        "PKCE",
        "5.3.2.2",
        "PKCE must be required of it",
        "pkce",
        lambda client: client.pkce == "required",
        only="required",
    ),
    Rule(
        "https",
        "5.3.2.2",
        "each of its redirect URIs must begin with https://",
        "redirect_uris",
        lambda client: all(uri.startswith("https://") for uri in client.redirect_uris),
    ),
    Rule(
        "algorithm of assertions",
        "5.4.1",
        f"its assertions must be signed by {', '.join(FAPI2_ALGORITHMS)}, or any of them",
        "token_endpoint_auth_signing_alg",
        lambda client: client.token_endpoint_auth_signing_alg in ("", *FAPI2_ALGORITHMS),
    ),
    Rule(
        "algorithm of ID tokens",
        "5.4.1",
        "its ID tokens must not be signed with RS256",
        "id_token_signed_response_alg",
        lambda client: client.id_token_signed_response_alg in ("", *FAPI2_ALGORITHMS),
    ),
)


def broken_by(client: Client) -> list[Rule]:
    """The rules that the registration breaks."""
    return [rule for rule in RULES if not rule.is_kept_by(client)]


def check_record(client: Client) -> None:
    """Raises UnauthorizedClient if the record of the client breaks a rule. Call it before a request changes anything.

    The description tells which rules. It reveals nothing but the client's own fault.
    """
    if _good.get(client.client_id) is client:
        return
    if broken := broken_by(client):
        sentences = "; ".join(f"{rule.sentence} (section {rule.section})" for rule in broken)
        raise UnauthorizedClient(
            f"The registration of this client breaks the FAPI 2.0 Security Profile: {sentences}.",
            detail=f"its record breaks its profile: {', '.join(rule.name for rule in broken)}",
            client_id=client.client_id,
        )
    if len(_good) >= _MOST_GOOD:
        _good.clear()
    _good[client.client_id] = client


def values_to_set(client: Client) -> dict[str, str | bool]:
    """The members that break a rule and have just one value that keeps it, with that value."""
    return {rule.member: rule.only for rule in broken_by(client) if rule.only is not None}


def signing_alg(alg: str, keys: Sequence[SigningKey]) -> str:
    """The algorithm that signs a token of the client where `alg` is registered, empty for the first lane.

    It is never RS256 (§5.4.1): the first other lane signs instead, also for an API that is registered for RS256. Raises
    SigningFailed if no other lane signs.
    """
    if alg in FAPI2_ALGORITHMS:
        return alg
    for lane in signing_algs(keys):
        if lane in FAPI2_ALGORITHMS:
            return lane
    raise SigningFailed(
        detail="the profile fapi2 takes no RS256, and no other algorithm signs: deploy with SigningAlgorithm PS256, "
        "ES256, RS256+PS256 or RS256+ES256"
    )


def _has_authorization_requests(client: Client) -> bool:
    return "authorization_code" in client.grant_types
