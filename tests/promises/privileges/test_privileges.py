"""Each function can do what it does, and nothing else (P7): AWS calls recorded, weighed against roles both ways."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from typing import Any

import boto3
import pytest
from valet.models.grants import Grant
from valet.models.proofs import Proof
from valet.models.sessions import Session

from local.aws.calls import Call
from local.aws.resources import STACK
from local.functions import FunctionFailed
from local.stack import LocalStack
from tests.conftest import MovableClock
from tests.endpoints import FUNCTIONS
from tests.promises.privileges.grants import (
    POLLING,
    Granted,
    deployed,
    identity_arn,
    key_policies,
    log_stream_arn,
    missing,
    queue_arn,
    request_of,
    table_arn,
    unused,
)
from tests.promises.privileges.iam import Request
from tests.promises.privileges.walk import Walk
from tests.support.nonce_key import nonce_key

REGISTRY, USERS, GRANTS = (table_arn(f"{STACK}-{name}") for name in ("Registry", "Users", "Grants"))
SIGN_OUTS, LOGOUT_TOKENS, MAIL, DEAD_LETTERS = QUEUES = tuple(
    queue_arn(f"{STACK}-{name}") for name in ("SignOuts", "LogoutTokens", "Mail", "DeadLetters")
)
pytestmark = pytest.mark.xdist_group("privileges")  # every function is walked once

MAKES_ACCOUNTS = frozenset({"confirm", "federate"})
SIGNING = frozenset({"token", "status_list", "notify_clients"})
_READS = ("GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems", "PartiQLSelect", "ConditionCheckItem")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete")


@pytest.fixture(scope="module")
def walked(stack: LocalStack) -> Iterator[list[Call]]:
    """Every AWS call of every function in a walk through everything."""
    calls = list(_recorded(stack))
    yield calls
    _bring_keys_back()
    stack.reset()


@pytest.fixture(scope="module")
def granted(walked: list[Call]) -> Granted:
    """The roles as deployed, and the policies of all the keys that the walk has made or used: other tests of this
    process may have made more.
    """
    named = {str(call.parameters.get("KeyId")).rpartition("/")[2] for call in walked if call.service == "kms"}
    found, _ = deployed(FUNCTIONS, DpopNonces="all", SecondFactor="on")
    for arn, policy in key_policies().items():
        if arn.rpartition("/")[2] in named:
            found = found.with_key(arn, policy)
    return found


def _recorded(stack: LocalStack) -> Iterator[Call]:
    from valet.server import SERVER

    stack.reset()
    SERVER.clock = clock = MovableClock()
    former = SERVER.settings
    SERVER.settings = replace(
        former,
        dpop_nonces="all",
        nonce_key=nonce_key(),
        passkey_domain="localhost",
        client_registration="token",
        **_federation(stack),
    )
    with stack.aws.recorded() as calls:
        _create(stack)
        Walk(stack, clock).everything()
    SERVER.settings = former
    return (call for call in calls if call.function is not None)


def _federation(stack: LocalStack) -> dict[str, Any]:
    return {"federation": "on", "people_key": stack.system.functions["FederateFunction"].environment["PEOPLE_KEY"]}


def _create(stack: LocalStack) -> None:
    """As CloudFormation does; nobody waits for the answer."""
    event = {
        "RequestType": "Create",
        "ResponseURL": f"{stack.aws_url}/cloudformation-response/nobody",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "FirstKey",
        "ResourceProperties": {},
    }
    with suppress(FunctionFailed):
        stack.invoke("rotate_keys", event)


def _bring_keys_back() -> None:
    """The demo data's keys sign again: the emulator keeps what the walk did to them."""
    kms = boto3.client("kms")
    for key in kms.list_keys()["Keys"]:
        if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion":
            kms.cancel_key_deletion(KeyId=key["KeyId"])
            kms.enable_key(KeyId=key["KeyId"])


def test_no_function_lacks_a_permission(walked: list[Call], granted: Granted) -> None:
    lacking = missing(walked, granted)
    assert not lacking, "\n".join(lacking)


def test_no_function_has_a_permission_that_it_does_not_use(walked: list[Call], granted: Granted) -> None:
    idle = unused(walked, granted)
    assert not idle, "\n".join(idle)


def test_the_walk_visits_every_function_that_calls_aws(walked: list[Call]) -> None:
    assert {call.function for call in walked} == set(FUNCTIONS.values()) - {"authorizer", "demo_api"}


def test_a_call_without_a_partition_is_allowed_to_nobody(walked: list[Call], granted: Granted) -> None:
    """ForAllValues alone would let a request through that names none."""
    for call in walked:
        if call.service == "dynamodb":
            assert not granted.allows(replace(request_of(call, granted), context={}))


@pytest.mark.parametrize("action", _READS)
def test_the_token_function_cannot_read_a_password_hash(action: str, granted: Granted) -> None:
    for keys in ((), ("credential#john",), ("account#demo-john", "credential#john")):
        assert not granted.may("token", f"dynamodb:{action}", USERS, *keys)


def test_login_alone_can_read_a_password_hash_and_no_function_can_write_one(granted: Granted) -> None:
    for function in FUNCTIONS.values():
        reads = {action for action in _READS if granted.may(function, f"dynamodb:{action}", USERS, "credential#john")}
        assert reads == ({"Query"} if function == "login" else set())
        assert not any(granted.may(function, f"dynamodb:{action}", USERS, "credential#john") for action in _WRITES)


