"""The mails that a deployment sends to people, as they find them in their mailboxes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from valet.aws.dynamodb.table import model_from_item
from valet.handles import digest, new_handle
from valet.models.mails import JOIN, RECOVER, Letter, Mail, MailCode
from valet.models.policy import Policy
from valet.people.identifiers import is_found_by, normal_address
from valet.people.mail_codes import hmac_of_code, new_code, place_of_code

from tests.support.deployment import Deployment, queue_arn, queue_url

_LIFETIMES = {JOIN: 86_400, RECOVER: 1_800}


@dataclass(frozen=True)
class Received:
    """One mail."""

    to: str
    purpose: str
    link: str = ""
    code: str = ""

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.link).query)["token"][0]


class Mailbox:
    """The mailboxes of everybody, and the mailer that fills them."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def switch_on(self, **policy: Any) -> None:
        """The deployment sends mails, and people may join."""
        self.deployment.restart(**settings_with_mail())
        members = {"registration": "on", "sign_in_with": "either", **policy}
        self.deployment.registrar.put_policy(Policy(**members))
        self.deployment.clock.advance(11)

    def letters(self) -> list[Letter]:
        """What waits in the queue."""
        waiting = self.deployment.aws.queues.named(queue_arn("Mail")).messages
        return [model_from_item(Letter, json.loads(each.body)) for each in waiting]

    def read(self) -> list[Received]:
        """Let the mailer send what waits, and read it."""
        letters = self.letters()
        self.deployment.aws.queues.named(queue_arn("Mail")).messages.clear()
        return [received for letter in letters for received in self._sent(letter)]

    def newest(self, purpose: str) -> Received:
        found = [received for received in self.read() if received.purpose == purpose]
        assert found, "no such mail was sent"
        return found[-1]

    def _sent(self, letter: Letter) -> list[Received]:
        if letter.purpose not in _LIFETIMES:
            return [Received("", letter.purpose)]
        server = self.deployment.server
        name = normal_address(letter.address)
        identifier = server.credentials.find_identifier(name)
        account = server.accounts.find_account(identifier.sub) if identifier else None
        holder = account if account and identifier and is_found_by(account, name, identifier) else None
        if letter.purpose == JOIN and holder is not None:
            return [Received(letter.address, "have_account", f"{letter.issuer}/recover?request={letter.handle}")]
        if letter.purpose == RECOVER and holder is None:
            return []
        secret, code = new_handle(os.urandom), new_code(os.urandom)
        expires_at = int(self.deployment.clock.now) + _LIFETIMES[letter.purpose]
        facts: Mapping[str, Any] = {"sub": holder.sub, "epoch": holder.epoch} if holder else {}
        mail = Mail(
            letter.purpose,
            holder.email if holder else letter.address,
            expires_at,
            place=letter.place,
            client_id=letter.client_id,
            locale=letter.locale,
            **facts,
        )
        server.mails.put_mail(digest(secret), mail)
        key = bytes.fromhex(letter.key)
        server.mails.put_code(
            place_of_code(key),
            MailCode(
                digest(secret).hex(), letter.asked_ms, hmac_of_code(key, code), int(self.deployment.clock.now) + 600
            ),
        )
        link = f"{letter.issuer}/{letter.purpose}/confirm?token={secret}&request={letter.handle}"
        return [Received(mail.address, letter.purpose, link, code)]


def settings_with_mail() -> dict[str, Any]:
    """Of a deployment that sends mails."""
    return {"mail": "on", "mail_queue": queue_url("Mail")}
