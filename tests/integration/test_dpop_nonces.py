"""The nonces of DPoP proofs at the token endpoint (RFC 9449 §8)."""

from collections.abc import Callable
from typing import Any

import pytest

from local.aws.calls import Call, refusal
from tests.integration.bound_tokens import SignedIn, bound_to, not_counted
from tests.integration.conftest import Issued
from tests.support.application import Application
from tests.support.deployment import BEGINNING, Deployment
from tests.support.key_holder import KeyHolder
from tests.support.wire import Answer, refused

SLOT = 300  # BEGINNING is the first second of one


def challenged(answer: Answer) -> str:
    """The nonce that the refused request needs."""
    refused(answer, 400, "use_dpop_nonce")
    return answer.headers["dpop-nonce"]


@pytest.fixture
def required(deployment: Deployment, nonce_key: str) -> None:
    deployment.restart(dpop_nonces="all", nonce_key=nonce_key)


@pytest.fixture
def for_public(deployment: Deployment, nonce_key: str) -> None:
    deployment.restart(dpop_nonces="public", nonce_key=nonce_key)


def _macs(deployment: Deployment, send: Callable[[], Answer]) -> int:
    with deployment.aws.recorded() as calls:
        send()
    return sum(call.action == "GenerateMac" for call in calls)


@pytest.mark.usefixtures("issued")
def test_the_first_proof_gets_a_nonce_and_the_second_is_good(
    deployment: Deployment, issued: Issued, web_app: Application, owner: KeyHolder, nonce_key: str
) -> None:
    deployment.restart(dpop_nonces="all", nonce_key=nonce_key)
    code, verifier = issued.code, issued.asked.code_verifier
    with not_counted(deployment, code):
        nonce = challenged(owner.of(web_app).redeem(code, verifier))
    answer = owner.of(web_app, nonce=nonce).redeem(code, verifier)
    refresh_token = bound_to(answer, owner)["refresh_token"]
    assert "dpop-nonce" not in answer.headers  # it had the current one
    with not_counted(deployment, refresh_token):
        assert challenged(owner.of(web_app).refresh(refresh_token)) == nonce
        challenged(owner.of(web_app, nonce="of-another-server").refresh(refresh_token))
    bound_to(owner.of(web_app, nonce=nonce).refresh(refresh_token), owner)


@pytest.mark.usefixtures("required")
def test_a_refusal_for_the_nonce_spends_no_proof(
    deployment: Deployment, service: Application, owner: KeyHolder, nonce_key: str
) -> None:
    app = owner.of(service)
    with deployment.nothing_spent():
        challenged(app.client_credentials(scope="admin"))
    deployment.restart()  # nonces off: only now the very same proof is good
    bound_to(app.client_credentials(scope="admin"), owner)


def test_only_public_clients_need_one(
    deployment: Deployment,
    john: SignedIn,
    service: Application,
    mobile_app: Application,
    owner: KeyHolder,
    nonce_key: str,
) -> None:
    code, verifier = john.code(mobile_app)
    deployment.restart(dpop_nonces="public", nonce_key=nonce_key)
    with not_counted(deployment, code):
        nonce = challenged(owner.of(mobile_app).redeem(code, verifier))
    bound_to(owner.of(mobile_app, nonce=nonce).redeem(code, verifier), owner)
    answer = owner.of(service).client_credentials(scope="admin")
    bound_to(answer, owner)
    assert answer.headers["dpop-nonce"] == nonce  # an answer brings it to any client
    assert "dpop-nonce" not in service.client_credentials(scope="admin").headers  # but not where there is no proof