# What ends a grant: the marks of the revocation, and what could still be retried.
REVOKING = frozenset(
    ("pk", "sk", "revoked_at", "revoked_for", "revocation", "expires_at", "retry_key", "previous_digest")
)
# Whose a grant is and what it is good for: said once, by the function that creates it.
SETTLED = (
    *("client_id", "sub", "sid", "scope", "aud", "resources"),
    *("auth_time", "acr", "amr", "redirect_uri", "code_challenge"),
)


@pytest.mark.parametrize("function", ["revoke", "logout", "finish", "account"])
def test_a_function_that_ends_grants_can_write_nothing_else_of_one_and_so_can_create_none(
    function: str, granted: Granted
) -> None:
    """UpdateItem creates the item if it is not there; without these attributes it is a tombstone."""
    update = partial(granted.may, function, "dynamodb:UpdateItem", GRANTS, "grant#1")
    assert update(attributes=("revoked_at", "revoked_for"))
    others = {each.name for each in fields(Grant)} | {"roles", "unheard_of"}
    for name in others - REVOKING:
        assert not update(attributes=(name,)), name
        assert not update(attributes=("revoked_at", name)), name
    for action in set(_WRITES) - {"UpdateItem"}:
        assert not granted.may(function, f"dynamodb:{action}", GRANTS, "grant#1")


def test_no_function_can_say_of_a_grant_that_there_is_whose_it_is_or_what_for(granted: Granted) -> None:
    assert set(SETTLED) <= {each.name for each in fields(Grant)}
    for function in FUNCTIONS.values():
        for name in SETTLED:
            assert not granted.may(function, "dynamodb:UpdateItem", GRANTS, "grant#1", attributes=(name,)), function


def test_no_function_can_give_anybody_a_role_or_a_name(granted: Granted) -> None:
    """Roles and usernames are the operator's word. Who may remove an attribute may also write it, so none may. Those
    that make an account may name it, and may give it no role.
    """
    for function in FUNCTIONS.values():
        for name in ("roles", "required_acr", "username", "sub", "email", "email_verified"):
            for action in ("UpdateItem", "PutItem"):
                is_new = action == "PutItem" and function in MAKES_ACCOUNTS and name not in ("roles", "required_acr")
                changes_address = action == "UpdateItem" and function in ("confirm", "credentials", "federate")
                is_address = changes_address and name.startswith("email")
                asked = function, f"dynamodb:{action}", USERS, "account#1"
                assert granted.may(*asked, attributes=(name,)) is (is_new or is_address), (function, action, name)
    assert granted.may("account", "dynamodb:UpdateItem", USERS, "account#1", attributes=("nickname",))


def test_a_session_can_be_prolonged_and_ended_and_never_given_to_another_end_user(granted: Granted) -> None:
    writers = {
        function: {
            name
            for name in {each.name for each in fields(Session)}
            if granted.may(function, "dynamodb:UpdateItem", GRANTS, "session#1", attributes=(name,))
        }
        for function in FUNCTIONS.values()
    }
    prolonging, ending = {"idle_expires_at", "ended_at"}, {"ended_at", "ending"}
    both = prolonging | ending
    expected = {
        "authorize": both,
        "account": both,
        "consent": prolonging,
        "device": prolonging,
        "credentials": prolonging,
        "logout": ending,
    }
    assert {function: names for function, names in writers.items() if names} == expected


def test_what_strangers_name_is_written_by_one_function_that_can_see_nothing_else(granted: Granted) -> None:
    """M7: fetch answers nobody, and may touch what it has fetched and its own counters."""
    for action in (*_READS, *_WRITES):
        for key in ("client#1", "hosts", "scopes", "apis", "keys", "cors", "people"):
            assert not granted.may("fetch", f"dynamodb:{action}", REGISTRY, key), (action, key)
        for key in ("account#1", "credential#john", "consent#1"):
            assert not granted.may("fetch", f"dynamodb:{action}", USERS, key), (action, key)
        for key in ("grant#1", "session#1", "dynamic#1", "invite#1", "sub#1", "throttle#address#1", "once#1"):
            assert not granted.may("fetch", f"dynamodb:{action}", GRANTS, key, attributes=("attempts",)), (action, key)
    assert not {each.action for each in granted.of("fetch")} & {"kms:Sign", "kms:Decrypt", "sqs:SendMessage"}
    for function in FUNCTIONS.values():
        writes = {each for each in _WRITES if granted.may(function, f"dynamodb:{each}", GRANTS, "document#1")}
        assert writes == ({"PutItem", "UpdateItem"} if function == "fetch" else set()), function
        invokes = {each for each in granted.of(function) if each.action.startswith("lambda:")}
        assert bool(invokes) == (function in ("authorize", "token")), function


