"""The settings in docs/clients, to the letter, with the programs and libraries that they are for."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import jwt
import pytest

from local.stack import LocalStack
from tests.e2e.people import ask
from tests.e2e.recipes import Recipe
from tests.e2e.visiting import Visit
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")

HERE = Path(__file__).parent
LIBRARIES = ("openid-client", "@auth/core", "@openid/appauth")


@pytest.fixture(scope="module", autouse=True)
def _libraries() -> None:
    missing = [name for name in LIBRARIES if not (HERE / "node_modules" / name).exists()]
    if missing or not shutil.which("node"):
        is_missing(f"{', '.join(missing) or 'node'} is not there: (cd tests/e2e && npm ci)")


@pytest.fixture
def visit(stack: LocalStack) -> Iterator[Visit]:
    visit = Visit(stack.issuer)
    yield visit
    visit.close()


@pytest.fixture
def recipe(fresh_stack: LocalStack, tmp_path: Path) -> Callable[[str], Recipe]:
    return lambda name: Recipe(name, fresh_stack, tmp_path)


def asked(visit: Visit) -> dict[str, str]:
    """The parameters of the last authorization request."""
    return dict(parse_qsl(urlsplit(visit.seen[-1]).query))


# -- openid-client -----------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(recipe: Callable[[str], Recipe]) -> Iterator[Recipe]:
    page = recipe("openid-client")
    secret = page.register()
    with page.running("node", page.save("js", "shop.mjs"), CLIENT_SECRET=secret):
        yield page


def test_openid_client_signs_in_refreshes_and_signs_out(shop: Recipe, visit: Visit) -> None:
    assert visit.open(f"{shop.home}/sign-in").text == "Signed in as john"
    assert asked(visit)["code_challenge_method"] == "S256"
    assert visit.open(f"{shop.home}/refresh").text == "Refreshed"
    assert visit.open(f"{shop.home}/sign-out").text == "Nobody is signed in"
    assert visit.seen[-1].startswith(f"{visit.issuer}/logout?")


def test_openid_client_is_told_that_the_person_denied(shop: Recipe, visit: Visit) -> None:
    visit.decision = "deny"
    answer = visit.open(f"{shop.home}/sign-in")
    assert (answer.status_code, answer.text) == (400, "access_denied: The end-user denied the request.")
    assert visit.open(shop.home).text == "Nobody is signed in"


def test_openid_client_pushes_its_request_where_it_has_to(recipe: Callable[[str], Recipe], visit: Visit) -> None:
    page = recipe("openid-client")
    plain, pushing = "client.buildAuthorizationUrl(", "await client.buildAuthorizationUrlWithPAR("
    assert f"`{pushing}config, parameters)`" in page.text
    secret = page.register()
    page.operate("admin/valet clients change my_shop --require-pushed".removeprefix("admin/valet "))
    with page.running("node", page.save("js", "shop.mjs"), CLIENT_SECRET=secret):
        assert visit.open(f"{page.home}/sign-in").text.startswith("invalid_request: This client has to push")
    with page.running("node", page.save("js", "shop.mjs", **{plain: pushing}), CLIENT_SECRET=secret):
        assert visit.open(f"{page.home}/sign-in").text == "Signed in as john"
        sent = next(url for url in visit.seen if "request_uri=" in url)
        assert dict(parse_qsl(urlsplit(sent).query)).keys() == {"client_id", "request_uri"}


# -- Authlib in Flask --------------------------------------------------------------------------------------------------


def flask(page: Recipe, secret: str) -> AbstractContextManager[object]:
    page.save("python", "app.py")
    words = (sys.executable, "-m", "flask", "run", "--port", str(page.port))
    insecure = {"AUTHLIB_INSECURE_TRANSPORT": "true"}  # the local stack is plain http
    return page.running(*words, CLIENT_SECRET=secret, SECRET_KEY="of-the-test", **insecure)


def test_authlib_in_flask_signs_in_and_signs_out(recipe: Callable[[str], Recipe], visit: Visit) -> None:
    page = recipe("authlib")
    with flask(page, page.register()):
        assert visit.open(f"{page.home}/sign-in").text == "Signed in as john"
        assert asked(visit)["code_challenge_method"] == "S256"
        assert visit.open(f"{page.home}/sign-out").text == "Nobody is signed in"
        assert visit.seen[-1].startswith(f"{visit.issuer}/logout?")


# -- Auth.js -----------------------------------------------------------------------------------------------------------


@contextmanager
def authjs(page: Recipe, **instead: str) -> Iterator[None]:
    secret = page.register()
    page.save("js", "settings.mjs", **instead)
    server = page.folder / "authjs.mjs"
    shutil.copy(HERE / "clients/authjs.mjs", server)
    environment = {"AUTH_VALET_SECRET": secret, "AUTH_SECRET": "of-the-test", "AUTH_URL": page.home}
    with page.running("node", server, **environment):
        yield


def sign_in_by_authjs(page: Recipe, visit: Visit) -> Mapping[str, object]:
    token = visit.open(f"{page.home}/api/auth/csrf").json()["csrfToken"]
    visit.post(
        f"{page.home}/api/auth/signin/valet", {"csrfToken": token, "callbackUrl": f"{page.home}/api/auth/session"}
    )
    session: Mapping[str, object] = visit.open(f"{page.home}/api/auth/session").json() or {}
    return session


def test_authjs_shows_a_user_with_name_address_and_roles(recipe: Callable[[str], Recipe], visit: Visit) -> None:
    page = recipe("authjs")
    with authjs(page):
        session = sign_in_by_authjs(page, visit)
    assert session["user"] == {"name": "John Doe", "email": "john@example.com", "roles": ["user"]}
    assert asked(visit).keys() >= {"state", "nonce", "code_challenge"}


def test_without_claims_in_the_id_token_authjs_shows_an_empty_user(
    recipe: Callable[[str], Recipe], visit: Visit
) -> None:
    """What the page says of this error."""
    page = recipe("authjs")
    page.text = page.text.replace('--id-token-claims "profile email roles"', "")
    with authjs(page):
        session = sign_in_by_authjs(page, visit)
    assert session["user"] == {"roles": []}


def test_authjs_may_ask_userinfo_instead(recipe: Callable[[str], Recipe], visit: Visit) -> None:
    page = recipe("authjs")
    page.text = page.text.replace('--id-token-claims "profile email roles"', "")
    assert "`idToken: false`" in page.text
    with authjs(page, **{'type: "oidc",': 'type: "oidc", idToken: false,'}):
        session = sign_in_by_authjs(page, visit)
    assert session["user"] == {"name": "John Doe", "email": "john@example.com", "roles": ["user"]}


# -- AppAuth for JavaScript --------------------------------------------------------------------------------------------


def test_appauth_signs_in_on_a_loopback_port(recipe: Callable[[str], Recipe], visit: Visit, tmp_path: Path) -> None:
    page = recipe("appauth")
    assert page.register() == ""
    script = page.save("js", "app.mjs", **{"8085": str(page.port)})
    opener, opened = tmp_path / "xdg-open", tmp_path / "opened"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new && mv {opened}.new {opened}\n', encoding="utf-8")
    opener.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    with page.started("node", "--import", HERE / "clients/extensions.mjs", script, PATH=path) as process:
        for _ in range(200):
            if opened.exists() or process.poll() is not None:
                break
            time.sleep(0.05)
        location = visit.at_issuer(opened.read_text(encoding="utf-8"))
        assert httpx.get(location).status_code == 200
        out, error = process.communicate(timeout=20)
    assert "Signed in as john" in out, error
    assert asked(visit)["code_challenge_method"] == "S256"


# -- programs that are not here: what their settings read is what Valet tells them -------------------------------------


@dataclass(frozen=True)
class Read:
    """What a program reads, as the settings on its page say."""

    page: str
    role: str
    scopes: str  # where the settings say which scopes the program asks for
    claims: str  # where they name a claim
    by_default: str = "openid"  # scopes that it asks for besides


READS = [
    Read("kube-apiserver", "developer", r"--oidc-extra-scope=(\w+)", r"^ +claim: (\w+)$"),
    Read("argo-cd", "admin", r'requestedScopes: \["(.*)"\]', r'scopes: "\[(\w+)\]"'),
    Read("grafana", "editor", r"^scopes = (.*)$", r"^(?:\w+_attribute_path = (?:contains\()?)(\w+)"),
    Read("aspnet-core", "user", r'Scope\.Add\("(\w+)"\)', r'(?:MapJsonKey\("|ClaimType = ")(\w+)"', "openid profile"),
]


ANN = "--name 'Ann Doe' --email ann@example.com"


def registered_for_ann(recipe: Callable[[str], Recipe], visit: Visit, read: Read) -> tuple[Recipe, str]:
    """The page whose client is registered, and the client's secret; the person who visits has a role too many."""
    page = recipe(read.page)
    secret = page.register()
    visit.is_ann(page.operate(f"users add ann {ANN} --role 'another {read.role}' --generate")["password"])
    return page, secret


