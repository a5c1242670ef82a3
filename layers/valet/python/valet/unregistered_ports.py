"""What stands behind the ports of clients that no operator registered, built on first use."""

from functools import cached_property
from typing import TYPE_CHECKING

from valet.surroundings import Surroundings

if TYPE_CHECKING:
    from valet.aws.dynamodb.documents import DynamoDocuments
    from valet.aws.dynamodb.dynamic_clients import DynamoDynamicClients
    from valet.aws.dynamodb.unknown_clients import UnknownClients
    from valet.ports.unknown_clients import Documents, DocumentStore, DynamicClients, Invites


class UnregisteredPorts(Surroundings):
    """A deployment that takes no such clients builds none of them."""

    @cached_property
    def documents(self) -> "Documents":
        from valet.aws.documents import FetchedDocuments

        return FetchedDocuments(self._stored_documents, self.functions, self.settings.fetch_function)

    @cached_property
    def document_store(self) -> "DocumentStore":
        from valet.aws.dynamodb.documents import DynamoDocumentStore

        return DynamoDocumentStore(self._table(self.settings.grants_table))

    @cached_property
    def dynamic_clients(self) -> "DynamicClients":
        return self._dynamic_clients

    @cached_property
    def invites(self) -> "Invites":
        from valet.aws.dynamodb.dynamic_clients import DynamoInvites

        return DynamoInvites(self._table(self.settings.grants_table))

    @cached_property
    def _unknown_clients(self) -> "UnknownClients | None":
        if not self.settings.has_unknown_clients:
            return None
        from valet.aws.dynamodb.unknown_clients import UnknownClients

        return UnknownClients(self.settings, self._stored_documents, self._dynamic_clients, self.clock)

    @cached_property
    def _stored_documents(self) -> "DynamoDocuments":
        from valet.aws.dynamodb.documents import DynamoDocuments

        return DynamoDocuments(self._table(self.settings.grants_table), self.clock)

    @cached_property
    def _dynamic_clients(self) -> "DynamoDynamicClients":
        from valet.aws.dynamodb.dynamic_clients import DynamoDynamicClients

        return DynamoDynamicClients(self._table(self.settings.grants_table), self.clock)
