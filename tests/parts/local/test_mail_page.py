"""GET /demo/mail on the local stack: both parts of every mail, and nothing in a mail can do anything to the page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import boto3
import httpx
import pytest

from local.aws.ses import Mailbox
from local.gateway.http_events import HttpRequest
from local.mail_page import MailPage
from local.stack import LocalStack

URL = "http://localhost:3000"
EVIL = '"><script>alert(1)</script>'


def kept(**parts: str) -> dict[str, Any]:
    body = {"Text": {"Data": parts.get("text", "text")}, "Html": {"Data": parts.get("html", "<p>html</p>")}}
    subject = {"Data": parts.get("subject", "subject")}
    return {
        "FromEmailAddress": parts.get("sender", '"Valet" <valet@example.com>'),
        "Destination": {"ToAddresses": [parts.get("to", "ada@example.org")]},
        "Content": {"Simple": {"Subject": subject, "Body": body}},
    }


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(lambda: 1_800_000_000.0)


def shown(mailbox: Mailbox, host: str = "localhost:3000") -> str:
    answer = MailPage(mailbox, URL)(HttpRequest("GET", "/demo/mail", {"host": host}, b"", "127.0.0.1"))
    assert answer is not None
    return answer.body.decode()


def test_the_newest_mail_comes_first_and_both_parts_are_there(mailbox: Mailbox) -> None:
    mailbox.keep(kept(subject="first"))
    mailbox.keep(kept(subject="second", sender="=?UTF-8?B?TMOkZGVu?= <valet@example.com>", text="words"))
    page = shown(mailbox)
    assert page.index("second") < page.index("first")
    assert "Läden &lt;valet@example.com&gt;" in page
    assert ">words</pre>" in page
    assert "2027-01-15 08:00:00 UTC" in page


def test_the_addresses_in_the_text_are_links(mailbox: Mailbox) -> None:
    mailbox.keep(kept(text="Go on:\nhttps://id.example.com/join/confirm?token=a&request=b\n\nbye"))
    url = "https://id.example.com/join/confirm?token=a&amp;request=b"
    assert f'<a href="{url}">{url}</a>' in shown(mailbox)


@pytest.mark.parametrize("part", ["subject", "text", "html", "to", "sender"])
def test_nothing_in_a_mail_is_markup_of_the_page(mailbox: Mailbox, part: str) -> None:
    mailbox.keep(kept(**{part: EVIL}))
    page = shown(mailbox)
    assert "<script" not in page
    assert "alert(1)" in page


def test_the_html_part_stands_in_a_frame_in_which_no_script_runs(mailbox: Mailbox) -> None:
    mailbox.keep(kept(html=EVIL))
    page = shown(mailbox)
    ((sandbox, framed),) = re.findall(r'<iframe sandbox="([^"]*)"[^>]* srcdoc="([^"]*)"', page)
    assert unescape(framed).endswith(EVIL)
    assert set(sandbox.split()) == {"allow-popups", "allow-popups-to-escape-sandbox"}


def test_the_page_runs_no_script_loads_nothing_and_is_framed_nowhere(mailbox: Mailbox) -> None:
    answer = MailPage(mailbox, URL)(HttpRequest("GET", "/demo/mail", {"host": "localhost:3000"}, b"", "127.0.0.1"))
    assert answer is not None
    headers = dict(answer.headers)
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "script-src" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


def test_another_name_that_leads_to_this_machine_reads_no_mail(mailbox: Mailbox) -> None:
    for host in ("evil.example", "evil.example:3000", "localhost:3001", ""):
        request = HttpRequest("GET", "/demo/mail", {"host": host}, b"", "127.0.0.1")
        assert MailPage(mailbox, URL)(request) is None


def test_the_mailbox_keeps_the_newest(mailbox: Mailbox) -> None:
    for number in range(300):
        mailbox.keep(kept(subject=f"mail {number}"))
    assert [mail.subject for mail in mailbox.mails][:2] == ["mail 299", "mail 298"]
    assert len(mailbox.mails) == 200


def test_a_mail_that_another_process_sends_is_on_the_page(fresh_stack: LocalStack) -> None:
    """As a function in sam local does, over HTTP."""
    session = boto3.Session("local", "local", region_name="eu-central-1")
    ses: Any = session.client("sesv2", endpoint_url=fresh_stack.aws_url)
    request = kept(subject="over HTTP", sender="valet@example.com")
    assert ses.send_email(**request)["MessageId"]
    page = httpx.get(f"{fresh_stack.url}/demo/mail")
    assert page.status_code == 200
    assert "over HTTP" in page.text
    with pytest.raises(ses.exceptions.MessageRejected):
        ses.send_email(**kept(sender="somebody@example.net"))
    assert len(fresh_stack.aws.mailbox.mails) == 1


def test_the_demo_page_leads_to_the_mails(fresh_stack: LocalStack) -> None:
    assert 'href="mail"' in httpx.get(f"{fresh_stack.url}/demo/").text
    assert httpx.post(f"{fresh_stack.url}/demo/mail").status_code == 405
