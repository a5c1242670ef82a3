"""`valet doctor` about what stands in front of the API: a way around it, and headers that it drops."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import boto3
import pytest
from valet.models.clients import Client

from admin.doctor import evidence as seen
from admin.doctor import examine, proxy
from admin.doctor.evidence import Answer, Evidence
from admin.doctor.findings import CannotLook, Finding, Skipped
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.conftest import Operator
from tests.support.nonce_key import dpop_nonces

ISSUER, OWN = "https://id.example.com", "https://abc.execute-api.eu-west-1.amazonaws.com"


@pytest.fixture
def local(valet: Operator) -> Deployment:
    return Deployment(Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2])), bytes, valet.clock)


def looked(evidence: Evidence, name: str) -> tuple[list[Finding], list[Skipped]]:
    return examine(evidence, [check for check in proxy.CHECKS if check.name == name])


@pytest.fixture
def put_proxy(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a proxy in front that drops a header on the way to the API, and drops or renames one on the way back."""
    real = seen.ask

    def put(*, to_api: str = "", to_client: str = "", as_: str = "", status: int = 0) -> None:
        def ask(origin: str, path: str, headers: Mapping[str, str] | None = None, form: str | None = None) -> Answer:
            kept = {name: value for name, value in (headers or {}).items() if name.lower() != to_api}
            answer = real(origin, path, kept, form)
            names = {name: as_ if name == to_client else name for name in answer.headers}
            passed = {names[name]: value for name, value in answer.headers.items() if names[name]}
            return replace(answer, headers=passed, status=status or answer.status)

        monkeypatch.setattr(seen, "ask", ask)
        monkeypatch.setattr(proxy, "ask", ask)

    return put


# -- the API's own address ---------------------------------------------------------------------------------------------