@pytest.mark.usefixtures("for_public")
def test_a_confidential_clients_nonce_has_to_be_ours_too(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    with deployment.nothing_spent():
        nonce = challenged(owner.of(service, nonce="of-another-server").client_credentials(scope="admin"))
    bound_to(owner.of(service, nonce=nonce).client_credentials(scope="admin"), owner)


@pytest.mark.parametrize("seconds", [-3600, -61, 31, 86_400])
@pytest.mark.usefixtures("for_public")
def test_a_client_whose_clock_is_wrong_is_let_in_by_the_nonce(
    deployment: Deployment, service: Application, owner: KeyHolder, seconds: int
) -> None:
    iat = int(BEGINNING) + seconds
    with deployment.nothing_spent():
        nonce = challenged(owner.of(service, iat=iat).client_credentials(scope="admin"))
    bound_to(owner.of(service, iat=iat, nonce=nonce).client_credentials(scope="admin"), owner)


@pytest.mark.usefixtures("required")
def test_a_clock_that_is_more_than_a_day_ahead_is_refused_also_with_the_nonce(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))
    with deployment.nothing_spent():
        answer = owner.of(service, nonce=nonce, iat=int(BEGINNING) + 86_401).client_credentials(scope="admin")
        refused(answer, 400, "invalid_dpop_proof")


def test_a_proof_that_a_nonce_let_in_early_is_used_up_when_its_time_comes(
    deployment: Deployment, service: Application, owner: KeyHolder, nonce_key: str
) -> None:
    deployment.restart(dpop_nonces="all", nonce_key=nonce_key)
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))
    captured = owner.of(service, nonce=nonce, iat=int(BEGINNING) + 7200)
    bound_to(captured.client_credentials(scope="admin"), owner)
    kept = [item for item in deployment.everything() if item["pk"]["S"].startswith("once#")]
    assert [item["expires_at"]["N"] for item in kept] == [str(int(BEGINNING) + 7200 + 150)]
    deployment.restart()  # nonces off: the proof is judged by its time alone
    deployment.clock.advance(7200)
    with deployment.nothing_spent():
        refused(captured.client_credentials(scope="admin"), 400, "invalid_dpop_proof")


@pytest.mark.usefixtures("required")
def test_a_nonce_does_not_make_an_expired_proof_good(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))
    late: dict[str, Any] = {"exp": int(BEGINNING)}
    early: dict[str, Any] = {"nbf": int(BEGINNING) + 31}
    for claims in (late, early):
        with deployment.nothing_spent():
            answer = owner.of(service, nonce=nonce, **claims).client_credentials(scope="admin")
            refused(answer, 400, "invalid_dpop_proof")


@pytest.mark.usefixtures("required")
def test_a_nonce_is_good_in_its_slot_and_the_next(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))
    for now, brings in ((SLOT - 1, False), (SLOT, True), (2 * SLOT - 1, True)):
        deployment.clock.now = BEGINNING + now
        answer = owner.of(service, nonce=nonce).client_credentials(scope="admin")
        bound_to(answer, owner)
        assert ("dpop-nonce" in answer.headers) == brings
    deployment.clock.now = BEGINNING + 2 * SLOT
    with deployment.nothing_spent():
        assert challenged(owner.of(service, nonce=nonce).client_credentials(scope="admin")) != nonce


@pytest.mark.usefixtures("required")
def test_the_next_slots_nonce_is_good_five_seconds_early(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    deployment.clock.now = BEGINNING + SLOT
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))  # by an environment whose clock is ahead
    deployment.clock.now = BEGINNING + SLOT - 5
    bound_to(owner.of(service, nonce=nonce).client_credentials(scope="admin"), owner)
    deployment.clock.now = BEGINNING + SLOT - 6
    with deployment.nothing_spent():
        challenged(owner.of(service, nonce=nonce).client_credentials(scope="admin"))


@pytest.mark.usefixtures("required")
def test_every_environment_has_the_same_nonce_and_asks_once_a_slot(
    deployment: Deployment, service: Application, owner: KeyHolder, nonce_key: str
) -> None:
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))
    deployment.restart(dpop_nonces="all", nonce_key=nonce_key)
    assert _macs(deployment, lambda: owner.of(service).client_credentials(scope="admin")) == 1
    assert _macs(deployment, lambda: owner.of(service).client_credentials(scope="admin")) == 0
    assert _macs(deployment, lambda: service.client_credentials(scope="admin")) == 0
    bound_to(owner.of(service, nonce=nonce).client_credentials(scope="admin"), owner)


