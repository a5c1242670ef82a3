"""What a person who sets a password is told is wrong with it, and when Pwned Passwords is asked."""

import pytest
from valet.frozen import Frozen, replace
from valet.models.accounts import Account
from valet.models.policy import Policy
from valet.pages.words import Sentence
from valet.people.new_passwords import minimum_for, wrong_with

ACCOUNT = Account("sub-1", "", email="ann@example.com", email_verified=True, name="Ann Lee")
POLICY = Policy(password_minimum=15)
ASKS = replace(POLICY, breached_passwords=True)
STOLEN = "a stolen password, a long one"


class Breaches:
    """The port Breaches. `asked` has the passwords that somebody asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def has(self, password: str) -> bool:
        self.asked.append(password)
        return password == STOLEN


class Ports(Frozen):
    breaches: Breaches


def wrong(password: str, policy: Policy, *names: str) -> tuple[Sentence | None, list[str]]:
    ports = Ports(Breaches())
    return wrong_with(ports, password, ACCOUNT, policy, *names), ports.breaches.asked


def test_a_stolen_password_is_refused_in_words_where_the_operator_wants_that() -> None:
    refused, asked = wrong(STOLEN, ASKS)
    assert refused is not None
    assert refused.key == "new_password.breached"
    assert asked == [STOLEN]


def test_nobody_is_asked_unless_the_operator_wants_it() -> None:
    assert wrong(STOLEN, POLICY) == (None, [])


@pytest.mark.parametrize(
    ("password", "key"),
    [("short", "too_short"), ("a" * 20, "repeated"), ("ann@example.com", "name"), ("The App of Examples", "name")],
)
def test_a_password_that_is_bad_anyway_is_told_to_nobody(password: str, key: str) -> None:
    refused, asked = wrong(password, ASKS, "", "The App of Examples")
    assert refused is not None
    assert (refused.key, asked) == (f"new_password.{key}", [])


def test_a_person_without_a_username_has_names_all_the_same() -> None:
    """An empty name is in every password, and must not refuse it."""
    assert wrong("correct horse battery", POLICY, "") == (None, [])


def test_eight_characters_are_enough_only_next_to_a_second_factor() -> None:
    assert minimum_for(None, POLICY) == minimum_for(ACCOUNT, POLICY) == 15
    assert minimum_for(replace(ACCOUNT, totp_id="t"), POLICY) == 8
