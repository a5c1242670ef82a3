"""The queues of a deployment, read as Lambda reads them, and the clients' servers that are told of logouts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import valet.server
from valet.fetch import FetchFailed
from valet.models.sign_outs import LogoutNotice
from valet.outbound import guarded

from local.aws.aws import FUNCTION
from local.aws.sqs import Message
from local.queues import Delivery, Reader
from local.system import Function
from tests.support.deployment import Deployment, queue_arn
from tests.support.functions import load

_READERS = {"finish": "SignOuts", "notify_clients": "LogoutTokens"}


def address_of(client_id: str) -> str:
    return f"https://{client_id.replace('_', '-')}.example.com/logged-out"


@dataclass(frozen=True)
class Context:
    aws_request_id: str = "queued"


class _Loaded:
    """The port Invoker: the handlers in this process."""

    def __init__(self) -> None:
        self._modules = {name: load(name) for name in _READERS}

    def invoke(self, function: Function, event: Mapping[str, Any], timeout: float | None = None) -> Any:
        module: Any = self._modules[function.folder.name]
        module.SERVER = valet.server.SERVER  # an execution environment of this moment
        token = FUNCTION.set(function.folder.name)
        try:
            return module.handler(event, Context())
        finally:
            FUNCTION.reset(token)


@dataclass
class Clients:
    """The servers of clients, by their addresses: each answers 200 unless `answers` says otherwise."""

    answers: dict[str, int | str] = field(default_factory=dict)  # a text: why there is no answer
    asked: list[str] = field(default_factory=list)  # every try
    tokens: list[tuple[str, str]] = field(default_factory=list)  # whom, and by which token

    def post(self, url: str, form: Mapping[str, str], *, timeout: float) -> int:
        self.asked.append(url)
        answer = self.answers.get(url, 200)
        if isinstance(answer, str):
            raise FetchFailed(answer)
        assert list(form) == ["logout_token"]
        if answer in (200, 204):
            self.tokens.append((url, form["logout_token"]))
        return answer

    @property
    def told(self) -> list[str]:
        return [url for url, _ in self.tokens]

    def claims(self, number: int = 0) -> dict[str, Any]:
        """What a token says, unverified."""
        found: dict[str, Any] = jwt.decode(self.tokens[number][1], options={"verify_signature": False})
        return found


class Logouts:
    """A deployment's queues and clients. `clients` stands at the other end of each connection."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.clients = deployment, Clients()
        readers = [Reader(queue_arn(queue), _function(name)) for name, queue in _READERS.items()]
        self._delivery = Delivery(deployment.aws.queues, readers, _Loaded())

    @contextmanager
    def reaching_clients(self) -> Any:
        former = guarded.post
        setattr(guarded, "post", self.clients.post)  # noqa: B010  the module is not typed as mutable
        try:
            yield self
        finally:
            setattr(guarded, "post", former)  # noqa: B010

    def register(self, *client_ids: str) -> None:
        """The clients want to be told, each at an address of its own."""
        for client_id in client_ids:
            self.deployment.change_client(client_id, backchannel_logout_uri=address_of(client_id))

    def deliver(self) -> int:
        """Every message that is due, and what comes of it now."""
        return self._delivery.deliver()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and every message arrive when it is due."""
        clock = self.deployment.clock
        end = clock.now + seconds
        self.deliver()
        while (due := self._delivery.next_due()) is not None and due <= end:
            clock.now = max(clock.now, due)
            self.deliver()
        clock.now = end

    def waiting(self, queue: str) -> list[Message]:
        return list(self.deployment.aws.queues.named(queue_arn(queue)).messages)

    @property
    def dead_letters(self) -> list[Message]:
        return self.waiting("DeadLetters")

    def notify(self, notice: LogoutNotice) -> None:
        """Put a notice into the queue by hand."""
        notices = self.deployment.server.logout_notices
        assert notices is not None
        notices.send(notice)


def _function(name: str) -> Function:
    return Function(name, name, name, Path(name), "app.handler", {}, 10.0, 512)
