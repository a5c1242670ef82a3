"""Tokens of a demo person, who signs in at the local stack."""

from local.stack import LocalStack
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.wire import over_http


def access_token(stack: LocalStack, app: Application, username: str, kind: str = "access_token") -> str:
    """The access token, or another token of the answer, of this person, who allows everything."""
    browser, asked = Browser(over_http, stack.issuer), app.ask()
    answer = browser.sign_in(browser.open(asked.url), username)
    if answer.is_page:
        answer = browser.decide(answer)
    token: str = app.redeem(answer.answered["code"], asked.code_verifier).json()[kind]
    return token
