"""Whose name the server answers to: the gateway's word, never a Host header (RFC 8414 §6.2)."""

from typing import Any

import pytest

from tests.endpoints import PATHS
from tests.integration.conftest import Redeemed
from tests.support.application import Application, basic
from tests.support.deployment import API_ID, Deployment
from tests.support.wire import FORM

OWN = f"{API_ID}.execute-api.eu-central-1.amazonaws.com"


def event(deployment: Deployment, path: str, domain: str, **headers: str) -> dict[str, Any]:
    made = deployment.event("GET", f"{deployment.issuer}{path}", headers)
    made["requestContext"]["domainName"] = domain
    return made


@pytest.mark.parametrize("host", ["evil.test", "id.example.com.evil.test", "", "127.0.0.1:3000", "a" * 300])
def test_a_host_header_decides_nothing(deployment: Deployment, host: str) -> None:
    for headers in ({"host": host}, {"x-forwarded-host": host}, {"forwarded": f"host={host}"}):
        answer = deployment.send("GET", f"{deployment.issuer}/.well-known/openid-configuration", headers)
        assert answer.json()["issuer"] == deployment.issuer
        assert host == "" or host not in answer.body


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1"])
def test_without_an_issuer_url_the_apis_own_name_is_the_issuer(deployment: Deployment, region: str) -> None:
    deployment.restart(issuer_url="")
    domain = f"{API_ID}.execute-api.{region}.amazonaws.com"
    answer = deployment.invoke(event(deployment, "/.well-known/openid-configuration", domain, host="evil.test"))
    assert answer.json()["issuer"] == f"https://{domain}"
    assert answer.json()["token_endpoint"] == f"https://{domain}/token"


def test_the_name_is_taken_in_lower_case_and_in_china_too(deployment: Deployment) -> None:
    deployment.restart(issuer_url="")
    for domain in (OWN.upper(), f"{API_ID}.execute-api.cn-north-1.amazonaws.com.cn"):
        answer = deployment.invoke(event(deployment, "/.well-known/openid-configuration", domain))
        assert answer.json()["issuer"] == f"https://{domain.lower()}"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "domain",
    [
        "id.example.com",
        "evil.test",
        "other12345.execute-api.eu-central-1.amazonaws.com",
        f"{OWN}.evil.test",
        f"{API_ID}.execute-api.eu-central-1.evil.test",
        f"evil.test/{OWN}",
        f"x.{OWN}",
        f"{API_ID}.execute-api.amazonaws.com",
        f"{API_ID}.execute-api.eu.central.1.amazonaws.com",
        f"{OWN}:443",
        f"{OWN}\n",
        f"{API_ID}.lambda-url.eu-central-1.amazonaws.com",
        "localhost",
        "",
    ],
)
def test_any_other_name_is_404_everywhere(deployment: Deployment, path: str, domain: str) -> None:
    deployment.restart(issuer_url="")
    answer = deployment.invoke(event(deployment, path, domain))
    assert answer.status == 404
    assert "location" not in answer.headers


def test_the_name_is_computed_for_each_request(deployment: Deployment) -> None:
    deployment.restart(issuer_url="")
    path = "/.well-known/openid-configuration"
    assert deployment.invoke(event(deployment, path, OWN)).json()["issuer"] == f"https://{OWN}"
    assert deployment.invoke(event(deployment, path, "evil.test")).status == 404
    assert deployment.invoke(event(deployment, path, OWN)).json()["issuer"] == f"https://{OWN}"


def test_a_token_of_another_issuer_is_not_ours(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    """The same keys, another name: a deployment that is moved does not honour what it signed elsewhere."""
    deployment.restart(issuer_url="")
    asked = event(deployment, "/userinfo", OWN, authorization=f"Bearer {redeemed.access_token}")
    assert deployment.invoke(asked).status == 401


def test_without_an_issuer_url_cookies_have_all_their_flags(deployment: Deployment, web_app: Application) -> None:
    deployment.restart(issuer_url="")
    target = web_app.ask().url.removeprefix(web_app.issuer)
    made = deployment.event("GET", target)
    made["requestContext"]["domainName"] = OWN
    (cookie,) = deployment.invoke(made).set_cookies
    assert cookie.startswith("__Host-valet-browser=")
    assert cookie.endswith("; Secure")


def test_a_token_names_the_issuer_that_it_was_asked_of(deployment: Deployment) -> None:
    import jwt

    deployment.restart(issuer_url="")
    headers = {"authorization": basic("api_service_789", "api_secret_abc"), "content-type": FORM}
    made = deployment.event("POST", f"{deployment.issuer}/token", headers, b"grant_type=client_credentials")
    # The issuer's own address is not in front of the target: there is none in the settings.
    made["rawPath"] = "/token"
    made["requestContext"]["domainName"] = OWN
    token = deployment.invoke(made).json()["access_token"]
    assert jwt.decode(token, options={"verify_signature": False})["iss"] == f"https://{OWN}"
