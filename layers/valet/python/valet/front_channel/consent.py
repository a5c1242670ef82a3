"""The consent page and its form, and which consents are remembered (OpenID Connect Core §3.1.2.4)."""

from collections.abc import Mapping, Sequence
from time import gmtime, strftime
from typing import TYPE_CHECKING

from valet.errors import InvalidScope
from valet.front_channel import ahead
from valet.front_channel.forms import csrf_token, is_csrf_token
from valet.front_channel.interaction import is_remembered
from valet.front_channel.saved_requests import Saved
from valet.frozen import replace
from valet.http import Response, page
from valet.models.accounts import Account, Consent
from valet.models.clients import Client, Scope, Scopes
from valet.models.saved_requests import AuthorizationRequest
from valet.pages import consent
from valet.pages.consent import Said
from valet.pages.logos import data_uri
from valet.pages.words import Sentence, Variants, variants
from valet.people.identifiers import called
from valet.ports.accounts import Consents
from valet.protocol.authorization_request import Destination
from valet.protocol.claims import allowed, consent_scope
from valet.protocol.redirect_uri import destination as destination_in_words
from valet.protocol.redirect_uri import is_loopback
from valet.protocol.resource import still_named
from valet.protocol.scope import ISSUERS_OWN, OFFLINE_ACCESS, in_reading_order, narrowed_scope, the_scopes

if TYPE_CHECKING:
    from valet.pages.strangers import Stranger

_OUT_OF_DATE = Sentence("consent.out_of_date")
_RENEWED = Sentence("consent.renewed")


def narrowed(saved: Saved, client: Client, known: Scopes) -> Saved:
    """The saved request, with what is left of its scope: the page, the grant and the remembered consent are about one
    scope, even if a registration changes in between. Raises InvalidScope if nothing is left."""
    return replace(saved, request=remaining(saved.request, client, known))


def remaining(asked: AuthorizationRequest, client: Client, known: Scopes) -> AuthorizationRequest:
    """The request with what is left of its scope and its claims. Raises InvalidScope if no scope is."""
    scope, resource = remaining_scope(asked.scope, client, known), asked.resource
    if resource:
        scope, resource = still_named(resource, scope, known)
    return replace(
        asked,
        scope=scope,
        resource=resource,
        userinfo_claims=allowed(asked.userinfo_claims, client, known),
        id_token_claims=allowed(asked.id_token_claims, client, known),
    )


def remaining_scope(asked: Sequence[str], client: Client, known: Scopes) -> tuple[str, ...]:
    """The part of a saved request's scope that may still be granted. Raises InvalidScope if there is none."""
    scope = narrowed_scope(asked, client, known)
    if not scope:
        raise InvalidScope(f"{the_scopes(asked)} no longer registered for this client.", names=asked)
    return scope


def consent_page(
    saved: Saved,
    destination: Destination,
    account: Account | None,
    session_cookie: str,
    known: Scopes,
    *,
    is_again: bool = False,
) -> Response:
    """The page that asks the end-user to allow the client the scope of the saved request; `is_again` after a form that
    another page has sent, from before a new sign-in or for another scope."""
    upcoming = (f"{destination.issuer}/token",)
    shown = consent.page(
        action="/consent",
        request_handle=saved.handle,
        csrf_token=csrf_token(session_cookie, _shown(saved)),
        client_name=variants(destination.client, "client_name"),
        client_logo=data_uri(destination.client.logo),
        owner=destination.client.owner,
        client_links=_links(destination.client),
        stranger=_stranger(destination),
        answer_host=destination_in_words(saved.request.redirect_uri),
        username=called(account) if account else "",
        scopes=scopes_in_words(saved.request, known),
        switch_account=f"/login?request={saved.handle}",
        error=_OUT_OF_DATE if is_again else None,
        notice=_RENEWED if saved.is_renewed and not is_again else None,
        starts=ahead.images(upcoming),
        images=upcoming,
        ui_locales=saved.request.ui_locales,
    )
    return page(400 if is_again else 200, shown)


def _stranger(destination: Destination) -> "Stranger | None":
    """What has to be said about a client that no operator registered."""
    client, unknown = destination.client, destination.client.unknown
    if not client.is_unknown:
        return None
    # Only a deployment that takes such clients needs them.
    from valet.models.unknown_clients import DOCUMENT
    from valet.pages.strangers import Stranger, shown_name

    return Stranger(
        issuer_host=destination_in_words(destination.issuer),
        address=client.client_id if unknown.kind == DOCUMENT else "",
        told_name=shown_name(unknown.told_name, destination.issuer),
        registered_on=strftime("%Y-%m-%d", gmtime(unknown.registered_at)) if unknown.registered_at else "",
        is_on_this_computer=is_loopback(destination.redirect_uri),
    )


def _links(client: Client) -> list[tuple[Sentence, Variants]]:
    """The client's own pages that it is allowed by: what they are, and where."""
    pages = (("consent.website", "client_uri"), ("consent.terms", "tos_uri"), ("consent.privacy", "policy_uri"))
    return [(Sentence(key), variants(client, member)) for key, member in pages if _is_web(getattr(client, member))]


def _is_web(uri: str) -> bool:
    return uri.startswith("https://")


def scopes_in_words(
    request: AuthorizationRequest, known: Scopes
) -> list[tuple[Sentence | None, list[tuple[str, Said]]]]:
    """The scopes with their sentences: one list, or where there are several APIs, a list with a title for each.

    A scope of the issuer that an API names is there twice, because that API gets it as well.
    """
    asked = consent_scope(request)
    groups: list[tuple[Sentence | None, frozenset[str]]] = [(None, asked)]
    if len(request.resource) > 1:
        apis = [known.apis[audience] for audience in request.resource]
        last = asked & {OFFLINE_ACCESS}
        groups = [(None, (asked & ISSUERS_OWN) - last)]
        groups += [(Sentence("consent.at_api", {"api": api.name}), asked & api.scopes) for api in apis]
        groups.append((Sentence("consent.for_all"), last))
    return [
        (title, [(name, in_words(known.scopes[name])) for name in in_reading_order(names)])
        for title, names in groups
        if names
    ]


def in_words(scope: Scope) -> Said:
    """The scope's sentence: the pages' own for a standard scope, until an operator writes another."""
    # Only this page needs them, and /authorize imports this module too.
    from valet.protocol.standard_scopes import STANDARD_SCOPES

    if scope in STANDARD_SCOPES:
        return Sentence(f"scope.{scope.name}")
    return variants(scope, "description")


def is_consent_form(parameters: Mapping[str, str], saved: Saved, session_cookie: str) -> bool:
    """Whether the form was sent from this session's consent page, with this very scope."""
    return is_csrf_token(parameters.get("csrf_token", ""), session_cookie, _shown(saved))


def remember(
    request: AuthorizationRequest, client: Client, sub: str, consents: Consents, now: float, *, is_local: bool
) -> None:
    """Store what the end-user allowed, if it may replace the next consent."""
    if is_remembered(request.redirect_uri, client, is_local=is_local):
        consents.remember_consent(Consent(sub, client.client_id, consent_scope(request), int(now)))


def _shown(saved: Saved) -> str:
    """The content of the page, for which its CSRF token is good."""
    scopes = " ".join((saved.handle, *sorted(consent_scope(saved.request))))
    return "\n".join((scopes, *saved.request.resource))
