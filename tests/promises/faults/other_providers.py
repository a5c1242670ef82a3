"""What must hold after a fault on the way from another provider: an identity is one account's, and whoever comes back
once more from a new trip gets on. A code may be spent without an answer: it is the provider's, and good for one use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from valet.models.accounts import Account
from valet.people.identifiers import is_found_by
from valet.people.linking import link_name, names_link

from tests.promises.counts import upstream
from tests.promises.counts.upstream import SECTION, Return
from tests.support.browser import filled_in
from tests.support.federation import identity_of
from tests.support.wire import Answer

if TYPE_CHECKING:
    from tests.promises.faults.aftermath import Run


def after_begun(run: Run) -> None:
    answer = run.settled()
    assert answer.status == 303
    assert "https://idp" in answer.location


def after_post(run: Run) -> None:
    answer = run.settled()
    assert answer.status == 303
    assert "/callback?state=" in answer.location


def after_sign_in(run: Run) -> None:
    """The account that the identity had."""
    assert _signs_in(run) == "demo-john"
    assert _owner(run) == "demo-john"


def after_new_account(run: Run) -> None:
    """One account, which has the address as a name. One that lost its first writes is reached by nobody."""
    sub = _signs_in(run)
    assert _signs_in_anew(run) == sub == _owner(run)
    account = _account(run, sub)
    assert account.email_verified
    identifier = run.world.deployment.server.newcomers.find_identifier(account.email)
    assert identifier is not None
    assert is_found_by(account, account.email, identifier)


def after_linked(run: Run) -> None:
    assert _signs_in(run) == "demo-john"
    assert _owner(run) == "demo-john"
    assert len(_account(run, "demo-john").links) == 1


def after_has_account(run: Run) -> None:
    """Nobody is signed in, and nothing is linked: the account's own means are asked for."""
    answer = run.settled()
    page = run.world.browser.follow(answer if answer.status == 303 else _return(run)())
    assert 'name="password"' in page.body
    assert _owner(run) is None


def after_to_link(run: Run) -> None:
    """Nothing is linked before John has said so; then it is."""
    answer = run.settled()
    assert _owner(run) is None
    if answer.status != 303:
        back = _return(run)
        answer = upstream.to_link(run.world, back.federation, back.idp)()
    run.world.browser.post(*filled_in(run.world.browser.follow(answer), "do", "confirm"))
    assert _owner(run) == "demo-john"


def after_refused(run: Run) -> None:
    answer = run.settled()
    assert answer.status == 400
    assert _return(run)().status == 400
    assert _owner(run) is None


def after_denied(run: Run) -> None:
    assert "/login?request=" in run.settled().location


def after_told(run: Run) -> None:
    """A code, after what the person allows, or the sign-in page: a proof may be spent for a session whose cookie was
    never answered.
    """
    page = run.world.browser.follow(run.settled())
    if 'name="password"' in page.body:
        page = run.world.browser.sign_in(page)
    answer = run.world.browser.decide(page) if page.is_page else page
    assert "code" in answer.answered


def after_provider_begun(run: Run) -> None:
    answer = run.settled()
    assert answer.status == 303
    assert "https://idp" in run.world.browser.follow(answer).location


def after_provider_linked(run: Run) -> None:
    """One link, in force. A page that is out of date by then shows it, or offers a new trip."""
    run.settled()
    name = next(iter(_account(run, "demo-john").links), "")
    link = run.world.deployment.server.links.find_link(name)
    assert names_link(_account(run, "demo-john"), name, link)
    assert "/callback" not in run.world.browser.get(SECTION).body


def after_provider_removed(run: Run) -> None:
    """Removed by one write. What is left of the item is in force for nobody."""
    run.settled()
    assert not _account(run, "demo-john").links
    assert "No other provider" in run.world.browser.get(SECTION).body


def _return(run: Run) -> Return:
    """The same person comes back from a new trip. `run.request` is the trip that met the fault."""
    before = run.request
    assert isinstance(before, Return)
    if run.world.browser.cookies:
        run.world.browser.cookies = {}
    return upstream.sign_in(run.world, before.federation, before.idp)


def _signs_in(run: Run) -> str:
    """Whoever the person is signed in to in the end."""
    answer = run.settled()
    if answer.status != 303:
        assert run.is_open, answer
        assert answer.status == 400
        return _signs_in_anew(run)
    return _who(run, answer)


def _signs_in_anew(run: Run) -> str:
    return _who(run, _return(run)())


def _who(run: Run, answer: Answer) -> str:
    world = run.world
    page = world.browser.follow(answer)
    answer = world.browser.decide(page) if page.is_page else page
    grant = world.deployment.server.grants.find(answer.answered["code"].partition(".")[0])
    assert grant is not None
    return grant.sub


def _owner(run: Run) -> str | None:
    """Whose the identity is."""
    request = run.request
    assert isinstance(request, Return)
    server = run.world.deployment.server
    name = link_name(request.idp.provider.provider_id, identity_of(request.idp))
    link = server.links.find_link(name)
    account = server.accounts.find_account(link.sub) if link else None
    return account.sub if account is not None and names_link(account, name, link) else None


def _account(run: Run, sub: str) -> Account:
    account = run.world.deployment.server.accounts.find_account(sub)
    assert account is not None
    return account


def _reads(run: Run) -> None:
    assert run.settled().body == run.request().body


OTHER_PROVIDERS: Mapping[str, Callable[[Run], None]] = {
    "federate_begun": after_begun,
    "federate_by_post": after_post,
    "federate_sign_in": after_sign_in,
    "federate_new_account": after_new_account,
    "federate_linked": after_linked,
    "federate_has_account": after_has_account,
    "federate_to_link": after_to_link,
    "federate_refused": after_refused,
    "federate_denied": after_denied,
    "authorize_told": after_told,
    "providers_page": _reads,
    "provider_begun": after_provider_begun,
    "provider_linked": after_provider_linked,
    "provider_removed": after_provider_removed,
}
