"""What must hold after a fault, by kind of request, once the client has tried again: never two live successors, no lost
grant, no false revocation, no live token that a revocation misses. Only two things may be spent without an answer: a
code whose redemption took effect but whose answer was lost, and a saved request whose grant did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from valet.introspection import read_access_token
from valet.models.accounts import Account
from valet.models.grants import Grant
from valet.tokens.verify import Verified

from tests.promises.counts.requests import NEW_ADDRESS, NEW_PASSWORD, Request
from tests.promises.faults.devices import DEVICES
from tests.promises.faults.injection import Fault
from tests.promises.faults.other_providers import OTHER_PROVIDERS
from tests.promises.faults.second_factors import SECOND_FACTORS
from tests.promises.faults.strangers import STRANGERS
from tests.support.browser import Browser
from tests.support.status_bits import indices_of
from tests.support.wire import Answer, encoded
from tests.support.world import World

UNAVAILABLE = "temporarily_unavailable"


@dataclass
class Run:
    """A request that met a fault."""

    world: World
    request: Request
    call: str
    fault: Fault
    first: Answer | None  # None: killed
    land: Callable[[], None]  # what is still on its way takes effect

    def settled(self) -> Answer:
        """The answer; if there was none, the answer to the same request, sent again without a fault."""
        if self.fault is Fault.LATE:
            self.land()
        answer = self.request() if self.is_open else self.first
        if self.fault is Fault.LATER:
            self.land()
        assert answer is not None
        assert not is_outage(answer), answer
        return answer

    @property
    def is_open(self) -> bool:
        """Whether the sender does not know the outcome."""
        return self.first is None or is_outage(self.first)

    def may_be_spent_by(self, *calls: str) -> bool:
        """Whether that call was made and took effect, and its answer was lost."""
        return self.call in calls and self.fault in (Fault.UNHEARD_TWICE, Fault.LATE, Fault.KILLED)


def is_outage(answer: Answer) -> bool:
    """The specified way to say that nothing was decided: 503, or an error in the redirect."""
    if answer.status == 503:
        return answer.is_page or (answer.error == UNAVAILABLE and answer.headers["retry-after"] == "1")
    return answer.status == 303 and f"error={UNAVAILABLE}" in answer.location


# -- what can be asked of the world ----------------------------------------------------------------------------------


def grant_of(world: World, grant_id: str) -> Grant:
    grant = world.deployment.server.grants.find(grant_id)
    assert grant is not None, "a grant is gone"
    return grant


def assert_lives(world: World, grant_id: str) -> None:
    assert not grant_of(world, grant_id).revoked_at, "a false revocation"


def assert_ended(world: World, grant_id: str, answers: list[dict[str, Any]]) -> None:
    """The grant is revoked, and so is every token that anybody was ever given of it: the bits are looked at before
    anybody sends a request, which would put them again."""
    grant = grant_of(world, grant_id)
    assert grant.revoked_at
    assert_revoked(world, [answer["access_token"] for answer in answers])
    refused = world.web_app.refresh(answers[-1]["refresh_token"])
    assert (refused.status, refused.error) == (400, "invalid_grant")


def assert_revoked(world: World, tokens: list[str]) -> None:
    server = world.deployment.server
    verified = [claims_of(world, token) for token in tokens]
    lists = {each.live.list_id: indices_of(server.status_lists.find_list(each.live.list_id)) for each in verified}
    missed = [each.live for each in verified if each.live.idx not in lists[each.live.list_id]]
    assert not missed, "live tokens that the revocation missed"


def claims_of(world: World, token: str) -> Verified:
    verified = read_access_token(token, world.deployment.issuer, world.deployment.server)
    assert verified is not None, "an answer holds a token that is not there"
    return verified


def members(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer
    found: dict[str, Any] = answer.json()
    return found


def redeem_anew(world: World) -> None:
    """The web app begins again. John is signed in, and is asked again only if nobody remembers what he allowed."""
    asked = world.web_app.ask()
    answer = world.browser.open(asked.url)
    if answer.status == 200:
        answer = world.browser.decide(answer)
    assert world.web_app.redeem(answer.answered["code"], asked.code_verifier).status == 200


# -- the token endpoint ----------------------------------------------------------------------------------------------


def after_client_credentials(run: Run) -> None:
    tokens = [members(run.settled()), members(run.request())]
    assert len({claims_of(run.world, token["access_token"]).live for token in tokens}) == 2, "one index, two tokens"


def after_refresh(run: Run) -> None:
    """The honest client has its successor, one and the same, whatever happened to its first try."""
    world, before = run.world, run.world.john
    arrived = [members(run.settled()), members(run.request())]
    assert len({answer["refresh_token"] for answer in arrived}) == 1, "two live successors"
    assert_lives(world, before.grant_id)
    world.deployment.clock.advance(5)
    following = members(world.web_app.refresh(arrived[0]["refresh_token"]))
    assert_lives(world, before.grant_id)
    # Now a thief presents the very first token.
    stolen = world.web_app.refresh(before.answers[0]["refresh_token"])
    assert (stolen.status, stolen.error) == (400, "invalid_grant")
    given = [*before.answers, *arrived, following]
    assert_ended(world, before.grant_id, given)


def after_renewal(run: Run) -> None:
    """The honest client's token stays good, whatever happened to its first try, and a revocation reaches every access
    token that was answered.
    """
    world, before = run.world, run.world.john
    arrived = [members(run.settled()), members(run.request())]
    assert not any("refresh_token" in answer for answer in arrived)
    assert_lives(world, before.grant_id)
    world.deployment.clock.advance(61)
    arrived.append(members(run.request()))
    assert world.web_app.revoke(before.refresh_token).status == 200
    assert_ended(world, before.grant_id, [*arrived, *before.answers])


def after_too_often(run: Run) -> None:
    """Nothing is spent: a little later, the refused request succeeds."""
    world, before = run.world, run.world.john
    answer = run.settled()
    assert (answer.status, answer.error) == (429, UNAVAILABLE)
    assert_lives(world, before.grant_id)
    world.deployment.clock.advance(int(answer.headers["retry-after"]))
    assert run.request().status == 200


def after_refresh_without_window(run: Run) -> None:
    """The function still recognises its own write; but a client that loses the answer loses the grant, and with it
    every token.
    """
    world, before = run.world, run.world.john
    answer = run.settled()
    if answer.status == 400:
        assert run.may_be_spent_by("UpdateItem grant"), "a grant is lost"
        assert_ended(world, before.grant_id, list(before.answers))
        return
    assert_lives(world, before.grant_id)
    following = members(world.web_app.refresh(members(answer)["refresh_token"]))
    again = run.request()
    assert (again.status, again.error) == (400, "invalid_grant"), "a window that is off"
    assert_ended(world, before.grant_id, [*before.answers, members(answer), following])


def after_theft(run: Run) -> None:
    """The revocation that the thief caused may have stopped half-way. The next request finishes it, or came before it
    and succeeds.
    """
    world, before = run.world, run.world.john
    given = list(before.answers)
    if run.fault is Fault.LATE:
        run.land()
    if run.is_open:
        honest = world.web_app.refresh(before.refresh_token)
        if grant_of(world, before.grant_id).revoked_at:
            assert (honest.status, honest.error) == (400, "invalid_grant")
            assert_ended(world, before.grant_id, given)
        else:
            given.append(members(honest))
    refused = run.settled()
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert_ended(world, before.grant_id, given)


def after_code(run: Run) -> None:
    world, grant_id = run.world, run.world.john.grant_id
    answer = run.settled()
    again = run.request()
    assert (again.status, again.error) == (400, "invalid_grant"), "one code, two redemptions"
    assert_lives(world, grant_id)
    if answer.status == 400:
        assert run.may_be_spent_by("UpdateItem grant"), "a code is spent, and nobody has its tokens"
        assert answer.error == "invalid_grant"
        assert grant_of(world, grant_id).redeemed_at_ms
        redeem_anew(world)
        return
    tokens = members(answer)
    world.deployment.clock.advance(5)
    following = members(world.web_app.refresh(tokens["refresh_token"]))
    assert world.web_app.revoke(tokens["refresh_token"]).status == 200
    assert_ended(world, grant_id, [tokens, following])


# -- revocation and logout -------------------------------------------------------------------------------------------


def after_revocation(run: Run) -> None:
    assert run.settled().status == 200
    assert_ended(run.world, run.world.john.grant_id, list(run.world.john.answers))


def after_revocation_of_access_token(run: Run) -> None:
    tokens = run.world.john
    assert run.settled().status == 200
    assert_revoked(run.world, tokens.access_tokens[:1])
    assert run.world.service.introspect(tokens.access_tokens[0]).json() == {"active": False}
    assert_lives(run.world, tokens.grant_id)
    assert run.world.web_app.refresh(tokens.refresh_token).status == 200


def after_logout(run: Run) -> None:
    world = run.world
    assert run.settled().status == 200
    assert_ended(world, world.john.grant_id, list(world.john.answers))
    for cookies in (world.browser.cookies, world.john.cookies):  # what the browser has left, and what it had
        world.browser.cookies = dict(cookies)
        answer = world.browser.get(world.web_app.ask(prompt="none").url)
        assert answer.answered["error"] == "login_required"


# -- the account page -------------------------------------------------------------------------------------------------


def signs_in_again(world: World) -> bool:
    """Whether the browser has to sign in to go on."""
    answer = world.browser.get("/account/overview")
    return answer.status == 303 and "/authorize?resume=" in answer.location


def after_visit(run: Run) -> None:
    """The sign-in page, and from there to the section."""
    answer = run.world.browser.sign_in(run.world.browser.follow(run.settled()))
    assert answer.status == 200
    assert 'aria-current="page"' in answer.body


def after_profile(run: Run) -> None:
    """The claim is saved once. A form whose outcome nobody heard is out of date, and the page shows what was saved."""
    world, answer = run.world, run.settled()
    assert answer.status == 303 or run.may_be_spent_by("UpdateItem account")
    account = world.deployment.server.accounts.find_account("demo-john")
    assert account is not None
    assert account.name == "Johnny"
    assert "Johnny" in world.browser.get("/account/profile").body


def after_end_of_session(run: Run) -> None:
    world = run.world
    assert run.settled().status == 303
    if "__Host-valet-session" in world.browser.cookies and not run.may_be_spent_by("UpdateItem session"):
        assert signs_in_again(world)
    assert_ended(world, world.john.grant_id, list(world.john.answers))


def after_sign_out_everywhere(run: Run) -> None:
    """Signed out by one write. If the invocation died after it, the same browser's next request does the rest."""
    world = run.world
    assert run.settled().status == 303
    world.browser.cookies = dict(world.john.cookies)
    assert signs_in_again(world)
    assert_ended(world, world.john.grant_id, list(world.john.answers))