@pytest.fixture
def on_aws(local: Deployment, monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """A deployment on AWS with a proxy in front."""
    local.__dict__["outputs"] = {**local.outputs, "Issuer": ISSUER, "ApiUrl": OWN}
    monkeypatch.setattr(Evidence, "only_on_aws", lambda self, what: None)
    monkeypatch.setattr(Evidence, "environment", lambda self, function: {"BEHIND_PROXY": "true"})
    evidence = Evidence(local, 0)
    evidence.__dict__["clients"] = (Client("plain", "Plain"),)
    return evidence


def answer_there(monkeypatch: pytest.MonkeyPatch, status: int) -> list[str]:
    """The API's own address answers so. Returns what is asked."""
    asked: list[str] = []

    def ask(origin: str, path: str) -> Answer:
        asked.append(origin + path)
        return Answer(status, {}, b"")

    monkeypatch.setattr(proxy, "ask", ask)
    return asked


def test_an_open_address_is_a_way_around_the_proxy(on_aws: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer_there(monkeypatch, 200)
    [finding], skipped = looked(on_aws, "proxy.address")
    assert asked == [f"{OWN}/.well-known/openid-configuration"]
    assert (finding.is_error, skipped) == (True, [])
    assert OWN in finding.what
    assert "X-Forwarded-For" in finding.why
    assert "FAPI" not in finding.why
    assert "CustomDomain" in finding.mend


def test_for_clients_with_the_profile_it_is_wrong_without_a_proxy_too(
    on_aws: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_there(monkeypatch, 200)
    monkeypatch.setattr(Evidence, "environment", lambda self, function: {})
    [warned], _ = looked(on_aws, "proxy.address")
    assert not warned.is_error
    on_aws.__dict__["clients"] = (Client("held", "Held", profile="fapi2"),)
    [finding], _ = looked(on_aws, "proxy.address")
    assert finding.is_error
    assert "TLS 1.2" in finding.why


@pytest.mark.parametrize("status", [403, 404])
def test_a_closed_address_is_fine(on_aws: Evidence, monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    answer_there(monkeypatch, status)
    assert looked(on_aws, "proxy.address") == ([], [])


def test_an_issuer_at_the_apis_own_address_has_nothing_in_front(
    on_aws: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer_there(monkeypatch, 200)
    on_aws.deployment.__dict__["outputs"] = {**on_aws.deployment.outputs, "Issuer": OWN}
    assert looked(on_aws, "proxy.address") == ([], [])
    assert asked == []


def test_an_address_that_does_not_answer_is_not_called_closed(
    on_aws: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(origin: str, path: str) -> Answer:
        raise CannotLook(f"{origin}{path} does not answer: timed out")

    monkeypatch.setattr(proxy, "ask", ask)
    findings, [skipped] = looked(on_aws, "proxy.address")
    assert findings == []
    assert "does not answer" in skipped.reason


# -- headers -----------------------------------------------------------------------------------------------------------


def test_a_proxy_that_passes_every_header_on_is_fine(valet: Operator, local: Deployment) -> None:
    for clients in ("off", "public"):
        with dpop_nonces(valet.stack, clients):
            evidence = Evidence(local, valet.clock())
            assert looked(evidence, "proxy.challenge") == ([], [])
            assert looked(evidence, "proxy.proofs") == ([], [])


@pytest.mark.parametrize("renamed", ["", "x-amzn-remapped-www-authenticate"])
def test_a_challenge_that_does_not_arrive_is_found(
    valet: Operator, local: Deployment, put_proxy: Callable[..., None], renamed: str
) -> None:
    put_proxy(to_client="www-authenticate", as_=renamed)
    [finding], _ = looked(Evidence(local, valet.clock()), "proxy.challenge")
    assert finding.is_error
    assert "without WWW-Authenticate" in finding.what
    assert finding.what.endswith(f", as {renamed}") == bool(renamed)


def test_another_answer_of_userinfo_shows_nothing(
    valet: Operator, local: Deployment, put_proxy: Callable[..., None]
) -> None:
    put_proxy(status=404)
    findings, [skipped] = looked(Evidence(local, valet.clock()), "proxy.challenge")
    assert (findings, "answers 404" in skipped.reason) == ([], True)


@pytest.mark.parametrize("clients", ["off", "all"])
def test_a_proof_that_does_not_arrive_is_found(
    valet: Operator, local: Deployment, put_proxy: Callable[..., None], clients: str
) -> None:
    put_proxy(to_api="dpop")
    with dpop_nonces(valet.stack, clients):
        [finding], _ = looked(Evidence(local, valet.clock()), "proxy.proofs")
    assert "does not arrive at /token" in finding.what
    assert "the header DPoP" in finding.mend


def test_a_nonce_that_does_not_arrive_is_found(
    valet: Operator, local: Deployment, put_proxy: Callable[..., None]
) -> None:
    put_proxy(to_client="dpop-nonce", as_="x-amzn-remapped-dpop-nonce")
    with dpop_nonces(valet.stack, "public"):
        [finding], _ = looked(Evidence(local, valet.clock()), "proxy.proofs")
    assert "without DPoP-Nonce, as x-amzn-remapped-dpop-nonce" in finding.what


def test_an_answer_that_is_no_refusal_of_the_request_shows_nothing(
    valet: Operator, local: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "ask", lambda *asked: Answer(503, {}, b'{"error": "temporarily_unavailable"}'))
    findings, [skipped] = looked(Evidence(local, valet.clock()), "proxy.proofs")
    assert (findings, "answers 503" in skipped.reason) == ([], True)


def test_without_a_public_client_no_request_shows_it(local: Deployment) -> None:
    evidence = Evidence(local, 0)
    evidence.__dict__["clients"] = (
        Client("web", "Web", grant_types=frozenset({"authorization_code"})),
        Client(
            "old",
            "Old",
            token_endpoint_auth_method="none",
            grant_types=frozenset({"authorization_code"}),
            is_disabled=True,
        ),
    )
    findings, [skipped] = looked(evidence, "proxy.proofs")
    assert (findings, "public client" in skipped.reason) == ([], True)


def test_looking_changes_nothing(valet: Operator, local: Deployment) -> None:
    def everything() -> list[Any]:
        dynamodb = boto3.client("dynamodb")
        return [dynamodb.scan(TableName=name)["Items"] for name in valet.stack.tables.values()]

    before = everything()
    for clients in ("off", "public"):
        with dpop_nonces(valet.stack, clients):
            examine(Evidence(local, valet.clock()), proxy.CHECKS)
    assert everything() == before
