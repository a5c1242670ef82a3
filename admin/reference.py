"""Write the list of commands in docs/cli.md from the code: `python -m admin.reference`. A test compares the two."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

MARK = "\n## Options of every command\n"
_SHARED = {"stack", "profile", "region", "is_local", "aws_port", "is_json", "help"}


def commands_of(command: click.Group) -> str:
    """The generated part of the document: the options of every command, then the commands."""
    shared = "\n".join(_options(command, shared=True))
    return f"{MARK}\n{shared}\n\n## Commands\n{''.join(_sections(command, 'valet'))}"


def _sections(command: click.Command, path: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, each in sorted(command.commands.items()):
            yield from _sections(each, f"{path} {name}")
        return
    arguments = " ".join(each.make_metavar(click.Context(command)) for each in command.params if _is_argument(each))
    text = (command.help or "").replace("\b\n", "").strip()
    options = list(_options(command, shared=False))
    yield f"\n### {path} {arguments}".rstrip() + f"\n\n{text}\n" + ("\n" + "\n".join(options) + "\n" if options else "")


def _options(command: click.Command, *, shared: bool) -> Iterator[str]:
    rows = [
        (", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts)), option.help or "")
        for option in command.params
        if isinstance(option, click.Option) and (option.name in _SHARED) is shared and option.name != "help"
    ]
    if rows:
        yield from ("| option | |", "| --- | --- |", *(f"| {names} | {text} |" for names, text in rows))


def _is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


if __name__ == "__main__":
    root = Path(__file__).resolve().parent.parent
    sys.path.insert(0, str(root / "layers" / "valet" / "python"))
    from admin.cli import valet

    page = root / "docs" / "cli.md"
    by_hand = page.read_text(encoding="utf-8").partition(MARK)[0]
    page.write_text(by_hand + commands_of(valet), encoding="utf-8")
