"""Step-up (RFC 9470) in an API: by the verifier, and behind the authorizer, whose context the API sees.

How a sign-in is judged, tests/parts/authorizer/test_step_up.py shows for the same module.
"""

from __future__ import annotations

import re
import runpy
import time
from pathlib import Path
from typing import Any

import pytest

from tests.parts.apis.test_verifier import REALM, Api
from tests.parts.authorizer.issuer import NOW, Stand
from tests.support.dpop_client import DpopClient
from valet_resource_server import (
    InsufficientRole,
    InsufficientScope,
    InsufficientUserAuthentication,
    InvalidToken,
    NoToken,
    Refused,
    require_user_authentication,
)

PAGE = (Path(__file__).parents[3] / "docs" / "apis" / "python.md").read_text(encoding="utf-8")
LEVELS = "urn:valet:acr:multi-factor phr"
METADATA = "https://api.example.com/.well-known/oauth-protected-resource"
STEP_UP = (
    'error="insufficient_user_authentication", error_description="The end-user has to sign in with another level.", '
    f'acr_values="{LEVELS}", max_age="300"'
)


@pytest.fixture
def api() -> Api:
    return Api()


def refusal(api: Api, claims: dict[str, Any], **wanted: Any) -> Refused:
    with pytest.raises(Refused) as raised:
        api.verifier.verify(f"Bearer {api.issuer.token(**claims)}", **wanted)
    return raised.value


def test_a_sign_in_of_another_level_is_a_401_that_says_which_is_enough(api: Api) -> None:
    found = refusal(api, {"acr": "urn:valet:acr:password"}, scope="items", acr=LEVELS, max_age=300)
    assert type(found) is InsufficientUserAuthentication
    assert (found.status, found.headers) == (401, {"WWW-Authenticate": f"{REALM}, {STEP_UP}"})
    assert str(found) == "the sign-in is not of the level urn:valet:acr:multi-factor or phr"
    token = api.verifier.verify_token(api.issuer.token(acr="phr"), scope="items", acr=LEVELS, max_age=300)
    assert (token.acr, token.auth_time) == ("phr", NOW - 5)


def test_a_sign_in_that_is_too_old_is_a_401(api: Api) -> None:
    token = api.issuer.token(auth_time=NOW - 299, exp=NOW + 900)
    assert api.verifier.verify_token(token, max_age=300).sub == "john"
    api.clock.advance(2)
    with pytest.raises(InsufficientUserAuthentication, match="auth_time is not of the last 300 s"):
        api.verifier.verify_token(token, max_age=300)
    assert api.verifier.verify_token(token).sub == "john"


@pytest.mark.parametrize(
    ("claims", "wanted", "kind"),
    [
        ({"exp": NOW, "acr": "0"}, {"acr": "phr"}, InvalidToken),
        ({}, {"acr": "phr", "scope": "orders"}, InsufficientUserAuthentication),
        ({"acr": "phr"}, {"acr": "phr", "scope": "orders"}, InsufficientScope),
        ({}, {"acr": "phr", "roles": "boss"}, InsufficientRole),
        ({}, {"acr": "phr", "roles": "boss", "scope": "orders"}, InsufficientUserAuthentication),
    ],
)
def test_the_client_is_sent_to_the_end_user_only_if_a_sign_in_may_help(
    api: Api, claims: dict[str, Any], wanted: dict[str, str], kind: type[Refused]
) -> None:
    found = refusal(api, claims, **wanted)
    assert type(found) is kind
    is_scope_named = 'scope="orders"' in found.headers.get("WWW-Authenticate", "")
    assert is_scope_named == ("scope" in wanted)


def test_without_a_token_there_is_nothing_to_step_up(api: Api) -> None:
    with pytest.raises(NoToken) as raised:
        api.verifier.verify(None, acr=LEVELS, max_age=300)
    assert raised.value.headers == {"WWW-Authenticate": REALM}


