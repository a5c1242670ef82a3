"""docs/cli.md is what the commands say of themselves, and the README names the command line."""

from __future__ import annotations

from pathlib import Path

import click

from admin.cli import valet as command
from admin.doctor import CHECKS
from admin.reference import MARK, commands_of
from admin.terminal import endings

ROOT = Path(__file__).parents[3]


def commands(of: click.Command, path: str = "valet") -> dict[str, click.Command]:
    if isinstance(of, click.Group):
        found: dict[str, click.Command] = {}
        for name, each in of.commands.items():
            found |= commands(each, f"{path} {name}")
        return found
    return {path: of}


def test_the_list_of_commands_is_written_from_the_commands() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert MARK in written
    assert MARK + written.partition(MARK)[2] == commands_of(command), "python -m admin.reference"


def test_every_command_every_option_and_every_exit_status_is_in_the_document() -> None:
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for path, each in commands(command).items():
        assert f"### {path}" in written
        for option in each.params:
            assert not isinstance(option, click.Option) or option.name == "help" or f"`{option.opts[0]}`" in written
    statuses = (endings.FOUND_WRONG, endings.Refused.exit_code, endings.Unreachable.exit_code)
    for status in (*statuses, endings.NotConfirmed.exit_code, endings.Wrong.exit_code):
        assert f"| {status} |" in written


def test_every_command_and_option_says_what_it_does() -> None:
    for path, each in commands(command).items():
        assert each.help, path
        for option in each.params:
            assert not isinstance(option, click.Option) or option.help, f"{path} {option.name}"


def test_checks_have_stable_names_each_its_own() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(name.count(".") == 1 and name == name.lower() for name in names)
