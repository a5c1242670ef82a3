"""What every server has around it: settings, the time, chance, the audit log and the services of AWS; and what stands
behind the ports of clients that no operator registered.
"""

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING

from valet import settings as settings_module
from valet.aws import observability
from valet.aws.calls import AwsCalls, Calls
from valet.aws.dynamodb.table import Table
from valet.environment import environment
from valet.settings import Settings

if TYPE_CHECKING:
    from valet.aws.dynamodb.documents import DynamoDocuments
    from valet.aws.dynamodb.dynamic_clients import DynamoDynamicClients
    from valet.aws.dynamodb.unknown_clients import UnknownClients
    from valet.http import Parameters, Request
    from valet.ports.runtime import Audit, Clock, Random
    from valet.ports.unknown_clients import Documents, DocumentStore, DynamicClients, Invites
    from valet.registration.freshness import Ports as Fetching


class Surroundings:
    """Each is built on first use. A test gives a server other ones by assigning them."""

    @cached_property
    def settings(self) -> Settings:
        return settings_module.read(environment())

    @cached_property
    def clock(self) -> "Clock":
        return time.time

    @cached_property
    def random(self) -> "Random":
        return os.urandom

    @cached_property
    def dynamodb(self) -> Calls:
        return AwsCalls("dynamodb", environment())

    @cached_property
    def kms(self) -> Calls:
        return AwsCalls("kms", environment())

    @cached_property
    def sqs(self) -> Calls:
        return AwsCalls("sqs", environment())

    @cached_property
    def ses(self) -> Calls:
        return AwsCalls("ses", environment())

    @cached_property
    def functions(self) -> Calls:
        return AwsCalls("lambda", environment())

    @cached_property
    def audit(self) -> "Audit":
        return observability.LoggedAudit()

    # -- clients that no operator registered: a deployment that takes none builds none of this ----------------------

    def freshened(self: "Fetching", parameters: "Parameters", request: "Request") -> "Parameters":
        """The parameters of a new authorization request, or of a token request, after the document that their client
        names itself by was fetched, if it is one and has to be fetched (valet/registration/freshness.py).
        """
        if self.settings.client_id_metadata == "off":
            return parameters
        is_for_token = request.path == "/token"
        if "client_id" in parameters:
            client_id = parameters["client_id"]
        elif is_for_token and "client_assertion" in parameters:
            from valet.client_authentication.assertion import claimed_client_id

            # A client that signs may leave its client_id out. Its keys have to be fresh all the same.
            client_id = claimed_client_id(parameters["client_assertion"])
        else:
            return parameters
        from valet.registration.freshness import freshen, freshen_for_token

        (freshen_for_token if is_for_token else freshen)(self, client_id, request.source_ip)
        return parameters

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

    def _table(self, name: str) -> Table:
        return Table(self.dynamodb, name)
