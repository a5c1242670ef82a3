"""The JSON Schema of a configuration file, for editors (draft-07, which they know): `python -m configuration.schema`.

It is written from the rows that the reader goes by, into configuration/valet.schema.json.
"""

import json
from pathlib import Path
from typing import Any

from configuration.table import SECTIONS, Row, Section

FILE = Path(__file__).parent / "valet.schema.json"


def schema() -> dict[str, Any]:
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Valet's configuration",
        "type": "object",
        "properties": {section.name: _section(section) for section in SECTIONS},
        "additionalProperties": False,
    }


def written() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _section(section: Section) -> dict[str, Any]:
    entry = {
        "type": "object",
        "properties": {row.key: _value(row) for row in (*section.rows, *section.beyond)},
        "required": [row.key for row in section.rows if row.is_required],
        "additionalProperties": False,
    }
    if section.is_single:
        return {"description": section.says, **entry}
    return {"description": section.says, "type": "object", "additionalProperties": entry}


def _value(row: Row) -> dict[str, Any]:
    return {"description": row.says, **(_one_of(row.kind.schema, row.choices) if row.choices else row.kind.schema)}


def _one_of(kind: Any, choices: tuple[str, ...]) -> dict[str, Any]:
    """The kind, with the registered names only."""
    if "anyOf" not in kind:
        return {**kind, "enum": list(choices)}
    names = {"type": "string", "enum": list(choices)}
    words = f"^(?:{'|'.join(choices)})(?: (?:{'|'.join(choices)}))*$"
    return {"anyOf": [{**kind["anyOf"][0], "items": names}, {"type": "string", "pattern": words}]}


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
