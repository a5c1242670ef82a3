"""Which mail a letter becomes, and to whom it goes."""

from __future__ import annotations

import pytest
from valet.frozen import replace
from valet.mails.choosing import LIFETIMES, Choice, Known, choose, is_too_old
from valet.models.accounts import Account
from valet.models.mails import ADDRESS, FIRST_MEANS, JOIN, NOTICE, RECOVER, UNDO, Letter
from valet.people.notices import DELETED, NOTICES

NOW = 1_800_000_000.0
ADA = Account("sub-ada", "ada", email="Ada@example.org", email_verified=True, epoch=3, password_id="second")
EVE = Account("sub-eve", "eve", email="eve@example.org", email_verified=True)
TYPED = "ada@EXAMPLE.org"


def letter(purpose: str, **facts: object) -> Letter:
    about = {
        "address": TYPED,
        "key": "5e" * 32,
        "place": "a7" * 32,
        "client_id": "web_app_123",
        "locale": "de",
        **facts,
    }
    return Letter(purpose, "https://id.example.com", int(NOW * 1000), **about)  # type: ignore[arg-type]


def notice(what: str, mark: str = "", **facts: object) -> Letter:
    return letter(NOTICE, what=what, mark=mark, sub=ADA.sub, **{"address": "", "key": "", **facts})


def only(chosen: tuple[Choice, ...]) -> Choice:
    (choice,) = chosen
    return choice


def test_who_has_no_account_gets_a_link_and_a_code_to_join() -> None:
    choice = only(choose(letter(JOIN), Known(), NOW))
    assert (choice.to, choice.words, choice.has_link, choice.has_code) == (TYPED, "join", True, True)
    mail = choice.mail
    assert mail is not None
    assert (mail.purpose, mail.address, mail.sub, mail.place, mail.client_id) == (
        JOIN,
        TYPED,
        "",
        "a7" * 32,
        "web_app_123",
    )
    assert mail.expires_at == NOW + 86_400


def test_who_has_an_account_gets_no_secret_at_all_by_joining() -> None:
    choice = only(choose(letter(JOIN), Known(ADA), NOW))
    assert (choice.words, choice.mail, choice.has_link, choice.has_code) == ("have_account", None, False, False)


@pytest.mark.parametrize("purpose", [JOIN, RECOVER])
def test_an_address_that_only_looks_like_an_accounts_gets_none_of_its_mails(purpose: str) -> None:
    """What was typed is compared in one form of letters; the mail goes where the account says."""
    choice = only(choose(letter(purpose, address="\uff21da@example.org"), Known(ADA), NOW))
    assert choice.to == ADA.email


def test_an_address_that_was_given_up_lately_gets_no_secret() -> None:
    for purpose, subject in ((JOIN, None), (ADDRESS, EVE)):
        asked = letter(purpose, sub=subject.sub if subject else "")
        choice = only(choose(asked, Known(is_reserved=True, subject=subject), NOW))
        assert (choice.to, choice.words, choice.mail) == (TYPED, "reserved", None)


def test_a_reset_has_a_link_and_a_code_of_the_accounts_epoch() -> None:
    choice = only(choose(letter(RECOVER), Known(ADA), NOW))
    assert (choice.words, choice.has_link, choice.has_code) == ("recover", True, True)
    mail = choice.mail
    assert mail is not None
    assert (mail.purpose, mail.sub, mail.epoch, mail.address) == (RECOVER, ADA.sub, 3, ADA.email)
    assert mail.expires_at == NOW + 1_800


def test_a_reset_without_a_browsers_key_has_the_link_alone() -> None:
    choice = only(choose(letter(RECOVER, key=""), Known(ADA), NOW))
    assert (choice.has_link, choice.has_code) == (True, False)


def test_an_account_without_a_password_gets_the_mail_as_well() -> None:
    account = replace(ADA, has_no_password=True, password_id="")
    assert only(choose(letter(RECOVER), Known(account), NOW)).words == "recover"


@pytest.mark.parametrize("account", [None, replace(ADA, is_disabled=True), replace(ADA, deleted_at=1)])
def test_nobody_a_disabled_and_a_deleted_account_get_no_mail_to_reset(account: Account | None) -> None:
    assert choose(letter(RECOVER), Known(account), NOW) == ()
    assert choose(letter(RECOVER), Known(is_reserved=True), NOW) == ()


def test_a_new_address_gets_a_code_and_no_link() -> None:
    choice = only(choose(letter(ADDRESS, sub=EVE.sub), Known(subject=EVE), NOW))
    assert (choice.to, choice.words, choice.has_link, choice.has_code) == (TYPED, "address", False, True)
    assert choice.mail is not None
    assert (choice.mail.sub, choice.mail.address) == (EVE.sub, TYPED)


def test_an_address_that_another_account_has_gets_no_code() -> None:
    choice = only(choose(letter(ADDRESS, sub=EVE.sub), Known(ADA, subject=EVE), NOW))
    assert (choice.to, choice.words, choice.mail, choice.has_code) == (ADA.email, "address_taken", None, False)


def test_an_accounts_own_address_gets_a_code() -> None:
    asked = letter(ADDRESS, sub=ADA.sub, epoch=3)
    assert only(choose(asked, Known(ADA, subject=ADA), NOW)).words == "address"


def test_a_first_means_costs_a_code_to_the_accounts_address() -> None:
    asked = letter(FIRST_MEANS, sub=ADA.sub, epoch=3, address="")
    choice = only(choose(asked, Known(subject=ADA), NOW))
    assert (choice.to, choice.words, choice.has_link, choice.has_code) == (ADA.email, "first_means", False, True)