def test_who_registers_a_client_can_make_no_other_and_see_none(granted: Granted) -> None:
    for action in _WRITES:
        for key in ("client#1", "hosts", "scopes", "apis"):
            assert not granted.may("register", f"dynamodb:{action}", REGISTRY, key), (action, key)
        for key in ("grant#1", "sub#1", "session#1", "document#1", "once#1"):
            assert not granted.may("register", f"dynamodb:{action}", GRANTS, key), (action, key)
    for action in _READS:
        assert not granted.may("register", f"dynamodb:{action}", REGISTRY, "client#1"), action
        assert not granted.may("register", f"dynamodb:{action}", GRANTS, "dynamic#1"), action
    for name in ("uses", "owner", "invite_id"):
        assert not granted.may("register", "dynamodb:UpdateItem", GRANTS, "invite#1", attributes=(name,)), name
    makers = {each for each in FUNCTIONS.values() if granted.may(each, "dynamodb:PutItem", GRANTS, "dynamic#1")}
    assert makers == {"register"}
    for name in ("body", "client_id", "registered_at"):
        assert not granted.may("token", "dynamodb:UpdateItem", GRANTS, "dynamic#1", attributes=(name,)), name


# The function that checks each factor, by the kind of the proof that it leaves.
CHECKS = {
    "password": "login",
    "passkey": "passkey",
    "second": "second",
    "mail": "confirm",
    "joined": "confirm",
    "upstream": "federate",
}


def test_a_factors_function_leaves_its_own_proof_and_opens_no_session(granted: Granted) -> None:
    for function in FUNCTIONS.values():
        for kind in ("password", "passkey", "second", "upstream", "mail", "joined", ""):
            may = {each for each in _WRITES if granted.may(function, f"dynamodb:{each}", GRANTS, f"proof-{kind}#1")}
            own = {"PutItem"} if CHECKS.get(kind) == function else set()
            assert may == (own | {"UpdateItem"} if function == "authorize" and kind in CHECKS else own), (
                function,
                kind,
            )
        opens = {each for each in _WRITES if granted.may(function, f"dynamodb:{each}", GRANTS, "session#1")}
        assert "PutItem" not in opens or function == "authorize", function


def test_authorize_can_spend_a_proof_and_say_nothing_of_who_proved_what(granted: Granted) -> None:
    """Nor can the function that leaves a proof say that it is spent, or by which request."""
    for kind, function in CHECKS.items():
        for name in {each.name for each in fields(Proof)} - {"proof_id", "spent_by", "expires_at"}:
            update = partial(granted.may, "authorize", "dynamodb:UpdateItem", GRANTS, f"proof-{kind}#1")
            assert not update(attributes=(name,)), name
            assert not update(attributes=("spent_by", name)), name
        put = partial(granted.may, function, "dynamodb:PutItem", GRANTS, f"proof-{kind}#1")
        assert put(attributes=("proof_id", "sub", "means"))
        assert not put(attributes=("proof_id", "spent_by"))


def test_the_account_page_opens_no_session_leaves_no_proof_and_knows_no_credential(granted: Granted) -> None:
    may = partial(granted.may, "account")
    for action in (*_READS, *_WRITES):
        for key in ("credential#john", "password#demo-john", "identifier#john"):
            assert not may(f"dynamodb:{action}", USERS, key), (action, key)
    for action in ("PutItem", "BatchWriteItem", "TransactWriteItems"):
        for key in ("session#1", "proof-password#1", "sub#demo-john", "sessions#demo-john", "grant#1"):
            assert not may(f"dynamodb:{action}", GRANTS, key), (action, key)
    assert not may("dynamodb:UpdateItem", GRANTS, "proof-password#1", attributes=("spent_by",))


def test_the_account_page_reads_nothing_of_a_grants_tokens(granted: Granted) -> None:
    read = partial(granted.may, "account", "dynamodb:GetItem", GRANTS, "grant#1")
    assert read(attributes=("client_id", "scope"))
    for name in ("code_digest", "family_digest", "refresh_digest", "previous_digest", "retry_key", "live"):
        assert not read(attributes=(name,))


def test_credentials_changes_what_signs_in_and_opens_nothing(granted: Granted) -> None:
    may = partial(granted.may, "credentials")
    for action in _WRITES:
        for key in ("session#1", "proof-passkey#1", "proof-password#1", "sub#demo-john", "grant#1"):
            assert not may(f"dynamodb:{action}", GRANTS, key, attributes=("sub",)), (action, key)
    for action in (*_READS, *_WRITES):
        assert not may(f"dynamodb:{action}", USERS, "credential#john", attributes=("sub",)), action
    for action in (*_READS, "UpdateItem"):
        assert not may(f"dynamodb:{action}", USERS, "password#demo-john", attributes=("sub",)), action
    for action in _READS:
        assert not may(f"dynamodb:{action}", GRANTS, "code#1"), action
        assert not may(f"dynamodb:{action}", GRANTS, "throttle#mail#1"), action
    for name in ("kind", "sub_"):
        assert not may("dynamodb:UpdateItem", USERS, "identifier#john", attributes=(name,)), name
    assert not may("dynamodb:DeleteItem", USERS, "identifier#john")
    assert not may("dynamodb:UpdateItem", GRANTS, "throttle#account#1")  # of sign-ins
    assert may("dynamodb:UpdateItem", USERS, "account#1", attributes=("passkeys", "epoch"))
    assert may("dynamodb:UpdateItem", USERS, "account#1", attributes=("password_id", "epoch"))
    for name in ("sub", "is_disabled", "roles", "required_acr"):
        assert not may("dynamodb:UpdateItem", USERS, "account#1", attributes=(name,)), name
    for name in ("public_key", "sign_count", "challenge_ms", "sub_"):
        assert not may("dynamodb:UpdateItem", USERS, "passkey#1", attributes=(name,)), name


