"""docs/clients: each page says how it is tried, its commands work, and what it names exists."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
import pytest
import yaml

from admin.cli import valet as command
from local.stack import LocalStack
from tests.parts.docs.test_examples import run

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "clients"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md")) if path.stem != "README"}
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
BY_THE_TESTS, BY_HAND, NOT = "Tried with ", "Tried by hand with ", "Not tried here."
IN_INDEX = {BY_THE_TESTS: "by the tests", BY_HAND: "by hand", NOT: "no"}


def how(text: str) -> str:
    """The last section of a page, in one line."""
    _, _, last = text.rpartition("\n## ")
    title, _, words = last.partition("\n")
    assert title == "Tried"
    return " ".join(words.split())


def state(text: str) -> str:
    (found,) = (each for each in IN_INDEX if how(text).startswith(each))
    return found


def prose(name: str) -> str:
    """A page without its blocks of settings."""
    return re.sub(r"^```.*?^```", "", PAGES.get(name, INDEX), flags=re.DOTALL | re.MULTILINE)


def added(text: str) -> list[str]:
    return re.findall(r"^admin/valet (clients add .*)$", text, re.MULTILINE)


def mentioned(text: str) -> Iterator[list[str]]:
    """The `valet …` commands inside sentences and tables."""
    for line in re.findall(r"`valet ([a-z][^`]*)`", text):
        yield shlex.split(line)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_how_it_is_tried_and_the_index_says_the_same(name: str) -> None:
    (row,) = re.findall(rf"^\| \[.*\]\({re.escape(name)}\.md\) \|.*\| (.*) \|$", INDEX, re.MULTILINE)
    assert IN_INDEX[state(PAGES[name])] in row


@pytest.mark.parametrize("name", [name for name, text in PAGES.items() if state(text) == BY_THE_TESTS])
def test_a_page_that_the_tests_try_names_the_test_and_the_version_in_the_lock_file(name: str) -> None:
    words = how(PAGES[name])
    files = re.findall(r"\[(tests/[\w/.]+)\]\(\.\./\.\./\1\)", words)
    assert files
    assert all((ROOT / file).is_file() for file in files)
    locked = json.loads((ROOT / "tests/e2e/package-lock.json").read_text(encoding="utf-8"))["packages"]
    pinned = (ROOT / "requirements/dev.txt").read_text(encoding="utf-8")
    tried = re.findall(r"([\w@/-]+) (\d+\.\d+\.\d+)", words)
    assert tried
    for package, version in tried:
        module = locked.get(f"node_modules/{package}")
        assert module["version"] == version if module else f"\n{package.lower()}=={version} " in pinned


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_command_the_settings_what_to_expect_and_the_common_errors(name: str) -> None:
    titles = re.findall(r"^## (\w+(?: \w+)*)", PAGES[name], re.MULTILINE)
    assert added(PAGES[name])
    assert [title for title in titles if title != "Settings"] == [
        "Register",
        "What to expect",
        "Common errors",
        "Tried",
    ]
    assert titles[1] == "Settings"


READERS: Mapping[str, Callable[[str], object]] = {
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
    "ini": configparser.ConfigParser(interpolation=None).read_string,
}


@pytest.mark.parametrize("name", PAGES)
def test_the_settings_are_well_formed_and_have_the_client_that_the_command_registers(name: str) -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", PAGES[name], re.DOTALL | re.MULTILINE)
    for language, block in blocks:
        READERS.get(language, str)(block)
    settings = "".join(block for language, block in blocks if "admin/valet" not in block)
    for line in added(PAGES[name]):
        words = shlex.split(line)
        client_id = words[words.index("--id") + 1]
        assert re.search(rf"\b{client_id}\b", settings)


@pytest.mark.slow
def test_every_client_of_the_pages_can_be_registered_as_it_stands(fresh_stack: LocalStack) -> None:
    ids = set()
    for name, text in PAGES.items():
        for line in added(text):
            result = run(fresh_stack, f"{line} --local --json")
            assert result.exit_code == 0, f"{name}: {line}: {result.output}"
            shown = json.loads(result.stdout)
            ids.add(shown["client_id"])
            assert ("client_secret" in shown) == ("--type" not in line)
    assert len(ids) == sum(len(added(text)) for text in PAGES.values())


@pytest.mark.parametrize("name", [*PAGES, "README"])
def test_every_command_that_a_sentence_mentions_exists_with_its_options(name: str) -> None:
    for words in mentioned(PAGES.get(name, INDEX)):
        found: click.Command = command
        while isinstance(found, click.Group) and words:
            assert words[0] in found.commands, words
            found = found.commands[words.pop(0)]
        known = {option for parameter in found.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} <= known, words


@pytest.mark.parametrize("name", [*PAGES, "README"])
def test_every_option_that_a_page_mentions_is_one_of_registration(name: str) -> None:
    """The options of valet in sentences; those of other programs stand in blocks, or are listed here."""
    elsewhere = {"--authentication-config", "--oidc-extra-scope", "--oidc-redirect-url", "--oidc-redirect-url-hostname"}
    ours = command.commands
    groups = [each for each in ours.values() if isinstance(each, click.Group)]
    known = {
        option
        for group in groups
        for each in group.commands.values()
        for parameter in each.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    found = {word for code in re.findall(r"`(--[^`]*)`", prose(name)) for word in code.split() if word.startswith("--")}
    assert {word.partition("=")[0] for word in found} - elsewhere <= known


@pytest.mark.parametrize("name", PAGES)
def test_a_test_that_a_page_names_is_the_one_that_the_link_leads_to(name: str) -> None:
    named = re.findall(r"tests/[\w/.]+\w", re.sub(r"\]\([^)]*\)", "", prose(name)))
    linked = re.findall(r"\]\(\.\./\.\./(tests/[^)]*)\)", prose(name))
    assert named == linked


@pytest.mark.parametrize("name", [*PAGES, "README"])
def test_every_link_leads_to_a_file_and_a_heading(name: str) -> None:
    for path, _, anchor in (link.partition("#") for link in re.findall(r"\]\(((?!http)[^)]*)\)", prose(name))):
        target = FOLDER / path
        assert target.is_file(), path
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_the_index_is_linked_from_the_readme() -> None:
    assert "(docs/clients/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
