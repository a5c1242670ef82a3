"""The Users table: accounts, credentials and consents, each in partitions of its own (IAM sees a partition's name).

A new password is prepared as an item of its own, and no sign-in accepts it until the account names it. Then it replaces
the former credential, which the release before reads as well.
"""

from contextlib import suppress

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.accounts import Account, Consent, Credential


class DynamoUsers(Frozen):
    """Accounts, Credentials and Consents."""

    table: Table

    def find_account(self, sub: str) -> Account | None:
        item = self.table.get(f"account#{sub}", "account")
        return model_from_item(Account, item) if item else None

    def find_credentials(self, username: str) -> tuple[Credential, ...]:
        items = self.table.query(f"credential#{username}")
        return tuple(model_from_item(Credential, item) for item in items)

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

    def add_user(self, account: Account, credential: Credential) -> bool:
        """Write a new account and its credential; False if the username is taken."""
        # Write the account first: without its credential, no end-user can sign in to it.
        self.table.put(item_from_model(account, f"account#{account.sub}", "account"))
        try:
            self.table.put(
                item_from_model(credential, f"credential#{credential.username}", "credential"),
                "attribute_not_exists(#pk)",
            )
        except ConditionFailed as failed:
            if failed.found and failed.found["sub"] == account.sub:
                return True  # by our own first try, whose answer was lost
            self.table.delete(f"account#{account.sub}", "account")
            return False
        return True


def _prepared(credential: Credential) -> str:
    return f"credential#{credential.password_id}"  # after the settled one, in the partition's order
