"""A configuration as a file: what `valet export` writes and `reading` reads back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

import yaml
from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.policy import Policy

from configuration.reading import model_of
from configuration.table import APIS, CLIENTS, PEOPLE, POLICY, SCOPES, Section

Plain = dict[str, Any]


def document(
    policy: Policy,
    scopes: Iterable[Scope],
    apis: Iterable[ProtectedApi],
    clients: Iterable[Client],
    people: Iterable[tuple[Account, str]] | None,
    *,
    with_credentials: bool,
) -> dict[str, Plain]:
    """The sections in plain values. People come with their password hashes, which are left out like the digests of
    secrets unless `with_credentials`."""
    said: dict[str, Plain] = {
        POLICY.name: _entry(POLICY, policy),
        SCOPES.name: {scope.name: _entry(SCOPES, scope) for scope in scopes},
        APIS.name: {api.audience: _entry(APIS, api) for api in apis},
        CLIENTS.name: {client.client_id: _client(client, with_credentials=with_credentials) for client in clients},
    }
    if people is not None:
        said[PEOPLE.name] = {
            account.username: {
                **_entry(PEOPLE, account),
                "sub": account.sub,
                **({"password_hash": password_hash} if with_credentials and password_hash else {}),
            }
            for account, password_hash in people
            if account.username  # people who joined are no operator's configuration
        }
    if not said[POLICY.name]:
        del said[POLICY.name]
    return {name: dict(sorted(entries.items())) for name, entries in said.items()}


def yaml_of(said: Mapping[str, Plain], schema: str) -> str:
    """The document as YAML, with the comment by which editors find its JSON Schema."""
    body = yaml.dump(dict(said), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return f"# yaml-language-server: $schema={schema}\n{body}"


def json_of(said: Mapping[str, Plain]) -> str:
    """The document as JSON, which is YAML as well."""
    return json.dumps(said, indent=2)


class _Dumper(yaml.SafeDumper):
    """Never writes an alias, because the reader refuses them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _client(client: Client, *, with_credentials: bool) -> dict[str, Any]:
    digests = next(row for row in CLIENTS.beyond if row.member == "secret_digests")
    credentials = {digests.key: digests.kind.write(client.secret_digests)} if client.secret_digests else {}
    return {**_entry(CLIENTS, client), **(credentials if with_credentials else {})}


def _entry(section: Section, model: Any) -> dict[str, Any]:
    """The keys that are required, and those whose values differ from what the reader would take where they are not
    named."""
    own = {field.name: field.default for field in fields(model)}
    values = {row.member: getattr(model, row.member) for row in section.rows}
    said = {row.member for row in section.rows if row.is_required}
    said |= {row.member for row in section.rows if row.shapes and values[row.member] != own[row.member]}
    name = "" if section.is_single else getattr(model, section.identifier)
    default = model_of(section, name, {member: values[member] for member in said})
    said |= {member for member, value in values.items() if value != getattr(default, member)}
    return {row.key: row.kind.write(values[row.member]) for row in section.rows if row.member in said}
