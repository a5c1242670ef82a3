"""The contract of Mails: the newest code of a browser counts, and five tries are all that it has."""

import pytest
from valet.frozen import replace
from valet.models.mails import JOIN, Mail, MailCode
from valet.ports.mails import MOST_TRIES, Mails

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once

DIGEST, PLACE = b"digest of a secret", b"digest of a key"
MAIL = Mail(JOIN, "Ada@example.org", int(NOW) + 86_400, place="5e" * 32, client_id="web_app_123", locale="de")
CODE = MailCode(DIGEST.hex(), int(NOW * 1000), b"hmac", int(NOW) + 600)


@pytest.fixture
def mails(stores: Stores) -> Mails:
    return stores.mails


def test_a_mail_is_found_by_its_secrets_digest_as_it_was_kept(mails: Mails) -> None:
    assert mails.find_mail(DIGEST) is None
    mails.put_mail(DIGEST, MAIL)
    assert mails.find_mail(DIGEST) == mails.find_mail(DIGEST) == MAIL
    assert mails.find_mail(DIGEST[1:]) is None


def test_a_code_is_answered_once_its_try_is_counted(mails: Mails) -> None:
    assert mails.try_code(PLACE, NOW) is None
    assert mails.put_code(PLACE, CODE)
    assert mails.try_code(PLACE, NOW) == replace(CODE, tries=1)
    assert mails.try_code(PLACE, NOW) == replace(CODE, tries=2)


def test_a_code_has_five_tries(mails: Mails) -> None:
    mails.put_code(PLACE, CODE)
    assert [mails.try_code(PLACE, NOW) is not None for _ in range(7)] == [True] * MOST_TRIES + [False] * 2


def test_of_many_tries_at_once_five_count(mails: Mails) -> None:
    mails.put_code(PLACE, CODE)
    tried = at_once(lambda _: mails.try_code(PLACE, NOW))
    assert len([each for each in tried if each is None]) == THREADS - MOST_TRIES
    assert sorted(each.tries for each in tried if each is not None) == list(range(1, MOST_TRIES + 1))


def test_a_code_is_not_tried_at_its_end_nor_after(mails: Mails) -> None:
    mails.put_code(PLACE, CODE)
    for late in (CODE.expires_at, CODE.expires_at + 1):
        assert mails.try_code(PLACE, late) is None
    assert mails.try_code(PLACE, CODE.expires_at - 1) is not None


def test_a_newer_code_takes_the_place_and_has_tries_of_its_own(mails: Mails) -> None:
    mails.put_code(PLACE, CODE)
    for _ in range(MOST_TRIES):
        mails.try_code(PLACE, NOW)
    newer = replace(CODE, asked_ms=CODE.asked_ms + 1, code_hmac=b"newer")
    assert mails.put_code(PLACE, newer)
    assert mails.try_code(PLACE, NOW) == replace(newer, tries=1)


def test_an_older_code_that_comes_late_takes_no_place(mails: Mails) -> None:
    mails.put_code(PLACE, CODE)
    assert not mails.put_code(PLACE, replace(CODE, asked_ms=CODE.asked_ms - 1, code_hmac=b"older"))
    assert mails.try_code(PLACE, NOW) == replace(CODE, tries=1)


def test_a_second_copy_of_the_same_letter_takes_the_place(mails: Mails) -> None:
    mails.put_code(PLACE, CODE)
    assert mails.put_code(PLACE, replace(CODE, code_hmac=b"second"))
    assert mails.try_code(PLACE, NOW) == replace(CODE, code_hmac=b"second", tries=1)
