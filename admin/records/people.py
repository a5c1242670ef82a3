"""End-users in the Users table (DynamoDB), as operators read and change them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from valet.aws.dynamodb.accounts import DynamoUsers
from valet.aws.dynamodb.table import ConditionFailed, Item, item_from_model, model_from_item
from valet.models.accounts import Account, Credential, Password
from valet.people.identifiers import called, is_found_by, names_of, normal_username
from valet.people.passwords import credential_in_force
from valet.ports.runtime import Clock
from valet.registration.attributes import dated

from admin.records import changes
from admin.records.audit import Audit
from admin.records.scans import ScannedTable, raise_epoch
from admin.terminal.endings import Refused


@dataclass(frozen=True, slots=True)
class People:
    """Accounts, found by username, and their password hashes. Every change is logged after it is made."""

    table: ScannedTable
    audit: Audit
    clock: Clock

    def find(self, username: str) -> Account | None:
        users = DynamoUsers(self.table)
        sub = self._find_sub(normal_username(username))
        if sub:
            return users.find_account(sub)
        # Who came from another provider may have neither a username nor a proven address.
        account = users.find_account(username)
        return account if account is not None and not names_of(account) else None

    def account(self, username: str) -> Account:
        found = self.find(username)
        if found is None:
            raise Refused(f"There is no user {username}.")
        return found

    def remains(self, username: str) -> Account:
        """The account; or, if an earlier deletion died half-way, what is left of it to delete."""
        name = normal_username(username)
        sub = self._find_sub(name)
        if not sub:
            return self.account(username)
        return DynamoUsers(self.table).find_account(sub) or Account(sub, name, is_disabled=True)

    def _find_sub(self, name: str) -> str:
        """The account of that username or proven address; empty if there is none."""
        users = DynamoUsers(self.table)
        if kept := users.find_credentials(name):
            return kept[0].sub
        identifier = users.find_identifier(name)
        if identifier is None or not identifier.released_at:
            return identifier.sub if identifier else ""
        # A change that died half-way has left the mark of an address that was given up: the account's word counts.
        account = users.find_account(identifier.sub)
        return identifier.sub if account is not None and is_found_by(account, name, identifier) else ""

    def accounts(self) -> Iterator[Account]:
        return (model_from_item(Account, item) for item in self.table.scan("account#"))

    def accounts_with_hashes(self) -> Iterator[tuple[Account, str]]:
        """Every account with its password hash in force. Reads the whole table twice."""
        kept: dict[str, list[Credential]] = {}
        for item in self.table.scan("credential#"):
            credential = model_from_item(Credential, item)
            kept.setdefault(credential.sub, []).append(credential)
        found = (model_from_item(Password, item) for item in self.table.scan("password#"))
        passwords = {(each.sub, each.password_id): each.password_hash for each in found}
        for account in self.accounts():
            credential_found = credential_in_force(kept.get(account.sub, ()), account)
            password_hash = credential_found.password_hash if credential_found else ""
            yield account, passwords.get((account.sub, account.password_id), password_hash)

    def upgrade(self) -> tuple[int, list[tuple[str, str]]]:
        """Give every account its password and its names as this release keeps them. Repeatable.

        Returns how many accounts there are, and the addresses that are proven for two accounts: the username of each
        account that cannot be found by one, with the address.
        """
        users, number, taken = DynamoUsers(self.table), 0, []
        for account, password_hash in self.accounts_with_hashes():
            number += 1
            if not account.username:
                continue  # its end-user joined, and it has its name; one whose joining died half-way must not get it
            if password_hash:
                users.put_password(Password(account.sub, account.password_id, password_hash))
            taken += [(account.username, name) for name in users.name_account(account, self.clock())]
        return number, taken

    def add(self, account: Account, password_hash: str, deed: changes.Deed = "added") -> bool:
        """Add an account. False if the username is taken."""
        account = replace(dated(None, account, self.clock()), created_at=int(self.clock()))
        is_added = DynamoUsers(self.table).add_user(account, password_hash, self.clock())
        if is_added:
            self.audit.record("user.changed", **changes.of_account(None, account, deed))
        return is_added

    def change(self, before: Account, after: Account) -> Account:
        """Write the account, with the time if one of its claims changed. Returns it as written."""
        if after == before:
            return after
        after = dated(before, after, self.clock())
        if not self._write(before, after):
            raise Refused(
                f"The user {called(before)} was changed by another operator at this moment. Look at it and try again."
            )
        self.audit.record("user.changed", **changes.of_account(before, after))
        self._rename(before, after)
        return after

    def _rename(self, before: Account, after: Account) -> None:
        """Give the account the names that it has now, and take those that it had before."""
        names = names_of(after)
        if names == names_of(before):
            return
        users, now = DynamoUsers(self.table), self.clock()
        users.name_account(after, now)
        for name in names_of(before).keys() - names.keys():
            users.release_identifier(name, before.sub, now)

    def delete(self, account: Account) -> None:
        """Delete the account, its consents and its credentials. The credential that names the account goes last: if the
        command dies before, no end-user can sign in with that username, and the operator can repeat the command."""
        for consent in self.table.query(f"consent#{account.sub}"):
            self.table.delete(consent["pk"], consent["sk"])
        users = DynamoUsers(self.table)
        for name in self._every_name_of(account):
            users.forget_identifier(name, account.sub)
        users.forget_passwords(account.sub)
        self.table.delete(f"account#{account.sub}", "account")
        is_ours = "attribute_not_exists(#pk) OR #sub = :sub"
        for item in reversed(tuple(self.table.query(f"credential#{account.username}"))):
            # Unless another operator has deleted it meanwhile, and given the username to another end-user.
            with suppress(ConditionFailed):
                self.table.delete(item["pk"], item["sk"], is_ours, {":sub": account.sub})
        self.audit.record("user.changed", **changes.of_account(account, None))

    def _every_name_of(self, account: Account) -> Iterable[str]:
        if DynamoUsers(self.table).find_account(account.sub) is not None:
            return names_of(account)
        # The release before has deleted the account, and knows no names: read the whole table for them.
        found = (item for item in self.table.scan("identifier#") if item["sub"] == account.sub)
        return [item["pk"].partition("#")[2] for item in found]

    def revoke(self, account: Account, now: float) -> Account:
        """End every session and grant that the end-user has until now, by one write; the account as it is after it."""
        pk = f"account#{account.sub}"
        before, after = raise_epoch(self.table, account, pk, "account", lambda found: revoked(found, now))
        if after != before:
            self.audit.record("user.changed", **changes.of_account(before, after))
        return after

    def set_password(self, before: Account, after: Account, password_hash: str) -> Account:
        """Give the account another password, under the id that `after` names. It also has what else the same write
        changes. Returns it as written.

        Raises Refused if another operator changed it since it was read; then the old password stays in force.
        """
        users = DynamoUsers(self.table)
        kept = users.find_credentials(before.username) if before.username else ()
        if before.deleted_at:
            raise Refused(f"{called(before)} has deleted the account: no password opens it.")
        password_id = after.password_id
        credential = Credential(before.username, before.sub, password_hash, password_id)
        after = replace(after, has_no_password=False, has_short_password=False)
        users.put_password(Password(before.sub, password_id, password_hash, int(self.clock())))
        if kept:
            users.prepare_credential(credential)
        if not self._write(before, after):
            users.drop_credential(credential)
            users.drop_password(before.sub, password_id)
            raise Refused(f"{called(before)} was changed by another operator at this moment. Look at it and try again.")
        self.audit.record("user.changed", **changes.of_account(before, after))
        if kept:
            users.settle_credential(credential)
        users.forget_passwords(before.sub, but=password_id)
        # A credential that another command prepared, before it died or lost to this one, can never be in force now.
        for each in kept[1:]:
            users.drop_credential(each)
        return after

    def forget_consents(self, sub: str, before: float | None = None) -> int:
        """Forget the end-user's consents, or those from before a time. Clients then ask again. Returns how many."""
        return self._forget(self.table.query(f"consent#{sub}"), before)

    def forget_consents_to(self, client_ids: frozenset[str], before: float | None = None) -> int:
        """Forget the consents of all end-users to these clients. Reads the whole table. Returns how many."""
        return self._forget((item for item in self.table.scan("consent#") if item["sk"] in client_ids), before)

    def _forget(self, consents: Iterable[Item], before: float | None) -> int:
        forgotten = [item for item in consents if before is None or item["granted_at"] < before]
        for item in forgotten:
            self.table.delete(item["pk"], item["sk"])
        return len(forgotten)

    def _write(self, before: Account, after: Account) -> bool:
        items = [item_from_model(each, f"account#{before.sub}", "account") for each in (before, after)]
        for item in items:  # the functions keep these as sets of DynamoDB's, which no list equals
            item.update({name: set(item[name]) for name in ("passkeys", "links") if name in item})
        # Every write on the epoch as it was read: none that lands late undoes anything of what a revocation came with.
        return self.table.change(*items, unless_changed="epoch")


def revoked(account: Account, now: float) -> Account:
    """The account, with every session and grant until now dead. The times are for operators and the release before."""
    at_ms = int(now * 1000)
    return replace(account, epoch=account.epoch + 1, epoch_raised_at_ms=at_ms, sessions_not_before_ms=at_ms)
