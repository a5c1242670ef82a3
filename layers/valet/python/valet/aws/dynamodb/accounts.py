"""The Users table: accounts, their names and passwords, and consents, each in partitions of its own (IAM sees a
partition's name).

A new password is prepared as an item of its own, and no sign-in accepts it until the account names it. A credential
holds a username and a password in one item, as the release before reads them: where there is one, it is kept in step.
"""

from contextlib import suppress

from valet.aws.dynamodb.table import ConditionFailed, Item, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.accounts import Account, Consent, Credential, Identifier, Password
from valet.people.identifiers import TAKEN_AGAIN_AFTER, names_of


class DynamoUsers(Frozen):
    """Accounts, Credentials and Consents."""

    table: Table

    def find_account(self, sub: str) -> Account | None:
        item = self.table.get(f"account#{sub}", "account")
        return model_from_item(Account, item) if item else None

    def find_credentials(self, username: str) -> tuple[Credential, ...]:
        items = self.table.query(f"credential#{username}")
        return tuple(model_from_item(Credential, item) for item in items)

    def find_identifier(self, name: str) -> Identifier | None:
        item = self.table.get(f"identifier#{name}", "identifier")
        return model_from_item(Identifier, item) if item else None

    def take_identifier(self, name: str, identifier: Identifier, released_before: int) -> bool:
        """Give the name to the account; False if another one has it, or gave it up no earlier than at that time."""
        try:
            self.table.put(
                item_from_model(identifier, f"identifier#{name}", "identifier"),
                "attribute_not_exists(#pk) OR #sub = :sub OR #released_at < :before",
                {":sub": identifier.sub, ":before": released_before},
            )
        except ConditionFailed:
            return False
        return True

    def release_identifier(self, name: str, sub: str, now: float) -> None:
        """Take the name from the account, if it has it. One day it is deleted, and others may have it."""
        with suppress(ConditionFailed):
            condition = "#sub = :sub AND attribute_not_exists(#released_at)"
            change = "SET #released_at = :now, #expires_at = :end"
            values = {":sub": sub, ":now": int(now), ":end": int(now) + TAKEN_AGAIN_AFTER}
            self.table.update(f"identifier#{name}", "identifier", change, values, condition)

    def forget_identifier(self, name: str, sub: str) -> None:
        """Delete the name, if the account has it or had it last."""
        with suppress(ConditionFailed):
            self.table.delete(f"identifier#{name}", "identifier", "#sub = :sub", {":sub": sub})

    def find_password(self, sub: str, password_id: str) -> Password | None:
        item = self.table.get(f"password#{sub}", _password(password_id))
        return model_from_item(Password, item) if item else None

    def put_password(self, password: Password) -> None:
        """Keep a password. It is in force once the account names it."""
        self.table.put(item_from_model(password, f"password#{password.sub}", _password(password.password_id)))

    def drop_password(self, sub: str, password_id: str) -> None:
        """Delete a password that was kept and never came in force."""
        self.table.delete(f"password#{sub}", _password(password_id))

    def forget_passwords(self, sub: str, but: str | None = None) -> None:
        """Delete the account's passwords, except the one of the id `but`."""
        for item in self.table.query(f"password#{sub}"):
            if but is None or item["sk"] != _password(but):
                self.table.delete(item["pk"], item["sk"])

    def prepare_credential(self, credential: Credential) -> None:
        """Keep the next credential next to the one in force."""
        self.table.put(item_from_model(credential, f"credential#{credential.username}", _prepared(credential)))

    def drop_credential(self, credential: Credential) -> None:
        """Delete the credentials that were prepared and are not in force."""
        self.table.delete(f"credential#{credential.username}", _prepared(credential))

    def settle_credential(self, credential: Credential) -> None:
        """Replace the former credential with this one, which the account already names. Idempotent."""
        values = {":sub": credential.sub, ":hash": credential.password_hash, ":id": credential.password_id}
        # A late write must not bring an older password back: later ids are greater.
        condition = "#sub = :sub AND (attribute_not_exists(#password_id) OR #password_id < :id)"
        with suppress(ConditionFailed):
            change = "SET #password_hash = :hash, #password_id = :id"
            self.table.update(f"credential#{credential.username}", "credential", change, values, condition)
        self.drop_credential(credential)

    def find_consent(self, sub: str, client_id: str) -> Consent | None:
        item = self.table.get(f"consent#{sub}", client_id)
        return model_from_item(Consent, item) if item else None

    def remember_consent(self, consent: Consent) -> None:
        # One update adds to a set, so two consents at once lose none of their scopes.
        self.table.update(
            f"consent#{consent.sub}",
            consent.client_id,
            "SET #sub = :sub, #client_id = :client, #granted_at = :at ADD #scope :scope",
            {
                ":sub": consent.sub,
                ":client": consent.client_id,
                ":at": consent.granted_at,
                ":scope": set(consent.scope),
            },
        )

    def consents_of(self, sub: str) -> tuple[Consent, ...]:
        return tuple(model_from_item(Consent, item) for item in self.table.query(f"consent#{sub}"))

    def forget_consent(self, sub: str, client_id: str) -> None:
        self.table.delete(f"consent#{sub}", client_id)

    def add_user(self, account: Account, password_hash: str, now: float) -> bool:
        """Write a new account with its password and its names; False if the username is taken.

        An address that another account has does not become a name of this one.
        """
        # The credential is the write that counts. Before it no end-user can sign in to the account.
        credential = Credential(account.username, account.sub, password_hash, account.password_id)
        self.table.put(item_of_account(account))
        self.put_password(Password(account.sub, account.password_id, password_hash, int(now)))
        is_added = self._add_credential(credential)
        if is_added:
            self.name_account(account, now)
        else:
            self.table.delete(f"account#{account.sub}", "account")
            self.forget_passwords(account.sub)
        return is_added

    def name_account(self, account: Account, now: float) -> tuple[str, ...]:
        """Give the account its names, which an operator vouches for. Returns those that another account has."""
        taken = []
        for name, kind in names_of(account).items():
            # An operator may give a name anew as soon as it was given up.
            identifier = Identifier(account.sub, kind, int(now))
            if not self.take_identifier(name, identifier, released_before=int(now) + 1):
                taken.append(name)
        return tuple(taken)

    def _add_credential(self, credential: Credential) -> bool:
        try:
            self.table.put(
                item_from_model(credential, f"credential#{credential.username}", "credential"),
                "attribute_not_exists(#pk)",
            )
        except ConditionFailed as failed:
            return (failed.found or {}).get("sub") == credential.sub  # by our own first try
        return True


def item_of_account(account: Account) -> Item:
    """The account as an item. What is added to it and taken away one by one is a set there, and no list."""
    item = item_from_model(account, f"account#{account.sub}", "account")
    sets = {"passkeys": account.passkeys, "links": account.links}
    return {**item, **{name: set(members) for name, members in sets.items() if members}}


def _password(password_id: str) -> str:
    return password_id or "first"  # an account's first password, which has no id


def _prepared(credential: Credential) -> str:
    return f"credential#{credential.password_id}"  # after the settled one, in the partition's order
