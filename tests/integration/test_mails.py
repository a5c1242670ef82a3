"""Letters become mails: through the queue, the mailer and SES (docs/people.md, "Mails")."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.handles import digest
from valet.models.accounts import Account, Identifier
from valet.models.mails import ADDRESS, FIRST_MEANS, JOIN, NOTICE, RECOVER, UNDO, Letter, Mail
from valet.models.policy import ITEM, Policy
from valet.people.mail_codes import Refused, code_key, exchange_code, find_mail
from valet.people.notices import DELETED, notify

from local.aws.calls import Call, refusal
from tests.support.deployment import Deployment
from tests.support.post import Post, code_of, link_of

HANDLE, BROWSER = "h" * 43, "b" * 43
KEY = code_key(BROWSER, HANDLE)
ADDRESS_OF_JOHN, JOHN = "john@example.com", "demo-john"
STRANGER = "Ada+notes@example.org"
DAY = 86_400


def letter(deployment: Deployment, purpose: str, **facts: Any) -> Letter:
    about = {"address": STRANGER, "handle": HANDLE, "place": "cd" * 32, "key": KEY.hex(), **facts}
    return Letter(purpose, deployment.issuer, int(deployment.clock.now * 1000), **about)


def account(deployment: Deployment, sub: str = JOHN) -> Account:
    found = deployment.server.accounts.find_account(sub)
    assert found is not None
    return found


def change(deployment: Deployment, **members: Any) -> Account:
    """John's account, changed by an operator."""
    changed = replace(account(deployment), **members)
    deployment.table("Users").put(item_from_model(changed, f"account#{JOHN}", "account"))
    return changed


def mail_of(deployment: Deployment, url: str, purpose: str) -> Mail:
    """What is kept of the mail whose link that is."""
    (token,) = parse_qs(urlsplit(url).query)["token"]
    found = find_mail(deployment.server, token, frozenset({purpose}), deployment.clock.now)
    assert found is not None
    return found


def test_a_stranger_gets_a_link_and_a_code_and_both_lead_to_the_same_mail(deployment: Deployment, post: Post) -> None:
    (mail,) = post.send(letter(deployment, JOIN, client_id="web_app_123"))
    assert (mail.to, mail.sender) == ((STRANGER,), '"Valet" <valet@example.com>')
    kept = mail_of(deployment, link_of(mail), JOIN)
    assert (kept.address, kept.sub, kept.place, kept.client_id) == (STRANGER, "", "cd" * 32, "web_app_123")
    secret = exchange_code(deployment.server, KEY, frozenset({JOIN}), code_of(mail), deployment.clock.now)
    assert isinstance(secret, str)
    assert find_mail(deployment.server, secret, frozenset({JOIN}), deployment.clock.now) == kept
    assert deployment.audit.events == [("mail.sent", {"purpose": JOIN, "what": "", "sub": ""})]


def test_joining_with_an_address_that_an_account_has_tells_its_owner_and_makes_no_secret(
    deployment: Deployment, post: Post
) -> None:
    with post.nothing_kept():
        (mail,) = post.send(letter(deployment, JOIN, address="John@Example.com"))
    assert mail.to == (ADDRESS_OF_JOHN,)
    assert link_of(mail) == f"{deployment.issuer}/recover?request={HANDLE}"
    assert not re.search(r"\d{4} \d{4}", mail.text)


def test_an_address_in_other_letters_that_look_the_same_gets_no_mail_of_the_account(
    deployment: Deployment, post: Post
) -> None:
    """The typed address may be another mailbox; the one that the account has proven is written to (NFKC, RFC 8265)."""
    for purpose in (JOIN, RECOVER):
        (mail,) = post.send(letter(deployment, purpose, address="\uff4aohn@example.com"))
        assert mail.to == (ADDRESS_OF_JOHN,)


