"""The pages that people see: sign-in, consent, sign-out and errors (OpenID Connect Core §3.1.2.3 and §3.1.2.4).

Each function returns one page's HTML and reads nothing but its arguments and the templates next to it. The pages
hold no script and load nothing: the stylesheet is inlined and named by its digest in the policy that
`content_security_policy` gives, which every answer that carries a page must carry too.
"""

import base64
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"

# CSP Level 3 §2.3.1: what a host-source and a scheme-source may be made of. No IPv6 literal is a host-source.
_HOST_SOURCE = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")


def sign_in(
    *, action: str, request_handle: str, csrf_token: str, client_name: str, username: str = "", error: str | None = None
) -> str:
    """Asks for `username` and `password`; `error` is the sentence that a failed attempt gets."""
    return _render(
        "sign_in.html",
        action=action,
        request_handle=request_handle,
        csrf_token=csrf_token,
        client_name=client_name,
        username=username,
        error=error,
    )


def consent(
    *,
    action: str,
    request_handle: str,
    csrf_token: str,
    client_name: str,
    owner: str,
    answer_host: str,
    username: str,
    scopes: Sequence[tuple[str, str]],
    switch_account: str | None = None,
) -> str:
    """Asks for `decision`: what `client_name` may do, by (scope, sentence), who runs it and where the answer goes.

    `switch_account` is the address of the sign-in page for the same request.
    """
    return _render(
        "consent.html",
        action=action,
        request_handle=request_handle,
        csrf_token=csrf_token,
        client_name=client_name,
        owner=owner,
        answer_host=answer_host,
        username=username,
        scopes=scopes,
        switch_account=switch_account,
    )


def sign_out(
    *, action: str, csrf_token: str, client_name: str | None = None, hidden: Mapping[str, str] | None = None
) -> str:
    """Asks for `decision` before signing out (RP-Initiated Logout §2); `hidden` carries the request's parameters."""
    return _render(
        "sign_out.html", action=action, csrf_token=csrf_token, client_name=client_name, hidden=dict(hidden or {})
    )


def signed_out() -> str:
    """Says that the session is over, where there is no address to go back to."""
    return _message("Signed out", "You are signed out", "You can close this page.")


def still_signed_in() -> str:
    """Says that nothing changed, when the end-user declined to sign out."""
    return _message("Signed in", "You are still signed in", "Nothing was changed. You can close this page.")


def error(*, title: str, message: str, request_id: str | None = None) -> str:
    """Says what went wrong, in words for the end-user; `request_id` finds the log line."""
    return _message("Error", title, message, request_id=request_id, is_error=True)


def expired(request_id: str | None = None) -> str:
    """The saved request is gone: it was never made, is too old, or belongs to another browser."""
    return error(
        title="This sign-in has expired",
        message="It took too long, or it was begun in another browser. Go back to the app and start again.",
        request_id=request_id,
    )


def already_answered(request_id: str | None = None) -> str:
    """The saved request was allowed or denied before, and can be used once only."""
    return error(
        title="This request was already answered",
        message="You may have pressed the button twice. Go back to the app; if it does not go on, start again there.",
        request_id=request_id,
    )


def content_security_policy(form_action: Sequence[str] = ("'self'",)) -> str:
    """The Content-Security-Policy that goes with every page; `form_action` is what its form may lead to."""
    targets = " ".join(form_action) or "'none'"
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{style_sha256()}'",
            f"form-action {targets}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def form_action_source(redirect_uri: str) -> str:
    """The CSP source that matches a registered `redirect_uri` (CSP Level 3 §2.3.1).

    Browsers hold the redirects that follow a form to form-action as well, so a page whose form ends at the client
    names the client's origin. What no host-source can express is named by its scheme.
    """
    parts = urlsplit(redirect_uri)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    if _HOST_SOURCE.fullmatch(origin):
        return origin
    if not _SCHEME.fullmatch(parts.scheme):
        raise ValueError("a redirect_uri is an absolute URI")
    return f"{parts.scheme}:"


@functools.cache
def style_sha256() -> str:
    """The inlined stylesheet's digest, as a CSP hash-source without its quotes (CSP Level 3 §2.3.1)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


@functools.cache
def _style() -> str:
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


def _message(kind: str, title: str, message: str, *, request_id: str | None = None, is_error: bool = False) -> str:
    return _render("message.html", kind=kind, title=title, message=message, request_id=request_id, is_error=is_error)


def _render(template: str, **values: object) -> str:
    return _environment().get_template(template).render(values)


@functools.cache
def _environment() -> "Environment":
    # Imported on first use: most functions that load this package never show a page (59 ms cold).
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = Markup(_style())  # noqa: S704 - our own file, digested as it stands
    return environment
