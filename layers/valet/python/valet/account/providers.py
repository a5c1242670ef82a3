"""The section of the account page with the identities at other providers that a person signs in with: link one, remove
it.

The function credentials serves it. A link begins with a trip from this page, or with a sign-in by a provider that told
this account's address. Either way this page names both, the identity and the account, and its form links the very
identity that this browser came back with for that request.
"""

from functools import partial
from typing import Protocol

from valet.account import first_means, visit
from valet.account.first_means import FirstMeans
from valet.account.visit import OUT_OF_DATE, Visit, announce_everything, at, out_of_date
from valet.front_channel.home_realm import is_offered, offered
from valet.front_channel.linking import connect, new_link
from valet.front_channel.proving import UPSTREAM
from valet.front_channel.saved_requests import save_request
from valet.front_channel.steps import DENIED, UNAVAILABLE, back_to_authorize_by_handle
from valet.frozen import Frozen, replace
from valet.handles import is_handle, place_of
from valet.http import Parameters, Response, redirect
from valet.models.proofs import Place, Proof
from valet.models.providers import Link, Provider
from valet.pages.words import Sentence, Variants, variants
from valet.people.cookies import browser_or_new, browser_secret
from valet.people.linking import names_link, provider_of
from valet.people.notices import notify
from valet.ports.links import HasLinks
from valet.ports.proofs import HasProofs
from valet.ports.providers import HasProviders
from valet.protocol.account_visit import account_visit

_SECTION = "providers"


class Ports(visit.Ports, first_means.Ports, HasLinks, HasProofs, HasProviders, Protocol):
    """The ports that links are looked after through."""


class _Asked(Frozen):
    """An identity that the person may link: the word of the provider, for the saved request of this handle."""

    handle: str
    word: Proof
    provider: Provider


def show(ports: Ports, visit: Visit) -> Response:
    query = visit.request.query()
    if "request" in query:
        asked = _asked(ports, visit, query["request"])
        return _page(ports, visit, asked, error=None if asked else Sentence("account.providers.gone"))
    why, named = query.get("why", ""), ports.providers.find_provider(query.get("provider", ""))
    if named is None or why not in (DENIED, UNAVAILABLE):
        return _page(ports, visit)
    return _page(ports, visit, error=Sentence(f"account.providers.{why}", {"provider": variants(named, "name")}))


def act(ports: Ports, visit: Visit, form: Parameters) -> Response:
    """Begin a trip, link what this browser came back with, go on without, or remove a link."""
    match form.get("do", ""):
        case "connect" if visit.is_form(form, "connect"):
            return _begin(ports, visit, form.get("provider", ""))
        case "confirm" | "later" | first_means.SEND | first_means.ENTER as decision:
            asked = _asked(ports, visit, form.get("request", ""))
            if asked is None:
                return _page(ports, visit, status=400, error=Sentence("account.providers.gone"))
            return _answer(ports, visit, form, asked, decision)
        case "remove" if visit.is_form(form, "remove", form.get("link", "")):
            return _remove(ports, visit, form["link"], is_lost=form.get("lost", "") == "yes")
    raise out_of_date(_page(ports, visit, status=400, error=OUT_OF_DATE))


def _begin(ports: Ports, visit: Visit, provider_id: str) -> Response:
    """A trip to the provider, for a saved request that says whose account the identity is to be linked to."""
    provider = ports.providers.find_provider(provider_id)
    if provider is None or not is_offered(provider, None):
        raise out_of_date(_page(ports, visit, status=400, error=OUT_OF_DATE))
    asked = replace(account_visit(_SECTION), links_to=visit.visitor.account.sub)
    browser, cookies = browser_or_new(visit.request, ports.cookies, ports.random)
    now_ms = int(visit.now * 1000)
    saved = save_request(asked, browser, ports.saved_requests, ports.settings, ports.random, created_at_ms=now_ms)
    trip = f"{visit.request.issuer}/federate/{provider_id}?request={saved.handle}"
    return redirect(trip).with_cookies(*cookies)


def _answer(ports: Ports, visit: Visit, form: Parameters, asked: _Asked, decision: str) -> Response:
    """What the person says to the question. The first means that an account gets also costs a code by mail."""
    if decision in (first_means.SEND, first_means.ENTER):
        return first_means.act(ports, visit, form, partial(_page_of_first_means, ports, visit, asked))
    proof = form.get(first_means.FIELD, "")
    if not visit.is_form(form, decision, asked.handle, asked.word.proof_id, proof):
        raise out_of_date(_page(ports, visit, asked, status=400, error=OUT_OF_DATE))
    if decision == "later":
        return _on(visit, asked)
    if not first_means.is_proven(ports, visit, proof):
        return _page(ports, visit, asked, status=400, error=Sentence("first_means.needed"))
    return _confirm(ports, visit, asked)