def granted(page: Recipe, visit: Visit, read: Read, secret: str) -> dict[str, Any]:
    """The token response to a program that sends what its page says."""
    scope = set(re.findall(r"\w+", " ".join([read.by_default, *re.findall(read.scopes, page.text, re.MULTILINE)])))
    assert scope <= set(page.option("scope").split())
    client_id = page.option("id")
    (redirect_uri,) = re.findall(r"--oidc-redirect-url=(\S+)", page.text) or [page.option("redirect-uri")]
    request = ask(visit.issuer, client_id, redirect_uri, scope=" ".join(sorted(scope)))
    answer = dict(parse_qsl(urlsplit(visit.at_issuer(request.url)).query))
    form = {"grant_type": "authorization_code", "code": answer["code"], "code_verifier": request.code_verifier}
    return token_response(visit, form, client_id, secret)


def token_response(visit: Visit, form: dict[str, str], client_id: str, secret: str) -> dict[str, Any]:
    form = {**form, "client_id": client_id, **({"client_secret": secret} if secret else {})}
    response = httpx.post(f"{visit.issuer}/token", data=form)
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    return tokens


@pytest.mark.parametrize("read", READS[:2], ids=lambda read: read.page)
def test_a_program_that_reads_only_the_id_token_finds_the_claims_that_its_settings_name(
    recipe: Callable[[str], Recipe], visit: Visit, read: Read
) -> None:
    page, secret = registered_for_ann(recipe, visit, read)
    tokens = granted(page, visit, read, secret)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    again = token_response(visit, form, page.option("id"), secret)
    named = set(re.findall(read.claims, page.text, re.MULTILINE))
    assert "groups" in named
    for response in (tokens, again):
        claims = jwt.decode(response["id_token"], options={"verify_signature": False})
        assert named <= claims.keys()
        assert claims["groups"] == [read.role]  # and no role that the client is not registered for
        assert claims["aud"] == page.option("id")


