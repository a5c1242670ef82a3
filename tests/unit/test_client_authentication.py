"""Client authentication (RFC 6749 §2.3): a registered method, and one answer for whatever is wrong."""

import base64
from dataclasses import replace
from urllib.parse import unquote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.aws.dynamodb.table import item_from_model, model_from_item
from valet.client_authentication import secret as secret_module
from valet.client_authentication.authentication import form_of
from valet.client_authentication.secret import authenticate
from valet.errors import InvalidClient, InvalidRequest
from valet.handles import digest, new_handle
from valet.http import Request
from valet.models.client_keys import ClientKeys
from valet.models.clients import Client, Scopes
from valet.models.keys import SigningKey
from valet.models.policy import Policy
from valet.models.unknown_clients import Hosts

EITHER = Client("either", "E", secret_digests=(digest("old"), digest("new")))
BASIC = replace(EITHER, client_id="basic", token_endpoint_auth_method="client_secret_basic")
POST = replace(BASIC, client_id="post", token_endpoint_auth_method="client_secret_post")
PUBLIC = Client("public", "P", token_endpoint_auth_method="none")
DISABLED = replace(BASIC, client_id="disabled", is_disabled=True)
SECRETLESS = replace(BASIC, client_id="secretless", secret_digests=())


class Registry:
    """The port Registry, with six clients."""

    def find_client(self, client_id: str) -> Client | None:
        return {client.client_id: client for client in (EITHER, BASIC, POST, PUBLIC, DISABLED, SECRETLESS)}.get(
            client_id
        )

    def find_client_keys(self, client_id: str) -> ClientKeys | None:
        raise NotImplementedError

    def scopes(self) -> Scopes:
        raise NotImplementedError

    def origins(self) -> frozenset[str]:
        raise NotImplementedError

    def signing_keys(self) -> tuple[SigningKey, ...]:
        raise NotImplementedError

    def policy(self) -> Policy:
        raise NotImplementedError

    def hosts(self) -> Hosts:
        raise NotImplementedError


def basic(pair: bytes) -> str:
    return "Basic " + base64.b64encode(pair).decode()


def attempt(authorization: str | None = None, query: str = "", **form: str) -> Client:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    headers |= {"authorization": authorization} if authorization is not None else {}
    request = Request(
        "POST", "/token", "https://id.example.com", query_string=query, headers=headers, body=urlencode(form).encode()
    )
    return authenticate(request, form_of(request), Registry())


@pytest.mark.parametrize("secret", ["old", "new"])
def test_each_registered_method_is_taken_with_each_live_secret(secret: str) -> None:
    assert attempt(basic(f"basic:{secret}".encode())) is BASIC
    assert attempt(basic(f"basic:{secret}".encode()), client_id="basic") is BASIC
    assert attempt(client_id="post", client_secret=secret) is POST
    assert attempt(client_id="public") is PUBLIC


@pytest.mark.parametrize("scheme", ["Basic ", "basic ", "BASIC  ", " bAsIc    "])
def test_curl_and_every_library_write_basic_in_their_own_way(scheme: str) -> None:
    assert attempt(basic(b"basic:old").replace("Basic ", scheme)) is BASIC
    with pytest.raises(InvalidClient):
        attempt(basic(b"basic:wrong").replace("Basic ", scheme))


@pytest.mark.parametrize(
    ("authorization", "form"),
    [
        (basic(b"basic:old").replace("Basic ", "Basic\t"), {}),
        (basic(b"basic:old").replace("Basic ", "Basic \t"), {}),
        (basic(b"basic:old").replace("Basic ", "Basic"), {}),
        (basic(b"basic:wrong"), {}),
        (basic(b"basic:old "), {}),
        (basic(b"basic:OLD"), {}),
        (basic(b"basic:another's"), {}),
        (basic(b"basic:"), {}),
        (basic(b":"), {}),
        (basic(b":old"), {}),
        (basic(b"x" * 300 + b":x"), {}),
        (basic(b"nobody:old"), {}),
        (basic(b"disabled:old"), {}),
        (basic(b"secretless:"), {}),
        (basic(b"post:wrong"), {}),
        (basic(b"either:wrong"), {}),
        (basic(b"public:"), {}),
        (basic(b"public:any"), {}),
        (basic(b"basic"), {}),
        (basic(b"basic:\xff"), {}),
        (basic(b"%ff:%ff"), {}),
        ("Basic", {}),
        ("Basic ", {}),
        ("Basic %%%", {}),
        ("Basic ä", {}),
        ("Bearer old", {}),
        ("Digest username=basic", {}),
        ("old", {}),
        ("", {}),
        (None, {}),
        (None, {"client_id": "basic"}),
        (None, {"client_id": "nobody"}),
        (None, {"client_id": "nobody", "client_secret": "x"}),
        (None, {"client_secret": "old"}),
        (None, {"client_id": "post"}),
        (None, {"client_id": "post", "client_secret": "wrong"}),
        (None, {"client_id": "basic", "client_secret": "wrong"}),
        (None, {"client_id": "either"}),
        (None, {"client_id": "either", "client_secret": "wrong"}),
        (None, {"client_id": "disabled", "client_secret": "old"}),
        (None, {"client_id": "basic", "client_secret": ""}),
        (None, {"client_id": "public", "client_secret": "x"}),
        (None, {"client_id": "secretless", "client_secret": ""}),
    ],
)
def test_whatever_is_wrong_there_is_one_answer(authorization: str | None, form: dict[str, str]) -> None:
    with pytest.raises(InvalidClient) as caught:
        attempt(authorization, **form)
    assert caught.value.description.startswith("The client could not be authenticated. ")
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("secret", ["old", "new"])
def test_my_library_sends_the_secret_in_the_header_or_in_the_body_and_either_is_taken(secret: str) -> None:
    assert attempt(basic(f"either:{secret}".encode())) is EITHER
    assert attempt(client_id="either", client_secret=secret) is EITHER


