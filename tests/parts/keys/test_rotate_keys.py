"""The function rotate_keys on emulated AWS: by schedule, for the stack, by hand, and killed at every call."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from valet.aws.connection import NoAnswer
from valet.aws.dynamodb.registry import DynamoRegistry
from valet.errors import TemporarilyUnavailable
from valet.keys.ring import ANNOUNCED, DROPPED, SIGNING, signing_key
from valet.models.clients import Scope
from valet.settings import SettingsError

from local.aws.calls import Call
from tests.parts.keys.conftest import SCHEDULE, RotateKeys
from tests.parts.keys.fakes import ROLES, SETTINGS, assert_one_key_signs, assert_settled, in_state

# -- by schedule -------------------------------------------------------------------------------------------------------


def test_the_schedule_makes_the_first_key_and_its_standby(rotate_keys: RotateKeys) -> None:
    report = rotate_keys.invoke(SCHEDULE)
    assert report == {
        "signing": in_state(rotate_keys.ring, SIGNING),
        "announced": in_state(rotate_keys.ring, ANNOUNCED),
        "retired": [],
        "dropped": [],
    }
    assert_settled(rotate_keys.ring, rotate_keys.key_states())


def test_the_other_scheduler_is_a_schedule_too(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke({"source": "aws.scheduler"})
    assert_settled(rotate_keys.ring, rotate_keys.key_states())
    assert "rotate_keys.by_hand" not in rotate_keys.audit.names()


def test_a_run_with_nothing_to_do_reads_the_records_and_looks_at_both_keys(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)
    with rotate_keys.aws.recorded() as calls:
        rotate_keys.invoke(SCHEDULE)
    assert [call.action for call in calls] == ["Query", "DescribeKey", "DescribeKey"]


def test_the_functions_read_the_same_records(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)
    assert DynamoRegistry(rotate_keys.table, lambda: 0).signing_keys() == rotate_keys.ring.keys


def test_a_key_is_made_as_the_roles_condition_asks(rotate_keys: RotateKeys) -> None:
    with rotate_keys.aws.recorded() as calls:
        rotate_keys.invoke(SCHEDULE)
    made = [call.parameters for call in calls if call.action == "CreateKey"]
    assert len(made) == 2
    for parameters in made:
        assert parameters["KeyUsage"] == "SIGN_VERIFY"
        assert parameters["KeySpec"] == "ECC_NIST_P256"
        assert parameters["Origin"] == "AWS_KMS"
        assert parameters["MultiRegion"] is False
        assert parameters["BypassPolicyLockoutSafetyCheck"] is False
        assert "Tags" not in parameters


def test_a_keys_policy_is_its_whole_permission(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)
    key = signing_key(rotate_keys.ring.keys)
    policy = json.loads(boto3.client("kms").get_key_policy(KeyId=key.key_id, PolicyName="default")["Policy"])
    administer, sign, rotate = policy["Statement"]
    assert administer["Principal"] == {"AWS": ["arn:aws:iam::123456789012:root"]}
    assert not {"kms:*", "kms:Sign", "kms:CreateGrant"} & set(administer["Action"])
    assert sign["Principal"] == {"AWS": sorted(ROLES)}
    assert sign["Action"] == ["kms:Sign"]
    assert sign["Condition"] == {"StringEquals": {"kms:SigningAlgorithm": "ECDSA_SHA_256"}}
    assert rotate["Principal"] == {"AWS": [SETTINGS.rotate_role_arn]}
    assert rotate["Action"] == ["kms:DescribeKey", "kms:GetPublicKey", "kms:DisableKey", "kms:ScheduleKeyDeletion"]


def test_settings_that_are_missing_are_all_named(rotate_keys: RotateKeys) -> None:
    rotate_keys.set(replace(SETTINGS, signing_role_arns=frozenset(), rotate_role_arn="", account_root_arn=""))
    with pytest.raises(SettingsError, match="SIGNING_ROLE_ARNS, ROTATE_ROLE_ARN, ACCOUNT_ROOT_ARN"):
        rotate_keys.invoke(SCHEDULE)


def test_wrapped_keys_take_turns_likewise_and_their_private_key_is_gone_when_they_end(rotate_keys: RotateKeys) -> None:
    wrapping_key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    rotate_keys.set(replace(rotate_keys.server.settings, signer="wrapped", wrapping_key=wrapping_key))
    rotate_keys.invoke(SCHEDULE)
    kid = signing_key(rotate_keys.ring.keys).kid
    rotate_keys.invoke({"emergency": kid})
    dropped = next(key for key in rotate_keys.ring.keys if key.kid == kid)
    assert (dropped.state, dropped.wrapped_private_key) == (DROPPED, b"")
    assert dropped.ended_at
    assert signing_key(rotate_keys.ring.keys).wrapped_private_key


# -- for the stack -----------------------------------------------------------------------------------------------------


@dataclass
class CloudFormation:
    """Takes the answers, as the bucket behind a ResponseURL does."""

    url: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)
    content_types: list[str | None] = field(default_factory=list)
    failures: int = 0

    def request(self, request_type: str) -> dict[str, Any]:
        return {
            "RequestType": request_type,
            "ResponseURL": f"{self.url}/answer?Signature=a%2Fb",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/valet/1",
            "RequestId": "r-1",
            "LogicalResourceId": "FirstKey",
            "ResourceProperties": {},
        }


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    taken = CloudFormation()

    class Bucket(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if taken.failures:
                taken.failures -= 1
                self.send_response(503)
            else:
                assert self.path == "/answer?Signature=a%2Fb"
                taken.answers.append(json.loads(body))
                taken.content_types.append(self.headers["Content-Type"])
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    taken.url = f"http://127.0.0.1:{server.server_port}"
    yield taken
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_the_stack_gets_a_key_a_standby_and_the_standard_scopes(
    rotate_keys: RotateKeys, cloudformation: CloudFormation, request_type: str
) -> None:
    rotate_keys.invoke(cloudformation.request(request_type))
    assert cloudformation.answers == [
        {
            "Status": "SUCCESS",
            "PhysicalResourceId": "valet-signing-keys",
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/valet/1",
            "RequestId": "r-1",
            "LogicalResourceId": "FirstKey",
        }
    ]
    assert cloudformation.content_types == [""]
    assert_settled(rotate_keys.ring, rotate_keys.key_states())
    scopes = DynamoRegistry(rotate_keys.table, lambda: 0).scopes().scopes
    assert set(scopes) == {"openid", "profile", "email", "address", "phone", "roles", "offline_access"}
    assert all(scope.description for scope in scopes.values())
    assert "rotate_keys.by_hand" not in rotate_keys.audit.names()


def test_an_operators_own_words_for_a_standard_scope_stay(
    rotate_keys: RotateKeys, cloudformation: CloudFormation
) -> None:
    rotate_keys._app.Registrar(rotate_keys.table).put_scope(Scope("email", "See where to write to you"))
    rotate_keys.invoke(cloudformation.request("Update"))
    scopes = DynamoRegistry(rotate_keys.table, lambda: 0).scopes().scopes
    assert scopes["email"].description == "See where to write to you"


def test_a_stack_that_is_deleted_leaves_every_key_alone(
    rotate_keys: RotateKeys, cloudformation: CloudFormation
) -> None:
    with rotate_keys.aws.recorded() as calls:
        rotate_keys.invoke(cloudformation.request("Delete"))
    assert calls == []
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


@pytest.mark.parametrize(
    ("service", "action", "code"),
    [
        ("dynamodb", "Query", "AccessDeniedException"),
        ("dynamodb", "PutItem", "AccessDeniedException"),
        ("kms", "CreateKey", "AccessDeniedException"),
        ("kms", "CreateKey", "MalformedPolicyDocumentException"),
        ("kms", "GetPublicKey", "AccessDeniedException"),
    ],
)
def test_a_role_that_is_not_yet_known_everywhere_is_waited_for(
    rotate_keys: RotateKeys, cloudformation: CloudFormation, service: str, action: str, code: str
) -> None:
    with rotate_keys.refused(service, action, code, until=rotate_keys.now + 50):
        rotate_keys.invoke(cloudformation.request("Create"))
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]
    assert_settled(rotate_keys.ring, rotate_keys.key_states())


def test_an_organization_that_denies_new_keys_is_told_of_the_wrapped_signer(
    rotate_keys: RotateKeys, cloudformation: CloudFormation
) -> None:
    started = rotate_keys.now
    with rotate_keys.refused("kms", "CreateKey", "AccessDeniedException"):
        rotate_keys.invoke(cloudformation.request("Create"))
    (answer,) = cloudformation.answers
    assert answer["Status"] == "FAILED"
    assert "kms:CreateKey is denied" in answer["Reason"]
    assert "Signer=wrapped" in answer["Reason"]
    assert rotate_keys.now - started <= 65  # the stack waits for two minutes


def test_whatever_else_goes_wrong_the_stack_gets_an_answer(
    rotate_keys: RotateKeys, cloudformation: CloudFormation
) -> None:
    rotate_keys.set(replace(SETTINGS, rotate_role_arn=""))
    rotate_keys.invoke(cloudformation.request("Create"))
    (answer,) = cloudformation.answers
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "valet-signing-keys")
    assert answer["Reason"].startswith("SettingsError")


def test_an_answer_that_is_not_taken_is_sent_again(rotate_keys: RotateKeys, cloudformation: CloudFormation) -> None:
    cloudformation.failures = 2
    rotate_keys.invoke(cloudformation.request("Create"))
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


def test_an_answer_that_nobody_takes_is_an_error_so_that_lambda_tries_again(
    rotate_keys: RotateKeys, cloudformation: CloudFormation
) -> None:
    cloudformation.failures = 3
    with pytest.raises(ConnectionError):
        rotate_keys.invoke(cloudformation.request("Create"))


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_an_emergency_is_logged_as_what_it_is_and_ends_the_key(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)
    kid = signing_key(rotate_keys.ring.keys).kid
    report = rotate_keys.invoke({"emergency": "current"})
    assert report["dropped"] == [kid]
    assert ("rotate_keys.by_hand", {"request_id": "0b1d", "deed": "emergency", "kid": "current"}) in (
        rotate_keys.audit.events
    )
    assert rotate_keys.key_states()[kid] == "PendingDeletion"
    assert_settled(rotate_keys.ring, rotate_keys.key_states())


def test_an_emergency_does_not_wait_for_a_kms_that_makes_no_keys(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)
    kid = signing_key(rotate_keys.ring.keys).kid
    with rotate_keys.refused("kms", "CreateKey", "LimitExceededException"), pytest.raises(TemporarilyUnavailable):
        rotate_keys.invoke({"emergency": kid})
    assert in_state(rotate_keys.ring, DROPPED) == [kid]
    assert rotate_keys.key_states()[kid] == "PendingDeletion"
    assert_one_key_signs(rotate_keys.ring)


def test_an_early_rotation_can_be_asked_for(rotate_keys: RotateKeys) -> None:
    before = rotate_keys.invoke(SCHEDULE)
    rotate_keys.now += 3 * 3600
    after = rotate_keys.invoke({"rotate": "now"})
    assert (after["signing"], after["retired"]) == (before["announced"], before["signing"])


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"emergency": 1},
        {"emergency": "current", "source": "somewhere"},
        {"rotate": "later"},
        {"RequestType": "Create", "ResponseURL": "https://example.com/", "StackId": "s", "RequestId": "r"},
        {"RequestType": "Create", "ResponseURL": "https://x.amazonaws.com.example.com/"},
        {"RequestType": "Create", "ResponseURL": "file:///etc/passwd"},
        {"RequestType": "Create", "ResponseURL": None},
    ],
)
def test_anything_else_is_logged_and_refused(rotate_keys: RotateKeys, event: dict[str, Any]) -> None:
    with rotate_keys.aws.recorded() as calls, pytest.raises(ValueError, match="the event may be"):
        rotate_keys.invoke(event)
    assert calls == []
    assert rotate_keys.audit.events == [("rotate_keys.by_hand", {"request_id": "0b1d", "deed": "unknown"})]


def test_an_unknown_kid_is_refused_and_logged(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)
    with pytest.raises(LookupError):
        rotate_keys.invoke({"emergency": "nobody"})
    assert "rotate_keys.by_hand" in rotate_keys.audit.names()


# -- killed, lost, crowded ---------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The execution environment is gone: nothing of it runs any more, no `finally` and no call."""


