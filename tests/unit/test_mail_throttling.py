"""How many mails may be asked for: by address, by network, and from the whole deployment (P22)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from valet.aws.dynamodb.throttles import DynamoThrottles
from valet.models.mails import ADDRESS, FIRST_MEANS, JOIN, RECOVER
from valet.models.policy import Policy
from valet.people.mail_throttling import may_ask

from tests.support.memory_stores import new_table

NOW = 1_800_000_000.0  # the beginning of an hour, and eight hours into a day
HOUR, DAY = 3_600, 86_400


class Registry:
    def __init__(self, mail_per_hour: int) -> None:
        self.mail_per_hour = mail_per_hour

    def policy(self) -> Policy:
        return Policy(mail_per_hour=self.mail_per_hour)


@dataclass
class Ports:
    """The ports that asking uses, and what was logged."""

    mail_per_hour: int = 1_000
    throttles: DynamoThrottles = field(default_factory=lambda: DynamoThrottles(new_table()))
    bounds: list[Any] = field(default_factory=list)

    @property
    def registry(self) -> Any:
        return Registry(self.mail_per_hour)

    @property
    def audit(self) -> Any:
        return self

    def record(self, event: str, /, **fields: Any) -> None:
        assert event == "mail.throttled"
        self.bounds.append(fields["bound"])

    def ask(self, address: str, source_ip: str = "192.0.2.1", now: float = NOW, purpose: str = RECOVER) -> bool:
        return may_ask(self, purpose, address, source_ip, now)


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def elsewhere() -> Callable[[], str]:
    """A network that was not used before, each time."""
    numbers = iter(range(1, 250))
    return lambda: f"198.51.100.{next(numbers)}"


def test_an_address_gets_three_mails_an_hour_from_all_networks_together(
    ports: Ports, elsewhere: Callable[[], str]
) -> None:
    assert [ports.ask("ada@example.org", elsewhere()) for _ in range(5)] == [True] * 3 + [False] * 2
    assert ports.bounds == ["address"] * 2
    assert not ports.ask("ada@example.org", elsewhere(), NOW + HOUR - 1)
    assert ports.ask("ada@example.org", elsewhere(), NOW + HOUR)


def test_a_stranger_who_asks_to_join_by_my_address_does_not_keep_me_from_a_new_password(
    ports: Ports, elsewhere: Callable[[], str]
) -> None:
    asked = [ports.ask("ada@example.org", elsewhere(), purpose=JOIN) for _ in range(5)]
    assert asked == [True] * 3 + [False] * 2
    assert ports.ask("ada@example.org", elsewhere())


def test_an_address_gets_ten_mails_a_day(ports: Ports, elsewhere: Callable[[], str]) -> None:
    midnight = (NOW // DAY + 1) * DAY
    asked = [ports.ask("ada@example.org", elsewhere(), midnight + hour * HOUR) for hour in range(24) for _ in range(3)]
    assert asked.count(True) == 10
    assert ports.ask("ada@example.org", elsewhere(), midnight + DAY)


@pytest.mark.parametrize(
    "other", ["ADA@Example.org", "ada+shop@example.org", "Ada+@example.org", "\uff41da@example.org"]
)
def test_one_mailbox_has_one_bound_however_it_is_written(
    ports: Ports, elsewhere: Callable[[], str], other: str
) -> None:
    for _ in range(3):
        assert ports.ask("ada@example.org", elsewhere())
    assert not ports.ask(other, elsewhere())
    assert ports.ask("eve@example.org", elsewhere())


def test_one_bound_holds_for_every_purpose_of_an_owner(ports: Ports, elsewhere: Callable[[], str]) -> None:
    purposes = (RECOVER, FIRST_MEANS, ADDRESS, RECOVER)
    assert [ports.ask("ada@example.org", elsewhere(), purpose=each) for each in purposes] == [
        *[True] * 3,
        False,
    ]


def test_a_network_asks_twenty_times_an_hour_for_all_addresses_together(ports: Ports) -> None:
    asked = [ports.ask(f"person{number}@example.org") for number in range(25)]
    assert asked == [True] * 20 + [False] * 5
    assert set(ports.bounds) == {"network"}
    assert ports.ask("person@example.org", now=NOW + HOUR)


def test_a_site_of_ipv6_is_one_network(ports: Ports) -> None:
    """A party may have a /48 (RFC 6177 §2), which is 65,536 networks of /64."""
    asked = [ports.ask(f"person{number}@example.org", f"2001:db8:1:{number:x}::1") for number in range(25)]
    assert asked == [True] * 20 + [False] * 5
    assert ports.ask("person@example.org", "2001:db8:2::1")


def test_the_deployment_sends_as_many_as_the_policy_says(elsewhere: Callable[[], str]) -> None:
    ports = Ports(mail_per_hour=5)
    assert [ports.ask(f"person{number}@example.org", elsewhere()) for number in range(7)] == [True] * 5 + [False] * 2
    assert ports.bounds == ["deployment"] * 2
    assert ports.ask("person@example.org", elsewhere(), NOW + HOUR)


def test_what_a_network_is_refused_uses_up_no_address_and_no_deployment(elsewhere: Callable[[], str]) -> None:
    """Else one stranger could keep a person, or everybody, from getting a mail."""
    ports = Ports(mail_per_hour=30)
    for number in range(100):
        ports.ask(f"person{number}@example.org")
    for _ in range(30):
        ports.ask("ada@example.org")
    assert [ports.ask("ada@example.org", elsewhere()) for _ in range(4)] == [True] * 3 + [False]
    assert sum(ports.ask(f"other{number}@example.org", elsewhere()) for number in range(10)) == 7


def test_what_an_address_is_refused_uses_up_no_deployment(elsewhere: Callable[[], str]) -> None:
    ports = Ports(mail_per_hour=10)
    for _ in range(50):
        ports.ask("ada@example.org", elsewhere())
    assert sum(ports.ask(f"other{number}@example.org", elsewhere()) for number in range(10)) == 7


def test_no_count_is_kept_under_an_address(ports: Ports) -> None:
    ports.ask("ada@example.org")
    kept = str(list(vars(ports.throttles.table).values()))
    assert "throttle#mail#address#" in kept
    assert "ada" not in kept
