"""`valet doctor`: every misconfiguration is named, with the reason and what mends it; nothing unseen passes as good."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import click
import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.models.clients import Client, ProtectedApi, Scope
from valet.registration.rules import lifetimes_of

from admin.cli import valet as root
from admin.desk import Desk
from admin.doctor import CHECKS, account, examine, rfc9700
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, Skipped
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import sign_in

DAY = 86_400
CODE_FLOW = frozenset({"authorization_code", "refresh_token"})
ON_AWS_ONLY = {"metadata.https", "clients.open-registration", "alarms.present", "alarms.heard", "account.concurrency"}
ON_AWS_ONLY |= {"proxy.address", "mails.identity", "mails.account", "gateways.step-up"}
ON_AWS_ONLY |= {"apis.metadata", "gateways.tools"}


@pytest.fixture
def local(valet: Operator) -> Deployment:
    return Deployment(Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2])), bytes, valet.clock)


def examined(valet: Operator, *arguments: str, status: int = 1) -> dict[str, Any]:
    report: dict[str, Any] = valet.json("doctor", *arguments, status=status)
    return report


def found(report: dict[str, Any], check: str) -> str:
    """What the check says, in one text; empty where it found nothing."""
    assert check in report["checks"]
    return "\n".join(finding["what"] for finding in report["findings"] if finding["check"] == check)


def test_the_demo_system_has_nothing_wrong_and_what_is_not_there_is_not_passed_over(valet: Operator) -> None:
    report = examined(valet, status=0)
    # All that is not as it should be, even for development.
    assert [finding["what"] for finding in report["findings"]] == [
        "legacy_app_321 sends its secret in the form",
        "Anybody can ask people for items in the name of the public client tv_demo",
    ]
    assert {each["check"] for each in report["skipped"]} == ON_AWS_ONLY
    assert all("local stack" in each["reason"] for each in report["skipped"])
    text = valet("doctor").out
    assert "0 wrong" in text
    for check in ON_AWS_ONLY:
        assert f"skipped {check}: the local stack" in text
    examined(valet, "--strict", status=1)


def test_every_finding_says_what_why_and_the_command_that_mends_it(valet: Operator) -> None:
    report = examined(valet, status=0)
    assert report["findings"]
    for finding in report["findings"]:
        assert all(len(finding[part]) > 8 for part in ("what", "why", "mend")), finding
        assert "valet " in finding["mend"] or "aws " in finding["mend"] or "make " in finding["mend"]
        assert "…" not in finding["mend"]
    text = valet("doctor").out
    for finding in report["findings"]:
        assert all(finding[part] in text for part in ("what", "why", "mend"))


def test_what_is_used_is_not_called_unused(valet: Operator) -> None:
    assert found(examined(valet, "--only", "clients.unused", status=0), "clients.unused") == ""  # none is so old
    valet.advance(40 * DAY)
    sign_in(valet.stack)
    unused = found(examined(valet, "--only", "clients.unused", status=0), "clients.unused")
    assert "web_app_123" not in unused
    assert "mobile_app" in unused
    assert "api_service_789" not in unused  # client credentials leave no trace that lasts


def can_be_pasted(report: dict[str, Any], valet: Operator) -> None:
    """Every command that mends something is a command, whole, and for this deployment."""
    port = valet.stack.aws_url.rpartition(":")[2]
    pasted = [mend for each in report["findings"] for mend in re.findall(r"`([^`]+)`", each["mend"]) or [each["mend"]]]
    commands = [shlex.split(each) for each in pasted if each.startswith("valet ")]
    assert commands
    for words in commands:
        assert words[-3:] == ["--local", "--aws-port", port]
        command: click.Command = root
        context = click.Context(root, info_name="valet")
        rest = words[1:]
        while isinstance(command, click.Group):
            command = command.commands[rest.pop(0)]
        if "--help" not in rest:
            command.make_context(command.name, rest, parent=context, obj=Desk())


def test_apis_that_share_scopes_of_the_issuer_are_named_and_the_mend_parts_them(
    valet: Operator, local: Deployment
) -> None:
    other = "https://other.example.com"
    register(local).put_api(ProtectedApi(other, "Other", frozenset({"email", "profile"})))
    report = examined(valet, "--only", "scopes.owners", status=1)
    [finding] = report["findings"]
    assert f"{valet.stack.audience} (profile) and to {other} (email profile)" in finding["what"]
    assert "invalid_scope" in finding["why"]
    [mend] = re.findall("`([^`]+)`", finding["mend"])
    valet(*shlex.split(mend)[1:], where="")
    assert examined(valet, "--only", "scopes.owners", status=0)["findings"] == []


def test_an_api_of_an_earlier_release_that_no_request_can_name_is_told_of_and_can_be_changed(
    valet: Operator, local: Deployment
) -> None:
    assert examined(valet, "--only", "apis.audiences", status=0)["findings"] == []
    twin = f"{valet.stack.issuer}/api".replace("http", "HTTP", 1)
    for audience in ("inventory", twin):
        register(local).put_api(ProtectedApi(audience, "Old"))
    report = examined(valet, "--only", "apis.audiences", status=0)
    named, equal, other = report["findings"]
    assert f"The audience {twin} of the API Old: a request cannot tell it from {valet.stack.audience}" in named["what"]
    assert f"a request cannot tell it from {twin}" in equal["what"]
    assert "The audience inventory of the API Old: no absolute URI" in other["what"]
    assert "invalid_target" in other["why"]
    can_be_pasted(report, valet)
    valet("apis", "change", "inventory", "--name", "Inventory")


def test_a_scope_of_nobodys_is_given_to_the_one_api_or_deleted_where_nothing_needs_it(valet: Operator) -> None:
    valet("scopes", "add", "stock", "See the stock")
    port = valet.stack.aws_url.rpartition(":")[2]
    there = f"--local --aws-port {port}"
    [finding] = examined(valet, "--only", "scopes.owners", status=0)["findings"]
    assert finding["mend"] == f"valet scopes delete stock {there}"
    valet("clients", "change", "api_service_789", "--add-scope", "stock")
    [finding] = examined(valet, "--only", "scopes.owners", status=0)["findings"]
    assert finding["mend"].startswith("Add it to the API that it belongs to")
    for api in valet.json("apis", "list"):
        if api["audience"] != valet.stack.audience:
            valet("clients", "delete", "mcp_demo", "--yes")
            valet("apis", "delete", api["audience"], "--with-scopes", "--yes")
    [finding] = examined(valet, "--only", "scopes.owners", status=0)["findings"]
    assert finding["mend"] == f"valet apis change {valet.stack.audience} --add-scope stock {there}"
    valet(*shlex.split(finding["mend"])[1:], where="")
    assert examined(valet, "--only", "scopes.owners", status=0)["findings"] == []


def test_a_scope_that_i_added_just_now_is_not_called_wrong_metadata(valet: Operator) -> None:
    valet.json("doctor", "--only", "metadata")  # the function knows the scopes for ten seconds from now
    valet("scopes", "add", "stock", "See the stock")
    report = examined(valet, "--only", "metadata", status=0)
    assert report["findings"] == []
    assert valet.slept == [10]
    valet("doctor", "--only", "metadata")
    assert valet.slept == [10]  # only a difference is worth the time


def test_metadata_that_stays_wrong_is_found_after_one_wait_for_all_checks(valet: Operator, local: Deployment) -> None:
    waited: list[float] = []  # and the clock of the functions stands still, so that they go on with what they know
    examined(valet, "--only", "metadata", status=0)
    register(local).put_scope(Scope("stock", "See the stock"))
    findings, _ = examine(Evidence(local, valet.clock(), waited.append))
    assert [each.check for each in findings if each.check.startswith("metadata.")] == ["metadata.consistent"]
    assert waited == [10]


def test_an_origin_that_the_union_lacks_is_back_after_what_doctor_says(valet: Operator, local: Deployment) -> None:
    local.registry.put({"pk": "cors", "sk": "origins", "origins": {"https://a.example.com"}, "version": 7})
    [refused, _] = examined(valet, "--only", "cors")["findings"]
    for command in re.findall(r"`([^`]+)`", refused["mend"]):
        valet(*shlex.split(command)[1:], where="")
    assert found(examined(valet, "--only", "cors", status=0), "cors.union") == ""


def test_on_aws_a_redirect_uri_of_this_machine_is_named(local: Deployment) -> None:
    assert local.registry  # found while it is the local stack
    local.where = replace(local.where, is_local=False)
    [check] = [check for check in CHECKS if check.name == "clients.redirect-uris"]
    findings, _ = examine(Evidence(local, 0), [check])
    assert {finding.what.split()[2] for finding in findings} == {"web_app_123", "legacy_app_321", "spa_demo"}
    assert not any(finding.is_error for finding in findings)


@pytest.fixture
def tables_come_back(local: Deployment) -> Iterator[None]:
    yield
    for output in ("RegistryTable", "UsersTable"):
        table = local.output(output)
        local.dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)
        local.dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    for output in ("UsersTable", "GrantsTable"):
        local.dynamodb.update_time_to_live(
            TableName=local.output(output), TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
        )


@pytest.mark.usefixtures("tables_come_back")
def test_tables_that_can_be_lost_or_grow_for_ever(valet: Operator, local: Deployment) -> None:
    registry, users, grants = (local.output(f"{name}Table") for name in ("Registry", "Users", "Grants"))
    local.dynamodb.update_continuous_backups(
        TableName=users, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    local.dynamodb.update_table(TableName=registry, DeletionProtectionEnabled=False)
    for table in (users, grants):
        local.dynamodb.update_time_to_live(
            TableName=table, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
        )
    report = examined(valet, "--only", "tables")
    assert found(report, "tables.recovery") == f"{users} has no point-in-time recovery"
    assert found(report, "tables.deletion-protection") == f"{registry} can be deleted"
    assert f"Items of {users} do not expire" in found(report, "tables.expiry")
    assert f"Items of {grants} do not expire" in found(report, "tables.expiry")


@pytest.mark.usefixtures("keys_come_back")
def test_keys_that_are_too_old_alone_or_not_as_kms_has_them(valet: Operator, local: Deployment) -> None:
    ring = local.key_records.key_ring()
    signing, standby = sorted(ring.keys, key=lambda key: key.state, reverse=True)
    key_id = signing.key_id.rpartition("/")[2]
    local.client("kms").disable_key(KeyId=key_id)
    local.key_records.change_ring(ring, (replace(signing, signing_since=signing.signing_since - 40 * DAY),))
    report = examined(valet, "--only", "keys metadata")
    assert "No standby key is announced" in found(report, "keys.states")
    assert f"{signing.kid} has been signing for 40 d" in found(report, "keys.age")
    assert f"KMS says that the signing key {signing.kid} is Disabled" in found(report, "keys.kms")
    local.key_records.change_ring(local.key_records.key_ring(), (replace(standby, key_id=signing.key_id),))
    local.client("kms").enable_key(KeyId=key_id)
    report = examined(valet, "--only", "keys")
    assert "0 keys sign" in found(report, "keys.states")
    assert f"another public key than the record {standby.kid}" in found(report, "keys.kms")


def test_algorithms_that_no_key_signs_with_and_who_waits_for_them(
    valet: Operator, local: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evidence, "environment", lambda self, function: {"SIGNING_ALG": "RS256+PS256"})
    report = examined(valet, "--only", "keys.lanes")
    assert found(report, "keys.lanes") == "No key signs with PS256, and none is announced"
    ring = local.key_records.key_ring()
    now = int(valet.clock())
    announced = replace(ring.keys[0], kid="new", alg="PS256", state="announced", created_at=now, signing_since=0)
    assert local.key_records.change_ring(ring, (*ring.keys, announced))
    assert found(examined(valet, "--only", "keys.lanes", status=0), "keys.lanes") == "No key signs with PS256 yet"
    put(local, Client("waits", "Waits", id_token_signed_response_alg="PS256", scope=frozenset({"admin"})))
    api = _demo_api(local)
    local.registry.put(item_from_model(replace(api, access_token_signing_alg="PS256"), "apis", api.audience))
    report = examined(valet, "--only", "keys.lanes")
    assert found(report, "keys.lanes").splitlines() == [
        "ID tokens of the client waits are to be signed with PS256, and no key signs with it",
        f"Access tokens for {api.audience} are to be signed with PS256, and no key signs with it",
        "No key signs with PS256 yet",
    ]
    assert "clients change waits --id-token-alg default" in json.dumps(report["findings"][0])
    assert local.key_records.change_ring(
        local.key_records.key_ring(), (*ring.keys, replace(announced, state="signing", signing_since=now))
    )
    assert found(examined(valet, "--only", "keys.lanes", status=0), "keys.lanes") == ""
    monkeypatch.setattr(Evidence, "environment", lambda self, function: {"SIGNING_ALG": "RS256"})
    assert "SigningAlgorithm does not name it any more" in found(examined(valet, "--only", "keys.lanes"), "keys.lanes")


def test_a_key_set_that_is_not_the_recorded_one(valet: Operator, local: Deployment) -> None:
    examined(valet, "--only", "metadata.key-set", status=0)  # the function remembers it for ten seconds
    ring = local.key_records.key_ring()
    kept, gone = ring.keys
    stranger = replace(kept, kid="of-nobody", public_jwk={**kept.public_jwk, "kid": "of-nobody"}, state="retired")
    local.key_records.change_ring(ring, (kept, stranger))
    waited: list[float] = []  # and the clock of the function stands still, so that it goes on with what it knows
    findings, _ = examine(
        Evidence(local, valet.clock(), waited.append), [check for check in CHECKS if "key-set" in check.name]
    )
    text = "\n".join(finding.what for finding in findings)
    assert waited == [10]
    assert "of-nobody is on record, but not in the JWK Set" in text
    assert f"The JWK Set has the key {gone.kid}, which is not on record" in text


@pytest.mark.parametrize(
    ("uri", "application_type", "reason"),
    [
        ("http://app.example.com/cb", "web", "plain http"),
        ("http://localhost:3000/cb", "browser", "localhost"),
        ("https://*.example.com/cb", "web", "wildcard"),
        ("https://203.0.113.7/cb", "web", "bare IP address"),
        ("https://intranet/cb", "web", "only some resolvers"),
        ("https://app.internal/cb", "web", "does not belong to anybody"),
        ("https://demo.herokuapp.com/cb", "web", "somebody else can have tomorrow"),
        ("https://app.example.com/cb?next=x", "web", "redirect onwards"),
        ("myapp:/cb", "native", "without a dot"),
        ("https://app.example.com/cb#x", "web", "fragment"),
    ],
)
def test_risky_redirect_uris(valet: Operator, local: Deployment, uri: str, application_type: str, reason: str) -> None:
    put(local, Client("risky", "Risky", application_type=application_type, redirect_uris=(uri,), grant_types=CODE_FLOW))
    text = found(examined(valet, "--only", "clients.redirect-uris"), "clients.redirect-uris")
    assert f"The client risky has the redirect URI {uri}" in text
    assert reason in text


def test_a_dozen_other_registrations_each_named(valet: Operator, local: Deployment) -> None:
    good = ("https://app.example.com/cb",)
    code = {"redirect_uris": good, "grant_types": CODE_FLOW}
    digests = (b"1" * 32, b"2" * 32)
    put(local, Client("two-secrets", "A", secret_digests=digests, **code))  # type: ignore[arg-type]
    put(local, Client("no-secret", "B", **code))  # type: ignore[arg-type]
    put(local, Client("long-lived", "C", refresh_absolute_lifetime=400 * DAY, **code))  # type: ignore[arg-type]
    put(local, Client("no-window", "D", retry_window=0, **code))  # type: ignore[arg-type]
    put(local, Client("short-window", "E", retry_window=5, **code))  # type: ignore[arg-type]
    put(local, Client("long-window", "F", retry_window=290, **code))  # type: ignore[arg-type]
    put(local, Client("keeps-token", "M", retry_window=0, refresh_token_rotation=False, **code))  # type: ignore[arg-type]
    put(local, Client("demo-john", "G", **code))  # type: ignore[arg-type]
    put(local, Client("lost-scope", "H", scope=frozenset({"gone"}), **code))  # type: ignore[arg-type]
    put(local, Client("public-job", "I", token_endpoint_auth_method="none", application_type="native",
                      grant_types=frozenset({"client_credentials"})))  # fmt: skip
    put(local, Client("trusted", "K", first_party=True, grant_types=CODE_FLOW, secret_digests=digests[:1],
                      redirect_uris=("http://127.0.0.1/cb",)))  # fmt: skip
    put(local, Client("silent", "J", application_type="native", token_endpoint_auth_method="none", first_party=True,
                      redirect_uris=("com.example.app:/cb",), grant_types=CODE_FLOW))  # fmt: skip
    put(local, Client("no-pkce", "Old Grafana", pkce="optional", secret_digests=digests[:1], **code))  # type: ignore[arg-type]
    put(local, Client("odd-pkce", "L", pkce="optional", token_endpoint_auth_method="none", application_type="native",
                      redirect_uris=("http://localhost/cb",), grant_types=CODE_FLOW))  # fmt: skip
    local.registry.put({"pk": "cors", "sk": "origins", "origins": {"https://nobody.example.com"}, "version": 7})
    registrar = register(local)
    registrar.put_scope(Scope("round", "Round", frozenset({"about"})))
    registrar.put_scope(Scope("about", "About", frozenset({"round"})))
    registrar.put_api(replace(_demo_api(local), audience="https://other.example.com", access_token_lifetime=2 * 3600))
    report = examined(valet, "--only", "clients scopes cors")
    assert "two-secrets has 2 live secrets" in found(report, "clients.secrets")
    assert "no-secret is confidential but has no secret" in found(report, "clients.secrets")
    assert "legacy_app_321 sends its secret in the form" in found(report, "clients.secrets")
    assert "Refresh tokens of long-lived live 400 d" in found(report, "clients.lifetimes")
    assert "https://other.example.com live 2 h" in found(report, "clients.lifetimes")
    assert "The client no-pkce (Old Grafana) may leave out PKCE" in found(report, "clients.pkce")
    assert "http://localhost/cb: localhost, a name that the device may resolve" in found(
        report, "clients.redirect-uris"
    )
    assert "odd-pkce" not in found(report, "clients.pkce")  # it may not, whatever is registered
    assert "odd-pkce: PKCE optional: only a confidential client" in found(report, "clients.registration")
    windows = found(report, "clients.retry-window")
    assert "no-window has no retry window" in windows
    assert "keeps-token" not in windows  # a lost answer costs it nothing
    assert "short-window has a retry window of 5 s, but the token function runs up to 10 s" in windows
    assert "long-window has a retry window of 290 s" in windows
    assert "demo-john is also the sub of an end-user" in found(report, "clients.impersonation")
    assert "lost-scope: scope gone: not registered" in found(report, "clients.registration")
    assert "public-job: grant type client_credentials" in found(report, "clients.registration")
    assert "long-lived: lifetimes" in found(report, "clients.registration")
    assert "silent is first-party, but end-users are asked for consent" in found(report, "clients.first-party")
    assert "trusted" not in found(report, "clients.first-party")  # its secret is its own
    assert "The scope round belongs to no protected API" in found(report, "scopes.owners")
    shared = (
        f"Scopes of the issuer belong to {valet.stack.audience} (profile) and to https://other.example.com (profile)"
    )
    assert shared in found(report, "scopes.owners")
    assert "items" not in found(report, "scopes.owners")
    assert "names profile, and only one API may name scopes of the issuer" in found(report, "scopes.registration")
    can_be_pasted(report, valet)
    assert "in a circle" in found(report, "scopes.registration")
    assert "one API only" in found(report, "scopes.registration")
    assert f"Preflights from {valet.stack.issuer} are refused, an origin of spa_demo" in found(report, "cors.union")
    assert "https://nobody.example.com are answered, an origin of no client" in found(report, "cors.union")


def test_functions_that_are_configured_wrong(valet: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = valet.stack.system.functions
    routes = {"GET /api/open": {"scopes": []}, "GET /api/admin": {"scopes": [], "roles": ["admin"]}}
    authorizer: Any = functions["AuthorizerFunction"].environment
    token: Any = functions["TokenFunction"].environment
    monkeypatch.setitem(authorizer, "ROUTES", json.dumps(routes))
    monkeypatch.setitem(authorizer, "ISSUER", "https://other.example.com")
    monkeypatch.setitem(authorizer, "AUDIENCE", "https://unregistered.example.com")
    for name, value in (("ACCESS_TOKEN_LIFETIME", "7200"), ("LOG_LEVEL", "ERROR"), ("RETRY_WINDOW", "0")):
        monkeypatch.setitem(token, name, value)
    route = next(route for api in valet.stack.system.apis for route in api.routes if route.authorizer)
    report_before = examined(valet, "--only", "authorizer")
    object.__setattr__(route.authorizer, "result_ttl", 300)
    try:
        report = examined(valet, "--only", "authorizer tokens audit clients.retry-window")
    finally:
        object.__setattr__(route.authorizer, "result_ttl", 0)
    assert found(report_before, "authorizer.cache") == ""
    text = found(report, "authorizer.routes")
    assert "The route GET /api/open asks for no scope" in text
    assert "only a role of admin" in text
    assert "trusts https://other.example.com" in text
    assert "unregistered.example.com is not a registered API" in text
    assert "caches the authorizer's answers for 300 s" in found(report, "authorizer.cache")
    assert "Access tokens live 7200 s" in found(report, "tokens.lifetime")
    assert "log from ERROR" in found(report, "audit.log-level")
    assert "The deployment has no retry window" in found(report, "clients.retry-window")
    levels = {"GET /a": ["urn:x:gold", "phr"], "GET /b": ["urn:valet:acr:password"], "GET /c": ["gold", "phr"]}
    asking = {route: {"scopes": ["x"], "acr": acr} for route, acr in levels.items()}
    monkeypatch.setitem(authorizer, "ROUTES", json.dumps(asking))
    text = found(examined(valet, "--only", "authorizer.step-up"), "authorizer.step-up")
    assert text.splitlines() == [
        "GET /a in ROUTES of the authorizer asks for the level phr or urn:x:gold, which no sign-in here reaches",
        "GET /b in ROUTES of the authorizer takes the level urn:valet:acr:password, and not urn:valet:acr:upstream or "
        "urn:valet:acr:multi-factor, which stands as high or higher",
        "GET /c in ROUTES of the authorizer asks for the level gold or phr, which no sign-in here reaches",
    ]  # the local stack on 127.0.0.1 has no passkeys
    monkeypatch.setitem(authorizer, "ROUTES", "nonsense")
    assert "ROUTES is not JSON" in found(examined(valet, "--only", "authorizer.routes"), "authorizer.routes")


def test_an_issuer_that_does_not_answer_or_is_another(valet: Operator, local: Deployment) -> None:
    local.__dict__["outputs"] = {**local.outputs, "Issuer": "http://127.0.0.1:9"}
    [first, *_] = [check for check in CHECKS if check.name == "metadata.reachable"]
    findings, _ = examine(Evidence(local, 0), [first])
    assert "does not answer" in findings[0].what
    findings, skipped = examine(Evidence(local, 0))
    assert {"metadata.issuer", "metadata.consistent", "metadata.key-set", "pages.headers"} <= {
        each.check for each in skipped
    }
    local.__dict__["outputs"] = {**local.outputs, "Issuer": valet.stack.issuer.replace("127.0.0.1", "127.1")}
    findings, _ = examine(Evidence(local, 0), [check for check in CHECKS if check.name == "metadata.issuer"])
    assert "names the issuer http://127.0.0.1" in findings[0].what


class _Lambda:
    """moto has no account settings."""

    def get_account_settings(self) -> dict[str, Any]:
        return {"AccountLimit": {"ConcurrentExecutions": 10}}


def test_what_only_aws_has_alarms_subscriptions_logs_and_quota(
    valet: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws: dict[str, Any] = {name: boto3.client(name) for name in ("cloudwatch", "sns", "logs")}
    cloudwatch, sns, logs = aws.values()
    topic, silent = (sns.create_topic(Name=name)["TopicArn"] for name in ("alarms", "silent"))
    alarm = {"Namespace": "Valet", "MetricName": "m", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
    more = {"ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum"}
    cloudwatch.put_metric_alarm(AlarmName="heard", AlarmActions=[topic], **alarm, **more)
    cloudwatch.put_metric_alarm(AlarmName="unheard", **alarm, **more)
    cloudwatch.put_metric_alarm(AlarmName="muted", ActionsEnabled=False, AlarmActions=[topic], **alarm, **more)
    for name in ("kept", "ending"):
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}")
    logs.put_retention_policy(logGroupName="/aws/lambda/ending", retentionInDays=90)
    deployment = Deployment(Where(stack="valet", region="us-east-1"), bytes, valet.clock)
    deployment.__dict__["outputs"] = {}
    deployment.__dict__["resources"] = (
        *(("AWS::CloudWatch::Alarm", name, name) for name in ("heard", "unheard", "muted", "deleted")),
        *(("AWS::SNS::Topic", name, name) for name in (topic, silent)),
        *(("AWS::Logs::LogGroup", name, f"/aws/lambda/{name}") for name in ("kept", "ending", "deleted")),
    )
    pending = {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}
    clients = {"lambda": _Lambda(), **aws}
    monkeypatch.setattr(deployment, "client", clients.__getitem__)
    monkeypatch.setattr(
        sns,
        "list_subscriptions_by_topic",
        lambda **asked: pending if asked["TopicArn"] == topic else {"Subscriptions": []},
    )
    findings, skipped = examine(Evidence(deployment, 0), account.CHECKS)
    assert skipped == []
    said = [finding.what for finding in findings]
    assert sorted(said) == sorted(
        [
            "The alarm unheard has no action",
            "The alarm muted is muted",
            "The alarm deleted is gone",
            f"A subscription to {topic} is not confirmed",
            f"The topic {silent} has no subscription",
            "/aws/lambda/kept never expires",
            "The log group /aws/lambda/deleted is gone",
            "The stack has no log group for the changes of operators",
            "The account runs at most 10 functions at once",
        ]
    )
    deployment.__dict__["resources"] = ()
    findings, skipped = examine(Evidence(deployment, 0), account.CHECKS)
    assert "The stack has no alarms" in [finding.what for finding in findings]
    assert {each.check for each in skipped} == {"alarms.heard", "logs.retention"}


def test_what_aws_will_not_say_is_told_and_keeps_no_other_check_from_its_turn(local: Deployment) -> None:
    local.__dict__["outputs"] = {**local.outputs, "UsersTable": "not-there"}
    checks = [check for check in CHECKS if check.name.startswith(("tables.", "clients.redirect"))]
    assert [check.name for check in checks if not check.name.startswith("tables.")] == ["clients.redirect-uris"]
    findings, skipped = examine(Evidence(local, 0), checks)
    assert [finding for finding in findings if finding.check.startswith("tables.")] == []
    assert {each.check for each in skipped} == {"tables.recovery", "tables.deletion-protection", "tables.expiry"}
    assert all("AWS did not answer" in each.reason for each in skipped)


def test_every_rule_of_rfc_9700_is_judged_by_what_the_checks_say() -> None:
    names = {check.name for check in CHECKS}
    assert {check for rule in rfc9700.RULES for check in rule.checks} <= names
    clean = {(row["section"], row["rule"]): row["status"] for row in rfc9700.judged([], [])}
    assert set(clean.values()) == {rfc9700.KEPT}
    finding = Finding("what", "why", "mend", check="clients.redirect-uris")
    rows = rfc9700.judged([finding], [Skipped("pages.headers", "out of reach")])
    by_rule = {row["rule"]: row["status"] for row in rows}
    assert by_rule["Redirect URIs are compared exactly"] == rfc9700.BROKEN
    assert by_rule["Pages cannot be framed"] == rfc9700.UNSEEN
    assert by_rule["No password grant"] == rfc9700.KEPT


def test_only_names_checks_and_an_unknown_one_is_refused_with_all_names(refused: Operator) -> None:
    assert "keys.kms" in refused("doctor", "--only", "nonsense", status=2).err
    assert refused.json("doctor", "--only", "keys.kms")["checks"] == ["keys.kms"]


def register(deployment: Deployment) -> Any:
    from valet.aws.dynamodb.registrar import Registrar

    return Registrar(deployment.registry)


def put(deployment: Deployment, client: Client) -> None:
    """Past every rule, as a script of somebody's may have done it."""
    idle, absolute = lifetimes_of(client.application_type)
    usual = client.refresh_absolute_lifetime == Client("", "").refresh_absolute_lifetime
    register(deployment).put_client(
        replace(client, refresh_idle_lifetime=idle, refresh_absolute_lifetime=absolute) if usual else client
    )


def _demo_api(deployment: Deployment) -> Any:
    from admin.records.register import Register

    apis = Register.of(deployment).scopes().apis.values()
    return next(api for api in apis if api.name == "Demo API")
