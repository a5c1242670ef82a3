"""What a sign-in rests on: which proofs stand, which level they reach (OpenID Connect Core §2), and which level a
request needs (OpenID Connect Core §5.5.1.1, RFC 9470 §5).
"""

from collections.abc import Collection, Iterator, Mapping

from valet.front_channel.interaction import Level
from valet.front_channel.proving import JOINED, MAIL, PASSKEY, PASSWORD, UPSTREAM
from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.proofs import Proof
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session
from valet.people.identifiers import normal_address
from valet.ports.clients import Registry
from valet.protocol.account_visit import PASSKEYS, PROVIDERS
from valet.protocol.supported import (
    ACR_VALUES,
    PASSKEY_ACR,
    PASSWORD_ACR,
    UPSTREAM_ACR,
    rank,
    reachable_acr_values,
    reaches,
)
from valet.standing import account_stands

# By the kind of a sign-in's first proof: the `acr` that it reaches by itself. Who joins with a passkey has signed
# nothing yet (attestation is not asked for), so that the proof reaches no level (see `acr_of`).
ACR: Mapping[str, str] = {PASSWORD: PASSWORD_ACR, PASSKEY: PASSKEY_ACR, UPSTREAM: UPSTREAM_ACR, JOINED: PASSWORD_ACR}


def acr_of(kind: str, proof: Proof) -> str:
    """The level that the proof reaches by itself; empty: none."""
    return "" if _is_by_passkey_made(kind, proof) else ACR[kind]


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
    has_passkeys = PASSKEYS in features
    reachable = _reachable(account, features, told.levels)
    if account is not None and asked.section:
        required = list(required_for_visit(asked.section, account, features))
    else:
        required = [client.required_acr, *(_required_of(account, registry, told.roles) if account else ())]
    by_operator = max(required, key=rank, default="")
    if asked.preferred_acr_values:
        # Where the account can reach none of them, the first is required, and the request is refused.
        required.append(
            next((acr for acr in asked.preferred_acr_values if acr in reachable), asked.preferred_acr_values[0])
        )
    highest = max(required, key=rank, default="")
    essential = asked.acr_values or ACR_VALUES
    enough = tuple(acr for acr in reachable if acr in essential and reaches(acr, highest))
    # What only an operator requires, the end-user may get the means for now.
    lacks_means = has_passkeys and account is not None and not account.passkeys
    is_operators = not any(reaches(acr, by_operator) for acr in reachable) and reaches(PASSKEY_ACR, by_operator)
    return Level(highest, enough, client.providers, can_enrol=lacks_means and is_operators and PASSKEY_ACR in essential)


def required_for_visit(section: str, account: Account, features: Collection[str]) -> Iterator[str]:
    """The levels that a section of the account page needs (docs/people.md)."""
    from valet.protocol.account_visit import SECTIONS  # most requests are a client's

    if SECTIONS[section].needs_fresh_sign_in:
        # The best that the account can reach: who knows only its password changes nothing that a passkey protects.
        yield _reachable(account, features)[-1]
    if section != PASSKEYS or account.passkeys:  # the first passkey is what the level may be lacking
        yield account.required_acr


def _reachable(
    account: Account | None, features: Collection[str], also: Collection[str] = frozenset()
) -> tuple[str, ...]:
    """The levels that the account can reach in this deployment; those that some account can, for None."""
    reached = reachable_acr_values(
        has_passkeys=PASSKEYS in features and (account is None or bool(account.passkeys)),
        has_providers=PROVIDERS in features and (account is None or bool(account.links)),
    )
    return tuple(acr for acr in ACR_VALUES if acr in reached or acr in also)


def _required_of(account: Account, registry: Registry, told_roles: frozenset[str]) -> Iterator[str]:
    """The levels that the operator requires of this end-user."""
    yield account.required_acr
    if roles := account.roles | told_roles:  # only then is the policy read
        for named in registry.policy().role_required_acr:
            role, _, acr = named.rpartition("=")
            if role in roles:
                yield acr
