"""Whose scripts may read the answers (Fetch Standard §3.2), and that a refusal spends nothing."""

from dataclasses import replace

import pytest

from tests.endpoints import readable_by
from tests.integration.conftest import Issued, Redeemed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment

OWN = "https://spa.example.com"
OTHERS = "https://other.example.com"  # registered, for another client
FOREIGN = "https://evil.test"
WITH_TOKENS = readable_by("registered origins")
FOR_EVERYBODY = readable_by("anybody")
FOR_NOBODY = readable_by("nobody")


@pytest.fixture(autouse=True)
def _origins(deployment: Deployment) -> None:
    for client_id, origin in (("spa_demo", OWN), ("mobile_app", OTHERS)):
        client = deployment.server.registry.find_client(client_id)
        assert client is not None
        deployment.registrar.put_client(replace(client, origins=frozenset({origin})))
    deployment.restart()


@pytest.fixture
def spa_tokens(deployment: Deployment, browser: Browser, spa: Application) -> dict[str, str]:
    asked = spa.ask()
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    tokens: dict[str, str] = spa.redeem(code, asked.code_verifier).json()
    return tokens


def from_page(app: Application, origin: str) -> Application:
    return replace(app, headers={"origin": origin})


def test_a_mistake_of_ours_can_be_read_by_who_could_read_the_answer(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(type(deployment.server.grants), "find", fail)
    monkeypatch.setattr(type(deployment.server.registry), "signing_keys", fail)
    form = f"grant_type=refresh_token&client_id=spa_demo&refresh_token={'A' * 22}.{'A' * 43}.{'A' * 43}".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for method, path, origin, allowed in (
        ("POST", "/token", OWN, OWN),
        ("POST", "/token", FOREIGN, None),
        ("GET", "/.well-known/jwks.json", FOREIGN, "*"),
    ):
        event = deployment.event(method, f"{deployment.issuer}{path}", {**headers, "origin": origin}, form)
        answer = deployment.invoke(event)
        assert answer.headers.get("access-control-allow-origin") == allowed
        if allowed:
            assert (answer.status, answer.error) == (500, "server_error")


@pytest.mark.parametrize("path", WITH_TOKENS)
@pytest.mark.parametrize("origin", [OWN, OTHERS])
def test_a_preflight_is_answered_for_the_origins_of_all_clients(deployment: Deployment, path: str, origin: str) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "x"}
    answer = deployment.send("OPTIONS", f"{deployment.issuer}{path}", headers)
    assert answer.status == 204
    assert answer.body == ""
    assert answer.headers["access-control-allow-origin"] == origin
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert answer.headers["vary"] == "Origin, Access-Control-Request-Headers"
    assert "access-control-allow-credentials" not in answer.headers


def allowed_headers(deployment: Deployment, asked: str, origin: str = OWN, path: str = "/token") -> str | None:
    headers = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": asked}
    answer = deployment.send("OPTIONS", f"{deployment.issuer}{path}", headers)
    assert answer.status == 204
    return answer.headers.get("access-control-allow-headers")


OURS = "Authorization, Content-Type, DPoP"


@pytest.mark.parametrize("path", [*WITH_TOKENS, *FOR_EVERYBODY])
def test_swagger_ui_adds_x_requested_with_and_its_preflight_passes(deployment: Deployment, path: str) -> None:
    allowed = allowed_headers(deployment, "authorization,x-requested-with", path=path)
    assert allowed == f"{OURS}, x-requested-with"


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        ("x-client-name, traceparent,\tdpop", ", x-client-name, traceparent"),
        ("AUTHORIZATION,content-type", ""),
        ("x,x", ", x"),
        (",".join(f"x-{number}" for number in range(32)), "".join(f", x-{number}" for number in range(32))),
        # more than the bounds, or what is no header: our own alone
        (",".join(f"x-{number}" for number in range(33)), ""),
        ("x" * 1001, ""),
        ("x,*", ""),
        ("*", ""),
        ("", ""),
        ("x y", ""),
        ("x,", ""),
        ("x:y", ""),
        ("x\r\nset-cookie: a=b", ""),
        ("<script>", ""),
        ("ä", ""),
    ],
)
def test_a_preflight_gets_the_headers_that_it_asks_for_within_bounds(
    deployment: Deployment, asked: str, added: str
) -> None:
    assert allowed_headers(deployment, asked) == OURS + added


@pytest.mark.parametrize("origin", [FOREIGN, "null", "capacitor://localhost"])
def test_a_preflight_of_a_foreign_origin_is_told_no_header(deployment: Deployment, origin: str) -> None:
    assert allowed_headers(deployment, "x-requested-with", origin) is None


APPS = (
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "http://tauri.localhost",
    "chrome-extension://gighmmpiobklfepjocnamgkkbiglidom",
    "moz-extension://0cc1e4a1-8e7b-4a3c-9f2e-6d2b9a1c3d4e",
)


