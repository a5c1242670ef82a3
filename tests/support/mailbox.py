"""The mails that a deployment sends to people who join or have forgotten a password, as they find them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from valet.aws.dynamodb.table import model_from_item
from valet.models.mails import Letter
from valet.models.policy import Policy

from tests.support.post import Post, code_of, link_of

_PURPOSES = {"/join/confirm": "join", "/recover/confirm": "recover", "/recover": "have_account", "/undo": "notice"}


@dataclass(frozen=True)
class Received:
    """One mail."""

    to: str
    purpose: str
    link: str
    code: str = ""

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]


class Mailbox(Post):
    """Everybody's mailboxes, of a deployment that sends mails."""

    def switch_on(self, **policy: Any) -> None:
        """People may join."""
        members = {"registration": "on", "sign_in_with": "either", **policy}
        self.deployment.registrar.put_policy(Policy(**members))
        self.deployment.clock.advance(11)

    def letters(self) -> list[Letter]:
        """What waits for the mailer."""
        return [model_from_item(Letter, json.loads(each.body)) for each in self.waiting("Mail")]

    def read(self) -> list[Received]:
        """Let the mailer send what waits, and read it, the oldest first."""
        before = len(self.mails)
        self.deliver()
        new = self.mails[: len(self.mails) - before]
        return [self._received(mail) for mail in reversed(new)]

    def newest_of(self, purpose: str) -> Received:
        found = [received for received in self.read() if received.purpose == purpose]
        assert found, "no such mail was sent"
        return found[-1]

    @staticmethod
    def _received(mail: Any) -> Received:
        link = link_of(mail) if "http" in mail.text else ""
        purpose = _PURPOSES.get(urlsplit(link).path, "other")
        return Received(mail.to[0], purpose, link, code_of(mail) if purpose in ("join", "recover") else "")
