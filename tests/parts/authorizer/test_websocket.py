"""A browser's WebSocket, whose token comes in Sec-WebSocket-Protocol (WEBSOCKET_TOKEN=protocol)."""

import json
from typing import Any

import pytest

from tests.parts.authorizer.issuer import Stand
from tests.parts.authorizer.test_events import OWN_ROUTES, allows, event_of

REFUSED = [
    ("bearer.TOKEN", "no protocol besides the token"),
    ("bearer.TOKEN, ", "no protocol besides the token"),
    ("chat.v1, bearer.TOKEN, bearer.TOKEN", "more than one token"),
    ("chat.v1, bearer.TOKEN, bearer.other", "more than one token"),
    ("chat.v1, bearer, TOKEN", "not one Authorization header"),
    ("chat.v1, TOKEN", "not one Authorization header"),
    ("chat.v1, Bearer.TOKEN", "not one Authorization header"),
    ("chat.v1", "not one Authorization header"),
    ("chat.v1, bearer.", "not three parts"),
    ("chat.v1, bearer.not.a.token", ""),
]


def stand(**env: str) -> Stand:
    return Stand(routes=OWN_ROUTES, **{"WEBSOCKET_TOKEN": "protocol", **env})


def offering(value: str, token: str, **more: str) -> dict[str, Any]:
    event = event_of("websocket-token_in_protocol", token)
    headers = {**event["headers"], "Sec-WebSocket-Protocol": value.replace("TOKEN", token), **more}
    return {**event, "headers": headers, "multiValueHeaders": {name: [each] for name, each in headers.items()}}


def test_new_WebSocket_of_a_browser_brings_its_token_as_a_protocol() -> None:
    for authorizer in (stand(), stand(RESPONSE="simple")):
        event = event_of("websocket-token_in_protocol", authorizer.issuer.token())
        answer = authorizer.answer(event)
        assert allows(answer, event)
        assert answer["context"]["sub"] == "john"


@pytest.mark.parametrize("value", ["chat.v1,bearer.TOKEN", "bearer.TOKEN, chat.v1", "a, b,\tbearer.TOKEN ,c"])
def test_the_order_of_the_protocols_does_not_count(value: str) -> None:
    authorizer = stand()
    event = offering(value, authorizer.issuer.token())
    assert allows(authorizer.answer(event), event)
    event["headers"] = {name.lower(): each for name, each in event["headers"].items()}
    event["multiValueHeaders"] = None
    assert allows(authorizer.answer(event), event)


def test_two_lines_of_the_header_are_one_list() -> None:
    authorizer = stand()
    event = offering("", token := authorizer.issuer.token())
    event["multiValueHeaders"]["Sec-WebSocket-Protocol"] = ["chat.v1", f"bearer.{token}"]
    assert allows(authorizer.answer(event), event)
    event["multiValueHeaders"]["Sec-WebSocket-Protocol"] = [f"bearer.{token}", f"bearer.{token}"]
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.answer(event)


@pytest.mark.parametrize(("value", "reason"), REFUSED)
def test_any_other_offer_is_refused_and_the_log_does_not_hold_the_token(value: str, reason: str) -> None:
    authorizer = stand()
    token = authorizer.issuer.token()
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.answer(offering(value, token))
    assert authorizer.lines.events() == ["token.refused"]
    assert reason in str(authorizer.lines.reasons()[0])
    assert not any(part in json.dumps(authorizer.lines) for part in token.split("."))


def test_a_native_client_of_the_same_api_still_sends_authorization_but_nobody_sends_both() -> None:
    authorizer = stand()
    token = authorizer.issuer.token()
    for value in ("", "chat.v1"):
        event = offering(value, token, Authorization=f"Bearer {token}")
        assert allows(authorizer.answer(event), event)
    for authorization in (f"Bearer {token}", "Basic eDp5", ""):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer.answer(offering("chat.v1, bearer.TOKEN", token, Authorization=authorization))


def test_a_revoked_expired_or_weak_token_is_no_better_in_a_protocol() -> None:
    authorizer = stand()
    weak = event_of("websocket-token_in_protocol", authorizer.issuer.token(scope="items"))
    assert not allows(authorizer.answer(weak), weak)
    expired = authorizer.issuer.token(exp=authorizer.issuer.clock.wall - 1)
    authorizer.issuer.revoke(7)
    authorizer.clock.advance(6)
    for token in (authorizer.issuer.token(), expired):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer.answer(event_of("websocket-token_in_protocol", token))


@pytest.mark.parametrize("value", ["", "header"])
def test_it_is_off_unless_configured(value: str) -> None:
    authorizer = stand(WEBSOCKET_TOKEN=value)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.answer(event_of("websocket-token_in_protocol", authorizer.issuer.token()))


def test_no_other_kind_of_event_takes_its_token_from_a_protocol() -> None:
    authorizer = stand()
    token = authorizer.issuer.token()
    for name in ("http_1", "http_2", "rest_request"):
        event = event_of(f"{name}-no_token", token)
        for headers in (event["headers"], event.get("multiValueHeaders")):
            if headers is not None:
                value = f"chat.v1, bearer.{token}"
                headers["sec-websocket-protocol"] = value if headers is event["headers"] else [value]
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer.answer(event)


def test_the_example_event_with_the_token_alone_is_refused() -> None:
    authorizer = stand()
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.answer(event_of("websocket-token_is_the_only_protocol", authorizer.issuer.token()))