def test_a_first_means_costs_a_code_to_the_former_address_while_there_is_one() -> None:
    """Else a thief who has changed the address could enrol their own phone."""
    asked = letter(FIRST_MEANS, sub=ADA.sub, epoch=3, address="thief@example.net")
    changed = replace(ADA, email="thief@example.net", former_email=ADA.email, former_until=int(NOW) + 1)
    assert [each.to for each in choose(asked, Known(subject=changed), NOW)] == [ADA.email]
    late = replace(changed, former_until=int(NOW))
    assert [each.to for each in choose(asked, Known(subject=late), NOW)] == ["thief@example.net"]


@pytest.mark.parametrize("purpose", [ADDRESS, FIRST_MEANS])
@pytest.mark.parametrize(
    "account", [None, replace(ADA, is_disabled=True), replace(ADA, deleted_at=1), replace(ADA, epoch=4)]
)
def test_a_session_that_counts_no_more_gets_no_code(purpose: str, account: Account | None) -> None:
    assert choose(letter(purpose, sub=ADA.sub, epoch=3), Known(subject=account), NOW) == ()


@pytest.mark.parametrize("purpose", [ADDRESS, FIRST_MEANS])
def test_a_mail_that_would_have_neither_link_nor_code_is_not_sent(purpose: str) -> None:
    assert choose(letter(purpose, sub=ADA.sub, epoch=3, key=""), Known(subject=ADA), NOW) == ()


def test_a_code_goes_to_no_address_that_is_not_proven() -> None:
    asked = letter(FIRST_MEANS, sub=ADA.sub, epoch=3, address="")
    assert choose(asked, Known(subject=replace(ADA, email_verified=False)), NOW) == ()


# By what happened: the account that shows it, and one that does not, for the mark "second".
SHOWN: dict[str, tuple[Account, Account | None]] = {
    "password.changed": (ADA, replace(ADA, password_id="first")),
    "passkey.added": (replace(ADA, passkeys=frozenset({"second"})), ADA),
    "passkey.removed": (ADA, replace(ADA, passkeys=frozenset({"second"}))),
    "second.added": (replace(ADA, totp_id="second"), ADA),
    "second.removed": (ADA, replace(ADA, totp_id="second")),
    "second.guessed": (ADA, None),
    "recovery.made": (replace(ADA, recovery_id="second"), ADA),
    "recovery.used": (ADA, None),
    "address.changed": (replace(ADA, email="second"), ADA),
    "link.added": (replace(ADA, links=frozenset({"second"})), ADA),
    "link.removed": (ADA, replace(ADA, links=frozenset({"second"}))),
    "browser.new": (ADA, None),
}


def test_every_notice_is_tried() -> None:
    assert {*SHOWN, DELETED} == set(NOTICES)


@pytest.mark.parametrize("what", SHOWN)
def test_a_notice_of_what_the_account_shows_has_a_link_that_undoes_it(what: str) -> None:
    shown, hidden = SHOWN[what]
    choice = only(choose(notice(what, "second"), Known(subject=shown), NOW))
    assert (choice.to, choice.words, choice.has_link, choice.has_code) == (
        shown.email,
        what.replace(".", "_"),
        True,
        False,
    )
    assert choice.mail is not None
    assert (choice.mail.purpose, choice.mail.epoch, choice.mail.address) == (UNDO, shown.epoch, shown.email)
    assert choice.mail.expires_at == NOW + 7 * 86_400
    assert choose(notice(what, "second"), Known(subject=None), NOW) == ()
    if hidden is not None:
        assert choose(notice(what, "second"), Known(subject=hidden), NOW) == ()


def test_for_a_week_after_a_change_of_address_notices_go_to_both() -> None:
    changed = replace(ADA, email="new@example.org", former_email=ADA.email, former_until=int(NOW) + 1)
    both = choose(notice("address.changed", "new@example.org"), Known(subject=changed), NOW)
    assert [each.to for each in both] == ["new@example.org", ADA.email]
    assert [each.mail.address for each in both if each.mail] == ["new@example.org", ADA.email]
    late = replace(changed, former_until=int(NOW))
    assert len(choose(notice("address.changed", "new@example.org"), Known(subject=late), NOW)) == 1


def test_a_notice_goes_to_no_address_that_is_not_proven() -> None:
    unproven = replace(ADA, email_verified=False)
    assert choose(notice("password.changed", "second"), Known(subject=unproven), NOW) == ()


def test_a_deletion_is_not_undone() -> None:
    gone = replace(ADA, email="", deleted_at=1, is_disabled=True)
    choice = only(choose(notice(DELETED, address=ADA.email), Known(subject=gone), NOW))
    assert (choice.to, choice.words, choice.mail, choice.has_link) == (ADA.email, "account_deleted", None, False)
    assert choose(notice(DELETED, address=ADA.email), Known(subject=ADA), NOW) == ()


def test_a_deleted_account_gets_no_other_notice() -> None:
    gone = replace(ADA, deleted_at=1, is_disabled=True)
    assert choose(notice("password.changed", "second"), Known(subject=gone), NOW) == ()


def test_what_was_asked_for_is_too_old_after_an_hour_and_a_notice_never() -> None:
    for purpose in (JOIN, RECOVER, ADDRESS, FIRST_MEANS):
        assert not is_too_old(letter(purpose), NOW + 3_600)
        assert is_too_old(letter(purpose), NOW + 3_601)
    assert not is_too_old(notice("password.changed"), NOW + 4 * 86_400)


def test_every_kind_of_mail_has_a_lifetime() -> None:
    assert set(LIFETIMES) == {JOIN, RECOVER, ADDRESS, FIRST_MEANS, UNDO}
