"""Whatever goes wrong with a read of DynamoDB leaves the table as one error, TemporarilyUnavailable.

So the fault tests let one kind of fault befall each read of each request, and this is where every kind is tried.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from valet.aws.calls import OUTSIDE
from valet.aws.dynamodb.table import Table
from valet.errors import TemporarilyUnavailable

from tests.promises.faults.injection import Fault, Injection
from tests.support.deployment import Deployment, afresh

Read = Callable[[Table], Sequence[Any]]
# Each consumes what it reads: a query goes to DynamoDB when its first item is asked for.
READS: dict[str, Read] = {
    "GetItem": lambda table: [table.get("client#web_app_123", "client")],
    "GetItem in part": lambda table: [table.get("client#web_app_123", "client", only=("pk", "sk"))],
    "Query": lambda table: list(table.query("scopes")),
    "Query in part": lambda table: list(table.query("scopes", "o", only=("name",), where="attribute_exists(#pk)")),
}
LOST = {
    Fault.THROTTLED: "ThrottlingException",
    Fault.DENIED: "AccessDeniedException",
    Fault.LOST_TWICE: "ReadTimeout",
}


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """One whose functions try again at once."""
    monkeypatch.setattr(OUTSIDE, "wait", lambda seconds: None)
    with afresh() as deployment:
        yield deployment


@pytest.mark.parametrize("fault", LOST, ids=str)
@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_every_fault_of_a_read_leaves_as_temporarily_unavailable(
    deployment: Deployment, read: Read, fault: Fault
) -> None:
    injection = Injection(1, fault)
    with deployment.nothing_spent(), deployment.aws.intercept(injection), pytest.raises(TemporarilyUnavailable) as told:
        read(deployment.table("Registry"))
    assert injection.has_struck
    assert LOST[fault] in str(told.value.detail), "the log says what it was"


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_read_that_is_lost_once_is_sent_again(deployment: Deployment, read: Read) -> None:
    table = deployment.table("Registry")
    expected = read(table)
    injection = Injection(1, Fault.LOST)
    with deployment.aws.intercept(injection):
        assert read(table) == expected
    assert injection.has_struck
    assert expected
