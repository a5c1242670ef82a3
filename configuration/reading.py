"""A configuration file as models. Whatever a model's rules say of them is `checks`' business."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.policy import Policy
from valet.people.identifiers import normal_username
from valet.protocol.supported import EITHER_SECRET_METHOD
from valet.registration import rules

from configuration.document import Malformed, Node, Unreadable, compose, entries_of, line_of
from configuration.not_in_file import NOT_IN_FILE
from configuration.table import APIS, CLIENTS, PEOPLE, POLICY, SCOPES, SECTIONS, Row, Section

Model = TypeVar("Model", Account, Client, Policy, ProtectedApi, Scope)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Model]):
    """One entry of a section: the model with the defaults of its kind, and what the file says beyond the model."""

    line: int
    model: Model
    named: frozenset[str]  # the keys that the file names
    beyond: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The sections of a file; None for a section that it does not have, which is left as it is."""

    scopes: Mapping[str, Entry[Scope]] | None = None
    apis: Mapping[str, Entry[ProtectedApi]] | None = None
    clients: Mapping[str, Entry[Client]] | None = None
    people: Mapping[str, Entry[Account]] | None = None
    policy: Mapping[str, Entry[Policy]] | None = None  # one entry, which has no name


def read(text: str) -> Configuration:
    """The configuration in a file's text. Raises Malformed with everything that is wrong."""
    problems: list[str] = []
    top = entries_of(compose(text), "the file", problems, [section.name for section in SECTIONS])
    sections = {name: node for name, (_, node) in top.items()}
    found = Configuration(
        _section(SCOPES, sections, problems),
        _section(APIS, sections, problems),
        _section(CLIENTS, sections, problems),
        _section(PEOPLE, sections, problems),
        _section(POLICY, sections, problems),
    )
    if problems:
        raise Malformed(sorted(problems, key=_line))
    return found


def as_changed(section: Section, entry: Entry[Model], before: Model) -> Model:
    """What the entry makes of the registered model: it keeps what no key sets, and what stays unless it is named."""
    kept = {*NOT_IN_FILE[section.model], *(row.member for row in section.beyond if row.member)}
    kept |= {row.member for row in section.rows if row.stays and row.key not in entry.named}
    return replace(entry.model, **{name: getattr(before, name) for name in kept})


def _section(section: Section, found: Mapping[str, Node], problems: list[str]) -> Mapping[str, Entry[Any]] | None:
    if section.name not in found:
        return None
    node = found[section.name]
    if section.is_single:
        only = _entry(section, "", line_of(node), node, problems)
        return None if only is None else {"": only}
    entries = entries_of(node, section.name, problems)
    return {
        name: entry
        for name, (line, node) in entries.items()
        if (entry := _entry(section, name, line, node, problems)) is not None
    }


def _entry(section: Section, name: str, line: int, node: Node, problems: list[str]) -> Entry[Any] | None:
    what, before = section.called(name), len(problems)
    entries = entries_of(node, what, problems, section.keys)
    given = {row.key: _value(row, what, entries[row.key], problems) for row in section.rows if row.key in entries}
    beyond = {row.key: _value(row, what, entries[row.key], problems) for row in section.beyond if row.key in entries}
    problems.extend(
        f"line {line}: {what} has no {row.key}"
        for row in section.rows
        if row.is_required and row.key not in entries and len(problems) == before
    )
    if section is PEOPLE and name != normal_username(name):
        problems.append(f"line {line}: {what}: a username is written in lower case: {normal_username(name)}")
    if len(problems) > before:
        return None
    members = {row.member: given[row.key] for row in section.rows if row.key in given}
    return Entry(line, model_of(section, name, members), frozenset(entries), beyond)


def _value(row: Row, what: str, found: tuple[int, Node], problems: list[str]) -> Any:
    _, node = found
    try:
        return row.kind.read(node)
    except Unreadable as error:
        problems.append(f"line {line_of(node)}: {what}: {row.key}: {error}")
        return None


def model_of(section: Section, name: str, members: Mapping[str, Any]) -> Any:
    """The section's model with these members, and for others the defaults of its kind."""
    if section is CLIENTS:
        return replace(_client_of_kind(name, members), **members)
    if section is PEOPLE:
        return Account("", name, **members)
    if section.is_single:
        return section.model(**members)
    return section.model(name, **members)


def _client_of_kind(client_id: str, members: Mapping[str, Any]) -> Client:
    """A client with the defaults of its application type. Without redirect URIs it has no grant type by default: a
    client that acts for itself is registered as such by name."""
    shape = {row.member: members[row.member] for row in CLIENTS.rows if row.shapes and row.member in members}
    application_type = members.get("application_type", "web")
    idle, absolute = rules.lifetimes_of(application_type)
    ways = ("authorization_code", "refresh_token") if members.get("redirect_uris") else ()
    client = Client(
        client_id,
        members["client_name"],
        token_endpoint_auth_method=EITHER_SECRET_METHOD if application_type == "web" else "none",
        grant_types=frozenset(ways),
        refresh_idle_lifetime=idle,
        refresh_absolute_lifetime=absolute,
    )
    return rules.with_defaults(replace(client, **shape))


def _line(problem: str) -> int:
    words = problem.split(maxsplit=2)
    return int(words[1].rstrip(":")) if words[0] == "line" else 0
