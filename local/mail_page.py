"""GET /demo/mail: every mail that the local stack has sent, the newest first. No deployment has this page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlsplit

from local.aws.ses import Mail, Mailbox
from local.gateway.http_events import HttpRequest, HttpResponse

# A mail's HTML stands in a frame of an origin of its own, in which no script runs. The frame may open a link in a new
# tab, because a page of Valet's is shown in no frame.
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LINK = re.compile(r"https?://[^\s<>\"]+")
_HEADERS = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("content-security-policy", _POLICY),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)
_STYLE = (
    "body{margin:0 auto;padding:1rem;max-width:60rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "article{border-top:1px solid;padding:1rem 0}h2{margin:0;font-size:1.125rem}dl{margin:.5rem 0}"
    "dt{float:left;clear:left;margin-inline-end:.5rem}dd{margin:0}"
    "pre{white-space:pre-wrap;font:inherit;border:1px solid;padding:1rem;margin:0}"
    "iframe{width:100%;height:26rem;border:1px solid;background:#fff;box-sizing:border-box}"
    "a{padding:.25rem 0}:root{color-scheme:light dark}"
)


class MailPage:
    """Serves the page, at the stack's own address alone: a foreign name that resolves to 127.0.0.1 reads no mail."""

    def __init__(self, mailbox: Mailbox, url: str) -> None:
        self._mailbox = mailbox
        self._host = urlsplit(url).netloc

    def __call__(self, request: HttpRequest) -> HttpResponse | None:
        if request.headers.get("host", "").lower() != self._host:
            return None
        return HttpResponse(200, _HEADERS, _page(self._mailbox.mails).encode())


def _page(mails: tuple[Mail, ...]) -> str:
    articles = "".join(map(_article, mails)) or "<p>No mail was sent yet.</p>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>Mails</title><link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>'
        '<h1>Mails</h1><p><a href="/demo/mail">Look again</a> · <a href="/demo/">Demo page</a></p>'
        f"<p>Each mail that this stack sends is kept here until it stops, and goes nowhere else.</p>{articles}"
        "</body></html>"
    )


def _article(mail: Mail) -> str:
    title, to, sender = escape(mail.subject), escape(", ".join(mail.to)), escape(mail.sender)
    at = f"{datetime.fromtimestamp(mail.sent_at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    # The frame opens links in a new tab.
    framed = escape(f'<base target="_blank">{mail.html}', quote=True)
    return (
        f'<article id="mail-{mail.number}" aria-labelledby="title-{mail.number}">'
        f'<h2 id="title-{mail.number}" dir="auto">{title}</h2>'
        f"<dl><dt>To</dt><dd>{to}</dd><dt>From</dt><dd>{sender}</dd><dt>Sent</dt><dd>{at}</dd></dl>"
        f'<pre dir="auto">{_linked(mail.text)}</pre>'
        f'<details><summary>HTML part</summary><iframe sandbox="{_SANDBOX}" title="HTML part" srcdoc="{framed}">'
        "</iframe></details></article>"
    )


def _linked(text: str) -> str:
    """The text with its addresses as links, everything escaped."""
    pieces, end = [], 0
    for found in _LINK.finditer(text):
        url = escape(found[0], quote=True)
        pieces += [escape(text[end : found.start()]), f'<a href="{url}">{url}</a>']
        end = found.end()
    return "".join((*pieces, escape(text[end:])))