def test_a_reset_goes_to_the_proven_address_and_its_link_lives_half_an_hour(deployment: Deployment, post: Post) -> None:
    (mail,) = post.send(letter(deployment, RECOVER, address=ADDRESS_OF_JOHN))
    kept = mail_of(deployment, link_of(mail), RECOVER)
    assert (kept.sub, kept.epoch, kept.address) == (JOHN, 0, ADDRESS_OF_JOHN)
    deployment.clock.advance(1_800)
    (token,) = parse_qs(urlsplit(link_of(mail)).query)["token"]
    assert find_mail(deployment.server, token, frozenset({RECOVER}), deployment.clock.now) is None


def test_nobody_gets_no_mail_and_no_line_tells_of_the_address(
    deployment: Deployment, post: Post, log_lines: list[str]
) -> None:
    """P12: nothing tells who has an account but the mailbox."""
    with post.nothing_kept():
        assert post.send(letter(deployment, RECOVER)) == ()
    assert deployment.audit.events == []
    assert log_lines == []
    assert not post.dead_letters


@pytest.mark.parametrize("members", [{"is_disabled": True}, {"email_verified": False}, {"email": "new@example.com"}])
def test_an_account_that_is_disabled_or_has_not_proven_the_address_gets_no_mail_to_reset(
    deployment: Deployment, post: Post, members: dict[str, Any]
) -> None:
    change(deployment, **members)
    assert post.send(letter(deployment, RECOVER, address=ADDRESS_OF_JOHN)) == ()


def test_a_username_that_looks_like_an_address_is_no_proven_address(deployment: Deployment, post: Post) -> None:
    """An operator may name an account so; nobody has proven that the mailbox is theirs."""
    change(deployment, username="ada@example.org", email="")
    deployment.users().take_identifier("ada@example.org", Identifier(JOHN, "username"), 0)
    assert post.send(letter(deployment, RECOVER, address="ada@example.org")) == ()
    (mail,) = post.send(letter(deployment, JOIN, address="ada@example.org"))
    assert (mail.to, "http" in mail.text) == (("ada@example.org",), False)


@pytest.mark.parametrize(("days", "is_free"), [(1, False), (90, False), (91, True)])
def test_an_address_that_was_given_up_is_free_for_others_after_ninety_days(
    deployment: Deployment, post: Post, days: int, is_free: bool
) -> None:
    given_up = int(deployment.clock.now) - days * DAY
    deployment.users().take_identifier("ada+notes@example.org", Identifier(JOHN, "email", released_at=given_up), 0)
    (mail,) = post.send(letter(deployment, JOIN))
    assert ("/join/confirm?" in mail.text) is is_free
    (mail,) = post.send(letter(deployment, ADDRESS, sub="demo-jane"))
    assert bool(re.search(r"\d{4} \d{4}", mail.text)) is is_free
    (mail,) = post.send(letter(deployment, ADDRESS, sub=JOHN))
    assert code_of(mail), "who gave it up may have it back"


def test_a_code_to_a_new_address_works_for_its_purpose_alone(deployment: Deployment, post: Post) -> None:
    (mail,) = post.send(letter(deployment, ADDRESS, sub=JOHN))
    assert "http" not in mail.text
    now = deployment.clock.now
    for purposes in (frozenset({JOIN}), frozenset({RECOVER, FIRST_MEANS, UNDO})):
        refused = exchange_code(deployment.server, KEY, purposes, code_of(mail), now)
        assert refused is Refused.ENDED
    assert isinstance(exchange_code(deployment.server, KEY, frozenset({ADDRESS}), code_of(mail), now), str)


def test_a_code_works_in_the_browser_and_the_request_that_asked_alone(deployment: Deployment, post: Post) -> None:
    (mail,) = post.send(letter(deployment, JOIN))
    for key in (code_key("c" * 43, HANDLE), code_key(BROWSER, "i" * 43)):
        found = exchange_code(deployment.server, key, frozenset({JOIN}), code_of(mail), deployment.clock.now)
        assert found is Refused.ENDED


