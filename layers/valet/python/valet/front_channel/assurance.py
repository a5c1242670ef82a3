"""What a sign-in rests on: which proofs stand, which level they reach (OpenID Connect Core §2), and which level a
request needs (OpenID Connect Core §5.5.1.1, RFC 9470 §5).
"""

from collections.abc import Collection, Iterator, Mapping

from valet.front_channel.interaction import Level
from valet.front_channel.proving import JOINED, MAIL, PASSKEY, PASSWORD, SECOND, UPSTREAM
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.policy import Policy
from valet.models.proofs import Proof
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.identifiers import normal_address
from valet.ports.clients import Registry
from valet.protocol.account_visit import PASSKEYS, PROVIDERS, SECOND_FACTOR, SECTIONS
from valet.protocol.supported import (
    ACR_VALUES,
    MULTI_FACTOR_ACR,
    PASSKEY_ACR,
    PASSWORD_ACR,
    UPSTREAM_ACR,
    rank,
    reachable_acr_values,
    reaches,
)
from valet.standing import account_stands, own_acr

# By the kind of a sign-in's first proof: the `acr` that it reaches by itself. Who joins with a passkey has signed
# nothing yet (attestation is not asked for), so that the proof reaches no level (see `acr_of`). A mail reaches none:
# with a recovery code it leads to a new passkey, and nowhere else.
ACR: Mapping[str, str] = {
    PASSWORD: PASSWORD_ACR,
    PASSKEY: PASSKEY_ACR,
    UPSTREAM: UPSTREAM_ACR,
    JOINED: PASSWORD_ACR,
    MAIL: "",
}
# Where an end-user makes the means for a level, and which level it is. The first that is enough is where they are sent.
_MEANS = ((SECOND_FACTOR, MULTI_FACTOR_ACR), (PASSKEYS, PASSKEY_ACR))


def acr_of(kind: str, proof: Proof) -> str:
    """The level that the proof reaches by itself; empty: none."""
    return "" if _is_by_passkey_made(kind, proof) else ACR.get(kind, "")


class Told(Frozen):
    """What the word of other providers adds: roles of this session, and levels that a sign-in by it may reach."""

    roles: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()


NOTHING_TOLD = Told()


def told_of(session: Session | None, account: Account | None) -> Told:
    """The roles that the session has by a provider's word. They count only while the account names the identity."""
    if session is None or account is None or session.link not in account.links:
        return NOTHING_TOLD
    return Told(roles=session.roles)


def proof_stands(kind: str, proof: Proof, account: Account | None) -> bool:
    """Whether the account still is as the proof found it: in the same epoch, and naming what the proof rests on."""
    if account is None or not account_stands(account, proof.epoch, proof.at_ms):
        return False
    if kind == PASSKEY or _is_by_passkey_made(kind, proof):
        return proof.means in account.passkeys
    if kind == UPSTREAM:
        return proof.means in account.links
    if kind == MAIL:
        return account.email_verified and proof.means == normal_address(account.email)
    if kind == SECOND:
        return bool(proof.means) and proof.means in (account.totp_id, account.recovery_id)
    return kind in (PASSWORD, JOINED) and proof.means == account.password_id


def _is_by_passkey_made(kind: str, proof: Proof) -> bool:
    """Whether the end-user has joined with a passkey, and not with a password."""
    return kind == JOINED and "pwd" not in proof.amr