def after_app_is_revoked(run: Run) -> None:
    world = run.world
    assert run.settled().status == 303
    assert not signs_in_again(world)
    assert_ended(world, world.john.grant_id, list(world.john.answers))
    assert "You have allowed no app" in world.browser.get("/account/apps").body


def after_deletion(run: Run) -> None:
    """Deleted by one write. If the invocation died after it, loading the page again does the rest."""
    world, server = run.world, run.world.deployment.server
    assert run.settled().status in (200, 303)
    world.browser.cookies = dict(world.john.cookies)
    assert "Your account is deleted" in world.browser.get("/account/delete").body
    assert_ended(world, world.john.grant_id, list(world.john.answers))
    account = server.accounts.find_account("demo-john")
    assert account is not None
    assert account.deleted_at
    assert not account.name
    assert not server.consents.consents_of("demo-john")


# -- the front channel -----------------------------------------------------------------------------------------------


def after_code_is_issued(run: Run) -> None:
    """A code. If the grant took effect and the answer was lost there is none, and a new request gets one."""
    _assert_code(run, run.settled())


def after_sign_in(run: Run) -> None:
    """A code, or the sign-in page once more: a proof may be spent for a session whose cookie was never answered."""
    answer = run.settled()
    if "/login?request=" not in answer.location:
        _assert_code(run, answer)
        return
    is_killed_later = run.fault is Fault.KILLED and run.call != "PutItem session"
    is_spent = run.may_be_spent_by("UpdateItem proof-password") or run.call == "UpdateItem session" or is_killed_later
    assert is_spent, "a proof is spent without an answer"
    _assert_leads_to_code(run.world, answer)