def test_a_code_lives_ten_minutes_from_its_mail_and_the_link_goes_on(deployment: Deployment, post: Post) -> None:
    asked = letter(deployment, JOIN)
    deployment.clock.advance(300)  # in the queue
    (mail,) = post.send(asked)
    deployment.clock.advance(600)
    ended = exchange_code(deployment.server, KEY, frozenset({JOIN}), code_of(mail), deployment.clock.now)
    assert ended is Refused.ENDED
    assert mail_of(deployment, link_of(mail), JOIN).address == STRANGER


def test_a_code_has_five_tries_and_the_right_one_comes_too_late(deployment: Deployment, post: Post) -> None:
    (mail,) = post.send(letter(deployment, JOIN))
    wrong = "00000000" if code_of(mail) != "00000000" else "00000001"
    now = deployment.clock.now
    for _ in range(5):
        assert exchange_code(deployment.server, KEY, frozenset({JOIN}), wrong, now) is Refused.WRONG
    assert exchange_code(deployment.server, KEY, frozenset({JOIN}), code_of(mail), now) is Refused.ENDED


def test_no_copy_of_the_tables_has_a_code_or_a_secret_of_a_link(deployment: Deployment, post: Post) -> None:
    """With every mail in it, a dump of the tables finishes none of them."""
    (mail,) = post.send(letter(deployment, RECOVER, address=ADDRESS_OF_JOHN))
    (token,) = parse_qs(urlsplit(link_of(mail)).query)["token"]
    dump = str(deployment.everything())
    assert digest(token).hex() in dump
    for secret in (token, code_of(mail), KEY.hex()):
        assert secret not in dump


def test_of_two_mails_of_one_browser_the_newest_code_counts_whichever_comes_first(
    deployment: Deployment, post: Post
) -> None:
    older = letter(deployment, JOIN)
    deployment.clock.advance(5)
    (mail,) = post.send(letter(deployment, JOIN))
    assert post.send(older) == (), "it would hold a code that does not work"
    found = exchange_code(deployment.server, KEY, frozenset({JOIN}), code_of(mail), deployment.clock.now)
    assert isinstance(found, str)


def test_a_letter_that_comes_twice_makes_two_mails_whose_links_both_work(deployment: Deployment, post: Post) -> None:
    deployment.aws.queues.copies = 2
    first, second = post.send(letter(deployment, JOIN))
    assert link_of(first) != link_of(second)
    for mail in (first, second):
        assert mail_of(deployment, link_of(mail), JOIN).address == STRANGER


@pytest.mark.parametrize("purpose", [JOIN, RECOVER, ADDRESS, FIRST_MEANS])
def test_a_mail_that_was_asked_for_an_hour_ago_is_not_sent(deployment: Deployment, post: Post, purpose: str) -> None:
    asked = letter(deployment, purpose, address=ADDRESS_OF_JOHN, sub=JOHN)
    deployment.clock.advance(3_601)
    with post.nothing_kept():
        assert post.send(asked) == ()
    assert deployment.audit.names == ["mail.failed"]


# -- words -------------------------------------------------------------------------------------------------------------


def test_a_mail_speaks_the_language_of_the_page_else_the_accounts_else_the_policys(
    deployment: Deployment, post: Post
) -> None:
    deployment.table("Registry").put(item_from_model(Policy(default_language="fr"), *ITEM))
    (mail,) = post.send(letter(deployment, RECOVER, address=ADDRESS_OF_JOHN))
    assert 'lang="fr"' in mail.html
    change(deployment, locale="de-CH")
    (mail,) = post.send(letter(deployment, RECOVER, address=ADDRESS_OF_JOHN))
    assert 'lang="de"' in mail.html
    (mail,) = post.send(letter(deployment, RECOVER, address=ADDRESS_OF_JOHN, locale="ja"))
    assert 'lang="ja"' in mail.html
    assert mail_of(deployment, link_of(mail), RECOVER).locale == "ja"


