"""The other providers that people sign in with: one partition of the Registry table, read by one Query."""

from valet.aws.dynamodb.registry import Remembered
from valet.aws.dynamodb.table import Table, model_from_item
from valet.models.providers import Provider
from valet.ports.runtime import Clock

PARTITION = "providers"  # its sort keys are provider_ids


class DynamoProviders:
    """The port Providers. Without a table there are none: the deployment has no federation."""

    def __init__(self, table: Table | None, clock: Clock) -> None:
        self._table = table
        self._remember = Remembered(clock)

    def find_provider(self, provider_id: str) -> Provider | None:
        return next((each for each in self.providers() if each.provider_id == provider_id), None)

    def providers(self) -> tuple[Provider, ...]:
        table = self._table
        return () if table is None else self._remember(PARTITION, lambda: _read(table))


def _read(table: Table) -> tuple[Provider, ...]:
    found = (model_from_item(Provider, item) for item in table.query(PARTITION))
    return tuple(sorted(found, key=lambda each: (each.name.casefold(), each.provider_id)))
