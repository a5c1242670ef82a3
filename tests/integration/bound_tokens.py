"""What the tests of DPoP share: the checks of bound tokens, and people who allow clients what they ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from valet.handles import parse_code, parse_refresh_token
from valet.models.grants import Grant

from tests.support.application import Application, Asked
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.dpop_client import DpopClient
from tests.support.wire import Answer


def claims_of(tokens: dict[str, Any]) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    return claims


def bound_to(answer: Answer, holder: DpopClient) -> dict[str, Any]:
    """The tokens of an answer, whose access token is bound to the holder's key."""
    assert answer.status == 200, answer
    tokens: dict[str, Any] = answer.json()
    assert (tokens["token_type"], claims_of(tokens)["cnf"]) == ("DPoP", {"jkt": holder.jkt})
    return tokens


class SignedIn:
    """John allows clients what they ask."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def code(self, app: Application, **asked: str) -> tuple[str, str]:
        """A code and its verifier."""
        return self.allow(app.ask(**asked))

    def allow(self, asked: Asked) -> tuple[str, str]:
        page = self._browser.open(asked.url)
        if 'name="password"' in page.body:
            page = self._browser.sign_in(page)
        if page.is_page:
            page = self._browser.decide(page)
        return page.answered["code"], asked.code_verifier


def grant_of(deployment: Deployment, token: str) -> Grant:
    """The grant of a code or refresh token."""
    handle = parse_refresh_token(token) or parse_code(token)
    assert handle is not None
    grant = deployment.server.grants.find(handle.grant_id)
    assert grant is not None
    return grant


@contextmanager
def not_counted(deployment: Deployment, token: str) -> Iterator[None]:
    """The block changes nothing at all, and the grant of the code or refresh token lives."""
    before = grant_of(deployment, token)
    with deployment.nothing_spent():
        yield
    assert grant_of(deployment, token) == before
    assert not before.revoked_at
