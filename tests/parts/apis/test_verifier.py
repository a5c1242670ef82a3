"""valet_resource_server: what each request is told, and what the API is told of a good token.

That a token itself is judged rightly, test_tokens, test_status and their neighbours show for the same modules.
"""

from __future__ import annotations

import threading

import pytest

from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, LIST, NOW, FakeClock, FakeIssuer
from valet_resource_server import (
    AccessToken,
    InsufficientRole,
    InsufficientScope,
    InvalidToken,
    IssuerUnavailable,
    NoToken,
    Refused,
    Verifier,
)

REALM = f'Bearer realm="{AUDIENCE}"'


class Api:
    """An API's verifier before a fake issuer, under a clock that stands still."""

    def __init__(self, audience: str = AUDIENCE, resource_metadata: str = "", is_status_optional: bool = False) -> None:
        self.clock = FakeClock()
        self.issuer = FakeIssuer(self.clock)
        self.verifier = Verifier(
            ISSUER,
            audience,
            resource_metadata=resource_metadata,
            is_status_optional=is_status_optional,
            fetch=self.issuer.fetch,
            clock=self.clock,
            jitter=lambda: 0.0,
        )

    def refusal(self, authorization: str | None, *, scope: str = "", roles: str = "") -> Refused:
        with pytest.raises(Refused) as raised:
            self.verifier.verify(authorization, scope=scope, roles=roles)
        return raised.value


@pytest.fixture
def api() -> Api:
    return Api()


def test_an_api_is_told_who_calls_it_by_which_client_and_what_they_may_do(api: Api) -> None:
    token = api.issuer.token(roles=["admin", "user"], amr=["pwd", "otp"])
    assert api.verifier.verify(f"Bearer {token}", scope="items profile", roles="editor admin") == AccessToken(
        sub="john",
        client_id="web_app_123",
        scope=frozenset({"profile", "items"}),
        roles=frozenset({"admin", "user"}),
        jti="jti-1",
        expires_at=NOW + 900,
        grant_id="grant-1",
        auth_time=NOW - 5,
        acr="0",
        amr=("pwd", "otp"),
    )


def test_a_client_that_acts_for_itself_has_no_sign_in(api: Api) -> None:
    nothing = dict.fromkeys(("roles", "grant_id", "auth_time", "acr", "amr", "scope"))
    token = api.verifier.verify(f"bearer  {api.issuer.token(sub='web_app_123', **nothing)}")
    assert token.sub == token.client_id
    assert (token.scope, token.roles) == (frozenset(), frozenset())
    assert (token.grant_id, token.auth_time, token.acr, token.amr) == (None, None, None, ())


def test_an_api_is_told_through_which_clients_a_token_came(api: Api) -> None:
    act = {"sub": "agent", "act": {"sub": "gateway"}}
    assert api.verifier.verify(f"Bearer {api.issuer.token(act=act)}").actors == ("agent", "gateway")
    assert api.verifier.verify(f"Bearer {api.issuer.token()}").actors == ()
    refused = api.refusal(f"Bearer {api.issuer.token(act={'sub': ''})}")
    assert (type(refused), str(refused)) == (InvalidToken, "act is not a chain of actors, each with a sub")


@pytest.mark.parametrize("auth_time", ["yesterday", "-1", "٣", "1" * 5000])
def test_an_auth_time_that_is_no_number_is_none(api: Api, auth_time: object) -> None:
    token = api.verifier.verify_token(api.issuer.token(auth_time=auth_time))
    assert token.auth_time is None


@pytest.mark.parametrize("authorization", [None, "", "Basic am9objpwYXNzd29yZDEyMw==", "Bearerx y"])
def test_a_request_without_a_token_is_told_no_error_and_nothing_is_fetched(api: Api, authorization: str | None) -> None:
    refusal = api.refusal(authorization, scope="items")
    assert type(refusal) is NoToken
    assert (refusal.status, refusal.headers) == (401, {"WWW-Authenticate": f'{REALM}, scope="items"'})
    assert not api.issuer.fetches


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer é.é.é"])
def test_what_is_no_jwt_is_an_invalid_token_and_nothing_is_fetched(api: Api, authorization: str) -> None:
    refusal = api.refusal(authorization)
    assert type(refusal) is InvalidToken
    assert (refusal.status, refusal.headers) == (401, {"WWW-Authenticate": f'{REALM}, error="invalid_token"'})
    assert not api.issuer.fetches


def test_a_token_of_another_api_an_id_token_or_an_expired_one_is_refused(api: Api) -> None:
    id_token = api.issuer.sign(api.issuer.claims(), {"typ": "JWT"})
    expired = api.issuer.token(exp=NOW)
    for token in (api.issuer.token(aud="https://other.example"), id_token, expired):
        assert type(api.refusal(f"Bearer {token}")) is InvalidToken
    assert not api.issuer.fetches


