"""The developer's stacks of tests/parts/local/shop as `make run API=` plays them, and requests to them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local.own.choices import Choices
from local.own.plan import Plan
from local.own.registration import Registration
from local.own.serving import Events, OwnStack, OwnStacks
from local.stack import ROOT, LocalStack
from tests.support.application import Application, DemoApplications
from tests.support.browser import Browser
from tests.support.wire import over_http

SHOP = Path(__file__).with_name("shop")
ORIGIN = "https://shop.example"


@dataclass
class Shop:
    """The stacks that run, and what they told."""

    issuer: LocalStack
    stacks: OwnStacks
    lines: list[tuple[str, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    read: list[OwnStack] = field(default_factory=list)

    def plan(self, number: int = 0) -> Plan:
        return self.stacks.stacks[number].plan

    def url(self, number: int = 0, api: str = "Api") -> str:
        return self.stacks.stacks[number].urls[api]

    def call(self, method: str, path: str, token: str | None = None, number: int = 0, **headers: str) -> httpx.Response:
        """To the first or second stack's API called Api."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        return httpx.request(method, f"{self.url(number)}{path}", headers=sent, timeout=10)

    def odd(self, what: str, number: int = 0) -> httpx.Response:
        if number:
            return httpx.get(f"{self.url(number, 'ServerlessRestApi')}/Prod/odd", params={"do": what}, timeout=10)
        return httpx.get(f"{self.url()}/odd", params={"do": what}, timeout=10)

    def notices(self, number: int = 0) -> str:
        return "\n".join(map(str, self.plan(number).notices))

    def settled(self) -> int:
        """How many lines there are, once the last answers' lines have arrived."""
        count = -1
        while count != len(self.lines):
            count = len(self.lines)
            time.sleep(0.05)
        return count

    def register(self) -> list[str]:
        """As at the start, with the demo data as it is now."""
        registration = Registration(self.issuer.url, self.issuer.tables)
        found = [registration.register("Shop", each.plan.valets.values()) for each in self.stacks.stacks]
        self.issuer.forget()
        return [line for lines in found for line in lines]


def shop(issuer: LocalStack, *templates: Path, **choices: Any) -> Shop:
    """Plays the templates on free ports."""
    lines: list[tuple[str, str]] = []
    wrong: list[str] = []
    read: list[OwnStack] = []
    events = Events(
        on_line=lambda function, line: lines.append((function, line)),
        on_wrong=lambda path, error: wrong.append(error),
        on_read=read.append,
    )
    stacks = OwnStacks(Choices(templates=templates, **choices), ROOT, issuer.url, 0, events)
    stacks.start()
    return Shop(issuer, stacks, lines, wrong, read)


def service_token(issuer: LocalStack, scope: str) -> str:
    application = DemoApplications(over_http, issuer.url).service
    token: str = json.loads(application.client_credentials(scope=scope).body)["access_token"]
    return token


def person_token(issuer: LocalStack, username: str, scope: str) -> str:
    """Of a person who signed in with the demo client for phones and allowed everything."""
    application = Application(
        over_http, issuer.url, "mobile_app", redirect_uri="com.example.mobile:/callback", scope=f"openid {scope}"
    )
    asked, browser = application.ask(), Browser(over_http, issuer.url)
    answer = browser.decide(browser.sign_in(browser.open(asked.url), username))
    redeemed = application.redeem(answer.answered["code"], asked.code_verifier)
    token: str = json.loads(redeemed.body)["access_token"]
    return token
