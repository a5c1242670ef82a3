"""What functions print comes out readable, line by line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.log_lines import LogLines, summary


def test_objects_and_texts_are_told_apart_whole_line_by_whole_line() -> None:
    objects: list[Mapping[str, Any]] = []
    texts: list[str] = []
    lines = LogLines(objects.append, texts.append)
    lines.write('{"event": "to')
    lines.write('ken.issued"}\nplain\n\n[1]\n')
    assert objects == [{"event": "token.issued"}]
    assert texts == ["plain", "[1]"]


def test_a_summary_has_the_event_and_its_own_fields() -> None:
    record = json.loads(
        '{"level": "INFO", "location": "record:15", "message": "token.issued", "timestamp": "t", "service": "valet",'
        ' "event": "token.issued", "client_id": "mobile_app", "scope": "openid"}'
    )
    assert summary(record) == "token.issued  client_id=mobile_app scope=openid"
    assert summary({"message": "started"}) == "started"
