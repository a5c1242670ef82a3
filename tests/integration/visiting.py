"""A person at their account page: what they press there, and what it did at every place that judges."""

from collections.abc import Mapping
from typing import Any

import jwt

from tests.integration.guesses import anew
from tests.support.browser import Browser, filled_in
from tests.support.deployment import Deployment
from tests.support.status_bits import indices_of
from tests.support.wire import Answer

SESSION = "__Host-valet-session"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)


def at_account(deployment: Deployment, username: str = "john", user_agent: str = "") -> Browser:
    """A browser of its own, in which that person has signed in to the account page."""
    browser = anew(deployment)
    browser.user_agent = user_agent
    page = browser.sign_in(browser.open("/account"), username)
    assert page.status == 200
    return browser


def press(browser: Browser, page: Answer, button: str = "", value: str = "", **fields: str) -> Answer:
    """One POST, no redirect followed."""
    return browser.post(*filled_in(page, button, value, **fields))


def is_refused_at_apis(deployment: Deployment, access_token: str) -> bool:
    """Whether the token's bit is set, which every authorizer reads within seconds."""
    claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    status = claims["status"]["status_list"]
    content = deployment.server.status_lists.find_list(status["uri"].rpartition("/")[2])
    return status["idx"] in indices_of(content)


def items_of(deployment: Deployment, kind: str) -> list[Mapping[str, Any]]:
    """The items of that kind, as DynamoDB holds them."""
    return [item for item in deployment.everything() if item["pk"]["S"].startswith(f"{kind}#")]
