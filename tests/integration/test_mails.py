"""Letters become mails: through the queue, the mailer and SES (docs/people.md)."""

from __future__ import annotations

from valet.models.mails import JOIN, Letter

from tests.support.deployment import Deployment
from tests.support.post import Post, code_of, link_of

HANDLE, KEY = "h" * 43, "ab" * 32


def joining(deployment: Deployment, address: str = "Ada@example.org") -> Letter:
    now_ms = int(deployment.clock.now * 1000)
    return Letter(JOIN, deployment.issuer, now_ms, address=address, handle=HANDLE, place="cd" * 32, key=KEY)


def test_a_stranger_gets_a_link_and_a_code(deployment: Deployment, post: Post) -> None:
    (mail,) = post.send(joining(deployment))
    assert mail.to == ("Ada@example.org",)
    assert link_of(mail).startswith(f"{deployment.issuer}/join/confirm?token=")
    assert len(code_of(mail)) == 8
    assert deployment.audit.names == ["mail.sent"]
