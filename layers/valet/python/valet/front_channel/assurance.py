"""What a sign-in rests on: which proofs stand, which level they reach (OpenID Connect Core §2), and which level a
request needs (OpenID Connect Core §5.5.1.1, RFC 9470 §5).
"""

from collections.abc import Collection, Iterator, Mapping

from valet.front_channel.interaction import Level
from valet.front_channel.proving import MAIL, PASSKEY, PASSWORD, SECOND
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.policy import Policy
from valet.models.proofs import Proof
from valet.models.saved_requests import AuthorizationRequest
from valet.people.identifiers import normal_address
from valet.ports.clients import Registry
from valet.protocol.account_visit import PASSKEYS, SECOND_FACTOR, SECTIONS
from valet.protocol.supported import (
    ACR_VALUES,
    MULTI_FACTOR_ACR,
    PASSKEY_ACR,
    PASSWORD_ACR,
    rank,
    reachable_acr_values,
    reaches,
)
from valet.standing import account_stands, own_acr

# By the kind of a sign-in's first proof: the `acr` that it reaches by itself. A mail reaches none: with a recovery code
# it leads to a new passkey, and nowhere else.
ACR: Mapping[str, str] = {PASSWORD: PASSWORD_ACR, PASSKEY: PASSKEY_ACR, MAIL: ""}
# Where an end-user makes the means for a level, and which level it is. The first that is enough is where they are sent.
_MEANS = ((SECOND_FACTOR, MULTI_FACTOR_ACR), (PASSKEYS, PASSKEY_ACR))


def proof_stands(kind: str, proof: Proof, account: Account | None) -> bool:
    """Whether the account still is as the proof found it: in the same epoch, and naming what the proof rests on."""
    if account is None or not account_stands(account, proof.epoch, proof.at_ms):
        return False
    if kind == PASSWORD:
        return proof.means == account.password_id
    return bool(proof.means) and proof.means in _means_of(kind, account)


def _means_of(kind: str, account: Account) -> Collection[str]:
    """What the account names of the kind now."""
    if kind == PASSKEY:
        return account.passkeys
    if kind == SECOND:
        return (account.totp_id, account.recovery_id)
    return (normal_address(account.email),) if kind == MAIL and account.email_verified else ()


def level_for(
    asked: AuthorizationRequest,
    client: Client,
    account: Account | None,
    registry: Registry,
    features: Collection[str],
) -> Level:
    """The level that the request needs. `account` is that of the browser's session, None while nobody is signed in;
    `features` are the deployment's (settings.Settings.features).
    """
    reachable = _reachable(account, features)
    required, own = [client.required_acr], [""]
    if account is not None and asked.section:
        visit = level_for_visit(asked.section, account, registry.policy(), features)
        required, own = [visit.required], [visit.own]
    elif account is not None:
        policy = registry.policy()
        required += _required_of(account, policy)
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
        return Level(_highest(*required), enough=enough)
    # What only an operator requires, the end-user may get the means for now; but not past a factor that the account has
    # and that this deployment does not offer any more.
    best = _best(account, features)
    is_operators = best in reachable and not any(reaches(acr, by_operator) for acr in reachable)
    return Level(
        _highest(*required),
        _highest(*own),
        enough,
        best=best,
        enrol=_section_for(by_operator, account, features, essential) if is_operators else "",
        totp_id=account.totp_id,
        can_recover=bool(account.recovery_id),
    )


def level_for_visit(section: str, account: Account, policy: Policy, features: Collection[str]) -> Level:
    """The level that a section of the account page needs (docs/people.md)."""
    best = _best(account, features)
    if SECTIONS[section].makes_means:
        # The best that the account can reach: who knows only its password changes nothing that a passkey or a second
        # factor protects. What else is required is what the account may be lacking the means for.
        return Level(best, totp_id=account.totp_id)
    required = [*_required_of(account, policy), *([best] if SECTIONS[section].needs_fresh_sign_in else [])]
    return Level(_highest(*required), _highest(*_own(account, policy)), totp_id=account.totp_id)


def _reachable(account: Account | None, features: Collection[str]) -> tuple[str, ...]:
    """The levels that the account can reach in this deployment; those that some account can, for None."""
    return reachable_acr_values(
        has_passkeys=PASSKEYS in features and (account is None or bool(account.passkeys)),
        has_second_factor="second_factor" in features and (account is None or bool(account.totp_id)),
    )


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


def _required_of(account: Account, policy: Policy) -> Iterator[str]:
    """The levels that the operator requires of this end-user at each sign-in."""
    yield account.required_acr
    for named in policy.role_required_acr:
        role, _, acr = named.rpartition("=")
        if role in account.roles:
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
