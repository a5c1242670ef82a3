"""The evidence of an audit. Each part is read once, and only when a check asks for it."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from valet.frozen import NO_ENTRIES
from valet.models.clients import Client, Scopes
from valet.models.grants import Grant
from valet.models.keys import KeyRing
from valet.models.providers import Provider

from admin.doctor.findings import CannotLook
from admin.records.deployment import Deployment
from admin.records.people import People
from admin.records.providers import Providers
from admin.records.register import Register
from admin.records.revocation import CLIENT_CACHE, all_grants

_TIMEOUT = 5  # seconds
_LARGEST = 1_000_000  # bytes of an answer that are read


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


class Evidence:
    """A deployment under audit, at one moment."""

    def __init__(self, deployment: Deployment, now: float, wait: Callable[[float], None] = time.sleep) -> None:
        """`wait`: waits that many seconds, until every function knows what an operator has just changed."""
        self.deployment = deployment
        self.now = now
        self._wait = wait
        self._has_waited = False
        self._answers: dict[str, Answer] = {}
        self._configurations: dict[str, Mapping[str, str]] = {}

    def only_on_aws(self, what: str) -> None:
        """Raises CannotLook in the local stack."""
        if self.deployment.where.is_local:
            raise CannotLook(f"the local stack has no {what}")

    # -- what operators registered -------------------------------------------------------------------------------------

    @cached_property
    def register(self) -> Register:
        return Register.of(self.deployment)

    @cached_property
    def clients(self) -> tuple[Client, ...]:
        return tuple(sorted(self.register.clients(), key=lambda client: client.client_id))

    @cached_property
    def providers(self) -> tuple[Provider, ...]:
        return Providers(self.deployment.registry, self.deployment.audit).all()

    @cached_property
    def scopes(self) -> Scopes:
        return self.register.scopes()

    @cached_property
    def people(self) -> People:
        return People(self.deployment.users, self.deployment.audit, self.deployment.clock)

    @cached_property
    def grants(self) -> tuple[Grant, ...]:
        return tuple(all_grants(self.deployment))

    @cached_property
    def ring(self) -> KeyRing:
        return self.deployment.key_records.key_ring()

    # -- what AWS says -------------------------------------------------------------------------------------------------

    def environment(self, function: str) -> Mapping[str, str]:
        """The environment of a function, by its logical id. Raises CannotLook if the stack has none of that name."""
        if function not in self._configurations:
            name = self.deployment.outputs.get(function)
            if name is None:
                raise CannotLook(f"the stack has no {function}")
            configuration = self.deployment.client("lambda").get_function_configuration(FunctionName=name)
            self._configurations[function] = {
                **configuration.get("Environment", {}).get("Variables", {}),
                "": str(configuration["Timeout"]),
            }
        return self._configurations[function]

    def timeout(self, function: str) -> int:
        return int(self.environment(function)[""])

    def described_table(self, table: str) -> Mapping[str, Any]:
        description: Mapping[str, Any] = self.deployment.dynamodb.describe_table(TableName=table)["Table"]
        return description

    def described_key(self, key_id: str) -> Mapping[str, Any] | None:
        """The metadata of a KMS key; None if there is no such key."""
        try:
            metadata: Mapping[str, Any] = self.deployment.client("kms").describe_key(KeyId=key_id)["KeyMetadata"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NotFoundException":
                return None
            raise
        return metadata

    # -- what everybody sees -------------------------------------------------------------------------------------------

    def fetch(self, path: str) -> Answer:
        """GET a path of the issuer without following redirects. Raises CannotLook if it does not answer."""
        if path not in self._answers:
            self._answers[path] = ask(self.deployment.issuer, path)
        return self._answers[path]

    def has_waited_now(self) -> bool:
        """Wait, once in an audit, until every function knows the registrations; answers are then fetched anew.

        False if that was done before: all answers since then are as good.
        """
        if self._has_waited:
            return False
        self._wait(CLIENT_CACHE)
        self._has_waited = True
        self._answers.clear()
        return True


def ask(origin: str, path: str, headers: Mapping[str, str] = NO_ENTRIES, form: str | None = None) -> Answer:
    """GET a path of the origin, or POST a form to it, without following redirects. Raises CannotLook if it does not
    answer.
    """
    parts = urlsplit(origin)
    host, port = parts.hostname or "", parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
    )
    sent = {"User-Agent": "valet doctor", **headers}
    try:
        if form is None:
            connection.request("GET", path, headers=sent)
        else:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, form, sent)
        response = connection.getresponse()
        answered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, answered, response.read(_LARGEST))
    except (OSError, http.client.HTTPException) as error:
        raise CannotLook(f"{origin}{path} does not answer: {error}") from None
    finally:
        connection.close()
