"""A person comes back from another provider, which has said who they are there: what becomes of that here.

people/linking decides. Here it is read what the decision needs, written what follows, and left a proof for /authorize
or for the account page. No session is opened, and no account is signed in to because of an address.
"""

from typing import Protocol

from valet.errors import UpstreamRefused
from valet.front_channel import linking
from valet.front_channel.linking import connect, new_link
from valet.front_channel.proving import LATE, UPSTREAM, place_of_proof
from valet.front_channel.trips import Trip, client_of
from valet.frozen import Frozen, replace
from valet.handles import new_id
from valet.models.accounts import Account, Identifier
from valet.models.proofs import Proof
from valet.models.providers import Identity, Link, Provider
from valet.people.identifiers import EMAIL, TAKEN_AGAIN_AFTER, is_found_by, normal_address
from valet.people.linking import Case, Decision, Known, Why, decide, has_proven, link_name, names_link
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.newcomers import HasNewcomers
from valet.ports.proofs import HasProofs
from valet.ports.runtime import HasSettings

_UNLINKED = (Case.ASK, Case.HAS_ACCOUNT)  # the end-user has to say so first, signed in to the account


class Ports(linking.Ports, HasSettings, HasAccounts, HasNewcomers, HasProofs, HasRegistry, Protocol):
    """The ports that a person arrives through."""


class Arrived(Frozen):
    """What became of it: who goes on, or why nobody does."""

    case: Case
    why: Why | None = None


def arrive(ports: Ports, trip: Trip, provider: Provider, identity: Identity, issuer: str, now: float) -> Arrived:
    """Write what follows from the provider's word, and leave a proof of it.

    Raises UpstreamRefused if a later trip of this browser has left its proof already.
    """
    for _ in range(2):  # once more, if another request has taken the identity meanwhile
        known = _known(ports, trip, provider, identity, now)
        decision = decide(known, now)
        account = _account_of(ports, known, decision, issuer, now)
        if account is not None or decision.case not in (Case.CREATE, Case.LINK):
            break
    if decision.case is Case.REFUSE:
        return Arrived(Case.REFUSE, decision.why)
    if account is None:
        return Arrived(Case.REFUSE, Why.CHANGED)
    _prove(ports, trip, account, provider, identity, is_linked=decision.case not in _UNLINKED, now=now)
    return Arrived(decision.case)


def arrived_before(ports: HasProofs, trip: Trip) -> Arrived | None:
    """What became of this very trip, if its answer came before: a browser may send a request twice."""
    proof = ports.proofs.find_proof(place_of_proof(trip.saved, UPSTREAM))
    if proof is None or proof.trip_ms != trip.begun_ms:
        return None
    if proof.sub:
        return Arrived(Case.SIGN_IN)
    return Arrived(Case.ASK if trip.saved.request.links_to else Case.HAS_ACCOUNT)


def _known(ports: Ports, trip: Trip, provider: Provider, identity: Identity, now: float) -> Known:
    name = link_name(provider.provider_id, identity)
    link = ports.links.find_link(name)
    linked = ports.accounts.find_account(link.sub) if link else None
    links_to = trip.saved.request.links_to
    client = client_of(ports, trip.saved)
    known = Known(provider, identity, link, linked, may_create=client is None or client.registration != "off")
    if links_to:
        # The account of a page that this browser has shown; if it is gone, there is nothing to link to.
        return replace(known, links_to=ports.accounts.find_account(links_to) or Account(links_to, "", is_disabled=True))
    if names_link(linked, name, link) or not identity.email:
        return known
    address = normal_address(identity.email)
    identifier = ports.newcomers.find_identifier(address)
    if identifier is None:
        return known
    account = ports.accounts.find_account(identifier.sub)
    if account is not None and is_found_by(account, address, identifier):
        return replace(known, found=account, is_address_free=False)
    return replace(known, is_address_free=0 < identifier.released_at < int(now) - TAKEN_AGAIN_AFTER)


def _account_of(ports: Ports, known: Known, decision: Decision, issuer: str, now: float) -> Account | None:
    """The account that the identity belongs to, or may: made or linked, where that was decided. None: nothing was."""
    provider, identity = known.provider, known.identity
    name = link_name(provider.provider_id, identity)
    account = decision.account
    match decision.case:
        case Case.SIGN_IN if account is not None and known.link is not None:
            _refresh(ports, account, known.link, name, identity, now)
            return account
        case Case.LINK if account is not None:
            link = new_link(ports, account.sub, provider.provider_id, identity)
            return connect(ports, account, link, name, known.link, issuer, now)
        case Case.CREATE:
            return _create(ports, known, decision.address, name, now)
    return account


def _refresh(ports: Ports, account: Account, link: Link, name: str, identity: Identity, now: float) -> None:
    """Keep what the provider tells now. The first time after the account was made so, finish what that invocation may
    have left: the address becomes a name of the account.
    """
    if not link.last_used_at and not account.username and has_proven(account, identity.email):
        _take_address(ports, account, now)
    told = replace(link, address=identity.email, name=identity.name, roles=identity.roles, last_used_at=int(now))
    ports.links.refresh_link(name, told)


def _create(ports: Ports, known: Known, address: str, name: str, now: float) -> Account | None:
    """Make the account, then its link, which is the write that counts: before it, nobody can reach the account. Then
    the told address becomes a name of it. None: another request has made the link.
    """
    identity, sub = known.identity, new_id(ports.random)
    account = Account(
        sub=sub,
        username="",
        name=identity.name,
        given_name=identity.given_name,
        family_name=identity.family_name,
        locale=identity.locale.replace("_", "-"),
        email=address,
        email_verified=bool(address),
        has_no_password=True,
        links=frozenset({name}),
        updated_at=int(now),
        created_at=int(now),
    )
    link = replace(new_link(ports, sub, known.provider.provider_id, identity), linked_at=int(now))
    ports.newcomers.keep_account(account)
    if not ports.links.put_link(name, link, known.link):
        ports.newcomers.drop_account(sub)
        return None
    ports.audit.record("account.created", sub=sub, provider=known.provider.provider_id)
    return _take_address(ports, account, now) if address else account


def _take_address(ports: Ports, account: Account, now: float) -> Account:
    """Give the account its address as a name. If another one has taken it at this moment, the account has none."""
    identifier = Identifier(account.sub, EMAIL, int(now))
    released_before = int(now) - TAKEN_AGAIN_AFTER
    if ports.newcomers.take_identifier(normal_address(account.email), identifier, released_before):
        return account
    ports.newcomers.forget_address(account)
    return replace(account, email="", email_verified=False)


def _prove(
    ports: Ports, trip: Trip, account: Account, provider: Provider, identity: Identity, *, is_linked: bool, now: float
) -> None:
    """Leave the proof. Without a link it names nobody who could be signed in, only the account that it may be linked
    to. Raises UpstreamRefused.
    """
    saved = trip.saved
    proof = Proof(
        proof_id=new_id(ports.random),
        sub=account.sub if is_linked else "",
        epoch=account.epoch,
        means=link_name(provider.provider_id, identity),
        amr=identity.amr,
        at_ms=int(now * 1000),
        expires_at=saved.created_at_ms // 1000 + ports.settings.saved_request_lifetime + LATE,
        identity=identity,
        links_to="" if is_linked else account.sub,
        trip_ms=trip.begun_ms,
    )
    if not ports.proofs.put_word(place_of_proof(saved, UPSTREAM), proof):
        raise UpstreamRefused("a later trip has come back already")