def after_step_to_the_next_page(run: Run) -> None:
    """On from there, where everything goes well, to the code."""
    _assert_leads_to_code(run.world, run.settled())


def _assert_code(run: Run, answer: Answer) -> None:
    world = run.world
    if answer.status == 400:
        assert run.may_be_spent_by("PutItem grant", "UpdateItem consent"), "a saved request is spent without an answer"
        assert "already" in answer.body
    else:
        assert grant_of(world, answer.answered["code"].partition(".")[0]).code_expires_at
    redeem_anew(world)


def _assert_leads_to_code(world: World, answer: Answer) -> None:
    assert answer.status == 303
    page = world.browser.follow(answer)
    if 'name="password"' in page.body:
        page = world.browser.sign_in(page)
    if page.is_page:
        page = world.browser.decide(page)
    assert "code" in page.answered


def after_push(run: Run) -> None:
    """A request_uri, which leads to a code."""
    answer = run.settled()
    assert answer.status == 201
    query = encoded({"client_id": run.world.web_app.client_id, "request_uri": answer.json()["request_uri"]})
    page = run.world.browser.open(f"/authorize?{query}")
    if 'name="password"' in page.body:
        page = run.world.browser.sign_in(page)
    if page.is_page:
        page = run.world.browser.decide(page)
    assert "code" in page.answered


