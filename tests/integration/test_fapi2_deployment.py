"""A deployment with Profile=fapi2: the profile holds for every client, whatever is registered."""

from __future__ import annotations

import pytest
from valet.keys.ring import SIGNING

from tests.integration.bound_tokens import not_counted
from tests.integration.conftest import Issued, Redeemed
from tests.integration.test_fapi2 import FAPI2, breaks, sign_in
from tests.integration.test_private_key_jwt import register
from tests.integration.test_signing_algs import METADATA, put_key
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.key_client import key_application
from tests.support.key_holder import KeyHolder


@pytest.fixture
def two_lanes(deployment: Deployment) -> None:
    deployment.prepared("two lanes", lambda: put_key(deployment, "PS256", SIGNING))


def hold(deployment: Deployment) -> None:
    deployment.restart(profile="fapi2")


@pytest.mark.usefixtures("two_lanes")
def test_a_client_that_keeps_the_rules_works_though_it_is_registered_as_plain(
    deployment: Deployment, browser: Browser, web_app: Application, owner: KeyHolder
) -> None:
    app = key_application(web_app, deployment.clock)
    register(deployment, app, **{**FAPI2, "profile": "plain"})
    hold(deployment)
    sign_in(browser, app, owner)
    with deployment.nothing_spent():
        answer, _ = owner.of(app, "/par").push(redirect_uri=None)
    assert answer.error == "invalid_request"


def test_a_client_with_a_secret_gets_nothing_more_and_loses_nothing(
    deployment: Deployment, web_app: Application, issued: Issued, owner: KeyHolder
) -> None:
    hold(deployment)
    with not_counted(deployment, issued.code):
        breaks(owner.of(web_app).redeem(issued.code, issued.asked.code_verifier), "private_key_jwt")
    deployment.restart()
    assert web_app.redeem(issued.code, issued.asked.code_verifier).status == 200


def test_a_public_client_gets_nothing(
    deployment: Deployment, browser: Browser, mobile_app: Application, owner: KeyHolder
) -> None:
    hold(deployment)
    with deployment.nothing_spent():
        breaks(owner.of(mobile_app, "/par").push()[0], "confidential")
        page = browser.get(mobile_app.ask().url)
    assert (page.status, page.is_page) == (400, True)


def test_a_bearer_token_is_refused_at_userinfo(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    hold(deployment)
    with deployment.nothing_spent():
        answer = web_app.userinfo(redeemed.access_token)
    assert (answer.status, answer.error) == (401, "invalid_token")


@pytest.mark.usefixtures("two_lanes")
def test_the_metadata_announces_what_the_profile_takes_and_nothing_else(deployment: Deployment) -> None:
    plain = deployment.send("GET", f"{deployment.issuer}{METADATA}").json()
    hold(deployment)
    held = deployment.send("GET", f"{deployment.issuer}{METADATA}").json()
    assert {name: value for name, value in held.items() if value != plain[name]} == {
        "require_pushed_authorization_requests": True,
        "id_token_signing_alg_values_supported": ["PS256"],
        **{
            f"{endpoint}_endpoint_{member}": value
            for endpoint in ("token", "revocation", "introspection")
            for member, value in {
                "auth_methods_supported": ["private_key_jwt"],
                "auth_signing_alg_values_supported": ["PS256", "ES256", "EdDSA"],
            }.items()
        },
    }
