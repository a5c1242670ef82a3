"""The other providers that people sign in with, as operators register them."""

from dataclasses import dataclass

from valet.aws.dynamodb.providers import PARTITION, DynamoProviders
from valet.aws.dynamodb.table import item_from_model
from valet.models.providers import Provider

from admin.records import changes
from admin.records.audit import Audit
from admin.records.scans import ScannedTable
from admin.terminal.endings import Refused


@dataclass(frozen=True, slots=True)
class Providers:
    """The partition of the Registry table that holds them, and the log of its changes."""

    table: ScannedTable
    audit: Audit

    def all(self) -> tuple[Provider, ...]:
        return DynamoProviders(self.table, lambda: 0).providers()

    def provider(self, provider_id: str) -> Provider:
        found = next((each for each in self.all() if each.provider_id == provider_id), None)
        if found is None:
            raise Refused(f"There is no provider {provider_id}.")
        return found

    def add(self, provider: Provider) -> None:
        if not self.table.add(item_from_model(provider, PARTITION, provider.provider_id)):
            raise Refused(f"There is a provider {provider.provider_id} already.")
        self.audit.record("provider.changed", **changes.of_provider(None, provider))

    def change(self, before: Provider, after: Provider) -> None:
        if after == before:
            return
        items = [item_from_model(each, PARTITION, before.provider_id) for each in (before, after)]
        if not self.table.change(*items):
            raise _raced(before)
        self.audit.record("provider.changed", **changes.of_provider(before, after))

    def delete(self, provider: Provider) -> None:
        """Raises Refused if another operator changed it since it was read."""
        members = [name for name in Provider.FIELDS if name != "provider_id"]
        item = item_from_model(provider, PARTITION, provider.provider_id)
        if not self.table.remove(item, members):
            raise _raced(provider)
        self.audit.record("provider.changed", **changes.of_provider(provider, None))


def _raced(provider: Provider) -> Refused:
    what = f"The provider {provider.provider_id}"
    return Refused(f"{what} was changed or deleted by another operator at this moment: look at it again.")
