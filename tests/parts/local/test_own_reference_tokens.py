"""An own stack with reference tokens, on the local stack: the authorizer introspects them over a real connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from valet.aws.dynamodb.registrar import Registrar
from valet.aws.dynamodb.table import Table
from valet.models.clients import Client
from valet.server import SERVER

from local.stack import LocalStack
from tests.parts.local.own_stacks import SHOP, Shop, person_token, service_token, shop
from tests.support.application import DemoApplications
from tests.support.wire import over_http

AUDIENCE = "https://payments.shop.example"


@pytest.fixture
def running(fresh_stack: LocalStack) -> Iterator[Shop]:
    found = shop(fresh_stack, SHOP / "reference.yaml", parameters={"Secret": "of-the-authorizer"})
    yield found
    found.stacks.stop()


def test_a_revoked_token_is_refused_at_the_very_next_call_and_nobody_registered_anything(running: Shop) -> None:
    lines = running.register()
    assert any(line.startswith(f"registered: {AUDIENCE} (scope payments") for line in lines)
    assert f"registered: the client payments_authorizer, which introspects reference tokens for {AUDIENCE}" in lines
    assert running.register() == [], "the second time there is nothing left to register"
    applications = DemoApplications(over_http, running.issuer.url)
    owners = {
        service_token(running.issuer, "payments"): (applications.service, "api_service_789"),
        person_token(running.issuer, "john", "payments"): (applications.mobile_app, "demo-john"),
    }
    for token, (application, sub) in owners.items():
        assert token.startswith("vat_")
        for _ in range(2):  # the second time on the kept connection
            answer = running.call("GET", "/orders", token)
            assert answer.status_code == 200, answer.text
        assert answer.json()["sub"] == sub
        assert application.revoke(token).status == 200
        assert running.call("GET", "/orders", token).status_code == 401
    assert running.call("GET", "/orders", f"vat_{'A' * 22}.{'A' * 43}").status_code == 401
    assert running.call("GET", "/orders").status_code == 401


def test_a_client_that_is_registered_already_stays_as_it_is_and_its_failure_is_no_refusal(
    running: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Client("payments_authorizer", "Mine")
    Registrar(Table(SERVER.dynamodb, running.issuer.tables["Registry"])).put_client(mine)
    told = f"not registered: the client payments_authorizer is, but may not introspect tokens for {AUDIENCE}"
    assert told in running.register()
    assert running.call("GET", "/orders", service_token(running.issuer, "payments")).status_code == 500
    running.settled()
    lines = [line for _, line in running.lines] + capsys.readouterr().out.splitlines()
    assert any("the introspecting client or its secret is wrong" in line for line in lines)
