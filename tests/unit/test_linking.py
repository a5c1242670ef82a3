"""Whose account an identity is: the table of docs/providers.md, row by row, and each condition of a row."""

from __future__ import annotations

from typing import Any

import pytest
from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.providers import Identity, Link, Provider
from valet.people.linking import Case, Decision, Known, Why, decide, link_name

NOW = 1_800_000_000.0
GOOGLE = Provider("google", "Google", issuer="https://accounts.google.com", links="verified", creates=True)
JOHN_THERE = Identity("https://accounts.google.com", "1234", email="john@example.com", is_authoritative=True)
NAME = link_name("google", JOHN_THERE)
LINK = Link("john-sub", "google", JOHN_THERE.issuer, JOHN_THERE.subject, linked_at=1)
JOHN = Account("john-sub", "john", email="John@Example.com", email_verified=True)
LINKED = replace(JOHN, links=frozenset({NAME}))
KNOWN = Known(GOOGLE, JOHN_THERE)


def test_a_link_is_called_by_its_provider_and_a_digest_of_issuer_and_subject() -> None:
    assert NAME.startswith("google#")
    assert "1234" not in NAME
    names = {
        NAME,
        link_name("other", JOHN_THERE),
        link_name("google", replace(JOHN_THERE, subject="12345")),
        link_name("google", replace(JOHN_THERE, issuer="https://accounts.google.com1", subject="234")),
        link_name("google", replace(JOHN_THERE, issuer="https://accounts.google.co", subject="m1234")),
    }
    assert len(names) == 5
    assert link_name("google", replace(JOHN_THERE, email="jane@example.com")) == NAME  # an address is nobody


def test_row_1_the_account_that_names_the_link() -> None:
    known = replace(KNOWN, link=LINK, linked=LINKED, found=replace(JOHN, sub="another"), is_address_free=False)
    assert decide(known, NOW) == Decision(Case.SIGN_IN, LINKED)


@pytest.mark.parametrize(
    ("link", "linked"),
    [
        (LINK, JOHN),  # it does not name the link any more
        (LINK, None),
        (None, None),
        (replace(LINK, sub="another"), LINKED),  # another account has it, whatever this one names
        (LINK, replace(LINKED, deleted_at=1, is_disabled=True)),
    ],
)
def test_a_link_counts_only_while_its_own_account_names_it(link: Link | None, linked: Account | None) -> None:
    assert decide(replace(KNOWN, link=link, linked=linked), NOW).case is Case.CREATE


def test_row_2_a_trip_from_the_account_page_asks() -> None:
    known = replace(KNOWN, links_to=JOHN, found=JOHN)
    assert decide(known, NOW) == Decision(Case.ASK, JOHN)
    assert decide(replace(known, link=LINK, linked=JOHN), NOW) == Decision(Case.ASK, JOHN)


def test_row_2_does_not_take_another_accounts_identity_nor_its_own_twice() -> None:
    jane = Account("jane-sub", "jane")
    known = replace(KNOWN, link=LINK, linked=LINKED)
    assert decide(replace(known, links_to=jane), NOW) == Decision(Case.REFUSE, LINKED, Why.OTHERS)
    assert decide(replace(known, links_to=LINKED), NOW) == Decision(Case.REFUSE, LINKED, Why.OWN)


def test_row_3_two_proven_addresses_and_the_operators_word() -> None:
    assert decide(replace(KNOWN, found=JOHN), NOW) == Decision(Case.LINK, JOHN)


NOT_BY_ITSELF: dict[str, dict[str, Any]] = {
    "the operator has not said so": {"provider": replace(GOOGLE, links="off")},
    "the provider does not give out the address": {"identity": replace(JOHN_THERE, is_authoritative=False)},
    "the account has a passkey": {"found": replace(JOHN, passkeys=frozenset({"ab"}))},
    "the account has a second factor": {"found": replace(JOHN, totp_id="1")},
    "the account is another identity's": {"found": replace(JOHN, links=frozenset({"github#12"}))},
    "the address may be given back": {
        "found": replace(JOHN, former_email="old@example.com", former_until=int(NOW) + 1)
    },
}


@pytest.mark.parametrize("changes", NOT_BY_ITSELF.values(), ids=NOT_BY_ITSELF)
def test_row_4_otherwise_its_end_user_signs_in_first(changes: dict[str, Any]) -> None:
    known = replace(replace(KNOWN, found=JOHN), **changes)
    assert decide(known, NOW) == Decision(Case.HAS_ACCOUNT, known.found)


def test_an_address_that_was_given_back_long_ago_stands_in_nothings_way() -> None:
    found = replace(JOHN, former_email="old@example.com", former_until=int(NOW))
    assert decide(replace(KNOWN, found=found), NOW).case is Case.LINK


NOBODYS: dict[str, dict[str, Any]] = {
    "nobody has it": {},
    "the account has not proven it (Keycloak #53041)": {"found": replace(JOHN, email_verified=False)},
    "the account has another by now": {"found": replace(JOHN, email="new@example.com")},
    "it is written like a username": {"found": replace(JOHN, username="john@example.com", email="")},
}


@pytest.mark.parametrize("changes", NOBODYS.values(), ids=NOBODYS)
def test_row_5_an_address_that_no_account_has_proven_leads_to_a_new_account(changes: dict[str, Any]) -> None:
    assert decide(replace(KNOWN, **changes), NOW) == Decision(Case.CREATE, address="john@example.com")


def test_row_5_an_address_that_is_somebody_elses_name_does_not_become_the_new_accounts() -> None:
    assert decide(replace(KNOWN, is_address_free=False), NOW) == Decision(Case.CREATE)


def test_row_5_an_address_that_is_not_proven_upstream_counts_as_not_told() -> None:
    """ZITADEL GHSA-992q-9gwp-7r79: the provider lets people type any address."""
    known = replace(KNOWN, identity=replace(JOHN_THERE, email=""), found=JOHN)
    assert decide(known, NOW) == Decision(Case.CREATE)


@pytest.mark.parametrize("changes", [{"provider": replace(GOOGLE, creates=False)}, {"may_create": False}])
def test_row_6_who_is_nobody_here_is_refused(changes: dict[str, Any]) -> None:
    assert decide(replace(KNOWN, **changes), NOW) == Decision(Case.REFUSE, why=Why.NO_ACCOUNT)


@pytest.mark.parametrize("changes", [{"link": LINK, "linked": LINKED}, {"found": JOHN}])
def test_a_disabled_account_is_neither_signed_in_to_nor_linked(changes: dict[str, Any]) -> None:
    disabled = {name: replace(each, is_disabled=True) if name != "link" else each for name, each in changes.items()}
    assert decide(replace(KNOWN, **disabled), NOW).why is Why.DISABLED
