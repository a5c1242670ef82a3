"""The documents that clients name themselves by, in the Grants table, which forgets them by itself."""

from hashlib import sha256

from valet.aws.dynamodb.registry import Remembered
from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.unknown_clients import Document
from valet.ports.runtime import Clock

_KIND = "client"  # in the key, so that no other kind of fetch can hold up the refresh of a client's document
_AGAIN_AFTER = 5  # seconds
_ATTEMPT_KEPT = 3600  # seconds that an attempt is kept which brought nothing
_KEPT = 10 * 86_400  # seconds


def _place(url: str) -> tuple[str, str]:
    name = sha256("\0".join((_KIND, url)).encode()).hexdigest()
    return f"document#{name}", "document"


class DynamoDocumentStore(Frozen):
    """The port DocumentStore."""

    table: Table

    def find(self, url: str) -> Document | None:
        item = self.table.get(*_place(url))
        return model_from_item(Document, item) if item and "fetched_at" in item else None

    def claim(self, url: str, attempt: bytes, now: float) -> bool:
        at_ms = int(now * 1000)
        try:
            self.table.update(
                *_place(url),
                "SET #fetching = :attempt, #fetching_at = :now, #expires_at = if_not_exists(#expires_at, :end)",
                {
                    ":attempt": attempt,
                    ":now": at_ms,
                    ":before": at_ms - _AGAIN_AFTER * 1000,
                    ":end": int(now) + _ATTEMPT_KEPT,
                },
                "attribute_not_exists(#fetching_at) OR #fetching_at < :before",
            )
        except ConditionFailed as failed:
            # An update that gets no answer is sent again, and the first may have been done.
            return failed.found is not None and failed.found.get("fetching") == attempt
        return True

    def keep(self, document: Document, attempt: bytes) -> bool:
        item = item_from_model(document, *_place(document.url))
        # The claim stays: it is what holds up the next attempt, and what marks this write as ours.
        item |= {
            "fetching": attempt,
            "fetching_at": document.fetched_at * 1000,
            "expires_at": document.fetched_at + _KEPT,
        }
        try:
            self.table.put(item, "#fetching = :attempt", {":attempt": attempt})
        except ConditionFailed:
            return False
        return True


class DynamoDocuments:
    """What readers see of the documents, each remembered for ten seconds."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._store = DynamoDocumentStore(table)
        self._remember = Remembered(clock)

    def find(self, url: str) -> Document | None:
        return self._remember(url, lambda: self._store.find(url))

    def forget(self, url: str) -> None:
        """Let the next `find` read what is stored."""
        self._remember.forget(url)
