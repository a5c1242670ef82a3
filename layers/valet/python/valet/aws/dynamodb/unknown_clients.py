"""Clients that no operator registered, found by the shape of their ids, where the deployment takes such."""

from collections.abc import Callable

from valet.aws.dynamodb.documents import DynamoDocuments
from valet.aws.dynamodb.dynamic_clients import DynamoDynamicClients
from valet.frozen import Frozen
from valet.models.clients import Client
from valet.models.unknown_clients import Hosts
from valet.ports.runtime import Clock
from valet.registration import unknown_clients as rules
from valet.settings import Settings

_STALE_SERVES = 8 * 86_400  # seconds; /token asks again after a day, and what is stored serves for seven more


class UnknownClients(Frozen):
    """What DynamoRegistry asks for a client_id that no operator registered."""

    settings: Settings
    documents: DynamoDocuments
    dynamic_clients: DynamoDynamicClients
    clock: Clock

    def find(self, client_id: str, hosts: Callable[[], Hosts]) -> Client | None:
        settings, issuer = self.settings, self.settings.issuer_url
        if rules.is_dynamic_id(client_id):
            registered = self.dynamic_clients.find(client_id) if settings.client_registration != "off" else None
            return rules.client_of_registration(registered, hosts(), issuer) if registered else None
        if settings.client_id_metadata == "off" or not is_document_url(client_id, settings):
            return None
        if not rules.is_allowed(rules.host_of(client_id), hosts(), settings.client_id_metadata):
            return None
        document, now = self.documents.find(client_id), self.clock()
        if document is None or not document.body or now - document.fetched_at > _STALE_SERVES:
            return None
        return rules.client_of_document(document, hosts(), issuer, now)


def is_document_url(client_id: str, settings: Settings) -> bool:
    return rules.is_document_url(client_id, is_local=settings.is_plain_http)
