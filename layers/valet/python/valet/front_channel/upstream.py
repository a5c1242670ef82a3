"""What another provider's word adds to an authorization request: to its session, to its level, and a step.

/authorize imports this only where a provider is involved.
"""

from typing import Protocol

from valet.front_channel.assurance import level_for_visit
from valet.front_channel.home_realm import mapped_levels
from valet.front_channel.opening import Opened
from valet.front_channel.proving import UPSTREAM, place_of_proof
from valet.front_channel.saved_requests import Saved
from valet.front_channel.steps import NOT_FRESH, to_sign_in_page
from valet.frozen import replace
from valet.http import Response, redirect
from valet.models.accounts import Account
from valet.models.proofs import Proof
from valet.models.sessions import Session
from valet.people.linking import provider_of
from valet.ports.clients import HasRegistry
from valet.ports.proofs import HasProofs
from valet.ports.providers import HasProviders
from valet.ports.runtime import HasSettings
from valet.protocol.account_visit import PROVIDERS, address
from valet.protocol.supported import ACR_VALUES, UPSTREAM_ACR
from valet.standing import has_reached

# Seconds that the clock of a provider may be behind ours: a sign-in that it asked for because of the request must not
# count as older than that.
_BEHIND = 60


class Ports(HasSettings, HasRegistry, HasProofs, HasProviders, Protocol):
    """The ports that a provider's word is read through."""


def by_provider(session: Session, proof: Proof, saved: Saved) -> Session:
    """The session with the level, the methods, the roles and the time that the provider told (OpenID Connect Core §2).

    If the provider did not say when the end-user signed in there, nobody knows: `auth_time` is the beginning of the
    trip, and the session is never fresh enough for a request that asks for that.
    """
    identity, begun_ms = proof.identity, saved.created_at_ms
    if identity.auth_time is None:
        told_ms = max(min(proof.trip_ms, proof.at_ms), begun_ms)
    else:
        told_ms = min(identity.auth_time * 1000, proof.at_ms)
        if told_ms >= begun_ms - _BEHIND * 1000:
            told_ms = max(told_ms, begun_ms)
    return replace(
        session,
        acr=identity.acr if identity.acr in ACR_VALUES else UPSTREAM_ACR,
        auth_time_ms=told_ms,
        link=proof.means,
        roles=identity.roles,
        is_time_unknown=identity.auth_time is None,
    )


def levels_elsewhere(ports: HasProviders, account: Account | None) -> frozenset[str]:
    """The levels that a sign-in by another provider may reach by the operator's rules: by those that the account is
    linked to; by any, for None.
    """
    found = [each for each in ports.providers.providers() if not each.is_disabled]
    if account is not None:
        linked = {provider_of(link) for link in account.links}
        found = [each for each in found if each.provider_id in linked]
    return mapped_levels(found)


def to_link(ports: Ports, saved: Saved, opened: Opened, issuer: str, now: float) -> Response | None:
    """The redirect to the page that asks whether an identity is theirs, for an end-user who has just signed in by means
    of this server, and who came back from another provider before, with an identity that has their account's address.
    """
    if opened.session.link:
        return None
    word, account = ports.proofs.find_proof(place_of_proof(saved, UPSTREAM)), opened.account
    if word is None or word.links_to != account.sub or word.epoch != account.epoch or word.expires_at <= now:
        return None
    level = level_for_visit(PROVIDERS, account, ports.registry.policy(), ports.settings.features)
    if word.means in account.links or not has_reached(opened.session, level.required, level.own, level.totp_id):
        return None
    return redirect(f"{address(issuer, PROVIDERS)}?request={saved.handle}")


def to_other_means(saved: Saved, session: Session, issuer: str) -> Response:
    """Back to the sign-in page, from a visit of the account page: the provider did not say that the sign-in is recent.
    There is no client to tell.
    """
    return to_sign_in_page(saved, issuer, provider_of(session.link), NOT_FRESH)