@pytest.mark.parametrize("read", READS[2:], ids=lambda read: read.page)
def test_a_program_that_asks_userinfo_finds_the_claims_that_its_settings_name(
    recipe: Callable[[str], Recipe], visit: Visit, read: Read
) -> None:
    page, secret = registered_for_ann(recipe, visit, read)
    tokens = granted(page, visit, read, secret)
    claims = httpx.get(f"{visit.issuer}/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json()
    named = set(re.findall(read.claims, page.text, re.MULTILINE))
    assert {"preferred_username", "roles"} <= named
    assert named - {"sub"} <= claims.keys()
    assert claims["roles"] == [read.role]


@pytest.mark.parametrize(
    ("name", "setting", "back"),
    [
        ("grafana", r"^signout_redirect_url = (.*)$", "https://grafana.example.com/login"),
        ("argo-cd", r"^ +logoutURL: (.*)$", "https://argocd.example.com"),
    ],
)
def test_the_address_for_sign_out_in_the_settings_ends_the_session_and_leads_back(
    recipe: Callable[[str], Recipe], visit: Visit, name: str, setting: str, back: str
) -> None:
    page = recipe(name)
    (read,) = (read for read in READS if read.page == name)
    tokens = granted(page, visit, read, page.register())
    (address,) = re.findall(setting, page.meant(page.text), re.MULTILINE)
    address = address.replace("{{token}}", tokens["id_token"]).replace("{{logoutRedirectURL}}", quote(back, safe=""))
    assert visit.at_issuer(address) == back
    request = ask(visit.issuer, page.option("id"), page.option("redirect-uri"), scope="openid", prompt="none")
    answer = dict(parse_qsl(urlsplit(visit.at_issuer(request.url)).query))
    assert answer["error"] == "login_required"