def killed_at(number: int, *, after: bool) -> Callable[[Call, Callable[[], Any]], Any]:
    """An interceptor: the process dies at its call `number`, before or after the call took effect."""
    calls = 0

    def interceptor(call: Call, forward: Callable[[], Any]) -> Any:
        nonlocal calls
        calls += 1
        if calls > number or (calls == number and not after):
            raise Killed
        answer = forward()
        if calls == number:
            raise Killed
        return answer

    return interceptor


def nothing(rotate_keys: RotateKeys) -> None:
    pass


def keys_in_use(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)


def a_rotation_due(rotate_keys: RotateKeys) -> None:
    rotate_keys.invoke(SCHEDULE)
    rotate_keys.now += SETTINGS.rotation_period


def a_retired_key_to_end(rotate_keys: RotateKeys) -> None:
    a_rotation_due(rotate_keys)
    rotate_keys.invoke(SCHEDULE)
    rotate_keys.now += 3600


RUNS = [
    pytest.param(nothing, SCHEDULE, id="the first run"),
    pytest.param(a_rotation_due, SCHEDULE, id="a rotation"),
    pytest.param(a_retired_key_to_end, SCHEDULE, id="the end of a retired key"),
    pytest.param(keys_in_use, {"emergency": "current"}, id="an emergency"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before it takes effect", "after it took effect"])
@pytest.mark.parametrize(("before", "event"), RUNS)
def test_killed_at_any_call_to_aws_and_run_again_it_ends_the_same(
    deploy: Callable[[], RotateKeys], before: Callable[[RotateKeys], None], event: dict[str, Any], after: bool
) -> None:
    ends = []
    for number in range(1, 40):
        rotate_keys = deploy()
        before(rotate_keys)
        had_keys = bool(rotate_keys.ring.keys)
        try:
            with rotate_keys.aws.intercept(killed_at(number, after=after)):
                rotate_keys.invoke(event)
            was_killed = False
        except Killed:
            was_killed = True
            if had_keys or rotate_keys.ring.keys:
                assert_one_key_signs(rotate_keys.ring)
            rotate_keys.invoke(event)
        assert_settled(rotate_keys.ring, rotate_keys.key_states())
        ends.append(sorted((key.state, bool(key.ended_at)) for key in rotate_keys.ring.keys))
        if not was_killed:
            break
    assert number > 5
    assert all(end == ends[-1] for end in ends)


@pytest.mark.parametrize(("before", "event"), RUNS)
def test_an_answer_that_is_lost_after_a_write_took_effect_changes_nothing(
    rotate_keys: RotateKeys, before: Callable[[RotateKeys], None], event: dict[str, Any]
) -> None:
    before(rotate_keys)
    is_repetition = False

    def lose(call: Call, forward: Callable[[], Any]) -> Any:
        nonlocal is_repetition
        answer = forward()
        if call.action == "PutItem":
            is_repetition = not is_repetition
            if is_repetition:
                raise NoAnswer("ReadTimeout")
        return answer

    with rotate_keys.aws.intercept(lose), rotate_keys.aws.recorded() as calls:
        rotate_keys.invoke(event)
    assert_one_key_signs(rotate_keys.ring)
    assert len(in_state(rotate_keys.ring, ANNOUNCED)) == 1
    made = sum(call.action == "CreateKey" for call in calls)
    announced = rotate_keys.audit.names().count("key.announced")
    assert made <= 2
    assert announced == rotate_keys.audit.names().count("key.made")


def test_runs_at_the_same_time_leave_one_key_that_signs_and_one_standby(rotate_keys: RotateKeys) -> None:
    for event in (SCHEDULE, {"emergency": "current"}, SCHEDULE):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(rotate_keys.invoke, [event] * 8))
        assert_settled(rotate_keys.ring, rotate_keys.key_states())
    assert len(in_state(rotate_keys.ring, DROPPED)) == 1
