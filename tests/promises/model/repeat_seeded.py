"""Design faults of repeated answers, put into the running code on purpose: the model has to say what each breaks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from valet.front_channel import code, saved_requests
from valet.front_channel.saved_requests import Answered, Saved
from valet.handles import Code, base64url, code_of
from valet.models.grants import Grant

from tests.promises.model.faults import Fault
from tests.support.memory_table import MemoryTable

_GENERIC_BROWSER = "any-browser"


def _seeing(change: Callable[[Grant, Any], Grant]) -> Callable[[pytest.MonkeyPatch], None]:
    """What a repeated request sees of the grant that it meets is changed, and the key is kept by every write."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original, update = code.code_to_answer, MemoryTable.update

        def decide(found: Grant | None, own: Code, allowed: Any, now: float) -> Any:
            return original(change(found, allowed) if found and found.client_id else found, own, allowed, now)

        def keeping(self: MemoryTable, pk: str, sk: str, expression: str, *arguments: Any, **named: Any) -> Any:
            # Each of the two would do alone: the mark that is looked at, and the key that is gone.
            written, _, removed = expression.partition(" REMOVE ")
            kept = [name for name in removed.split(", ") if name and name != "#retry_key"]
            left = f" REMOVE {', '.join(kept)}" if kept else ""
            return update(self, pk, sk, written + left, *arguments, **named)

        monkeypatch.setattr(code, "code_to_answer", decide)
        monkeypatch.setattr(MemoryTable, "update", keeping)

    return patch


def _any_browser_may_send_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The handle is enough, and the code is derived from it alone."""

    def of_any_browser(handle: str, found: Any, request: Any, cookies: Any, now: float) -> Saved:
        return saved_requests._saved(handle, found, _GENERIC_BROWSER)

    monkeypatch.setattr(saved_requests, "_of_this_browser", of_any_browser)


def _each_request_has_a_grant_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    original = code._code

    def of_its_own(saved: Saved, retry_key: bytes) -> Code:
        return replace(original(saved, retry_key), grant_id=base64url(retry_key[:16]))

    monkeypatch.setattr(code, "_code", of_its_own)


def a_new_code_replaces_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The put has no condition: the second click writes a code of its own over the first."""
    original = MemoryTable.put

    def put(self: MemoryTable, item: Any, condition: str = "", values: Any = None) -> None:
        original(self, item, "" if item["pk"].startswith("grant#") else condition, values)

    monkeypatch.setattr(MemoryTable, "put", put)


def _the_second_click_answers_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "code_to_answer", lambda found, own, allowed, now: own)


def _the_code_is_derived_without_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the same before and after: what was redeemed and removed is derived again."""

    def derive(handle: str, browser: str, grant_id: str, retry_key: bytes) -> Code:
        return code_of(handle, browser, grant_id, b"")

    def decide(found: Grant | None, own: Code, allowed: Any, now: float) -> Any:
        return own if found is not None and code._is_of(own, found) else Answered.LATE

    monkeypatch.setattr(code, "code_of", derive)
    monkeypatch.setattr(code, "code_to_answer", decide)


REPEAT_FAULTS = (
    Fault(
        "a repeat answers a code that was redeemed",
        "repeat-race",
        "answered a code again that was redeemed",
        _seeing(lambda found, _: replace(found, redeemed_at_ms=0)),
    ),
    Fault(
        "a repeat answers a code that was redeemed, some seconds later",
        "repeat-late",
        "answered a code again that was redeemed",
        _seeing(lambda found, _: replace(found, redeemed_at_ms=0)),
    ),
    Fault(
        "a repeat answers a code whose grant was revoked",
        "repeat-logout",
        "answered a code whose grant is revoked",
        _seeing(lambda found, _: replace(found, revoked_at=0)),
    ),
    Fault(
        "a repeat does not look at the session",
        "repeat-stranger",
        "a stranger was given a code",
        _seeing(lambda found, allowed: replace(found, sub=allowed.session.sub, sid=allowed.session.sid)),
    ),
    Fault("a repeat by another browser", "repeat-stranger", "a stranger was given a code", _any_browser_may_send_it),
    Fault(
        "two invocations at once issue a grant each",
        "repeat-race",
        "one authorization request, two grants",
        _each_request_has_a_grant_of_its_own,
    ),
    Fault(
        "the second click's code replaces the first",
        "repeat-race",
        "a grant's own facts changed",
        a_new_code_replaces_the_first,
    ),
    Fault(
        "the second click answers a code of its own",
        "repeat-race",
        "answered a code that was never stored",
        _the_second_click_answers_its_own,
    ),
    Fault(
        "the code is derived from what the browser holds alone",
        "repeat-race",
        "answered a code again that was redeemed",
        _the_code_is_derived_without_its_key,
    ),
)