def after_used_request_uri(run: Run) -> None:
    answer = run.settled()
    assert answer.status == 400
    assert "invalid_request_uri" in answer.body
    redeem_anew(run.world)


def after_wrong_password(run: Run) -> None:
    assert run.settled().status == 401
    assert len(run.world.browser.cookies) == 1, "the browser's, and no session"


def after_denial(run: Run) -> None:
    assert run.settled().answered["error"] == "access_denied"


def after_password_is_changed(run: Run) -> None:
    """One password is in force, and everything before it is over. A form whose outcome nobody heard may have counted:
    then its sender has to sign in, by the new password.
    """
    world, answer = run.world, run.settled()
    assert answer.status == 200 or run.may_be_spent_by("UpdateItem account") or run.call == "DeleteItem password"
    assert [signs_in(world, password) for password in ("password123", NEW_PASSWORD)] == [False, True]
    assert world.web_app.refresh(world.john.refresh_token).error == "invalid_grant"
    world.browser.cookies = dict(world.john.cookies)
    assert signs_in_again(world)


def after_password_is_refused(run: Run) -> None:
    assert run.settled().status == 400
    assert signs_in(run.world, "password123")


def signs_in(world: World, password: str) -> bool:
    """Whether John signs in by that password, in a browser of its own."""
    browser = Browser(world.send, world.deployment.issuer)
    return browser.sign_in(browser.open("/account"), password=password).status == 200


def after_code_is_sent(run: Run) -> None:
    """A code is on its way, or the end-user asks again."""
    answer = run.settled()
    assert answer.status == 200
    assert 'name="code"' in answer.body


def after_address_is_changed(run: Run) -> None:
    """One address, that signs in; and no name is kept for ever, whatever died in between. A code whose outcome nobody
    heard may have counted: then the page says so.
    """
    world, answer = run.world, run.settled()
    assert answer.status == 200 or run.may_be_spent_by("UpdateItem account") or run.call == "UpdateItem identifier"
    users, account = world.deployment.users(), _john(run)
    assert (account.email, account.email_verified, account.former_email) == (NEW_ADDRESS, True, "john@example.com")
    assert account.epoch == 0
    assert not signs_in_again(world)
    for _ in range(2):  # what is left is finished by looking at the page
        assert world.browser.get("/account/email").status == 200
        found, given_up = users.find_identifier(NEW_ADDRESS), users.find_identifier("john@example.com")
    assert found is not None
    assert given_up is not None
    assert (found.sub, found.released_at, bool(given_up.released_at)) == (account.sub, 0, True)


def after_address_is_proven(run: Run) -> None:
    assert run.settled().status == 200
    assert _john(run).email_verified
    world = run.world
    assert world.browser.get("/account/email").status == 200
    found = world.deployment.users().find_identifier("john@example.com")
    assert found is not None
    assert not found.released_at


def after_first_means_are_proven(run: Run) -> None:
    """The page with the passkeys' form. A try whose outcome nobody heard counts, and there are four more."""
    answer = run.settled()
    assert answer.status == 200
    assert 'name="first_means"' in answer.body


def _john(run: Run) -> Account:
    account = run.world.deployment.server.accounts.find_account("demo-john")
    assert account is not None
    return account


def after_undoing(run: Run) -> None:
    """Nobody is signed in, no password opens the account, and the address is its owner's: whatever died in between. A
    form whose outcome nobody heard may have counted, and the link still works.
    """
    world, answer = run.world, run.settled()
    assert answer.status == 200 or run.may_be_spent_by("UpdateItem account")
    account, users = _john(run), world.deployment.users()
    assert (account.email, account.former_email) == ("john@example.com", "")
    assert account.epoch >= 1
    assert not signs_in(world, "password123")
    assert world.web_app.refresh(world.john.refresh_token).error == "invalid_grant"
    own, other = users.find_identifier("john@example.com"), users.find_identifier(NEW_ADDRESS)
    assert own is not None
    assert not own.released_at
    assert other is None or other.released_at


def after_passkey(run: Run) -> None:
    """An assertion counts once. If it was used, and its answer lost or its proof not kept, the page asks for another
    touch: by then, an assertion that counted again could be a replay.
    """
    answer = run.settled()
    if answer.status != 303:
        assert run.may_be_spent_by("UpdateItem passkey") or run.call == "PutItem proof-passkey", answer
        assert len(run.world.browser.cookies) == 1, "the browser's, and no session"
    else:
        _assert_leads_to_code(run.world, answer)


