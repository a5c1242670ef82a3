"""The proof that a form was sent from a page of this server (CSRF)."""

import hmac

from valet.errors import InvalidRequest
from valet.handles import base64url
from valet.http import Response


def csrf_token(cookie: str, form: str) -> str:
    """The token that only a page of this server can derive from the browser's cookie and the purpose of the form."""
    return base64url(hmac.digest(cookie.encode(), b"valet csrf" + form.encode(), "sha256"))


def is_csrf_token(value: str, cookie: str, form: str) -> bool:
    return hmac.compare_digest(csrf_token(cookie, form).encode(), value.encode())


class PageOutOfDate(InvalidRequest):
    """The form was not sent from this page as it is now, so that it counts for nothing: the page is shown again."""

    def __init__(self, client_id: str, again: Response) -> None:
        super().__init__("This page is out of date.", client_id=client_id)
        self.again = again
