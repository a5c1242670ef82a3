"""The Content-Security-Policy of the pages (CSP Level 3)."""

import base64
import functools
import hashlib

from valet.http import Page
from valet.pages.logos import with_logo
from valet.pages.rendering import PLAIN, Look, style


def content_security_policy(page: Page, look: Look = PLAIN) -> str:
    """The Content-Security-Policy that goes with the page.

    The form that chooses the language goes to this server. A page with another form says no form-action: browsers hold
    the redirects after a form to it as well, and where the client redirects the browser after its answer is the
    client's matter (docs/decisions/pages-in-browsers.md).
    """
    directives = ["default-src 'none'", f"style-src '{style_sha256(look.policy.brand_colour)}'"]
    if images := with_logo(page.images, "data:" if look.policy.brand_logo and "data:" not in page.images else ""):
        directives.append(f"img-src {' '.join(images)}")
    if page.script:
        directives.append(f"script-src '{_sha256(page.script)}'")
        # The script writes no markup, and so no text can become a script (Trusted Types).
        directives.append("require-trusted-types-for 'script'; trusted-types 'none'")
    if not page.has_form:
        directives.append("form-action 'none'" if look.chooser is None else "form-action 'self'")
    return "; ".join([*directives, "base-uri 'none'", "frame-ancestors 'none'"])


@functools.lru_cache(maxsize=2)
def style_sha256(colour: str = "") -> str:
    """The inlined stylesheet's digest, as a CSP hash-source without its quotes (CSP Level 3 §2.3.1)."""
    return _sha256(style(colour))


def _sha256(inlined: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(inlined.encode()).digest()).decode()
