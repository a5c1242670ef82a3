"""What is wrong with a configuration by the rules of registration, in the words of the file's keys and with lines."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scopes
from valet.models.keys import SigningKey
from valet.registration import rules
from valet.registration.apis import wrong_with_api
from valet.registration.people import refusal_of_hash, wrong_with_account
from valet.registration.policy import wrong_with_policy
from valet.registration.scopes import wrong_with_scope
from valet.registration.signing_algs import refusals_of_alg, refusals_of_profile

from configuration.reading import Configuration, Entry
from configuration.table import APIS, CLIENTS, POLICY, SCOPES, Section, key_of

_LONGEST_SUB = 128
# A client's own token has its client_id as the sub: an API could take one for the other (RFC 9068 §5).
OF_A_CLIENT = "it is a client_id, and tokens of that client have it as their sub"


def merged(
    known: Scopes,
    configuration: Configuration,
    without_scopes: Collection[str] = (),
    without_apis: Collection[str] = (),
) -> Scopes:
    """The scopes and APIs once the configuration is in force and the others are deleted."""
    scopes = {**known.scopes, **_models(configuration.scopes)}
    apis = {**known.apis, **_models(configuration.apis)}
    return Scopes(
        {name: scope for name, scope in scopes.items() if name not in without_scopes},
        {audience: api for audience, api in apis.items() if audience not in without_apis},
    )


def problems_of(configuration: Configuration, after: Scopes, issuer: str) -> list[str]:
    """Everything that is wrong with the entries, among the scopes and APIs `after` the configuration is in force."""
    is_local = issuer.startswith("http://")  # no deployment's issuer is plain http
    return [
        *_told(POLICY, configuration.policy, wrong_with_policy),
        *_told(SCOPES, configuration.scopes, lambda scope: wrong_with_scope(scope, after)),
        *_told(APIS, configuration.apis, lambda api: wrong_with_api(api, after, issuer)),
        *_told(
            CLIENTS, configuration.clients, lambda client: rules.wrong_with_client(client, after, is_local=is_local)
        ),
        *_secrets(configuration.clients or {}),
        *_people(configuration.people or {}, configuration.clients or {}),
    ]


def refused_algs(
    configuration: Configuration,
    registered_apis: Mapping[str, ProtectedApi],
    registered_clients: Mapping[str, Client],
    keys: Sequence[SigningKey],
) -> list[str]:
    """The entries that change to a signature algorithm with which no key signs."""
    apis, clients = registered_apis, registered_clients
    return [
        *_told(APIS, configuration.apis, lambda api: refusals_of_alg(api, apis.get(api.audience), keys)),
        *_told(CLIENTS, configuration.clients, lambda each: refusals_of_alg(each, clients.get(each.client_id), keys)),
        *_told(
            CLIENTS, configuration.clients, lambda each: refusals_of_profile(each, clients.get(each.client_id), keys)
        ),
    ]


def _models(entries: Mapping[str, Entry[Any]] | None) -> dict[str, Any]:
    return {name: entry.model for name, entry in (entries or {}).items()}


def _told(
    section: Section,
    entries: Mapping[str, Entry[Any]] | None,
    wrong_with: Callable[[Any], Iterable[rules.Wrong]],
) -> Iterator[str]:
    for name, entry in (entries or {}).items():
        for wrong in wrong_with(entry.model):
            value = "" if wrong.value is None or wrong.value == name else f" {wrong.value!r}"
            key = "" if wrong.member == section.identifier else f"{key_of(section, wrong.member)}{value}: "
            yield f"line {entry.line}: {section.called(name)}: {key}{wrong.reason}"


def _secrets(entries: Mapping[str, Entry[Any]]) -> Iterator[str]:
    for name, entry in entries.items():
        if entry.beyond and not entry.model.has_secret:
            method, keys = entry.model.token_endpoint_auth_method, " and ".join(entry.beyond)
            keeps = f"a {entry.model.application_type} client keeps no secret"
            reason = f"a client that authenticates by {method} has none" if entry.model.is_confidential else keeps
            yield f"line {entry.line}: client {name}: {keys}: {reason}"
        if len(entry.beyond) > 1:
            yield f"line {entry.line}: client {name}: {' and '.join(entry.beyond)}: say one of them"


def _people(entries: Mapping[str, Entry[Account]], clients: Collection[str]) -> Iterator[str]:
    subs: dict[str, str] = {}
    for name, entry in entries.items():
        where = f"line {entry.line}: person {name}"
        yield from (f"{where}: {reason}" for reason in wrong_with_account(entry.model))
        # The message does not repeat the hash: it may be a password in the wrong place.
        if "password_hash" in entry.beyond and (reason := refusal_of_hash(entry.beyond["password_hash"])):
            yield f"{where}: password_hash: {reason}"
        sub = entry.beyond.get("sub")
        if sub is not None:
            # The sub is part of keys in the tables, and `#` is what separates their parts.
            if not 0 < len(sub) <= _LONGEST_SUB or not sub.isascii() or not sub.isprintable() or set(sub) & set(" #"):
                yield f"{where}: sub: must be 1 to {_LONGEST_SUB} visible ASCII characters without #"
            if sub in clients:
                yield f"{where}: sub: {OF_A_CLIENT}"
            if sub in subs:
                yield f"{where}: sub: {subs[sub]} has it already"
            subs.setdefault(sub, name)