def test_nonces_that_are_off_are_not_looked_at(deployment: Deployment, service: Application, owner: KeyHolder) -> None:
    """Clients go on sending the last nonce that they saw."""
    with deployment.aws.recorded() as calls:
        answer = owner.of(service, nonce="the-last-one").client_credentials(scope="admin")
    bound_to(answer, owner)
    assert "dpop-nonce" not in answer.headers
    assert "GenerateMac" not in {call.action for call in calls}


@pytest.mark.usefixtures("required")
def test_a_proof_with_a_nonce_is_good_once_until_the_nonce_is_old(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))
    app = owner.of(service, nonce=nonce)
    bound_to(app.client_credentials(scope="admin"), owner)
    for now in (0, 61, SLOT, 2 * SLOT - 1):
        deployment.clock.now = BEGINNING + now
        with deployment.nothing_spent():
            refused(app.client_credentials(scope="admin"), 400, "invalid_dpop_proof")
    spent = [item for item in deployment.everything() if item["pk"]["S"].startswith("once#")]
    assert [int(item["expires_at"]["N"]) for item in spent] == [int(BEGINNING) + 660]


@pytest.mark.usefixtures("required")
def test_later_refusals_bring_the_nonce_too(deployment: Deployment, service: Application, owner: KeyHolder) -> None:
    nonce = challenged(owner.of(service).client_credentials(scope="admin"))
    deployment.clock.now = BEGINNING + SLOT
    answer = owner.of(service, nonce=nonce).client_credentials(scope="nothing")
    refused(answer, 400, "invalid_scope")
    assert answer.headers["dpop-nonce"] != nonce


# -- KMS cannot be asked -----------------------------------------------------------------------------------------------


def _without_macs(deployment: Deployment, send: Callable[[], Answer]) -> Answer:
    def deny(call: Call, forward: Callable[[], Any]) -> Any:
        return refusal("AccessDeniedException") if call.action == "GenerateMac" else forward()

    with deployment.aws.intercept(deny):
        return send()


@pytest.mark.parametrize("nonce", [None, "any"])
@pytest.mark.usefixtures("required")
def test_where_a_nonce_is_required_there_is_no_answer_without_it(
    deployment: Deployment, owner: KeyHolder, nonce: str | None
) -> None:
    service = Application(_to(deployment), deployment.issuer, "api_service_789", "api_secret_abc")
    with deployment.nothing_spent():
        answer = _without_macs(deployment, lambda: owner.of(service, nonce=nonce).client_credentials(scope="admin"))
    refused(answer, 503, "temporarily_unavailable")


@pytest.mark.parametrize("nonce", [None, "any"])
@pytest.mark.usefixtures("for_public")
def test_where_none_is_required_the_proof_is_judged_by_its_time(
    deployment: Deployment, service: Application, owner: KeyHolder, nonce: str | None
) -> None:
    answer = _without_macs(deployment, lambda: owner.of(service, nonce=nonce).client_credentials(scope="admin"))
    bound_to(answer, owner)
    assert "dpop-nonce" not in answer.headers
    [(_, fields)] = [each for each in deployment.audit.events if each[0] == "nonce.failed"]
    assert "AccessDeniedException" in str(fields["detail"])
    old = owner.of(service, nonce=nonce, iat=int(BEGINNING) - 61)
    with deployment.nothing_spent():
        refused(_without_macs(deployment, lambda: old.client_credentials(scope="admin")), 400, "invalid_dpop_proof")


def _to(deployment: Deployment) -> Callable[..., Answer]:
    """Hands on a 503, which Deployment.send takes for a defect."""

    def send(method: str, url: str, headers: Any = None, body: bytes = b"") -> Answer:
        return deployment.invoke(deployment.event(method, url, headers, body))

    return send
