"""The mails that a deployment sends, and its queue of letters."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager

from valet.models.mails import Letter

from local.aws.ses import Mail
from tests.support.deployment import SENDS_MAIL, Deployment
from tests.support.queues import Queues

_LINK = re.compile(r"https?://\S+")
_CODE = re.compile(r"\b(\d{4}) (\d{4})\b")


class Post(Queues):
    """A deployment that sends mails, with its queues. `deliver` brings the letters to the mailer."""

    def __init__(self, deployment: Deployment) -> None:
        deployment.own_settings |= SENDS_MAIL
        deployment.restart()
        super().__init__(deployment)

    def send(self, letter: Letter) -> tuple[Mail, ...]:
        """Put the letter into the queue, and let it be delivered. The mails that it became, the newest first."""
        before = len(self.mails)
        letters = self.deployment.server.letters
        assert letters is not None
        letters.send(letter)
        self.deliver()
        return self.mails[: len(self.mails) - before]

    def nothing_kept(self) -> AbstractContextManager[None]:
        """The block writes no item: what it sends to the queue and to SES is all that it does."""
        return self.deployment.nothing_spent(but=(None,))

    @property
    def asked_for(self) -> list[str]:
        """The letters that somebody has asked for and that wait for the mailer: all but notices."""
        return [message.body for message in self.waiting("Mail") if '"purpose":"notice"' not in message.body]

    @property
    def mails(self) -> tuple[Mail, ...]:
        return self.deployment.aws.mailbox.mails

    @property
    def newest(self) -> Mail:
        return self.mails[0]


def link_of(mail: Mail) -> str:
    """The first address in the text part."""
    found = _LINK.search(mail.text)
    assert found is not None, mail.text
    return found[0]


def code_of(mail: Mail) -> str:
    """The code in the text part, without its space."""
    found = _CODE.search(mail.text)
    assert found is not None, mail.text
    return found[1] + found[2]
