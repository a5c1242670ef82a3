"""Design faults of pushed requests, put into the running code on purpose: the model has to say what each breaks."""

from typing import Any

import pytest
from valet.aws.dynamodb.grants import DynamoGrants
from valet.front_channel import pushed_requests
from valet.front_channel.saved_requests import Pushed
from valet.frozen import replace
from valet.handles import new_id

from tests.promises.model.faults import Fault
from tests.promises.model.repeat_seeded import a_new_code_replaces_the_first


def _each_copy_has_a_grant_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    original = pushed_requests.copy_for_browser

    def of_its_own(ports: Any, pushed: Pushed, request: Any, now: float) -> Any:
        return original(ports, replace(pushed, grant_id=new_id(ports.random)), request, now)

    monkeypatch.setattr(pushed_requests, "copy_for_browser", of_its_own)


def _a_visit_does_not_ask_whether_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DynamoGrants, "exists", lambda self, grant_id: False)


PUSHED_FAULTS = (
    Fault(
        "each copy of a pushed request ends in a grant of its own",
        "pushed-race",
        "one authorization request, two grants",
        _each_copy_has_a_grant_of_its_own,
    ),
    Fault(
        "copies of a pushed request that wait end in grants of their own",
        "pushed-copies",
        "one authorization request, two grants",
        _each_copy_has_a_grant_of_its_own,
    ),
    Fault(
        "a visit does not ask whether the request_uri is used",
        "pushed-copies",
        "a used request_uri is taken again",
        _a_visit_does_not_ask_whether_it_is_used,
    ),
    Fault(
        "that question is all that keeps a pushed request to one code",
        "pushed-race",
        "a grant's own facts changed",
        a_new_code_replaces_the_first,
    ),
)