def test_passkey_uses_a_passkey_once_and_changes_nothing_else_of_it(granted: Granted) -> None:
    may = partial(granted.may, "passkey")
    for action in _WRITES:
        assert not may(f"dynamodb:{action}", GRANTS, "session#1"), action
        for name in ("public_key", "sub", "backup_eligible", "credential_id"):
            assert not may(f"dynamodb:{action}", USERS, "passkey#1", attributes=(name,)), (action, name)
    for action in (*_READS, *_WRITES):
        for key in ("credential#john", "password#demo-john", "identifier#john"):
            assert not may(f"dynamodb:{action}", USERS, key), (action, key)


def test_second_uses_a_code_once_and_can_open_no_session_and_read_no_password(granted: Granted) -> None:
    may = partial(granted.may, "second")
    for action in _WRITES:
        for key in ("session#1", "sessions#demo-john", "proof-password#1", "sub#demo-john", "grant#1"):
            assert not may(f"dynamodb:{action}", GRANTS, key, attributes=("sub",)), (action, key)
        for name in ("sealed_seed", "salt", "hashes"):
            assert not may(f"dynamodb:{action}", USERS, "factor#demo-john", attributes=(name,)), (action, name)
    for action in (*_READS, *_WRITES):
        for key in ("credential#john", "password#demo-john", "identifier#john", "passkey#1"):
            assert not may(f"dynamodb:{action}", USERS, key), (action, key)


_KEY_USERS = {
    ("kms:Encrypt", "second-factor"): "credentials",
    ("kms:Decrypt", "second-factor"): "second",
    ("kms:Decrypt", "provider-secret"): "federate",
}


def test_each_kind_of_ciphertext_is_opened_by_one_function(granted: Granted) -> None:
    """Of the key that seals second factors, for which another one seals what it can never open again; and the secrets
    at other providers, which an operator seals.
    """
    key = _people_key()
    for function in FUNCTIONS.values():
        for use in ("second-factor", "provider-secret", "signing-key", ""):
            context = {"kms:EncryptionContext:valet:use": (use,)} if use else {}
            for action in ("kms:Decrypt", "kms:Encrypt"):
                asked = Request(granted.roles[function], action, key, context)
                assert granted.allows(asked) == (_KEY_USERS.get((action, use)) == function), (function, action, use)


def _people_key() -> str:
    (arn,) = [arn for arn, policy in key_policies().items() if "OpenSecondFactors" in json.dumps(policy)]
    return arn


def test_no_other_function_changes_an_account(granted: Granted) -> None:
    writers = {
        function
        for function in FUNCTIONS.values()
        if any(granted.may(function, f"dynamodb:{each}", USERS, "account#1", attributes=("epoch",)) for each in _WRITES)
    }
    assert writers == {"account", "credentials", "confirm", "federate"}
    update = partial(granted.may, "account", "dynamodb:UpdateItem", USERS, "account#1")
    assert not update(attributes=("sub",))
    for name in ("username", "email", "email_verified"):
        assert not update(attributes=(name,)), name


def test_an_update_without_attributes_is_allowed_to_nobody(walked: list[Call], granted: Granted) -> None:
    """ForAllValues alone would let a request through that names none."""
    for call in walked:
        # But those that make counters, whose shares are attributes of their own.
        makes_counters = call.partition_prefix == "throttle#" and call.function in ("login", "ask", "credentials")
        if call.action == "UpdateItem" and not makes_counters:
            request = request_of(call, granted)
            partition = {"dynamodb:LeadingKeys": request.context["dynamodb:LeadingKeys"]}
            assert not granted.allows(replace(request, context=partition))


def test_a_lacking_attribute_and_one_that_is_not_used_are_told_with_the_statement(
    walked: list[Call], granted: Granted
) -> None:
    call = next(each for each in walked if (each.function, each.partition_prefix) == ("logout", "grant#"))
    names = {**call.parameters["ExpressionAttributeNames"], "#epoch": "epoch"}
    body = {**call.parameters, "ConditionExpression": "#epoch = :epoch", "ExpressionAttributeNames": names}
    (told,) = missing([replace(call, body=json.dumps(body).encode())], granted)
    assert told.startswith(f"logout: dynamodb:UpdateItem {STACK}-Grants grant# names epoch: add that to dynamodb:Attr")
    assert told.endswith("the statement of this function that allows dynamodb:UpdateItem on 'grant#*'")
    without = [each for each in walked if each.function != "token" or "paced_until" not in each.attributes]
    idle = unused(without, granted)
    assert any("token: dynamodb:UpdateItem on 'grant#*' allows paced_until, which" in each for each in idle)


def test_authorize_can_see_that_a_grant_exists_and_nothing_about_it(walked: list[Call], granted: Granted) -> None:
    reads = [
        call
        for call in walked
        if (call.function, call.action, call.partition_prefix) == ("authorize", "GetItem", "grant#")
    ]
    assert {request_of(call, granted).context["dynamodb:Attributes"] for call in reads} == {("pk", "sk")}
    call = reads[0]
    assert granted.allows(request_of(call, granted))
    without = {name: value for name, value in call.parameters.items() if not name.startswith(("Proj", "Expr"))}
    assert not granted.allows(request_of(replace(call, body=json.dumps(without).encode()), granted))
    for name in {each.name for each in fields(Grant)}:
        assert not granted.may("authorize", "dynamodb:GetItem", GRANTS, "grant#1", attributes=(name,)), name
    assert not any(granted.may("authorize", f"dynamodb:{action}", GRANTS, "grant#1") for action in ("Query", "Scan"))


