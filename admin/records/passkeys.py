"""End-users' passkeys in the Users table, as operators see and remove them."""

from collections.abc import Iterator

from valet.aws.dynamodb.passkeys import DynamoPasskeys
from valet.aws.dynamodb.table import ConditionFailed
from valet.models.accounts import Account
from valet.models.passkeys import Passkey
from valet.people.identifiers import called

from admin.records.people import People
from admin.terminal.endings import Refused

_SHOWN = 12  # digits of a digest: enough to tell twenty passkeys apart


def passkeys_of(people: People, account: Account) -> Iterator[tuple[str, Passkey]]:
    """The passkeys in force with their ids, the oldest first. An id is the beginning of the digest."""
    kept = ((digest, DynamoPasskeys(people.table).find_passkey(digest)) for digest in account.passkeys)
    found = [(digest[:_SHOWN], passkey) for digest, passkey in kept if passkey is not None]
    yield from sorted(found, key=lambda each: (each[1].created_at, each[0]))


def remove(people: People, account: Account, passkey_id: str) -> None:
    """Take a passkey out of force, and delete it. Raises Refused if the account has none of that id."""
    named = [digest for digest in account.passkeys if passkey_id and digest.startswith(passkey_id)]
    if len(named) != 1:
        raise Refused(f"{called(account)} has no passkey {passkey_id}. `valet users show` lists them.")
    (digest,) = named
    try:
        change = "DELETE #passkeys :digest"
        people.table.update(f"account#{account.sub}", "account", change, {":digest": {digest}}, "attribute_exists(#pk)")
    except ConditionFailed:
        raise Refused(f"{called(account)} was deleted by another operator at this moment.") from None
    DynamoPasskeys(people.table).delete_passkey(digest)
    people.audit.record("passkey.removed", sub=account.sub)


def forget(people: People, account: Account) -> None:
    """Delete the passkeys of an account that is about to be deleted."""
    for digest in account.passkeys:
        DynamoPasskeys(people.table).delete_passkey(digest)
