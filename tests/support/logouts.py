"""The clients' servers that are told of logouts, next to the queues of a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from valet.fetch import FetchFailed
from valet.models.sign_outs import LogoutNotice
from valet.outbound import guarded

from tests.support.deployment import Deployment
from tests.support.queues import Queues


def address_of(client_id: str) -> str:
    return f"https://{client_id.replace('_', '-')}.example.com/logged-out"


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


class Logouts(Queues):
    """A deployment's queues and clients. `clients` stands at the other end of each connection."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment)
        self.clients = Clients()

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

    def notify(self, notice: LogoutNotice) -> None:
        """Put a notice into the queue by hand."""
        notices = self.deployment.server.logout_notices
        assert notices is not None
        notices.send(notice)