def test_a_revoked_token_is_refused_two_seconds_later(api: Api) -> None:
    token = api.issuer.token()
    api.verifier.verify_token(token)
    api.issuer.revoke(7)
    api.clock.advance(2)
    refusal = api.refusal(f"Bearer {token}")
    assert type(refusal) is InvalidToken
    assert str(refusal) == "revoked"
    api.verifier.verify_token(api.issuer.token(status={"status_list": {"idx": 8, "uri": LIST}}))


def test_a_token_that_cannot_be_revoked_is_refused_unless_the_api_says_otherwise(api: Api) -> None:
    token = api.issuer.token(status=None)
    assert type(api.refusal(f"Bearer {token}")) is InvalidToken
    optional = Api(is_status_optional=True)
    assert optional.verifier.verify_token(optional.issuer.token(status=None)).sub == "john"


def test_a_missing_scope_is_named_to_the_client_with_all_that_the_api_wants(api: Api) -> None:
    refusal = api.refusal(f"Bearer {api.issuer.token()}", scope="profile orders", roles="nobody")
    assert type(refusal) is InsufficientScope
    challenge = f'{REALM}, error="insufficient_scope", scope="orders profile"'
    assert (refusal.status, refusal.headers) == (403, {"WWW-Authenticate": challenge})
    assert str(refusal) == "the token lacks the scope orders"


def test_a_missing_role_is_a_403_without_a_challenge(api: Api) -> None:
    refusal = api.refusal(f"Bearer {api.issuer.token()}", scope="items", roles="admin editor")
    assert type(refusal) is InsufficientRole
    assert (refusal.status, refusal.headers) == (403, {})
    assert str(refusal) == "the end-user has none of the roles admin editor"


def test_a_part_of_a_scopes_or_roles_name_is_not_that_name(api: Api) -> None:
    header = f"Bearer {api.issuer.token(scope='items', roles=['user'])}"
    assert type(api.refusal(header, scope="item")) is InsufficientScope
    assert type(api.refusal(header, roles="use")) is InsufficientRole


def test_an_outage_is_a_503_and_ends_by_itself(api: Api) -> None:
    api.issuer.is_down = True
    token = api.issuer.token()
    refusal = api.refusal(f"Bearer {token}")
    assert type(refusal) is IssuerUnavailable
    assert (refusal.status, refusal.headers) == (503, {"Retry-After": "1"})
    api.issuer.is_down = False
    api.clock.advance(1)
    assert api.verifier.verify_token(token).sub == "john"


def test_the_challenge_leads_to_the_apis_own_metadata() -> None:
    metadata = "https://api.example.com/.well-known/oauth-protected-resource"
    api = Api(resource_metadata=metadata)
    assert api.refusal(None).headers["WWW-Authenticate"] == f'{REALM}, resource_metadata="{metadata}"'


def test_an_audience_with_a_quote_stays_one_value_of_the_challenge() -> None:
    refusal = Api(audience='a"b\\c').refusal(None)
    assert refusal.headers == {"WWW-Authenticate": 'Bearer realm="a\\"b\\\\c"'}


def test_a_refusal_repeats_nothing_of_the_token(api: Api) -> None:
    token = api.issuer.token(scope="secret-scope", roles=["secret-role"], client_id="secret-client")
    for refusal in (api.refusal(f"Bearer {token}", scope="a"), api.refusal(f"Bearer {token}x")):
        assert "secret" not in f"{refusal} {refusal.headers}"
        assert token.split(".")[1] not in f"{refusal} {refusal.headers}"


@pytest.mark.parametrize("names", ["a  b", " a", 'a"', "a\\b", "a\nb"])
def test_a_list_that_the_challenge_could_not_repeat_is_the_developers_mistake(api: Api, names: str) -> None:
    with pytest.raises(ValueError, match="scope is "):
        api.verifier.verify(None, scope=names)
    with pytest.raises(ValueError, match="roles is "):
        api.verifier.verify_token("", roles=names)


def test_a_list_of_names_in_brackets_is_refused_and_not_taken_for_none(api: Api) -> None:
    with pytest.raises(TypeError):
        api.verifier.verify(f"Bearer {api.issuer.token()}", roles=[])  # type: ignore[arg-type]


def test_everything_that_is_wrong_with_a_verifier_is_in_one_message() -> None:
    with pytest.raises(ValueError, match=r"issuer is .* audience is .* status_max_stale is .* resource_metadata is "):
        Verifier("https://id.example.com/", "", status_max_stale=901, resource_metadata="http://api.example.com")
    with pytest.raises(ValueError, match=r"issuer is 'http://id\.example\.com', and must be https"):
        Verifier("http://id.example.com", AUDIENCE)


def test_many_threads_share_one_fetch_of_each_document(api: Api) -> None:
    tokens = [api.issuer.token(jti=f"jti-{number}") for number in range(16)]
    start = threading.Barrier(len(tokens))
    found: list[str] = []

    def call(token: str) -> None:
        start.wait(10)
        found.append(api.verifier.verify_token(token).jti)

    threads = [threading.Thread(target=call, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(found) == sorted(f"jti-{number}" for number in range(16))
    assert set(api.issuer.fetches.values()) == {1}