def _confirm(ports: Ports, visit: Visit, asked: _Asked) -> Response:
    account, word = visit.visitor.account, asked.word
    found = ports.links.find_link(word.means)
    owner = ports.accounts.find_account(found.sub) if found else None
    if names_link(owner, word.means, found):
        if owner is not None and owner.sub == account.sub:
            return _on(visit, asked)  # a second click
        return _page(ports, visit, status=400, error=Sentence("account.providers.not_connected"))
    link = new_link(ports, account.sub, asked.provider.provider_id, word.identity)
    if connect(ports, account, link, word.means, found, visit.request.issuer, visit.now) is None:
        return _page(ports, visit, status=400, error=Sentence("account.providers.not_connected"))
    return _on(visit, asked)


def _remove(ports: Ports, visit: Visit, name: str, *, is_lost: bool) -> Response:
    account = visit.visitor.account
    if name not in account.links:
        return visit.back()  # a second click
    link = ports.links.find_link(name)
    notify(ports, account, "link.removed", visit.request.issuer, visit.now, name)
    if is_lost:
        announce_everything(visit, "signed_out_everywhere")
    if not ports.links.drop_link(account, name, visit.now, is_lost=is_lost):
        raise out_of_date(_page(ports, visit, status=400, error=Sentence("account.providers.not_removed")))
    if link is not None and link.sub == account.sub:
        ports.links.delete_link(name, link)
    ports.audit.record("link.removed", sub=account.sub, source_ip=visit.request.source_ip, provider=provider_of(name))
    if is_lost:
        return redirect(f"{visit.request.issuer}/account")  # it ends the sessions and grants, this one included
    return visit.back()


def _asked(ports: Ports, visit: Visit, handle: str) -> _Asked | None:
    """What this browser came back with for that saved request, if it may be linked to this very account, as it was
    then. None: there is no such word, or no longer.
    """
    browser, account = browser_secret(visit.request, ports.cookies), visit.visitor.account
    if browser is None or not is_handle(handle):
        return None
    word = ports.proofs.find_proof(Place(UPSTREAM, place_of(handle, browser)))
    if word is None or word.links_to != account.sub or word.epoch != account.epoch or word.expires_at <= visit.now:
        return None
    provider = ports.providers.find_provider(provider_of(word.means))
    return None if provider is None or provider.is_disabled else _Asked(handle, word, provider)


def _on(visit: Visit, asked: _Asked) -> Response:
    """Back to the request that the trip was for; a trip from this page leads back to it."""
    return back_to_authorize_by_handle(asked.handle, visit.request.issuer)


def _page_of_first_means(
    ports: Ports, visit: Visit, asked: _Asked, first: FirstMeans, error: Sentence | None
) -> Response:
    return _page(ports, visit, asked, status=400 if error else 200, error=error, first=first)


def _page(
    ports: Ports,
    visit: Visit,
    asked: _Asked | None = None,
    *,
    first: FirstMeans | None = None,
    status: int = 200,
    error: Sentence | None = None,
) -> Response:
    """The question, for an identity that the person may link; else the list of those that are linked."""
    if asked is not None:
        return _question(visit, asked, first or first_means.asked(ports, visit), status, error)
    every = ports.providers.providers()
    return visit.page(
        status=status,
        error=error,
        asked=False,
        rows=[_row(visit, name, link, every) for name, link in _links(ports, visit)],
        offered=[(each.provider_id, variants(each, "name")) for each in offered(every, None)],
        connect=visit.token("connect"),
    )


def _question(visit: Visit, asked: _Asked, first: FirstMeans, status: int, error: Sentence | None) -> Response:
    """The page that names both, the identity and the account."""
    about, identity, carried = (asked.handle, asked.word.proof_id), asked.word.identity, {"request": asked.handle}
    return visit.page(
        status=status,
        error=error,
        again={**carried, **({"code": "yes"} if first.asks_code else {})},
        asked=True,
        first=first,
        carried=carried,
        provider=variants(asked.provider, "name"),
        told=[each for each in (identity.name, identity.email) if each],
        account=visit.visitor.account,
        confirm=visit.token("confirm", *about, first.proof),
        later=visit.token("later", *about, ""),
    )


def _links(ports: Ports, visit: Visit) -> list[tuple[str, Link | None]]:
    """The links that the account names, the oldest first; None for one whose item is missing or another account's."""
    account = visit.visitor.account
    found = [(name, ports.links.find_link(name)) for name in account.links]
    own = [(name, link if link is not None and link.sub == account.sub else None) for name, link in found]
    return sorted(own, key=lambda each: (each[1].linked_at if each[1] else 0, each[0]))


def _row(
    visit: Visit, name: str, link: Link | None, every: tuple[Provider, ...]
) -> tuple[str, str | Variants, str, str, str, str]:
    """A link, as its row shows it: its name, the provider, who it is there, when it was made and used, a token."""
    provider = next((each for each in every if each.provider_id == provider_of(name)), None)
    shown = variants(provider, "name") if provider else Variants(provider_of(name))
    person = (link.address or link.name) if link else ""
    made = at(link.linked_at) if link and link.linked_at else ""
    used = at(link.last_used_at) if link and link.last_used_at else ""
    return name, shown, person, made, used, visit.token("remove", name)
