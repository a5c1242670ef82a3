"""People and applications that hold something real: signed in over HTTP, with tokens of the running stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from valet.aws.dynamodb.table import Table
from valet.people.identifiers import normal_address

from local.demo_data import SECRETS
from local.stack import LocalStack
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.calls import calls
from tests.support.status_bits import indices_of
from tests.support.wire import over_http

CALLBACK = "http://127.0.0.1:9876/callback"


@dataclass(frozen=True)
class SignedIn:
    """What an application holds after a person has signed in to it."""

    application: Application
    tokens: dict[str, Any]

    @property
    def access_token(self) -> str:
        return str(self.tokens["access_token"])

    def refresh(self) -> int:
        """The status of a refresh."""
        return self.application.refresh(str(self.tokens["refresh_token"])).status

    def userinfo(self) -> int:
        return self.application.userinfo(self.access_token).status


def web_app(stack: LocalStack, client_id: str = "web_app_123", secret: str | None = None) -> Application:
    return Application(over_http, stack.issuer, client_id, secret or SECRETS[client_id], CALLBACK)


def service(stack: LocalStack, client_id: str = "api_service_789", secret: str | None = None) -> Application:
    return Application(over_http, stack.issuer, client_id, secret or SECRETS[client_id], scope="admin api_access")


def sign_in(
    stack: LocalStack, username: str = "john", application: Application | None = None, password: str | None = None
) -> SignedIn:
    """A person signs in to the web app and allows it everything."""
    application = application or web_app(stack)
    code, code_verifier = unredeemed(stack, username, application, password)
    redeemed = application.redeem(code, code_verifier)
    assert redeemed.status == 200, redeemed.body
    return SignedIn(application, redeemed.json())


def unredeemed(
    stack: LocalStack, username: str = "john", application: Application | None = None, password: str | None = None
) -> tuple[str, str]:
    """A person signs in and allows everything, and the web app gets a code, with its code_verifier."""
    browser = Browser(over_http, stack.issuer)
    asked = (application or web_app(stack)).ask()
    answer = browser.sign_in(browser.open(asked.url), username, password)
    answer = browser.decide(answer) if answer.is_page else answer  # remembered, where they allowed it before
    return answer.answered["code"], asked.code_verifier


def join(stack: LocalStack, address: str, **changes: Any) -> str:
    """An account as joining leaves it: without a username, and found by its address. Returns its sub."""
    sub = f"sub-of-{address.partition('@')[0].lower()}"
    users = Table(calls("dynamodb"), stack.tables["Users"])
    joined = {"sub": sub, "username": "", "email": address, "email_verified": True, "created_at": 1, **changes}
    users.put({"pk": f"account#{sub}", "sk": "account", **joined})
    identifier = {"sub": sub, "kind": "email", "verified_at": 1}
    users.put({"pk": f"identifier#{normal_address(address)}", "sk": "identifier", **identifier})
    return sub


def is_refused_by_list(stack: LocalStack, access_token: str) -> bool:
    """Whether the status list, as anybody sees it, refuses the token: its own bit or a range."""
    import jwt
    from valet.aws.dynamodb.status_lists import DynamoStatusLists

    claims = jwt.decode(access_token, options={"verify_signature": False})
    status = claims["status"]["status_list"]
    lists = DynamoStatusLists(Table(calls("dynamodb"), stack.tables["Grants"]))
    return status["idx"] in indices_of(lists.find_list(status["uri"].rpartition("/")[2]))
