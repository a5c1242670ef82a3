"""README's picture (SVG): each budget as a bar that is full if the budget is used up, and the servers side by side."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import count

from bench.measure import Sample
from bench.report import Line, number

WIDTH, LEFT, RIGHT, ROW = 920, 400, 110, 24
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.dim { fill: #59636e; font-size: 12px } .head { font-weight: 600; font-size: 15px }
.track { fill: #d1d9e0 } .holds { fill: #1a7f37 } .over { fill: #cf222e } .limit { stroke: #59636e }
.a { fill: #0969da } .b { fill: #8c959f } .c { fill: #bf8700 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .dim { fill: #9198a1 } .track { fill: #3d444d } .limit { stroke: #9198a1 }
}
"""


def draw(lines: Sequence[Line], servers: Mapping[str, Mapping[str, Sample]], caption: str) -> str:
    """The picture as an SVG document."""
    body: list[str] = []
    y = 28
    body.append(_text(0, y, "Budgets: share used, shorter is better", "head"))
    for line in lines:
        y += ROW
        body += _budget(line, y)
    y += 2 * ROW
    body.append(_text(0, y, "Whole servers, requests a second, one process, 16 connections", "head"))
    for part in _servers(servers, y):
        body.append(part)
        y = max(y, int(part.partition('y="')[2].partition('"')[0] or 0))
    y += 2 * ROW
    body.append(_text(0, y, caption, "dim"))
    height = y + 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="Valet against its budgets, and next to other servers"><style>{_STYLE}</style>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _budget(line: Line, y: int) -> Iterator[str]:
    room = WIDTH - LEFT - RIGHT
    full = room * 2 / 3  # the length of a budget that is used up
    used = max(0, min(line.figure / line.limit * full, room)) if line.limit else 0 if line.holds else room
    yield _text(0, y, f"{line.budget}  {line.measure}")
    yield f'<rect class="track" x="{LEFT}" y="{y - 12}" width="{full:.0f}" height="14" rx="2"/>'
    kind = "holds" if line.holds else "over"
    yield f'<rect class="{kind}" x="{LEFT}" y="{y - 12}" width="{used:.0f}" height="14" rx="2"/>'
    x = LEFT + full
    yield f'<line class="limit" x1="{x:.0f}" x2="{x:.0f}" y1="{y - 15}" y2="{y + 5}"/>'
    yield _text(WIDTH - RIGHT + 8, y, f"{number(line.figure)} of {number(line.limit)}", "dim")


def _servers(servers: Mapping[str, Mapping[str, Sample]], top: int) -> Iterator[str]:
    most = max((each.median for kinds in servers.values() for each in kinds.values()), default=1.0)
    room, rows = WIDTH - LEFT - RIGHT, count(1)
    for kind in dict.fromkeys(kind for kinds in servers.values() for kind in kinds):
        for colour, (name, kinds) in zip("abc", sorted(servers.items(), key=_valet_first), strict=False):
            y = top + ROW * next(rows)
            yield _text(0, y, f"{kind}, {name}")
            width = kinds[kind].median / most * room
            yield f'<rect class="{colour}" x="{LEFT}" y="{y - 12}" width="{width:.0f}" height="14" rx="2"/>'
            yield _text(LEFT + int(width) + 8, y, number(kinds[kind].median), "dim")


def _valet_first(named: tuple[str, object]) -> tuple[bool, str]:
    return named[0] != "Valet", named[0]


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}>{escape(words)}</text>'
