"""Step-up (RFC 9470) in an API behind Valet's Lambda authorizer: the 401 that this cannot answer on an HTTP API."""

import re
from collections.abc import Mapping

from valet.clock import Clock, system_clock
from valet.resource_server import step_up
from valet.resource_server.identifiers import RESOURCE_METADATA
from valet.resource_server.proofs import ALGS

from valet_resource_server.refusals import InsufficientUserAuthentication

NAMES = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")  # RFC 6749 §3.3, scope


def require_user_authentication(
    authorizer: Mapping[str, object],
    *,
    acr: str = "",
    max_age: int | None = None,
    resource_metadata: str = "",
    clock: Clock = system_clock,
) -> None:
    """Raise InsufficientUserAuthentication unless the end-user signed in as this request needs it.

    `authorizer` is what the authorizer told: event["requestContext"]["authorizer"]["lambda"] behind an HTTP API,
    event["requestContext"]["authorizer"] behind a REST API. `acr` is the levels of which one is enough, in order of
    preference, with spaces between them. `max_age` is the most seconds since the sign-in. A token that does not tell
    what is asked for, such as that of a client on its own behalf, is not enough. `resource_metadata` is the address of
    this API's own metadata (RFC 9728), for the challenge. `clock` is for tests.

    Raises ValueError if the arguments ask for nothing or are malformed, or if `authorizer` is not of Valet's
    authorizer.
    """
    levels = levels_of(acr, max_age)
    if not levels and max_age is None:
        raise ValueError("neither acr nor max_age is given, so nothing is required of the sign-in")
    if resource_metadata and not RESOURCE_METADATA.fullmatch(resource_metadata):
        raise ValueError(f"resource_metadata is {resource_metadata!r}, and must be an https address")
    if not isinstance(authorizer.get("jti"), str):
        raise ValueError("authorizer is not what Valet's authorizer told this API: it has no jti")
    told = {name: value for name, value in authorizer.items() if isinstance(value, str)}
    lacks = lacks_of(told, levels, max_age, clock().wall)
    if not any(lacks):
        return
    members, scheme = step_up.members(levels, max_age, lacks), "Bearer"
    if told.get("cnf_jkt"):
        scheme, members["algs"] = "DPoP", ALGS
    if resource_metadata:
        members["resource_metadata"] = resource_metadata
    challenge = ", ".join(f'{name}="{value}"' for name, value in members.items())
    reason = step_up.reason(levels, max_age, lacks, told)
    raise InsufficientUserAuthentication(reason, {"WWW-Authenticate": f"{scheme} {challenge}"})


def levels_of(acr: str, max_age: int | None) -> tuple[str, ...]:
    """The levels in `acr`. Raises ValueError, also if `max_age` is no number of seconds."""
    if not NAMES.fullmatch(acr):
        raise ValueError(f'acr is {acr!r}, and must be levels with one space between them, as in "silver gold"')
    if max_age is not None and (type(max_age) is not int or max_age < 1):
        raise ValueError(f"max_age is {max_age!r}, and must be a whole number of seconds, at least 1")
    return tuple(acr.split())


def lacks_of(told: Mapping[str, str], levels: tuple[str, ...], max_age: int | None, now: float) -> tuple[bool, bool]:
    """Whether another level is needed, and whether a newer sign-in is."""
    is_too_old = max_age is not None and step_up.age_of(told, now) > max_age
    return bool(levels) and told.get("acr") not in levels, is_too_old