def test_par_keeps_requests_and_can_do_nothing_else_to_a_person_a_session_or_a_grant(granted: Granted) -> None:
    writes = {
        (partition, action)
        for partition in (
            "pushed#1",
            "once#1",
            "request#1",
            "grant#1",
            "sub#1",
            "session#1",
            "status#1",
            "throttle#1",
            "lease#1",
        )
        for action in (*_READS, *_WRITES)
        if granted.may("par", f"dynamodb:{action}", GRANTS, partition)
    }
    assert writes == {("pushed#1", "PutItem"), ("once#1", "PutItem")}
    assert not any(granted.may("par", f"dynamodb:{action}", USERS, "account#demo-john") for action in _READS)
    assert {each.action for each in granted.of("par") if each.action.startswith("kms:")} == {"kms:GenerateMac"}


def test_only_token_can_make_a_reference_token_and_no_function_can_change_or_delete_one(granted: Granted) -> None:
    """An item there is as good as a signature. What reads one cannot list them."""
    able = {
        (function, action)
        for function in FUNCTIONS.values()
        for action in (*_READS, *_WRITES)
        if granted.may(function, f"dynamodb:{action}", GRANTS, "reference#1", attributes=("claims", "secret_digest"))
    }
    reading = {(function, "GetItem") for function in ("introspect", "userinfo", "revoke")}
    assert able == {("token", "PutItem")} | reading


def test_only_par_can_push_a_request_and_only_authorize_can_read_one(granted: Granted) -> None:
    able = {
        (function, action)
        for function in FUNCTIONS.values()
        for action in (*_READS, *_WRITES)
        if granted.may(function, f"dynamodb:{action}", GRANTS, "pushed#1")
    }
    assert able == {("par", "PutItem"), ("authorize", "GetItem")}


def test_what_keeps_a_devices_request_sees_no_grant_no_session_and_no_person(granted: Granted) -> None:
    partitions = [f"throttle#{what}#1" for what in ("devices", "user_code", "account")]
    partitions += [f"{kind}#1" for kind in ("device_code", "once", "grant", "sub", "session", "request", "status")]
    partitions += ["lease#1", "pushed#1", "proof-password#1"]
    may = {
        (partition, action)
        for partition in partitions
        for action in (*_READS, *_WRITES)
        if granted.may("device_authorization", f"dynamodb:{action}", GRANTS, partition)
    }
    counts = ("throttle#devices#1", "UpdateItem")
    assert may == {("device_code#1", "PutItem"), ("once#1", "PutItem"), counts}
    for action in (*_READS, *_WRITES):
        for key in ("account#1", "credential#john", "consent#1"):
            assert not granted.may("device_authorization", f"dynamodb:{action}", USERS, key)
        assert not granted.may("device_authorization", f"dynamodb:{action}", REGISTRY, "people")


def test_a_devices_request_is_kept_asked_about_and_polled_by_one_function_each(granted: Granted) -> None:
    able = {
        (function, action)
        for function in FUNCTIONS.values()
        for action in (*_READS, *_WRITES)
        if granted.may(function, f"dynamodb:{action}", GRANTS, "device_code#1", attributes=("poll",))
    }
    assert able == {("device_authorization", "PutItem"), ("device", "GetItem"), ("token", "UpdateItem")}
    poll = partial(granted.may, "token", "dynamodb:UpdateItem", GRANTS, "device_code#1")
    for name in ("scope", "resource", "source_ip", "agent", "expires_at"):
        assert not poll(attributes=(name,)), name


def test_the_device_page_makes_a_grant_and_can_change_or_read_none(granted: Granted) -> None:
    able = {action for action in (*_READS, *_WRITES) if granted.may("device", f"dynamodb:{action}", GRANTS, "grant#1")}
    assert able == {"PutItem"}
    for action in _WRITES:
        for key in ("account#1", "consent#1", "credential#john"):
            assert not granted.may("device", f"dynamodb:{action}", USERS, key, attributes=("epoch",)), (action, key)
        for key in ("proof-password#1", "device_code#1", "throttle#account#1", "throttle#devices#1"):
            assert not granted.may("device", f"dynamodb:{action}", GRANTS, key), (action, key)
    assert not any(each.action.startswith("kms:") for each in granted.of("device"))


def test_login_cannot_sign(granted: Granted) -> None:
    assert not any(each.action.startswith("kms:") for each in granted.of("login"))


def test_the_authorizer_can_do_nothing_but_write_its_log(granted: Granted) -> None:
    assert granted.of("authorizer") == granted.of("demo_api") == ()


@pytest.mark.parametrize("function", FUNCTIONS.values())
def test_a_function_can_write_its_own_log_and_no_other_and_make_none(function: str, granted: Granted) -> None:
    groups = {each: f"/aws/lambda/{STACK}-{each.replace('_', '-')}" for each in FUNCTIONS.values()}
    own = groups.pop(function)
    others = {*groups.values(), f"/valet/{STACK}/operator", f"/aws/vendedlogs/{STACK}-api", f"{own}-2", "/of/another"}
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        assert granted.may(function, action, log_stream_arn(own))
        assert not [group for group in others if granted.may(function, action, log_stream_arn(group))]
    for group in (own, *others):
        for action in ("logs:CreateLogGroup", "logs:DeleteLogStream", "logs:GetLogEvents"):
            assert not granted.may(function, action, log_stream_arn(group))