@pytest.mark.parametrize(
    "wanted",
    [
        {"acr": "a  b"},
        {"acr": 'a"'},
        {"acr": "a\nb"},
        {"max_age": 0},
        {"max_age": -1},
        {"max_age": 1.5},
        {"max_age": True},
    ],
)
def test_what_a_challenge_could_not_say_is_the_developers_mistake(api: Api, wanted: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(acr|max_age) is "):
        api.verifier.verify(f"Bearer {api.issuer.token()}", **wanted)
    with pytest.raises(ValueError, match=r"(acr|max_age) is "):
        require_user_authentication({"jti": "1"}, **wanted)


def test_a_list_of_levels_is_refused_and_not_taken_for_none(api: Api) -> None:
    with pytest.raises(TypeError):
        api.verifier.verify(f"Bearer {api.issuer.token()}", acr=["phr"])  # type: ignore[arg-type]


# -- behind the authorizer ---------------------------------------------------------------------------------------------


def context_of(stand: Stand, **claims: object) -> dict[str, Any]:
    """What the authorizer tells the API of a token with these claims."""
    answer = stand.ask(stand.issuer.token(**claims))
    assert answer["isAuthorized"]
    found: dict[str, Any] = answer["context"]
    return found


@pytest.fixture
def stand() -> Stand:
    return Stand(RESPONSE="simple")


def test_an_api_behind_the_authorizer_answers_the_401_that_an_http_api_cannot(stand: Stand) -> None:
    context = context_of(stand, acr="urn:valet:acr:password")
    with pytest.raises(InsufficientUserAuthentication) as raised:
        require_user_authentication(context, acr=LEVELS, max_age=300, resource_metadata=METADATA, clock=stand.clock)
    challenge = f'Bearer {STEP_UP}, resource_metadata="{METADATA}"'
    assert (raised.value.status, raised.value.headers) == (401, {"WWW-Authenticate": challenge})
    require_user_authentication(context_of(stand, acr="phr"), acr=LEVELS, max_age=300, clock=stand.clock)


def test_the_age_is_counted_when_the_api_asks_also_of_an_answer_that_a_gateway_has_kept(stand: Stand) -> None:
    context = context_of(stand, auth_time=NOW)
    for seconds, is_enough in ((300, True), (1, False)):
        stand.clock.advance(seconds)
        if is_enough:
            require_user_authentication(context, max_age=300, clock=stand.clock)
        else:
            with pytest.raises(InsufficientUserAuthentication):
                require_user_authentication(context, max_age=300, clock=stand.clock)


def test_a_token_of_a_client_on_its_own_behalf_tells_of_no_sign_in(stand: Stand) -> None:
    context = context_of(stand, sub="web_app_123", acr=None, auth_time=None, amr=None, grant_id=None)
    for wanted in ({"acr": "phr"}, {"max_age": 300}):
        with pytest.raises(InsufficientUserAuthentication):
            require_user_authentication(context, clock=stand.clock, **wanted)


def test_a_bound_token_is_challenged_by_its_scheme(stand: Stand) -> None:
    """The authorizer has judged its proof."""
    context = {**context_of(stand), "cnf_jkt": DpopClient().jkt}
    with pytest.raises(InsufficientUserAuthentication) as raised:
        require_user_authentication(context, acr=LEVELS, max_age=300, clock=stand.clock)
    assert raised.value.headers == {"WWW-Authenticate": f'DPoP {STEP_UP}, algs="PS256 ES256 EdDSA"'}


def test_the_context_of_a_rest_api_has_members_of_the_gateways_too(stand: Stand) -> None:
    context = {**context_of(stand, acr="phr"), "principalId": "john", "integrationLatency": 7}
    require_user_authentication(context, acr=LEVELS, clock=stand.clock)


def test_a_call_that_would_require_nothing_or_looks_in_the_wrong_place_lets_nobody_in(stand: Stand) -> None:
    context = context_of(stand, acr="phr")
    with pytest.raises(ValueError, match="nothing is required"):
        require_user_authentication(context)
    with pytest.raises(ValueError, match="not what Valet's authorizer told"):
        require_user_authentication({"lambda": context}, acr="phr")
    with pytest.raises(ValueError, match="resource_metadata is "):
        require_user_authentication(context, acr="phr", resource_metadata="http://api.example.com")


def test_the_pages_api_behind_the_authorizer(stand: Stand, tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n# step_up_api\.py\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "step_up_api.py").write_text(text, encoding="utf-8")
    handler = runpy.run_path(str(tmp_path / "step_up_api.py"))["handler"]

    def answered(**claims: object) -> dict[str, Any]:
        event = {"requestContext": {"authorizer": {"lambda": context_of(stand, **claims)}}}
        found: dict[str, Any] = handler(event, None)
        return found

    now = int(time.time())  # the page's API reads the machine's clock
    for claims in ({"acr": "0", "auth_time": now}, {"acr": "phr", "auth_time": now - 400}):
        refused = answered(**claims)
        assert refused["statusCode"] == 401
        assert refused["headers"]["WWW-Authenticate"].startswith('Bearer error="insufficient_user_authentication", ')
    assert answered(acr="phr", auth_time=now) == {"statusCode": 200, "body": '{"paid_by": "john"}'}
