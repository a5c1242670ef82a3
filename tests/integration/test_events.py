"""The files in events/ in the running stack: each is answered as its name says."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from valet.protocol.supported import GRANT_TYPES

from local.functions import FunctionFailed
from local.stack import DEFAULT_PORT, LocalStack
from tests.conftest import MovableClock
from tests.endpoints import FUNCTIONS, NESTED_FUNCTIONS, logical_id
from tests.support import event_files

_OF_OTHERS = (
    "authorizer/",
    "rotate_keys/",
    "fetch_client_keys/",
    "fetch/",
    "finish/",
    "notify_clients/",
    "mailer/",
    "resource_metadata/",  # of another stack: tests/parts/authorizer/test_metadata.py
)  # no HTTP answer


def invoke(stack: LocalStack, name: str) -> Any:
    function = stack.system.functions[logical_id(name.partition("/")[0])]
    return stack.functions.invoke(function, event_files.filled(name, stack.issuer))


def test_every_function_has_events_and_every_event_an_expectation() -> None:
    files = [name for name in event_files.names() if not name.startswith(_OF_OTHERS)]
    assert files == sorted(event_files.ANSWERS)
    assert {name.partition("/")[0] for name in event_files.names()} == {*FUNCTIONS.values(), *NESTED_FUNCTIONS}


def test_every_grant_type_has_an_event_that_gets_tokens() -> None:
    """token/<grant type>.json; of a registered URI its last word (RFC 8628 §3.4, RFC 8693 §2.1)."""
    wanted = {f"token/{grant_type.rpartition(':')[2]}" for grant_type in GRANT_TYPES}
    answered = {name for name, answer in event_files.ANSWERS.items() if answer == "200"}
    assert not wanted - {*event_files.names()}, "events that are missing"
    assert not wanted - answered, "event_files.ANSWERS that are missing"


@pytest.mark.parametrize("name", event_files.ANSWERS)
def test_an_event_is_answered_as_its_name_says(name: str, fresh_stack: LocalStack) -> None:
    assert event_files.summary(invoke(fresh_stack, name)) == event_files.ANSWERS[name]


@pytest.mark.parametrize("name", event_files.ANSWERS)
def test_an_event_says_of_its_route_what_the_template_says(name: str, stack: LocalStack) -> None:
    event = json.loads((event_files.EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    routes = {route.key: route.function.logical_id for api in stack.system.apis for route in api.routes}
    assert routes[event["routeKey"]] == logical_id(name.partition("/")[0])
    assert event["requestContext"]["routeKey"] == event["routeKey"]


def test_forms_come_in_base64_as_the_gateway_sends_them() -> None:
    """But for those in which somebody has to fill something in."""
    event = json.loads((event_files.EVENTS / "token" / "client_credentials.json").read_text(encoding="utf-8"))
    plain = json.loads(
        (event_files.EVENTS / "token" / "client_credentials-plain_text.json").read_text(encoding="utf-8")
    )
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]).decode() == plain["body"]


def test_an_unknown_client_is_never_redirected(fresh_stack: LocalStack) -> None:
    for name in ("authorize/unknown_client", "authorize/unregistered_redirect_uri"):
        assert "Location" not in invoke(fresh_stack, name)["headers"]


def test_an_allowed_request_goes_back_to_the_client_with_a_code_and_its_state(fresh_stack: LocalStack) -> None:
    location = urlsplit(invoke(fresh_stack, "consent/allow")["headers"]["Location"])
    assert location._replace(query="").geturl() == "http://127.0.0.1:9876/callback"
    parameters = parse_qs(location.query)
    assert set(parameters) == {"code", "state", "iss"}
    assert parameters["iss"] == [fresh_stack.issuer]
    assert parameters["state"] == ["af0ifjsldkj"]


@pytest.mark.parametrize(
    ("name", "is_active"),
    [
        ("introspect/access_token", True),
        ("introspect/refresh_token", True),
        ("introspect/unknown_token", False),
        ("introspect/unknown_reference_token", False),
    ],
)
def test_introspection_says_whether_a_token_is_active(name: str, is_active: bool, fresh_stack: LocalStack) -> None:
    assert json.loads(invoke(fresh_stack, name)["body"])["active"] is is_active


def test_the_schedule_finds_a_key_that_signs_and_one_that_stands_by(fresh_stack: LocalStack) -> None:
    for _ in range(2):
        states = invoke(fresh_stack, "rotate_keys/schedule")
        assert len(states["signing"]) == len(states["announced"]) == 1


def test_a_rotation_by_hand_makes_the_standby_sign_once_every_cache_can_know_it(
    fresh_stack: LocalStack, clock: MovableClock
) -> None:
    before = invoke(fresh_stack, "rotate_keys/rotate_now")
    assert before["retired"] == []
    clock.advance(3 * 3600)
    after = invoke(fresh_stack, "rotate_keys/rotate_now")
    assert after["retired"] == before["signing"]
    assert after["signing"] == before["announced"]
    assert len(after["announced"]) == 1


def test_rotate_keys_does_not_guess_what_it_is_asked(fresh_stack: LocalStack) -> None:
    with pytest.raises(FunctionFailed, match="may be"):
        invoke(fresh_stack, "rotate_keys/unknown")


@pytest.mark.parametrize("name", ["schedule", "one_client"])
def test_without_clients_that_publish_keys_nothing_is_fetched(fresh_stack: LocalStack, name: str) -> None:
    assert invoke(fresh_stack, f"fetch_client_keys/{name}") == {}


@pytest.mark.parametrize(
    "name",
    [
        "finish/session_that_has_not_ended",
        "finish/everything_of_an_account",
        "notify_clients/client_without_an_address",
        "mailer/notice_of_no_change",
    ],
)
def test_a_message_about_nothing_that_ended_is_settled_and_changes_nothing(fresh_stack: LocalStack, name: str) -> None:
    with fresh_stack.aws.recorded() as calls:
        assert invoke(fresh_stack, name) == {"batchItemFailures": []}
    assert {call.action for call in calls} == {"GetItem"}


def test_a_letter_becomes_a_mail(fresh_stack: LocalStack) -> None:
    assert invoke(fresh_stack, "mailer/join") == {"batchItemFailures": []}
    (mail,) = fresh_stack.aws.mailbox.mails
    assert mail.to == ("somebody@example.org",)


def test_a_message_that_nobody_can_read_comes_again_until_it_is_a_dead_letter(fresh_stack: LocalStack) -> None:
    (failure,) = invoke(fresh_stack, "finish/unreadable")["batchItemFailures"]
    assert failure["itemIdentifier"] == "059f36b4-87a3-44ab-83d2-661975830a7d"


def test_the_environment_file_for_sam_local_leads_to_the_local_stack(stack: LocalStack) -> None:
    """sam local passes over what the template does not declare, so nothing else may be in it."""
    variables = json.loads((event_files.EVENTS / "env.json").read_text(encoding="utf-8"))["Parameters"]
    declared = stack.system.environment()
    assert set(variables) <= set(declared)
    for table in ("REGISTRY_TABLE", "USERS_TABLE", "GRANTS_TABLE"):
        assert variables[table] == declared[table]
    assert variables["ISSUER_URL"] == variables["ISSUER"] == f"http://127.0.0.1:{DEFAULT_PORT}"
    assert variables["AUDIENCE"] == f"{variables['ISSUER']}/api"
    assert variables["AWS_ENDPOINT_URL"].endswith(f":{DEFAULT_PORT + 1}")
