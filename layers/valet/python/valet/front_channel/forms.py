"""What proves that a form was sent from a page of ours (CSRF)."""

import hmac

from valet.handles import base64url


def csrf_token(cookie: str, form: str) -> str:
    """What only a page of ours can know of a cookie and of what its form is for."""
    return base64url(hmac.digest(cookie.encode(), b"valet csrf" + form.encode(), "sha256"))


def is_csrf_token(value: str, cookie: str, form: str) -> bool:
    return hmac.compare_digest(csrf_token(cookie, form).encode(), value.encode())
