"""What functions print comes out readable, line by line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from threading import Thread
from typing import Any

from local.log_lines import LogLines, summary


def test_objects_and_texts_are_told_apart_whole_line_by_whole_line() -> None:
    objects: list[Mapping[str, Any]] = []
    texts: list[str] = []
    raw: list[str] = []

    def heard(record: Mapping[str, Any], line: str) -> None:
        objects.append(record)
        raw.append(line)

    lines = LogLines(heard, texts.append)
    lines.write('{"event": "to')
    lines.write('ken.issued"}\nplain\n\n[1]\n')
    assert objects == [{"event": "token.issued"}]
    assert raw == ['{"event": "token.issued"}']
    assert texts == ["plain", "[1]"]


def test_what_two_threads_print_in_parts_is_not_mixed() -> None:
    texts: list[str] = []
    lines = LogLines(lambda record, line: None, texts.append)
    lines.write("from one")
    other = Thread(target=lambda: lines.write("from another\n"))
    other.start()
    other.join()
    lines.write(" thread\n")
    assert texts == ["from another", "from one thread"]


def test_a_summary_has_the_event_and_its_own_fields() -> None:
    record = json.loads(
        '{"level": "INFO", "location": "record:15", "message": "token.issued", "timestamp": "t", "service": "valet",'
        ' "event": "token.issued", "client_id": "mobile_app", "scope": "openid"}'
    )
    assert summary(record) == "token.issued  client_id=mobile_app scope=openid"
    assert summary({"message": "started"}) == "started"
