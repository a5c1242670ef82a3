"""The Content-Security-Policy of the pages (CSP Level 3)."""

import base64
import functools
import hashlib
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from valet.pages.rendering import style

# CSP Level 3 §2.3.1: what a host-source and a scheme-source may be made of. No IPv6 literal is a host-source.
_HOST_SOURCE = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")


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
    return "sha256-" + base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