def test_nobody_puts_words_into_a_strangers_mailbox(deployment: Deployment, post: Post) -> None:
    """P22: whatever a letter of /join holds, its mail has the operator's words alone."""
    words = "You-have-won-at-evil.example"
    asked = letter(
        deployment,
        JOIN,
        address=f"{words.lower()}@example.org",
        handle=words,
        client_id=words,
        locale=words,
        what=words,
    )
    (mail,) = post.send(asked)
    for part in (mail.subject, mail.text, mail.html, mail.sender):
        assert words.lower() not in part.lower()


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org, eve@example.net",
        "ada@example.org\r\nBcc: eve@example.net",
        "Ada <ada@example.org>",
        "ada@example.org>",
        '"ada eve"@example.org',
        "ädä@example.org",
        "ada@exämple.org",
        "ada@example",
        "ada",
        "",
    ],
)
def test_nothing_but_one_address_is_ever_given_to_ses(deployment: Deployment, post: Post, address: str) -> None:
    with post.nothing_kept(), deployment.aws.recorded() as calls:
        assert post.send(letter(deployment, JOIN, address=address)) == ()
    assert "SendEmail" not in {call.action for call in calls}
    assert deployment.audit.names == ["mail.failed"]
    assert not post.dead_letters


def test_no_line_of_the_log_has_an_address(deployment: Deployment, post: Post, log_lines: list[str]) -> None:
    from valet.aws.observability import LoggedAudit

    deployment.server.audit = LoggedAudit()
    post.send(letter(deployment, JOIN))
    post.send(letter(deployment, RECOVER, address=ADDRESS_OF_JOHN))
    assert len(log_lines) == 2
    assert not [line for line in log_lines if "@" in line or "example" in line]


# -- notices -----------------------------------------------------------------------------------------------------------


def test_a_notice_is_sent_before_its_write_and_becomes_a_mail_after_it(deployment: Deployment, post: Post) -> None:
    john = account(deployment)
    notify(deployment.server, john, "password.changed", deployment.issuer, deployment.clock.now, "new password")
    post.deliver()
    assert post.mails == (), "the account does not show the change yet"
    change(deployment, password_id="new password", epoch=1)
    post.pass_time(30)
    mail = post.newest
    assert mail.to == (ADDRESS_OF_JOHN,)
    kept = mail_of(deployment, link_of(mail), UNDO)
    assert (kept.sub, kept.epoch, kept.address) == (JOHN, 1, ADDRESS_OF_JOHN)
    assert kept.expires_at == deployment.clock.now + 7 * DAY


def test_a_notice_of_a_change_that_was_never_made_is_dropped_after_a_second_look(
    deployment: Deployment, post: Post
) -> None:
    notify(deployment.server, account(deployment), "passkey.added", deployment.issuer, deployment.clock.now, "digest")
    with post.nothing_kept():
        post.pass_time(DAY)
    assert post.mails == ()
    assert not post.waiting("Mail")
    assert not post.dead_letters


def test_for_a_week_notices_go_to_the_former_address_as_well_each_with_its_own_undo(
    deployment: Deployment, post: Post
) -> None:
    until = int(deployment.clock.now) + 7 * DAY
    john = change(deployment, email="new@example.com", former_email=ADDRESS_OF_JOHN, former_until=until)
    notify(deployment.server, john, "address.changed", deployment.issuer, deployment.clock.now, "new@example.com")
    post.deliver()
    assert {mail.to for mail in post.mails} == {(ADDRESS_OF_JOHN,), ("new@example.com",)}
    for mail in post.mails:
        assert (mail_of(deployment, link_of(mail), UNDO).address,) == mail.to
    deployment.clock.now = until
    deployment.aws.mailbox.clear()
    notify(deployment.server, john, "recovery.used", deployment.issuer, deployment.clock.now)
    post.deliver()
    assert [mail.to for mail in post.mails] == [("new@example.com",)]