def test_only_the_functions_that_sign_may_use_a_key_and_each_with_its_own_algorithm(granted: Granted) -> None:
    signing = {
        function
        for function in FUNCTIONS.values()
        if any(each.action in ("kms:Sign", "kms:*", "kms:Decrypt") for each in granted.of(function))
    }
    assert signing == SIGNING | {"second", "federate"}  # which open what PeopleKey sealed, and sign nothing
    for function in SIGNING:
        (conditions,) = {each.conditions for each in granted.of(function) if each.action == "kms:Sign"}
        assert conditions == (("StringEquals", "kms:SigningAlgorithm", ("RSASSA_PKCS1_V1_5_SHA_256",)),)


def test_whoever_administers_the_account_cannot_sign_and_rotate_keys_cannot_change_a_policy() -> None:
    for policy in key_policies().values():
        for statement in policy["Statement"]:
            actions = set(statement["Action"])
            if "kms:Sign" in actions:
                assert actions == {"kms:Sign"}
            assert not actions & {"kms:*", "kms:CreateGrant"}
        rotate = policy["Statement"][-1]
        assert "kms:PutKeyPolicy" not in rotate["Action"]


def test_no_function_that_faces_the_network_can_write_to_the_registry(granted: Granted) -> None:
    for function in set(FUNCTIONS.values()) - {"rotate_keys"}:
        for partition in ("client#web_app_123", "apis", "scopes", "keys", "cors"):
            assert not any(granted.may(function, f"dynamodb:{action}", REGISTRY, partition) for action in _WRITES)


def test_rotate_keys_cannot_write_a_client_nor_see_a_person(granted: Granted) -> None:
    for action in (*_READS, *_WRITES):
        assert not granted.may("rotate_keys", f"dynamodb:{action}", REGISTRY, "client#web_app_123")
        assert not granted.may("rotate_keys", f"dynamodb:{action}", USERS, "account#demo-john")
        assert not granted.may("rotate_keys", f"dynamodb:{action}", GRANTS, "grant#1")


def test_the_function_that_goes_out_can_read_addresses_and_write_keys_and_nothing_else(granted: Granted) -> None:
    may = partial(granted.may, "fetch_client_keys")
    assert {action for action in (*_READS, *_WRITES) if may(f"dynamodb:{action}", REGISTRY, "client_keys#shop")} == {
        "GetItem",
        "PutItem",
    }
    assert {action for action in (*_READS, *_WRITES) if may(f"dynamodb:{action}", REGISTRY, "jwks_uris")} == {"Query"}
    for action in (*_READS, *_WRITES):
        for partition in ("client#web_app_123", "apis", "scopes", "keys", "cors"):
            assert not may(f"dynamodb:{action}", REGISTRY, partition)
        assert not may(f"dynamodb:{action}", USERS, "account#demo-john")
        assert not may(f"dynamodb:{action}", GRANTS, "grant#1")
    assert not any(each.action.startswith("kms:") for each in granted.of("fetch_client_keys"))
    writers = {each for each in FUNCTIONS.values() if granted.may(each, "dynamodb:PutItem", REGISTRY, "client_keys#a")}
    assert writers == {"fetch_client_keys"}


def test_who_says_what_ends_and_who_reads_it(granted: Granted) -> None:
    """Senders cannot read the queues, finish signs nothing, and the signer of logout tokens knows no end-user."""
    sends = {
        (function, queue)
        for function in FUNCTIONS.values()
        for queue in QUEUES
        if granted.may(function, "sqs:SendMessage", queue)
    }
    assert sends == {
        ("authorize", SIGN_OUTS),
        ("account", SIGN_OUTS),
        ("credentials", SIGN_OUTS),
        ("logout", SIGN_OUTS),
        ("finish", SIGN_OUTS),
        ("finish", LOGOUT_TOKENS),
        ("notify_clients", DEAD_LETTERS),
        ("mailer", MAIL),
        ("login", MAIL),
        ("second", MAIL),
        ("federate", MAIL),
        ("account", MAIL),
        ("credentials", MAIL),
        ("ask", MAIL),
        ("confirm", MAIL),
        ("confirm", SIGN_OUTS),
    }
    for action in (*POLLING, "sqs:ChangeMessageVisibility", "sqs:PurgeQueue"):
        able = {
            (function, queue)
            for function in FUNCTIONS.values()
            for queue in QUEUES
            if granted.may(function, action, queue)
        }
        readers = {("finish", SIGN_OUTS), ("notify_clients", LOGOUT_TOKENS), ("mailer", MAIL)}
        assert able == (
            readers if action in POLLING else ({("notify_clients", LOGOUT_TOKENS)} if "Visibility" in action else set())
        )


def test_notify_clients_knows_clients_and_keys_and_nobody_else(granted: Granted) -> None:
    may = partial(granted.may, "notify_clients")
    for action in (*_READS, *_WRITES):
        assert not may(f"dynamodb:{action}", USERS, "account#demo-john")
        for partition in ("grant#1", "session#1", "sub#demo-john"):
            assert not may(f"dynamodb:{action}", GRANTS, partition)
    read = {
        partition
        for partition in ("client#a", "keys", "scopes", "apis", "client_keys#a")
        for action in _READS
        if may(f"dynamodb:{action}", REGISTRY, partition)
    }
    assert read == {"client#a", "keys"}