def after_passkey_added(run: Run) -> None:
    """One passkey, however often the form was sent."""
    run.settled()
    assert len(_passkeys_of_john(run)) == 1


def after_passkey_removed(run: Run) -> None:
    run.settled()
    assert not _passkeys_of_john(run)


def _passkeys_of_john(run: Run) -> frozenset[str]:
    return frozenset(_john(run).passkeys)


# -- who only reads --------------------------------------------------------------------------------------------------


def after_reading(run: Run) -> None:
    """The answer is right, and again right: an outage never looks like `active: false`."""
    answer = run.settled()
    assert answer.status == 200
    assert answer.body == run.request().body
    assert '"active":false' not in answer.body


def after_unknown_token(run: Run) -> None:
    """Inactive, and nothing else: an outage is none of this."""
    assert run.settled().json() == {"active": False}


AFTERMATH: dict[str, Callable[[Run], None]] = {
    **OTHER_PROVIDERS,
    **DEVICES,
    **SECOND_FACTORS,
    **STRANGERS,
    "account_stranger": after_visit,
    "account_overview": after_reading,
    "account_sessions": after_reading,
    "account_apps": after_reading,
    "account_profile": after_profile,
    "account_end_session": after_end_of_session,
    "account_sign_out_everywhere": after_sign_out_everywhere,
    "account_revoke": after_app_is_revoked,
    "account_download": after_reading,
    "account_delete": after_deletion,
    "account_deleted": after_deletion,
    "client_credentials": after_client_credentials,
    "client_credentials_with_proof": after_client_credentials,
    "code": after_code,
    "code_with_proof": after_code,
    "code_replayed": after_theft,
    "refresh": after_refresh,
    "refresh_with_proof": after_refresh,
    "renew": after_renewal,
    "refresh_without_window": after_refresh_without_window,
    "refresh_retried": after_refresh,
    "refresh_stolen": after_theft,
    "refresh_soon": after_refresh,
    "refresh_too_often": after_too_often,
    "client_credentials_as_reference": after_client_credentials,
    "code_as_reference": after_code,
    "refresh_as_reference": after_refresh,
    "introspect_reference": after_reading,
    "introspect_unknown_reference": after_unknown_token,
    "userinfo_with_reference": after_reading,
    "revoke_reference": after_revocation_of_access_token,
    "client_credentials_with_published_keys": after_client_credentials,
    "code_with_assertion": after_code,
    "refresh_with_assertion": after_refresh,
    "revoke_with_assertion": after_revocation_of_access_token,
    "introspect_with_assertion": after_reading,
    "revoke_refresh_token": after_revocation,
    "revoke_access_token": after_revocation_of_access_token,
    "introspect_access_token": after_reading,
    "introspect_clients_own_token": after_reading,
    "introspect_refresh_token": after_reading,
    "userinfo": after_reading,
    "userinfo_with_proof": after_reading,
    "authorize_stranger": after_step_to_the_next_page,
    "authorize_by_post": after_step_to_the_next_page,
    "authorize_to_consent": after_step_to_the_next_page,
    "authorize_remembered": after_code_is_issued,
    "authorize_resumed": after_sign_in,
    "authorize_pushed": after_step_to_the_next_page,
    "authorize_pushed_remembered": after_code_is_issued,
    "authorize_pushed_by_post": after_step_to_the_next_page,
    "authorize_pushed_again": after_used_request_uri,
    "push": after_push,
    "push_hinted": after_push,
    "push_with_assertion": after_push,
    "login_page": after_reading,
    "login": after_step_to_the_next_page,
    "login_again": after_step_to_the_next_page,
    "login_wrong": after_wrong_password,
    "passkey": after_passkey,
    "passkey_refused": after_wrong_password,
    "password_page": after_reading,
    "password_changed": after_password_is_changed,
    "password_refused": after_password_is_refused,
    "email_page": after_reading,
    "email_code_sent": after_code_is_sent,
    "email_changed": after_address_is_changed,
    "email_proven": after_address_is_proven,
    "first_means_sent": after_code_is_sent,
    "first_means_proven": after_first_means_are_proven,
    "first_passkey_added": after_passkey_added,
    "undo_page": after_reading,
    "undo": after_undoing,
    "undo_of_address": after_undoing,
    "passkeys_page": after_reading,
    "passkey_added": after_passkey_added,
    "passkey_removed": after_passkey_removed,
    "consent_page": after_reading,
    "consent": after_code_is_issued,
    "consent_until_logout": after_code_is_issued,
    "consent_denied": after_denial,
    "logout": after_logout,
    "jwks": after_reading,
    "metadata": after_reading,
    "status_list": after_reading,
    "status_lists": after_reading,
}
