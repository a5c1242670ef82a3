"""Tables on a narrow terminal: what is copied stays in one piece, and nothing is cut off."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import click
import pytest
from rich.console import Console

from admin.cli import valet as root
from admin.desk import Desk, Seconds
from admin.terminal.layout import fitting

KID = "VcuNwQNfmQVlhFlC_KB-pVgc3H5nh73dl_FN0o1UUtQ"
TIME = "2026-11-22T08:20:53Z"
Print = Callable[[int, Callable[[Desk], None]], str]


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Print:
    """What is on a terminal so many characters wide, a line for each that a copy would have."""

    def printed(width: int, act: Callable[[Desk], None]) -> str:
        console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, highlight=False)
        monkeypatch.setattr(Desk, "out", console)
        act(Desk())
        assert isinstance(console.file, io.StringIO)
        return console.file.getvalue()

    return printed


def test_identifiers_and_times_are_never_broken_and_prose_is_between_words(on_terminal: Print) -> None:
    row = {
        "kid": KID,
        "description": "See your items, and change them where your role allows it",
        "signing_since": TIME,
    }
    text = on_terminal(80, lambda desk: desk.list([row], *row))
    assert KID in text
    assert TIME in text
    assert all(len(line.rstrip()) <= 80 for line in text.splitlines())
    assert {"See", "change", "allows"} <= set(text.split())
    assert len(text.splitlines()) > 2


def test_columns_that_can_be_spared_are_left_out_and_that_is_said(
    on_terminal: Print, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"kid": KID, "state": "signing", "alg": "RS256", "created_at": TIME, "signing_since": TIME}
    text = on_terminal(80, lambda desk: desk.list([row], *row, spare="alg created_at"))
    assert text.split("\n")[1].split() == [KID, "signing", TIME]
    assert "The terminal is too narrow for: alg, created at." in capsys.readouterr().err
    assert "RS256" in on_terminal(110, lambda desk: desk.list([row], *row, spare="alg created_at"))
    assert capsys.readouterr().err == ""


def test_what_does_not_fit_at_all_is_a_block_a_row(on_terminal: Print) -> None:
    rows = [{"grant_id": "g" * 43, "client_id": f"c{number}" * 21, "issued_at": TIME} for number in (1, 2)]
    text = on_terminal(60, lambda desk: desk.list(rows, "grant_id", "client_id", "issued_at"))
    assert text.count("\n\n") == 1
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("client id")] == ["c1" * 21, "c2" * 21]


def test_wide_characters_take_the_room_that_they_take() -> None:
    row = {"username": "漢字漢字", "sub": "x" * 10}
    assert fitting([row], list(row), [], 20) == list(row)
    assert fitting([row], list(row), [], 19) == []


def test_one_thing_is_told_in_lines_that_the_terminal_wraps(on_terminal: Print) -> None:
    uri = "https://app.example.com/" + "a" * 100
    facts = {"client_id": KID * 2, "redirect_uris": [uri, "https://b.example.com"], "scope": ["a", "b"]}
    lines = on_terminal(40, lambda desk: desk.show(facts)).splitlines()
    assert [line.split()[-1] for line in lines] == [KID * 2, uri, "https://b.example.com", "b"]


def test_a_length_of_time_is_words_to_people_and_seconds_to_scripts(
    on_terminal: Print, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "8 h" in on_terminal(80, lambda desk: desk.show({"refresh_idle": Seconds(8 * 3600)}))
    Desk(is_json=True).show({"refresh_idle": Seconds(8 * 3600)})
    assert json.loads(capsys.readouterr().out) == {"refresh_idle": 28_800}


def _groups(group: click.Group) -> list[click.Group]:
    below = [each for each in group.commands.values() if isinstance(each, click.Group)]
    return [group, *(found for each in below for found in _groups(each))]


@pytest.mark.parametrize("group", _groups(root), ids=lambda group: group.name)
def test_no_commands_line_of_help_breaks_off(group: click.Group) -> None:
    context = click.Context(group, info_name="valet", terminal_width=80)
    broken = [line for line in group.get_help(context).splitlines() if line.endswith("...") and "Usage" not in line]
    assert broken == []