def test_finish_reads_no_credential_signs_nothing_and_alone_forgets_a_pointer(granted: Granted) -> None:
    assert not any(each.action.startswith("kms:") for each in granted.of("finish"))
    assert not any(granted.may("finish", f"dynamodb:{action}", USERS, "credential#john") for action in _READS)
    assert not any(granted.may("finish", f"dynamodb:{action}", USERS, "account#demo-john") for action in _WRITES)
    forget = {each for each in FUNCTIONS.values() if granted.may(each, "dynamodb:DeleteItem", GRANTS, "sub#demo-john")}
    assert forget == {"finish"}


def test_who_takes_an_address_cannot_know_whether_anybody_has_it(granted: Granted) -> None:
    """P12: the function has no permission on the table of people, and none to read what the mailer writes."""
    assert not [each for each in granted.of("ask") if each.resource == USERS]
    may = partial(granted.may, "ask")
    for action in (*_READS, *_WRITES):
        for key in ("account#demo-john", "identifier#john@example.com", "credential#john", "password#demo-john"):
            assert not may(f"dynamodb:{action}", USERS, key, attributes=("sub",)), (action, key)
        for key in ("mail#1", "code#1", "session#1", "sub#demo-john", "proof-joined#1", "throttle#account#1"):
            assert not may(f"dynamodb:{action}", GRANTS, key, attributes=("sub",)), (action, key)
    assert not any(each.action.startswith(("kms:", "ses:")) for each in granted.of("ask"))


def test_confirm_opens_no_session_reads_no_hash_and_decrypts_nothing(granted: Granted) -> None:
    may = partial(granted.may, "confirm")
    for action in (*_READS, *_WRITES):
        for key in ("session#1", "grant#1", "sub#demo-john", "status#1", "proof-password#1", "proof-second#1"):
            assert not may(f"dynamodb:{action}", GRANTS, key, attributes=("sub",)), (action, key)
        assert not may(f"dynamodb:{action}", USERS, "credential#john", attributes=("sub",)), action
    for action in _READS:
        for key in ("password#demo-john", "passkey#1", "factor#1", "link#1"):
            assert not may(f"dynamodb:{action}", USERS, key), (action, key)
        assert not may(f"dynamodb:{action}", GRANTS, "code#1"), action
    update = partial(may, "dynamodb:UpdateItem", USERS, "account#1")
    assert update(attributes=("password_id", "epoch"))
    for name in ("passkeys", "totp_id", "links", "is_disabled", "roles", "required_acr", "sub", "username"):
        assert not update(attributes=(name,)), name
    assert may("dynamodb:UpdateItem", USERS, "identifier#john", attributes=("released_at",))
    assert not may("dynamodb:UpdateItem", USERS, "identifier#john", attributes=("kind",))
    assert not may("dynamodb:DeleteItem", USERS, "identifier#john")
    assert not any(each.action.startswith(("kms:", "ses:")) for each in granted.of("confirm"))


def test_the_mailer_reads_no_credential_no_session_and_no_grant_and_writes_mails_alone(granted: Granted) -> None:
    may = partial(granted.may, "mailer")
    for action in (*_READS, *_WRITES):
        for key in ("credential#john", "password#demo-john", "passkey#1", "consent#demo-john"):
            assert not may(f"dynamodb:{action}", USERS, key), (action, key)
        for key in ("session#1", "grant#1", "request#1", "proof-password#1", "sub#demo-john", "throttle#1"):
            assert not may(f"dynamodb:{action}", GRANTS, key), (action, key)
    for action in _WRITES:
        assert not may(f"dynamodb:{action}", USERS, "account#demo-john", attributes=("email",)), action
        assert not may(f"dynamodb:{action}", USERS, "identifier#john", attributes=("sub",)), action
    for key in ("mail#1", "code#1"):  # it cannot try a code, nor read a mail back
        assert {each for each in (*_READS, *_WRITES) if may(f"dynamodb:{each}", GRANTS, key)} == {"PutItem"}
    assert not any(each.action.startswith("kms:") for each in granted.of("mailer"))


def test_the_mailer_alone_sends_mail_and_from_one_address(granted: Granted) -> None:
    senders = {name for name in FUNCTIONS.values() if any(each.action.startswith("ses:") for each in granted.of(name))}
    assert senders == {"mailer"}
    for address, identity, is_allowed in (
        ("valet@example.com", "example.com", True),
        ("ceo@example.com", "example.com", False),
        ("valet@example.com", "example.org", False),
    ):
        for action in ("ses:SendEmail", "ses:SendRawEmail"):
            asked = Request(granted.roles["mailer"], action, identity_arn(identity), {"ses:FromAddress": (address,)})
            assert granted.allows(asked) is (is_allowed and action == "ses:SendEmail"), (address, identity, action)


