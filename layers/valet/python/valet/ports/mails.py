"""Mails: those to be sent, and what is kept of them."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from valet.models.mails import ComposedMail, Letter, Mail, MailCode

MOST_TRIES = 5  # of one code


class Letters(Protocol):
    """The queue of what is to be sent. A letter may come more than once, and late."""

    def send(self, letter: "Letter", /, delay: int = 0) -> None:
        """Send the letter, which arrives after `delay` seconds at the earliest. Raises TemporarilyUnavailable."""


class Mails(Protocol):
    def put_mail(self, digest: bytes, mail: "Mail") -> None:
        """Keep a mail, by the digest of its secret."""

    def find_mail(self, digest: bytes) -> "Mail | None":
        """Strongly consistent. It may have expired."""

    def put_code(self, digest: bytes, code: "MailCode") -> bool:
        """Keep a code, by the digest of its key, in the place of the one before. False: a newer one was asked for."""

    def try_code(self, digest: bytes, now: float) -> "MailCode | None":
        """Count a try, and answer the code to compare with. None: there is none, it has expired, or it had all its
        tries.
        """


class Mailer(Protocol):
    def send(self, mail: "ComposedMail") -> str | None:
        """Send the mail. None: it is on its way. Else it will never be sent, and this is AWS's word for the reason.

        Raises TemporarilyUnavailable if the same mail may be accepted later.
        """


class HasLetters(Protocol):
    @property
    def letters(self) -> Letters | None:
        """None where the deployment sends no mail."""


class HasMails(Protocol):
    @property
    def mails(self) -> Mails: ...


class HasMailer(Protocol):
    @property
    def mailer(self) -> Mailer: ...
