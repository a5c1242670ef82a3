"""How each fault of an operator's commands, and of what stands after them, is put into the running code."""

from dataclasses import replace
from typing import Any

import pytest
from valet import server, standing
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.table import item_from_model, model_from_item
from valet.front_channel import code
from valet.grant_types import redemption
from valet.models.accounts import Account, Credential, Password
from valet.models.clients import Client
from valet.models.grants import Grant, GrantPointer, LiveToken
from valet.people import passwords
from valet.people.passwords import RightPassword
from valet.tokens.status_index import StatusIndices

from admin.commands import grants as grants_commands
from admin.commands import users as users_commands
from admin.records import people, revocation
from admin.records.people import People


def epoch_is_read_after_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    original = passwords.authenticate

    def authenticate(attempt: Any, credentials: Any, accounts: Any, *others: Any) -> Any:
        outcome = original(attempt, credentials, accounts, *others)
        if not isinstance(outcome, RightPassword):
            return outcome
        return replace(outcome, account=accounts.find_account(outcome.account.sub))

    monkeypatch.setattr(passwords, "authenticate", authenticate)


def marks_in_whole_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def stands(account: Account | None, _epoch: int, auth_time_ms: int) -> bool:
        if account is None or account.is_disabled:
            return False
        return auth_time_ms // 1000 >= account.sessions_not_before_ms // 1000

    monkeypatch.setattr(standing, "account_stands", stands)
    _sweeps_by(monkeypatch, lambda grant, account: grant.auth_time < account.sessions_not_before_ms // 1000)


def marks_by_a_clock_that_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def stands(account: Account | None, _epoch: int, auth_time_ms: int) -> bool:
        return account is not None and not account.is_disabled and auth_time_ms >= account.sessions_not_before_ms

    original = people.revoked
    for module in (people, users_commands):
        monkeypatch.setattr(module, "revoked", lambda account, now: original(account, now - 30))
    monkeypatch.setattr(standing, "account_stands", stands)
    _sweeps_by(monkeypatch, lambda grant, account: grant.auth_time * 1000 < account.sessions_not_before_ms)


def _sweeps_by(monkeypatch: pytest.MonkeyPatch, is_older: Any) -> None:
    monkeypatch.setattr(revocation, "_is_meant", lambda grant, account, _: is_older(grant, account))


def credential_is_replaced_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(self: DynamoUsers, credential: Credential) -> None:
        self.table.put(item_from_model(credential, f"credential#{credential.username}", "credential"))

    monkeypatch.setattr(DynamoUsers, "prepare_credential", prepare)


def any_password_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest that was put, whatever the account names."""

    def find(self: DynamoUsers, sub: str, _password_id: str) -> Password | None:
        found = [model_from_item(Password, item) for item in self.table.query(f"password#{sub}")]
        return found[-1] if found else None

    monkeypatch.setattr(DynamoUsers, "find_password", find)


def account_is_written_unconditionally(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(self: People, _before: Account, after: Account) -> bool:
        self.table.put(item_from_model(after, f"account#{after.sub}", "account"))
        return True

    monkeypatch.setattr(People, "_write", write)


def settled_unconditionally(monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(self: DynamoUsers, credential: Credential) -> None:
        self.table.put(item_from_model(credential, f"credential#{credential.username}", "credential"))
        self.drop_credential(credential)

    monkeypatch.setattr(DynamoUsers, "settle_credential", settle)


def grant_takes_the_accounts_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(**values: Any) -> Grant:
        account = server.SERVER.accounts.find_account(values["sub"])
        return Grant(**{**values, "epoch": account.epoch if account else 0})

    monkeypatch.setattr(code, "Grant", made)


def exchange_compares_no_epoch(module: Any) -> Any:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = standing.grant_stands

        def stands(grant: Grant, client: Client, account: Account | None) -> bool:
            return original(replace(grant, epoch=account.epoch if account else 0), client, account)

        monkeypatch.setattr(module, "grant_stands", stands)

    return patch


def people_are_swept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grants_commands, "range", lambda _: (0,), raising=False)


def clients_are_swept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    original = revocation._sweep

    def sweep(deployment: Any, clients: Any, now: float) -> int:
        if vars(deployment).setdefault("swept", False):
            return 0
        deployment.swept = True
        return original(deployment, clients, now)

    monkeypatch.setattr(revocation, "_sweep", sweep)


def sweeps_end_what_came_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "_is_meant", lambda *_: True)


def pointer_ends_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        redemption, "pointer_to", lambda grant, *_: standing.pointer_to(grant, grant.issued_at_ms // 1000 + 660)
    )


def first_pointer_is_put_over_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    def point_to(self: DynamoGrants, pointer: GrantPointer) -> None:
        self.table.put(item_from_model(pointer, f"sub#{pointer.sub}", f"{pointer.sid}#{pointer.grant_id}"))

    monkeypatch.setattr(DynamoGrants, "point_to", point_to)


def client_epochs_must_be_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    def stands(grant: Grant, client: Client) -> bool:
        return not client.is_disabled and grant.client_epoch == client.epoch

    monkeypatch.setattr(standing, "_client_stands", stands)


def client_epochs_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_client_stands", lambda _, client: not client.is_disabled)


def indices_are_of_the_clients_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    original = StatusIndices.allot

    def allot(self: StatusIndices, client_id: str, exp: int, client_epoch: int = 0) -> LiveToken:
        world = getattr(server.SERVER, "world", None)
        if world is None or world.current is None:  # a sandbox is warmed up, by no request
            return original(self, client_id, exp, client_epoch)
        return original(self, client_id, exp, world.current.server.registry.find_client(client_id).epoch)

    monkeypatch.setattr(StatusIndices, "allot", allot)
