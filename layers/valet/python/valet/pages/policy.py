"""The Content-Security-Policy of the pages (CSP Level 3)."""

import base64
import functools
import hashlib
from collections.abc import Sequence

from valet.pages.rendering import style


def content_security_policy(*, has_form: bool = False, images: Sequence[str] = (), script: str = "") -> str:
    """The Content-Security-Policy that goes with every page.

    `images` are the addresses, without a query, that it may load images from; `script` is the one that it may run.

    A page with a form says no form-action. Browsers hold the redirects after a form to it as well, and where the client
    redirects the browser after its answer is the client's matter (docs/decisions/pages-in-browsers.md).
    """
    directives = ["default-src 'none'", f"style-src '{style_sha256()}'"]
    if images:
        directives.append(f"img-src {' '.join(images)}")
    if script:
        directives.append(f"script-src '{_sha256(script)}'")
        # The script writes no markup, and so no text can become a script (Trusted Types).
        directives.append("require-trusted-types-for 'script'; trusted-types 'none'")
    if not has_form:
        directives.append("form-action 'none'")
    return "; ".join([*directives, "base-uri 'none'", "frame-ancestors 'none'"])


@functools.cache
def style_sha256() -> str:
    """The inlined stylesheet's digest, as a CSP hash-source without its quotes (CSP Level 3 §2.3.1)."""
    return _sha256(style())


def _sha256(inlined: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(inlined.encode()).digest()).decode()
