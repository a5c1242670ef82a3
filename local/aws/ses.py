"""The mails of the local stack: moto takes them as SES would, and of each one both parts are kept here."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.header import decode_header, make_header
from typing import Any

_MOST = 200  # mails that are kept


@dataclass(frozen=True)
class Mail:
    """One mail, as it was handed to SES."""

    number: int
    sent_at: float  # epoch seconds
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str


class Mailbox:
    """Every mail that was sent to anybody, the newest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._mails: deque[Mail] = deque(maxlen=_MOST)
        self._count = 0

    def keep(self, request: Mapping[str, Any]) -> None:
        """Keep the mail of a SendEmail that was accepted."""
        simple = request["Content"]["Simple"]
        parts = {name: part["Data"] for name, part in simple["Body"].items()}
        with self._lock:
            self._count += 1
            self._mails.appendleft(
                Mail(
                    self._count,
                    self._clock(),
                    str(make_header(decode_header(request["FromEmailAddress"]))),
                    tuple(request["Destination"]["ToAddresses"]),
                    simple["Subject"]["Data"],
                    parts.get("Text", ""),
                    parts.get("Html", ""),
                )
            )

    @property
    def mails(self) -> tuple[Mail, ...]:
        with self._lock:
            return tuple(self._mails)

    def clear(self) -> None:
        with self._lock:
            self._mails.clear()


def verify(address: str, account: str, region: str) -> None:
    """Let mails come from the address, as its owner's click in SES's own mail does."""
    from moto.sesv2.models import sesv2_backends

    sesv2_backends[account][region].create_email_identity(address, None, None, None)