def test_federate_makes_accounts_and_links_and_says_nothing_else_of_anybody(granted: Granted) -> None:
    may = partial(granted.may, "federate")
    assert may("dynamodb:PutItem", USERS, "account#1", attributes=("sub", "links", "has_no_password"))
    for name in ("roles", "password_id", "epoch", "passkeys", "totp_id", "is_disabled", "required_acr", "former_email"):
        assert not may("dynamodb:PutItem", USERS, "account#1", attributes=(name,)), name
        if name != "epoch":  # which the condition of a link names
            assert not may("dynamodb:UpdateItem", USERS, "account#1", attributes=(name,)), name
    for name in ("sub", "username", "name", "has_no_password"):
        assert not may("dynamodb:UpdateItem", USERS, "account#1", attributes=(name,)), name
    for action in (*_READS, *_WRITES):
        for key in ("credential#john", "password#demo-john", "passkey#1", "factor#demo-john", "consent#demo-john"):
            assert not may(f"dynamodb:{action}", USERS, key, attributes=("sub",)), (action, key)
    for action in _WRITES:
        for key in ("session#1", "request#1", "proof-password#1", "proof-passkey#1", "sub#demo-john", "grant#1"):
            assert not may(f"dynamodb:{action}", GRANTS, key, attributes=("sub",)), (action, key)
    for action in ("UpdateItem", "DeleteItem"):
        assert not may(f"dynamodb:{action}", USERS, "identifier#john", attributes=("sub",)), action


def test_links_are_written_by_two_functions_and_read_by_those_that_show_them(granted: Granted) -> None:
    able = {
        (function, action)
        for function in FUNCTIONS.values()
        for action in (*_READS, *_WRITES)
        if granted.may(function, f"dynamodb:{action}", USERS, "link#google#1", attributes=("sub",))
    }
    writing = {
        (name, action) for name in ("federate", "credentials") for action in ("PutItem", "UpdateItem", "DeleteItem")
    }
    assert able == writing | {(name, "GetItem") for name in ("federate", "credentials", "account")}


def test_a_providers_secret_is_opened_by_one_function_and_no_second_factor_with_it(granted: Granted) -> None:
    (key,) = {each.resource for each in granted.of("federate") if each.action == "kms:Decrypt"}
    for function in FUNCTIONS.values():
        for use in ("provider-secret", "second-factor", "signing-key", ""):
            context = {"kms:EncryptionContext:valet:use": (use,)} if use else {}
            asked = Request(granted.roles[function], "kms:Decrypt", key, context)
            if use != "second-factor":
                assert granted.allows(asked) is (function == "federate" and use == "provider-secret"), (function, use)
        if function == "federate":
            for action in ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"):
                context = {"kms:EncryptionContext:valet:use": ("provider-secret",)}
                assert not granted.allows(Request(granted.roles[function], action, key, context)), action


def test_existing_tables_are_named_and_nothing_else_is_granted() -> None:
    found, _ = deployed(FUNCTIONS, RegistryTable="kept-registry", UsersTable="kept-users")
    tables = {
        each.resource
        for function in FUNCTIONS.values()
        for each in found.of(function)
        if not each.action.startswith(("sqs:", "ses:", "lambda:"))
    }
    assert tables == {table_arn("kept-registry"), table_arn("kept-users"), GRANTS, "*"}


# -- the wrapped signer ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wrapped(stack: LocalStack, walked: list[Call]) -> Iterator[tuple[list[Call], Granted]]:
    """The calls of rotate_keys and of those who sign in a deployment with a wrapping key, and what that one grants."""
    from valet.server import SERVER

    found, template = deployed(FUNCTIONS, Signer="wrapped")
    resource = next(each for each in template.resources("AWS::KMS::Key") if each.logical_id == "WrappingKey")
    policy = template.resolve(resource.properties["KeyPolicy"])
    arn = boto3.client("kms").create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    found = found.with_key(arn, policy)
    _bring_keys_back()
    stack.reset()
    former = SERVER.settings
    SERVER.settings = replace(former, signer="wrapped", wrapping_key=arn)
    SERVER.clock = clock = MovableClock()
    with stack.aws.recorded() as calls:
        walk = Walk(stack, clock)
        stack.invoke("rotate_keys", {"rotate": "now"})
        clock.advance(3 * 3600)
        stack.invoke("rotate_keys", {"rotate": "now"})
        walk.tokens()
        walk.status_lists()
        walk.sign_outs()
    yield [call for call in calls if call.service == "kms" and call.parameters.get("KeyId") == arn], found
    stack.reset()


def test_a_wrapping_key_grants_what_is_needed_and_no_more(wrapped: tuple[list[Call], Granted]) -> None:
    calls, granted = wrapped
    assert {(call.function, call.action) for call in calls} == {
        ("rotate_keys", "GenerateDataKeyPairWithoutPlaintext"),
        ("token", "Decrypt"),
        ("status_list", "Decrypt"),
        ("notify_clients", "Decrypt"),
    }
    assert not missing(calls, granted)
    assert not [each for each in unused(calls, granted) if " kms:" in each]


def test_a_stack_that_wraps_its_keys_creates_none_and_signs_with_none(wrapped: tuple[list[Call], Granted]) -> None:
    _, granted = wrapped
    actions = {each.action for function in FUNCTIONS.values() for each in granted.of(function)}
    assert {action for action in actions if action.startswith("kms:")} == {
        "kms:GenerateDataKeyPairWithoutPlaintext",
        "kms:Decrypt",
    }


def test_a_wrapped_key_is_unwrapped_for_signing_and_for_nothing_else(wrapped: tuple[list[Call], Granted]) -> None:
    calls, granted = wrapped
    for call in calls:
        assert not granted.allows(replace(request_of(call, granted), context={}))