def test_a_client_that_the_release_before_registered_for_basic_by_default_may_use_either() -> None:
    """Such an item has no attribute for its default."""
    old = model_from_item(Client, {"client_id": "old", "client_name": "Old", "secret_digests": [digest("s")]})
    assert old.token_endpoint_auth_method == "client_secret"
    for said in ("client_secret_basic", "client_secret_post"):
        stored = item_from_model(replace(old, token_endpoint_auth_method=said), "client#old", "client")
        assert stored["token_endpoint_auth_method"] == said


@pytest.mark.parametrize(
    ("authorization", "form", "sentence"),
    [
        (
            basic(b"post:old"),
            {},
            "The client is registered for client_secret_post, but sent its secret by client_secret_basic.",
        ),
        (
            None,
            {"client_id": "basic", "client_secret": "new"},
            "The client is registered for client_secret_basic, but sent its secret by client_secret_post.",
        ),
    ],
)
def test_the_right_secret_by_the_wrong_method_is_told_both_methods_by_name(
    authorization: str | None, form: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidClient) as caught:
        attempt(authorization, **form)
    assert caught.value.description == sentence
    assert caught.value.headers["WWW-Authenticate"].startswith("Basic ")


def test_every_secret_that_a_client_may_present_is_compared_with_every_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work does not depend on the client, its method or the place of the right digest."""
    compared: list[bytes] = []

    def compare(kept: bytes, _: str) -> bool:
        compared.append(kept)
        return False

    monkeypatch.setattr(secret_module, "is_digest_of", compare)
    for client_id, digests in (("either", 2), ("basic", 2), ("post", 2), ("disabled", 2), ("public", 1), ("nobody", 1)):
        for authorization, form in ((basic(f"{client_id}:x".encode()), {}), (None, {"client_secret": "x"})):
            compared.clear()
            with pytest.raises(InvalidClient, match="could not be authenticated"):
                attempt(authorization, client_id=client_id, **form)
            assert len(compared) == digests


@given(drawn=st.binary(min_size=32, max_size=32))
def test_a_library_that_does_not_encode_id_and_secret_for_basic_works(drawn: bytes) -> None:
    """RFC 6749 §2.3.1 wants both form-encoded. It changes no secret that Valet draws and no client_id that may be
    registered, so that it does not matter who does it."""
    secret = new_handle(lambda _: drawn)
    assert unquote_plus(secret) == secret
    assert unquote_plus("AZaz09-._~") == "AZaz09-._~"


@pytest.mark.parametrize(
    ("authorization", "query", "form"),
    [
        (basic(b"basic:old"), "", {"client_secret": "old"}),
        (basic(b"basic:old"), "", {"client_secret": "wrong"}),
        (basic(b"basic:old"), "", {"client_id": "basic", "client_secret": "old"}),
        (basic(b"basic:old"), "", {"client_id": "post", "client_secret": "old"}),
        (basic(b"basic:old"), "", {"client_id": "nobody"}),
        (basic(b"basic:old"), "", {"client_id": "post"}),
        (basic(b"basic:old"), "client_id=basic", {}),
        (None, "client_id=post&client_secret=old", {}),
        (None, "code_verifier=x", {"client_id": "public"}),
    ],
)
def test_two_ways_at_once_and_the_requests_own_parameters_in_the_query_are_refused(
    authorization: str | None, query: str, form: dict[str, str]
) -> None:
    with pytest.raises(InvalidRequest):
        attempt(authorization, query, **form)


def said(authorization: str | None = None, **form: str) -> str:
    with pytest.raises(InvalidClient) as caught:
        attempt(authorization, **form)
    return caught.value.description


def test_i_forgot_the_client_id_and_am_told_so() -> None:
    assert "The client_id is missing" in said()
    assert "The client_id is missing" in said(grant_type="refresh_token")


def test_i_forgot_the_secret_of_my_confidential_client_and_am_told_so_as_a_stranger_would_be() -> None:
    """The answer depends on what was sent, never on what is registered: it is no way to find clients."""
    answers = {said(client_id=client_id) for client_id in ("basic", "post", "disabled", "nobody")}
    assert len(answers) == 1
    assert "No secret was sent" in answers.pop()


@pytest.mark.parametrize("in_body", [True, False])
def test_i_sent_a_secret_for_a_public_client_and_am_told_so_as_a_stranger_would_be(in_body: bool) -> None:
    answers = {
        said(client_id=client_id, client_secret="wrong") if in_body else said(basic(f"{client_id}:wrong".encode()))
        for client_id in ("public", "basic", "post", "disabled", "nobody")
    }
    assert len(answers) == 1
    assert "A public client sends no secret" in answers.pop()


@given(authorization=st.text(max_size=80))
def test_no_header_is_taken_for_a_client_or_raises_anything_else(authorization: str) -> None:
    for header in (authorization, f"Basic {authorization}", basic(authorization.encode(errors="replace"))):
        with pytest.raises(InvalidClient):
            attempt(header)