@pytest.mark.parametrize("origin", APPS)
def test_my_capacitor_tauri_or_extension_app_reads_its_tokens(
    deployment: Deployment, browser: Browser, mobile_app: Application, origin: str
) -> None:
    deployment.registrar.put_client(replace(deployment.client("mobile_app"), origins=frozenset({origin})))
    deployment.restart()
    assert allowed_headers(deployment, "content-type", origin) == OURS
    asked = mobile_app.ask()
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    others = [
        other for other in (*APPS, "null", origin.upper(), f"{origin}/", f"{origin}.evil.test") if other != origin
    ]
    with deployment.nothing_spent():
        for other in others:
            answer = from_page(mobile_app, other).redeem(code, asked.code_verifier)
            assert (answer.status, answer.error) == (400, "invalid_request")
            assert "access-control-allow-origin" not in answer.headers
    tokens = from_page(mobile_app, origin).redeem(code, asked.code_verifier)
    assert (tokens.status, tokens.headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize("path", WITH_TOKENS)
@pytest.mark.parametrize(
    "origin",
    [FOREIGN, "null", "", "*", f"{OWN}.evil.test", f"{OWN}:8443", OWN.replace("https", "http"), OWN.upper(), f"{OWN}/"],
)
def test_a_preflight_of_a_foreign_origin_names_none(deployment: Deployment, path: str, origin: str) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    answer = deployment.send("OPTIONS", f"{deployment.issuer}{path}", headers)
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", FOR_EVERYBODY)
def test_keys_and_metadata_are_for_everybody(deployment: Deployment, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = deployment.send(method, f"{deployment.issuer}{path}", {"origin": FOREIGN})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", FOR_NOBODY)
def test_pages_and_introspection_are_for_no_script(deployment: Deployment, path: str) -> None:
    for origin in (OWN, deployment.issuer, FOREIGN):
        for method in ("GET", "POST", "OPTIONS"):
            answer = deployment.send(method, f"{deployment.issuer}{path}", {"origin": origin})
            assert "access-control-allow-origin" not in answer.headers


def test_the_clients_own_origin_reads_its_tokens(deployment: Deployment, browser: Browser, spa: Application) -> None:
    asked = spa.ask()
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    page = from_page(spa, OWN)
    tokens = page.redeem(code, asked.code_verifier)
    assert tokens.status == 200
    for answer in (
        tokens,
        page.refresh(tokens.json()["refresh_token"]),
        page.userinfo(tokens.json()["access_token"]),
        page.revoke(tokens.json()["refresh_token"]),
    ):
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == OWN
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [FOREIGN, OTHERS, "null", f"{OWN}:443"])
def test_a_code_is_not_spent_on_a_page_that_cannot_read_the_answer(
    deployment: Deployment, browser: Browser, spa: Application, origin: str
) -> None:
    asked = spa.ask()
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    with deployment.nothing_spent():
        answer = from_page(spa, origin).redeem(code, asked.code_verifier)
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert "access-control-allow-origin" not in answer.headers
    assert from_page(spa, OWN).redeem(code, asked.code_verifier).status == 200


@pytest.mark.parametrize("origin", [FOREIGN, OTHERS])
def test_a_foreign_page_can_neither_refresh_nor_revoke_nor_read_claims(
    deployment: Deployment, spa: Application, spa_tokens: dict[str, str], origin: str
) -> None:
    page = from_page(spa, origin)
    with deployment.nothing_spent():
        for answer in (
            page.refresh(spa_tokens["refresh_token"]),
            page.revoke(spa_tokens["refresh_token"]),
            page.revoke(spa_tokens["access_token"]),
            page.userinfo(spa_tokens["access_token"]),
        ):
            assert answer.status == 400
            assert "access-control-allow-origin" not in answer.headers
    assert spa.userinfo(spa_tokens["access_token"]).status == 200
    assert spa.refresh(spa_tokens["refresh_token"]).status == 200


def test_an_error_too_is_read_by_the_page_that_caused_it(
    deployment: Deployment, spa: Application, spa_tokens: dict[str, str]
) -> None:
    page = from_page(spa, OWN)
    for answer in (page.refresh("x"), page.token(grant_type="password"), page.userinfo("x")):
        assert answer.status in (400, 401)
        assert answer.headers["access-control-allow-origin"] == OWN
    assert "WWW-Authenticate" in page.userinfo("x").headers["access-control-expose-headers"]


def test_a_page_of_the_issuers_own_origin_and_a_client_without_a_page_are_served(
    deployment: Deployment, web_app: Application, issued: Issued
) -> None:
    answer = from_page(web_app, deployment.issuer).redeem(issued.code, issued.asked.code_verifier)
    assert answer.status == 200


def test_a_server_without_an_origin_is_served(web_app: Application, redeemed: Redeemed) -> None:
    assert web_app.refresh(redeemed.refresh_token).status == 200
