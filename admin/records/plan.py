"""The plan that makes a deployment as a configuration file says: its steps in order, and the reasons against them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from valet.handles import digest, new_handle, new_id
from valet.models.accounts import Account
from valet.models.clients import Client, Scope, Scopes
from valet.models.keys import SigningKey
from valet.models.policy import Policy
from valet.ports.runtime import Random
from valet.protocol.scope import ISSUERS_OWN
from valet.registration.apis import needs_api, refusal_of_audience
from valet.registration.scopes import needs_scope

from configuration import checks
from configuration.reading import Configuration, Entry, as_changed
from configuration.secrets import Reference, Unresolved
from configuration.table import APIS, CLIENTS, PEOPLE, POLICY, SCOPES, Section

Resolve = Callable[[Reference], str]  # raises Unresolved
_MOST_SECRETS = 2


@dataclass(frozen=True, slots=True)
class Current:
    """The registrations of the deployment. People are read only if the file has any."""

    known: Scopes
    clients: Mapping[str, Client]
    people: Mapping[str, Account]
    signing_keys: tuple[SigningKey, ...]
    policy: Policy

    def of(self, section: Section) -> Mapping[str, Any]:
        found: Mapping[str, Mapping[str, Any]] = {
            SCOPES.name: self.known.scopes,
            APIS.name: self.known.apis,
            CLIENTS.name: self.clients,
            PEOPLE.name: self.people,
            POLICY.name: {"": self.policy},
        }
        return found[section.name]


@dataclass(frozen=True, slots=True)
class Step:
    """One entry to add (no `before`), to change, or to delete (no `after`)."""

    section: Section
    name: str
    before: Any
    after: Any
    generated: str = ""  # the secret or password that the operator has to be told
    password_hash: str = ""

    @property
    def action(self) -> str:
        return "add" if self.before is None else "delete" if self.after is None else "change"

    def __str__(self) -> str:
        return self.section.called(self.name)

    def differences(self) -> Iterator[tuple[str, Any, Any]]:
        """The keys whose values change, as the file writes them. A secret is never among the values."""
        if self.before is None or self.after is None:
            return
        for row in self.section.rows:
            values = [getattr(each, row.member) for each in (self.before, self.after)]
            if values[0] != values[1]:
                was, becomes = (None if value is None else row.kind.write(value) for value in values)
                yield row.key, was, becomes
        if self.section is CLIENTS and self.before.secret_digests != self.after.secret_digests:
            kept = "; the one before is accepted until you end it" if self.before.secret_digests else ""
            yield "secret", None, f"a new one{kept}" if self.after.secret_digests else "none any more"


@dataclass(slots=True)
class Planner:
    """Plans the steps; `problems` has everything that forbids them."""

    current: Current
    issuer: str
    random: Random
    resolve: Resolve
    is_spent: Callable[[str], bool]  # whether the client_id was a deleted client's
    problems: list[str] = field(default_factory=list)
    _subs: dict[str, str] = field(init=False)  # usernames by sub

    def __post_init__(self) -> None:
        self._subs = {account.sub: account.username for account in self.current.people.values()}

    def steps(self, wanted: Configuration, *, prune: bool) -> list[Step]:
        """The steps in an order in which nothing is ever named before it exists, or deleted while it is named."""
        gone = {section.name: self._gone(section, _entries(wanted, section), prune=prune) for section in _SECTIONS}
        after = checks.merged(self.current.known, wanted, gone[SCOPES.name], gone[APIS.name])
        self.problems += checks.problems_of(wanted, after, self.issuer)
        self._new_audiences(wanted.apis or {}, after)
        registered = self.current.known.apis, self.current.clients, self.current.signing_keys
        self.problems += checks.refused_algs(wanted, *registered)
        self._still_needed(wanted, after, gone)
        made = [step for section in _SECTIONS for step in self._made(section, _entries(wanted, section) or {}, after)]
        deleted = [
            Step(section, name, self.current.of(section)[name], None)
            for section in reversed(_SECTIONS)
            for name in self._in_order_of_deletion(section, gone[section.name])
        ]
        return [*made, *deleted]

    def _new_audiences(self, apis: Mapping[str, Entry[Any]], after: Scopes) -> None:
        for audience in apis.keys() - self.current.known.apis:
            if reason := refusal_of_audience(audience, (*after.apis, self.issuer)):
                self.problems.append(f"line {apis[audience].line}: {APIS.one} {audience}: {reason}")

    def _gone(self, section: Section, entries: Mapping[str, Entry[Any]] | None, *, prune: bool) -> set[str]:
        """The registered names that the file's section lacks, to be deleted: none if the file has no such section."""
        if not prune or entries is None:
            return set()
        own = ISSUERS_OWN if section is SCOPES else frozenset()
        return set(self.current.of(section)) - entries.keys() - own

    def _in_order_of_deletion(self, section: Section, names: Collection[str]) -> list[str]:
        if section is not SCOPES:
            return sorted(names)
        ordered = _included_first(self.current.known.scopes)
        return [name for name in reversed(ordered) if name in names]

    def _still_needed(self, wanted: Configuration, after: Scopes, gone: Mapping[str, Collection[str]]) -> None:
        """Refuse to delete an entry that a registration which stays would still name."""
        clients = {**self.current.clients, **{name: entry.model for name, entry in (wanted.clients or {}).items()}}
        left = [client for name, client in clients.items() if name not in gone[CLIENTS.name]]
        for name in sorted(gone[SCOPES.name]):
            self._refuse(f"scope {name}", needs_scope(name, after, iter(left)))
        for audience in sorted(gone[APIS.name]):
            api = self.current.known.apis[audience]
            owned: frozenset[str] = frozenset().union(*(other.scopes for other in after.apis.values()))
            orphans = sorted((api.scopes - ISSUERS_OWN - owned) & after.scopes.keys())
            needs = [f"its scope {name} would belong to no API" for name in orphans]
            self._refuse(f"API {audience}", [*needs, *needs_api(replace(api, scopes=frozenset()), after, left)])

    def _refuse(self, what: str, needs: Collection[str]) -> None:
        if needs:
            self.problems.append(f"{what} cannot be deleted: {'; '.join(needs)}")

    def _made(self, section: Section, entries: Mapping[str, Entry[Any]], after: Scopes) -> Iterator[Step]:
        before = self.current.of(section)
        names: Iterable[str] = entries
        if section is SCOPES:
            names = [name for name in _included_first(after.scopes) if name in entries]
        if section is APIS:
            # An API gains a scope before another loses it. In between the scope has two APIs, so that requests for it
            # are refused. With none, a token for it would be for the issuer.
            names = sorted(
                names, key=lambda name: name in before and bool(before[name].scopes - after.apis[name].scopes)
            )
        for name in names:
            step = self._step(section, name, entries[name], before.get(name))
            if step.before != step.after:
                yield step

    def _step(self, section: Section, name: str, entry: Entry[Any], before: Any) -> Step:
        where = f"line {entry.line}: {section.called(name)}"
        after = entry.model if before is None else as_changed(section, entry, before)
        if before is not None:
            self.problems += [
                f"{where}: {row.key}: cannot be changed once it is registered: it is {getattr(before, row.member)}"
                for row in section.rows
                if row.is_fixed and getattr(before, row.member) != getattr(after, row.member)
            ]
        if section is CLIENTS:
            return self._client(where, entry, before, after)
        if section is PEOPLE:
            return self._person(where, entry, before, after)
        return Step(section, name, before, after)

    def _client(self, where: str, entry: Entry[Client], before: Client | None, after: Client) -> Step:
        if before is None and self.is_spent(after.client_id):
            self.problems.append(f"{where}: was the client_id of a client that was deleted: choose another")
        given = self._digest(where, entry)
        if not after.has_secret:  # a client that changed to another method has no secret any more
            after = replace(after, secret_digests=())
        kept = after.secret_digests
        if not after.has_secret or (given and given in kept) or (kept and not given):
            return Step(CLIENTS, after.client_id, before, after)
        if given and len(kept) >= _MOST_SECRETS:
            self.problems.append(
                f"{where}: secret: has two live secrets already: end the older one first, "
                f"with `valet clients end-old-secret {after.client_id}`"
            )
        if given:
            return Step(CLIENTS, after.client_id, before, replace(after, secret_digests=(*kept, given)))
        if "secret_digests" in entry.beyond:
            digests = tuple(entry.beyond["secret_digests"])
            return Step(CLIENTS, after.client_id, before, replace(after, secret_digests=digests))
        secret = new_handle(self.random)
        return Step(CLIENTS, after.client_id, before, replace(after, secret_digests=(digest(secret),)), secret)

    def _digest(self, where: str, entry: Entry[Client]) -> bytes | None:
        """The digest of the secret that the file refers to."""
        if "secret" not in entry.beyond:
            return None
        try:
            return digest(self.resolve(entry.beyond["secret"]))
        except Unresolved as error:
            self.problems.append(f"{where}: secret: {error}")
            return None

    def _person(self, where: str, entry: Entry[Account], before: Account | None, after: Account) -> Step:
        sub = entry.beyond.get("sub")
        if before is not None:
            if sub not in (None, before.sub):
                self.problems.append(f"{where}: sub: cannot be changed: it is {before.sub}")
            return Step(PEOPLE, after.username, before, after)
        if sub in self._subs:
            self.problems.append(f"{where}: sub: it is the sub of {self._subs[sub]}")
        if sub in self.current.clients:
            self.problems.append(f"{where}: sub: {checks.OF_A_CLIENT}")
        after = replace(after, sub=sub or new_id(self.random))
        password_hash = entry.beyond.get("password_hash", "")
        password = "" if password_hash else new_handle(self.random)
        return Step(PEOPLE, after.username, None, after, password, password_hash)


_SECTIONS = (POLICY, SCOPES, APIS, CLIENTS, PEOPLE)


def _entries(wanted: Configuration, section: Section) -> Mapping[str, Entry[Any]] | None:
    found: Mapping[str, Entry[Any]] | None = getattr(wanted, section.name)
    return found


def _included_first(scopes: Mapping[str, Scope]) -> list[str]:
    """The names, each after those that its scope includes. Circles are refused elsewhere."""
    ordered: dict[str, None] = {}
    todo = [(name, False) for name in sorted(scopes, reverse=True)]
    seen: set[str] = set()
    while todo:
        name, is_left = todo.pop()
        if is_left:
            ordered[name] = None
        elif name in scopes and name not in seen:
            seen.add(name)
            todo.append((name, True))
            todo += [(each, False) for each in sorted(scopes[name].includes, reverse=True)]
    return list(ordered)