def level_for(
    asked: AuthorizationRequest,
    client: Client,
    account: Account | None,
    registry: Registry,
    features: Collection[str],
    told: Told = NOTHING_TOLD,
) -> Level:
    """The level that the request needs. `account` is that of the browser's session, None while nobody is signed in;
    `features` are the deployment's (settings.Settings.features), and `told` is what other providers add.
    """
    reachable = _reachable(account, features, told.levels)
    required, own = [client.required_acr], [""]
    if account is not None and asked.section:
        visit = level_for_visit(asked.section, account, registry.policy(), features, told)
        required, own = [visit.required], [visit.own]
    elif account is not None:
        policy = registry.policy()
        required += _required_of(account, policy, told)
        own += _own(account, policy)
    by_operator = _highest(*required, *own)
    if asked.preferred_acr_values:
        # Where the account can reach none of them, the first is required, and the request is refused.
        required.append(
            next((acr for acr in asked.preferred_acr_values if acr in reachable), asked.preferred_acr_values[0])
        )
    highest = _highest(*required, *own)
    essential = asked.acr_values or ACR_VALUES
    enough = tuple(acr for acr in reachable if acr in essential and reaches(acr, highest))
    if account is None:
        return Level(_highest(*required), enough=enough, ways=client.providers)
    # What only an operator requires, the end-user may get the means for now; but not past a factor that the account has
    # and that this deployment does not offer any more.
    best = _best(account, features)
    is_operators = best in reachable and not any(reaches(acr, by_operator) for acr in reachable)
    return Level(
        _highest(*required),
        _highest(*own),
        enough,
        client.providers,
        best=best,
        enrol=_section_for(by_operator, account, features, essential) if is_operators else "",
        totp_id=account.totp_id,
        can_recover=bool(account.recovery_id),
    )


def level_for_visit(
    section: str, account: Account, policy: Policy, features: Collection[str], told: Told = NOTHING_TOLD
) -> Level:
    """The level that a section of the account page needs (docs/people.md)."""
    best = _best(account, features)
    if SECTIONS[section].makes_means:
        # The best that the account can reach: who knows only its password changes nothing that a passkey or a second
        # factor protects. What else is required is what the account may be lacking the means for.
        return Level(best, totp_id=account.totp_id)
    required = [*_required_of(account, policy, told), *([best] if SECTIONS[section].needs_fresh_sign_in else [])]
    return Level(_highest(*required), _highest(*_own(account, policy)), totp_id=account.totp_id)


def _reachable(
    account: Account | None, features: Collection[str], also: Collection[str] = frozenset()
) -> tuple[str, ...]:
    """The levels that the account can reach in this deployment; those that some account can, for None."""
    reached = reachable_acr_values(
        has_passkeys=PASSKEYS in features and (account is None or bool(account.passkeys)),
        has_second_factor="second_factor" in features and (account is None or bool(account.totp_id)),
        has_providers=PROVIDERS in features and (account is None or bool(account.links)),
    )
    return tuple(acr for acr in ACR_VALUES if acr in reached or acr in also)


def _best(account: Account, features: Collection[str]) -> str:
    """The highest level that the account has the means for. If second factors are switched off, an account that has one
    cannot reach it: otherwise its password alone would be enough.
    """
    return _highest(_reachable(account, features)[-1], own_acr(account))


def _section_for(acr: str, account: Account, features: Collection[str], essential: Collection[str]) -> str:
    """The section of the account page where the end-user gets the means for the level; empty: nowhere."""
    lacks = {SECOND_FACTOR: not account.totp_id, PASSKEYS: not account.passkeys}
    found = (
        section
        for section, reached in _MEANS
        if lacks[section] and SECTIONS[section].needs in features and reaches(reached, acr) and reached in essential
    )
    return next(found, "")


def _required_of(account: Account, policy: Policy, told: Told) -> Iterator[str]:
    """The levels that the operator requires of this end-user at each sign-in."""
    yield account.required_acr
    roles = account.roles | told.roles
    for named in policy.role_required_acr:
        role, _, acr = named.rpartition("=")
        if role in roles:
            yield acr


def _own(account: Account, policy: Policy) -> Iterator[str]:
    """The levels for which a remembered browser is enough: the account's own, and the one that everybody has to have
    the means for.
    """
    yield own_acr(account)
    if policy.second_factor == "required":
        yield MULTI_FACTOR_ACR


def _highest(*levels: str) -> str:
    return max(levels, key=rank, default="")
