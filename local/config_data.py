"""Seeds the local stack from a configuration file (docs/configuration.md) instead of the demo data."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from valet.aws.calls import AwsCalls
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.aws.dynamodb.table import Table
from valet.handles import digest
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.people.passwords import hash_password
from valet.ports.runtime import Random

from configuration import checks
from configuration.document import Malformed
from configuration.reading import Configuration, Entry, read
from configuration.secrets import Missing, Unresolved
from local.demo_data import seed_users
from local.kept_secrets import KeptSecrets
from local.seeded import Seeded

_IN_FILE = "(its hash is in the file)"


def seed(
    path: Path, issuer: str, tables: Mapping[str, str], environment: Mapping[str, str], random: Random = os.urandom
) -> Seeded:
    """Write what the file says, with the secrets of the last start. Raises Malformed, and NotKept."""
    try:
        wanted = read(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed([f"it cannot be read: {getattr(error, 'strerror', None) or 'it is not in UTF-8'}"]) from None
    dynamodb = AwsCalls("dynamodb", os.environ)
    registry, users = Table(dynamodb, tables["Registry"]), DynamoUsers(Table(dynamodb, tables["Users"]))
    stored = DynamoRegistry(registry, time.time)
    after = checks.merged(stored.scopes(), wanted)
    seeding = _Seeding(path, environment, KeptSecrets(path, random))
    clients = [seeding.client(entry) for entry in (wanted.clients or {}).values()]
    wrong = [*checks.problems_of(wanted, after, issuer), *checks.refused_algs(wanted, {}, {}, stored.signing_keys())]
    if problems := [*wrong, *seeding.problems]:
        raise Malformed(problems)
    people = [seeding.person(entry) for entry in (wanted.people or {}).values()]
    seeding.kept.save()  # before anything is written with them
    _register(Registrar(registry), wanted, clients)
    for account, password_hash, _ in people:
        users.add_user(account, password_hash, time.time())
    shown = [(each.username, password, " ".join(sorted(each.roles))) for each, _, password in people]
    return Seeded(
        tuple(shown) if wanted.people is not None else seed_users(users),
        tuple(clients),
        seeding.secrets,
        path,
        seeding.kept.path,
        tuple(seeding.notes),
    )


def _register(registrar: Registrar, wanted: Configuration, clients: list[Client]) -> None:
    for policy in (wanted.policy or {}).values():
        registrar.put_policy(policy.model)
    for scope in (wanted.scopes or {}).values():
        registrar.put_scope(scope.model)
    for api in (wanted.apis or {}).values():
        registrar.put_api(api.model)
    for each in clients:
        registrar.put_client(each)


class _Seeding:
    """The clients and people of a file, with secrets from where the file says, or from the last start."""

    def __init__(self, path: Path, environment: Mapping[str, str], kept: KeptSecrets) -> None:
        self._path = path
        self._environment = environment
        self.kept = kept
        self.secrets: dict[str, str] = {}
        self.problems: list[str] = []
        self.notes: list[str] = []

    def client(self, entry: Entry[Client]) -> Client:
        registered, beyond = entry.model, entry.beyond
        if not registered.has_secret:
            return registered
        if "secret_digests" in beyond:
            return replace(registered, secret_digests=beyond["secret_digests"])
        if given := self._secret(entry):
            # Do not show it: a file that was cloned may name any variable or file of the developer's.
            self.secrets[registered.client_id] = f"(from {beyond['secret']})"
            return replace(registered, secret_digests=(digest(given),))
        generated = self.secrets[registered.client_id] = self.kept.secret(registered.client_id)
        return replace(registered, secret_digests=(digest(generated),))

    def _secret(self, entry: Entry[Client]) -> str:
        """The secret that the file refers to; empty if there is none on this machine."""
        if "secret" not in entry.beyond:
            return ""
        try:
            return str(entry.beyond["secret"].resolve(self._environment, self._path.parent))
        except Missing as missing:
            self.notes.append(f"{entry.model.client_id} has a generated secret, because {missing}.")
        except Unresolved as error:
            self.problems.append(f"line {entry.line}: client {entry.model.client_id}: secret: {error}")
        return ""

    def person(self, entry: Entry[Account]) -> tuple[Account, str, str]:
        """The account, its hash, and the password as the terminal shows it."""
        username = entry.model.username
        account = replace(entry.model, sub=entry.beyond.get("sub") or self.kept.sub(username))
        if "password_hash" in entry.beyond:
            return account, entry.beyond["password_hash"], _IN_FILE
        password = self.kept.password(username)
        return account, hash_password(password), password
