"""What is in the code is in the documents, and what the documents name is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.parts.docs import reference

ROOT = Path(__file__).resolve().parents[3]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_reference_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8").splitlines()
    lacking = [line for line in reference.reference() if line not in written]
    assert not lacking, "run `python -m tests.parts.docs.reference > docs/reference.md`; it lacks\n" + "\n".join(
        lacking
    )
    assert written == list(reference.reference())


def test_everything_has_its_sentence_and_every_sentence_its_thing() -> None:
    assert set(reference.ROUTES) == set(reference.routes())
    assert set(reference.VARIABLES) == reference.variables()
    assert set(reference.ERRORS) == set(reference.errors())
    assert set(reference.AUTHORIZER_EVENTS) == reference.authorizer_events()


def test_every_alarm_has_a_line_in_the_runbook_and_every_line_its_alarm() -> None:
    alarms = {
        name.removesuffix("Alarm")
        for name, resource in reference.template()["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    (table,) = re.findall(r"\| alarm \| what it means.*?\n\n", OPERATIONS, re.DOTALL)
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == alarms


def test_every_saved_query_that_the_runbook_names_is_there() -> None:
    named = set(re.findall(r"[Qq]uery \*([^*]+)\*", OPERATIONS))
    saved = {
        resource["Properties"]["Name"]["Fn::Sub"].partition("/")[2]
        for resource in reference.template()["Resources"].values()
        if resource["Type"] == "AWS::Logs::QueryDefinition"
    }
    assert named
    assert named <= saved


def test_every_function_has_an_event_to_begin_with() -> None:
    rows = dict(re.findall(r"^\| `(\w+Function)` \| `(events/[^`]+)`", OPERATIONS, re.MULTILINE))
    functions = {
        name
        for name, resource in reference.template()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert set(rows) == functions
    assert all((ROOT / event).is_file() for event in rows.values())


def test_the_index_of_decisions_names_each_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    pages = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    index = re.findall(r"^- \[(.*)\]\((.*)\)$", pages.pop("README.md"), re.MULTILINE)
    assert sorted(index) == sorted((text.splitlines()[0].removeprefix("# "), name) for name, text in pages.items())


def _links() -> Iterator[tuple[str, str]]:
    for path in DOCS:
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not target.startswith(("http:", "https:", "mailto:")):
                yield str(path.relative_to(ROOT)), target


@pytest.mark.parametrize(("document", "target"), sorted(set(_links())))
def test_a_link_leads_somewhere(document: str, target: str) -> None:
    file, _, anchor = target.partition("#")
    path = (ROOT / document).parent / file if file else ROOT / document
    assert path.exists()
    if anchor:
        assert anchor in _anchors(path.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    """As the usual renderers make them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _valet_commands() -> Iterator[tuple[str, str]]:
    for path in DOCS:
        text = path.read_text(encoding="utf-8")
        found = set(re.findall(r"`(?:admin/)?valet ([^`\n]+)`", text))
        found |= set(re.findall(r"^admin/valet (.*)$", text, re.MULTILINE))
        for line in sorted(found):
            yield str(path.relative_to(ROOT)), line


@pytest.mark.parametrize(("document", "line"), sorted(set(_valet_commands())))
def test_a_command_of_the_documents_is_one_of_the_command_lines(document: str, line: str) -> None:
    from admin.cli import valet

    command: click.Command = valet
    words = [word for word in shlex.split(line.replace("…", "").replace("\\", ""), comments=True) if word != "<kid>"]
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    arguments = [word for word in words if not word.startswith("-")]
    while arguments and arguments[0] not in valet.commands:
        arguments.pop(0)  # what an option before the command is given
    while isinstance(command, click.Group):
        assert arguments, line
        if arguments[0] not in command.commands and command is not valet:
            break
        command = command.commands[arguments.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert set(options) <= known | {"--help"}


STANDARDS = (
    "RFC 6749",
    "RFC 6750",
    "RFC 7009",
    "RFC 7517",
    "RFC 7518",
    "RFC 7519",
    "RFC 7523",
    "RFC 7636",
    "RFC 7638",
    "RFC 7662",
    "RFC 8252",
    "RFC 8414",
    "RFC 8725",
    "RFC 9068",
    "RFC 9126",
    "RFC 9207",
    "RFC 9700",
    "RFC 9728",
    "OAuth 2.1",
    "Token Status List",
    "Discovery",
    "RP-Initiated Logout",
)


@pytest.mark.parametrize("name", STANDARDS)
def test_a_standard_is_told_with_its_place(name: str) -> None:
    text = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
    assert any("](" in line for line in text.splitlines() if line.startswith("|") and name in line)