def test_the_notice_of_a_deletion_goes_where_the_account_was_and_offers_nothing_to_undo(
    deployment: Deployment, post: Post
) -> None:
    john = account(deployment)
    notify(deployment.server, john, DELETED, deployment.issuer, deployment.clock.now)
    change(deployment, email="", email_verified=False, deleted_at=1, is_disabled=True)
    post.deliver()
    (mail,) = post.mails
    assert mail.to == (ADDRESS_OF_JOHN,)
    assert "http" not in mail.text


def test_a_thief_cannot_bury_a_notice_under_a_thousand_others(deployment: Deployment, post: Post) -> None:
    """A change of address is told, whatever number of new browsers was."""

    def tell(what: str, mark: str = "") -> None:
        notify(deployment.server, account(deployment), what, deployment.issuer, deployment.clock.now, mark)

    for _ in range(25):
        tell("browser.new")
    post.deliver()
    assert len(post.mails) == 20
    assert deployment.audit.names.count("mail.throttled") == 5
    tell("address.changed", ADDRESS_OF_JOHN)
    post.deliver()
    assert len(post.mails) == 21
    deployment.clock.now += DAY
    tell("browser.new")
    post.deliver()
    assert len(post.mails) == 22


def test_a_change_is_made_though_the_queue_is_out_of_reach(deployment: Deployment, post: Post) -> None:
    def away(call: Call, forward: Any) -> Any:
        return refusal("InternalError", status=500) if call.action == "SendMessage" else forward()

    with deployment.aws.intercept(away):
        notify(deployment.server, account(deployment), "passkey.removed", deployment.issuer, deployment.clock.now, "x")
    ((event, fields),) = deployment.audit.events
    assert (event, fields["sub"], fields["purpose"], fields["what"]) == ("mail.failed", JOHN, NOTICE, "passkey.removed")


def test_a_deployment_without_mail_sends_no_notice(deployment: Deployment) -> None:
    with deployment.aws.recorded() as calls:
        notify(deployment.server, account(deployment), "passkey.removed", deployment.issuer, deployment.clock.now, "x")
    assert not [call for call in calls if call.service == "sqs"]


# -- what SES refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_what_ses_refuses_for_good_is_logged_once_and_never_tried_again(
    deployment: Deployment, post: Post, code: str
) -> None:
    """A stranger's address must not set off an alarm: in the sandbox, SES rejects all that are not verified."""
    tries: list[Call] = []

    def refusing(call: Call, forward: Any) -> Any:
        if call.action != "SendEmail":
            return forward()
        tries.append(call)
        return refusal(code)

    with deployment.aws.intercept(refusing):
        post.send(letter(deployment, JOIN))
        post.pass_time(DAY)
    assert len(tries) == 1
    ((event, fields),) = deployment.audit.events
    assert (event, fields["detail"]) == ("mail.failed", code)
    assert not post.dead_letters


@pytest.mark.parametrize(
    "code", ["AccountSuspendedException", "SendingPausedException", "AccessDeniedException", "TooManyRequestsException"]
)
def test_a_mail_that_ses_does_not_take_now_is_tried_three_times_and_then_rings_the_alarm(
    deployment: Deployment, post: Post, code: str, log_lines: list[str]
) -> None:
    def refusing(call: Call, forward: Any) -> Any:
        return refusal(code, status=400) if call.action == "SendEmail" else forward()

    with deployment.aws.intercept(refusing):
        post.send(letter(deployment, NOTICE, sub=JOHN, what="recovery.used", address="", key=""))
        post.pass_time(DAY)
    assert len(post.dead_letters) == 1
    refused = [line for line in log_lines if "request.refused" in line]
    assert len(refused) == 3
    assert all(f"SES SendEmail: {code}" in line for line in refused)
    assert post.mails == ()


def test_an_address_that_ses_does_not_know_sends_nothing(deployment: Deployment, post: Post) -> None:
    """The emulated SES refuses it as SES does."""
    deployment.restart(mail_from="somebody@example.net")
    assert post.send(letter(deployment, JOIN)) == ()
    assert [(event, fields["detail"]) for event, fields in deployment.audit.events] == [
        ("mail.failed", "MessageRejected")
    ]
