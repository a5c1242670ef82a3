"""What a developer's APIs need from the issuer: their audiences and scopes, demo clients that may ask for them, and, of
an API with reference tokens, the client that introspects them.

Only what is not registered yet is added, so a registration of the developer's own stays as it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.table import Table
from valet.handles import digest
from valet.models.clients import Client, ProtectedApi, Scope, Scopes
from valet.protocol.scope import ISSUERS_OWN
from valet.protocol.supported import JWT, REFERENCE
from valet.registration.apis import wrong_with_api
from valet.registration.rules import Wrong
from valet.registration.scopes import wrong_with_scope

from local.demo_data import CLIENTS
from local.own.valets import Valet


class Registration:
    """Registers what authorizers ask for. It changes a protected API only if it has registered it itself."""

    def __init__(self, issuer: str, tables: Mapping[str, str]) -> None:
        self._issuer = issuer
        self._table = Table(AwsCalls("dynamodb", os.environ), tables["Registry"])
        self._registrar = Registrar(self._table)
        self._own: dict[str, ProtectedApi] = {}

    def register(self, name: str, valets: Iterable[Valet]) -> list[str]:
        """What was registered, and what could not be, a line each."""
        lines = []
        for valet in valets:
            lines += self._register(name, valet)
        return lines

    def _register(self, name: str, valet: Valet) -> list[str]:
        registry = DynamoRegistry(self._table, time.time)
        known = registry.scopes()
        others = _owners(known, valet.audience)
        lines = [
            f"not registered: scope {each} belongs to {others[each]}, and a token is for one API only"
            for each in sorted(valet.scopes & set(others))
        ]
        scopes = valet.scopes - set(others)
        if (issuers := sorted(scopes & ISSUERS_OWN)) and ISSUERS_OWN & set(others):
            lines.append(f"not registered: {', '.join(issuers)} of the issuer, whose scopes one API only may name")
            scopes -= ISSUERS_OWN
        for each in sorted(scopes - set(known.scopes)):
            scope = Scope(each, f"Use {name} ({each})")
            if wrong := wrong_with_scope(scope, known):
                lines.append(f"not registered: scope {each}: {'; '.join(map(_said, wrong))}")
                scopes -= {each}
            else:
                self._registrar.add_scope(scope)
        known = DynamoRegistry(self._table, time.time).scopes()
        registered = known.apis.get(valet.audience)
        if registered is None or registered == self._own.get(valet.audience):
            form = REFERENCE if valet.introspector else JWT
            api = ProtectedApi(valet.audience, name, scopes, valet.roles, access_token_format=form)
            lines += self._put_api(api, registered, known)
        elif lacking := sorted(scopes - registered.scopes):
            lines.append(f"not registered: {valet.audience} is, but without the scope {', '.join(lacking)}")
        if valet.introspector:
            lines += self._put_introspector(*valet.introspector, valet.audience)
        return lines

    def _put_introspector(self, client_id: str, secret: str, audience: str) -> list[str]:
        found = DynamoRegistry(self._table, time.time).find_client(client_id)
        if found is None:
            name, digests, introspects = f"Authorizer of {audience}", (digest(secret),), frozenset({audience})
            self._registrar.put_client(Client(client_id, name, secret_digests=digests, introspects=introspects))
            return [f"registered: the client {client_id}, which introspects reference tokens for {audience}"]
        if audience not in found.introspects:
            return [f"not registered: the client {client_id} is, but may not introspect tokens for {audience}"]
        return []

    def _put_api(self, api: ProtectedApi, registered: ProtectedApi | None, known: Scopes) -> list[str]:
        if registered is not None:  # of this template, as it was read before: what was added to it is added here
            api = replace(api, scopes=api.scopes | registered.scopes, roles=api.roles | registered.roles)
        if api == registered:
            return []
        if wrong := wrong_with_api(api, known, self._issuer):
            return [f"not registered: {api.audience}: {_said(each)}" for each in wrong]
        self._registrar.put_api(api)
        self._own[api.audience] = api
        clients = self._let_clients_ask(api.scopes)
        told = f"scope {' '.join(sorted(api.scopes)) or 'none'}, role {' '.join(sorted(api.roles)) or 'none'}"
        return [f"registered: {api.audience} ({told}), for the clients {', '.join(clients)}"]

    def _let_clients_ask(self, scopes: frozenset[str]) -> list[str]:
        """The demo clients that are registered."""
        registry, names = DynamoRegistry(self._table, time.time), []
        for each in CLIENTS:
            if (found := registry.find_client(each.client_id)) is not None:
                if not scopes <= found.scope:
                    self._registrar.put_client(replace(found, scope=found.scope | scopes))
                names.append(each.client_id)
        return names


def _said(wrong: Wrong) -> str:
    return f"{wrong.member} {wrong.value or ''}: {wrong.reason}"


def _owners(known: Scopes, audience: str) -> dict[str, str]:
    """Every scope that another protected API has, and that API's audience."""
    return {scope: api.audience for api in known.apis.values() if api.audience != audience for scope in api.scopes}
