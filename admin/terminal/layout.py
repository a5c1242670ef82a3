"""Tables on a terminal: values to copy (identifiers, times, addresses) stay on one line; prose wraps."""

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

_PROSE = frozenset({"name", "description", "includes", "scope", "scopes", "roles", "grant_types", "rule", "how"})
_GAP = 2

Rows = Sequence[Mapping[str, str]]


def fitting(rows: Rows, columns: Sequence[str], spare: Sequence[str], width: int) -> list[str]:
    """The columns that fit. Those in `spare` are left out in their order until the others fit; an empty list if that
    is not enough."""
    kept = list(columns)
    for name in (*spare, None):
        if _total(_least(rows, kept)) <= width:
            return kept
        if name is not None:
            kept.remove(name)
    return []


def table(rows: Rows, columns: Sequence[str], width: int) -> Table:
    """A table of the rows and columns, within the width."""
    made = Table(box=None, header_style="bold", padding=(0, _GAP, 0, 0), pad_edge=False)
    for name, cells in zip(columns, _widths(rows, columns, width), strict=True):
        made.add_column(heading(name), width=cells, no_wrap=name not in _PROSE)
    for row in rows:
        made.add_row(*(Text(row[name]) for name in columns))
    return made


def heading(name: str) -> str:
    return name.replace("_", " ")


def _widths(rows: Rows, columns: Sequence[str], width: int) -> list[int]:
    """The least width of each column, plus a share of the room that is left; small wishes are served first."""
    widths, wished = _least(rows, columns), _most(rows, columns)
    room = width - _total(widths)
    wishes = sorted((wish - has, at) for at, (wish, has) in enumerate(zip(wished, widths, strict=True)))
    for served, (wish, at) in enumerate(wishes):
        given = min(wish, room // (len(wishes) - served))
        widths[at] += given
        room -= given
    return widths


def _least(rows: Rows, columns: Sequence[str]) -> list[int]:
    """The width that each column needs, so that no word and no value to copy is broken."""
    return [
        max(cell_len(word) for text in _texts(rows, name) for word in (text.split() if name in _PROSE else [text]))
        for name in columns
    ]


def _most(rows: Rows, columns: Sequence[str]) -> list[int]:
    return [max(cell_len(text) for text in _texts(rows, name)) for name in columns]


def _texts(rows: Rows, name: str) -> list[str]:
    return [heading(name), *(row[name] for row in rows if row[name])]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)
