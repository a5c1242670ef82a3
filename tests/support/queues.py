"""The queues of a deployment, read as Lambda reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import valet.server

from local.aws.aws import FUNCTION
from local.aws.sqs import Message
from local.queues import Delivery, Reader
from local.system import Function
from tests.support.deployment import Deployment, queue_arn
from tests.support.functions import load

_READERS = {"finish": "SignOuts", "notify_clients": "LogoutTokens", "mailer": "Mail"}


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


class Queues:
    """A deployment's queues and their readers."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        readers = [Reader(queue_arn(queue), _function(name)) for name, queue in _READERS.items()]
        self._delivery = Delivery(deployment.aws.queues, readers, _Loaded())

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


def _function(name: str) -> Function:
    return Function(name, name, name, Path(name), "app.handler", {}, 10.0, 512)
