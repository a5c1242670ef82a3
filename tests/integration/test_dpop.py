"""DPoP at the token endpoint (RFC 9449 §5, §10): what binds a token to a key, and that a refusal spends nothing."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from valet.binding.proof import KnownKeys
from valet.jose import signed
from valet.protocol import dpop

from tests.integration.bound_tokens import SignedIn, bound_to, claims_of, grant_of, not_counted
from tests.integration.conftest import Issued, Redeemed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.dpop_client import DpopClient
from tests.support.key_holder import KeyHolder, with_proof
from tests.support.wire import Answer, refused

# -- binding -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_a_proof_binds_the_access_token_of_every_grant_type(
    deployment: Deployment, web_app: Application, service: Application, issued: Issued, alg: str
) -> None:
    holder = KeyHolder(deployment, alg)
    tokens = bound_to(holder.of(web_app).redeem(issued.code, issued.asked.code_verifier), holder)
    bound_to(holder.of(web_app).refresh(tokens["refresh_token"]), holder)
    bound_to(holder.of(service).client_credentials(scope="admin"), holder)


def test_without_a_proof_tokens_are_bearer_tokens(web_app: Application, service: Application, issued: Issued) -> None:
    for answer in (web_app.redeem(issued.code, issued.asked.code_verifier), service.client_credentials(scope="admin")):
        tokens = answer.json()
        assert tokens["token_type"] == "Bearer"
        assert "cnf" not in claims_of(tokens)
        assert "dpop-nonce" not in answer.headers


def test_the_refresh_token_of_a_public_client_is_bound(
    deployment: Deployment, owner: KeyHolder, bound: dict[str, Any]
) -> None:
    assert grant_of(deployment, bound["refresh_token"]).jkt == owner.jkt


def test_a_confidential_client_names_a_key_at_each_refresh(
    deployment: Deployment, web_app: Application, issued: Issued, owner: KeyHolder
) -> None:
    tokens = bound_to(owner.of(web_app).redeem(issued.code, issued.asked.code_verifier), owner)
    assert grant_of(deployment, tokens["refresh_token"]).jkt == ""
    other = KeyHolder(deployment)
    tokens = bound_to(other.of(web_app).refresh(tokens["refresh_token"]), other)
    assert web_app.refresh(tokens["refresh_token"]).json()["token_type"] == "Bearer"


def test_a_public_client_refreshes_with_its_key(
    mobile_app: Application, owner: KeyHolder, bound: dict[str, Any]
) -> None:
    for _ in range(3):
        bound = bound_to(owner.of(mobile_app).refresh(bound["refresh_token"]), owner)


# -- the duty (RFC 9449 §5.2) ------------------------------------------------------------------------------------------


def test_a_client_that_is_registered_for_bound_tokens_gets_no_other(
    deployment: Deployment, web_app: Application, issued: Issued, owner: KeyHolder
) -> None:
    deployment.change_client("web_app_123", dpop_bound_access_tokens=True)
    with not_counted(deployment, issued.code):
        refused(web_app.redeem(issued.code, issued.asked.code_verifier), 400, "invalid_dpop_proof")
    tokens = bound_to(owner.of(web_app).redeem(issued.code, issued.asked.code_verifier), owner)
    with not_counted(deployment, tokens["refresh_token"]):
        refused(web_app.refresh(tokens["refresh_token"]), 400, "invalid_dpop_proof")
    bound_to(owner.of(web_app).refresh(tokens["refresh_token"]), owner)


def test_the_duty_holds_for_a_clients_own_tokens(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    deployment.change_client("api_service_789", dpop_bound_access_tokens=True)
    with deployment.nothing_spent():
        refused(service.client_credentials(scope="admin"), 400, "invalid_dpop_proof")
    bound_to(owner.of(service).client_credentials(scope="admin"), owner)


# -- what is no good proof (RFC 9449 §4.3) -----------------------------------------------------------------------------


def _two(holder: KeyHolder) -> str:
    return f"{holder.proof_for()}, {holder.proof_for()}"


def _by_another_key(holder: KeyHolder) -> str:
    """The header names the holder's key, and another key signed."""
    other = DpopClient()
    return other.proof("POST", "https://id.example.com/token", iat=1_800_000_000, header={"jwk": holder.jwk})


def _private(holder: KeyHolder) -> str:
    return holder.proof("POST", "https://id.example.com/token", header={"jwk": holder.key.as_dict(private=True)})


def _unsigned(holder: KeyHolder) -> str:
    head, body, _ = holder.proof_for().split(".")
    return f"{head}.{body}."


BAD: dict[str, Callable[[KeyHolder], str]] = {
    "empty": lambda holder: "",
    "no JWT": lambda holder: "proof",
    "two proofs": _two,
    "too long": lambda holder: holder.proof_for(padding="x" * 4096),
    "another type": lambda holder: holder.proof("POST", "https://id.example.com/token", header={"typ": "at+jwt"}),
    "no type": lambda holder: holder.proof("POST", "https://id.example.com/token", header={"typ": None}),
    "no key": lambda holder: holder.proof("POST", "https://id.example.com/token", header={"jwk": None}),
    "a private key": _private,
    "another key": _by_another_key,
    "no signature": _unsigned,
    "crit": lambda holder: holder.proof("POST", "https://id.example.com/token", header={"crit": ["kid"], "kid": "x"}),
    "no jti": lambda holder: holder.proof_for(jti=None),
    "a long jti": lambda holder: holder.proof_for(jti="x" * 257),
    "half a surrogate pair": lambda holder: holder.proof_for(jti="\ud800"),
    "another method": lambda holder: holder.proof_for(htm="GET"),
    "no method": lambda holder: holder.proof_for(htm=None),  # type: ignore[arg-type]
    "another endpoint": lambda holder: holder.proof_for("/userinfo"),
    "another host": lambda holder: holder.proof("POST", "https://evil.example/token"),
    "plain http": lambda holder: holder.proof("POST", "http://id.example.com/token"),
    "too old": lambda holder: holder.proof_for(iat=1_800_000_000 - 61),
    "too far ahead": lambda holder: holder.proof_for(iat=1_800_000_000 + 31),
    "no time": lambda holder: holder.proof_for(iat=None),
    "expired": lambda holder: holder.proof_for(exp=1_800_000_000),
    "not yet valid": lambda holder: holder.proof_for(nbf=1_800_000_000 + 31),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_proof_is_refused_and_the_code_stays_good(
    deployment: Deployment,
    web_app: Application,
    issued: Issued,
    owner: KeyHolder,
    bad: Callable[[KeyHolder], str],
) -> None:
    with not_counted(deployment, issued.code):
        app = with_proof(web_app, bad(owner))
        refused(app.redeem(issued.code, issued.asked.code_verifier), 400, "invalid_dpop_proof")
    bound_to(owner.of(web_app).redeem(issued.code, issued.asked.code_verifier), owner)


def test_an_access_token_is_no_proof(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    with not_counted(deployment, redeemed.refresh_token):
        app = with_proof(web_app, redeemed.access_token)
        refused(app.refresh(redeemed.refresh_token), 400, "invalid_dpop_proof")


@pytest.mark.parametrize("seconds", [-60, 30])
def test_a_proof_is_accepted_to_the_last_second(service: Application, owner: KeyHolder, seconds: int) -> None:
    bound_to(owner.of(service, iat=1_800_000_000 + seconds).client_credentials(scope="admin"), owner)


def test_a_refusal_tells_the_developer_what_is_wrong(service: Application, owner: KeyHolder) -> None:
    answer = owner.of(service, path="/userinfo").client_credentials(scope="admin")
    assert answer.json()["error_description"] == (
        "The DPoP proof is not good: htu is another address. "
        "This request needs htm POST and htu https://id.example.com/token."
    )


# -- the code's key (RFC 9449 §10) -------------------------------------------------------------------------------------


def test_only_the_named_key_redeems_a_code(
    deployment: Deployment, john: SignedIn, web_app: Application, owner: KeyHolder, thief: KeyHolder
) -> None:
    code, verifier = john.code(web_app, dpop_jkt=owner.jkt)
    with not_counted(deployment, code):
        refused(web_app.redeem(code, verifier), 400, "invalid_grant")
        refused(thief.of(web_app).redeem(code, verifier), 400, "invalid_grant")
    bound_to(owner.of(web_app).redeem(code, verifier), owner)
    deployment.clock.advance(11)
    with not_counted(deployment, code):  # a second use, but not by the owner
        refused(thief.of(web_app).redeem(code, verifier), 400, "invalid_grant")


def test_the_key_is_named_in_a_posted_request_as_well(
    deployment: Deployment, browser: Browser, issued: Issued, web_app: Application, owner: KeyHolder, thief: KeyHolder
) -> None:
    asked = web_app.ask(dpop_jkt=owner.jkt)
    sent = {"content-type": "application/x-www-form-urlencoded"}
    answer = browser.follow(
        deployment.send("POST", f"{deployment.issuer}/authorize", sent, urlencode(asked.parameters).encode())
    )
    code = answer.answered["code"]
    with not_counted(deployment, code):
        refused(thief.of(web_app).redeem(code, asked.code_verifier), 400, "invalid_grant")
    bound_to(owner.of(web_app).redeem(code, asked.code_verifier), owner)


@pytest.mark.parametrize("dpop_jkt", ["x", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "="])
def test_a_thumbprint_that_is_none_is_refused(
    deployment: Deployment, browser: Browser, web_app: Application, dpop_jkt: str
) -> None:
    with deployment.nothing_spent():
        answer = browser.get(web_app.ask(dpop_jkt=dpop_jkt).url)
    assert answer.answered["error"] == "invalid_request"


def test_a_thief_who_redeems_a_code_first_loses_everything_when_its_owner_comes(
    deployment: Deployment, john: SignedIn, mobile_app: Application, owner: KeyHolder, thief: KeyHolder
) -> None:
    """The authorization request named no key, so the thief's own key was as good as any."""
    code, verifier = john.code(mobile_app)
    stolen = bound_to(thief.of(mobile_app).redeem(code, verifier), thief)
    deployment.clock.advance(11)
    refused(owner.of(mobile_app).redeem(code, verifier), 400, "invalid_grant")
    assert grant_of(deployment, code).revoked_at
    refused(thief.of(mobile_app).refresh(stolen["refresh_token"]), 400, "invalid_grant")


# -- a thief without the key (S6) --------------------------------------------------------------------------------------


def test_a_stolen_refresh_token_is_worth_nothing_without_its_key(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder, thief: KeyHolder, bound: dict[str, Any]
) -> None:
    second = bound_to(owner.of(mobile_app).refresh(bound["refresh_token"]), owner)["refresh_token"]
    third = bound_to(owner.of(mobile_app).refresh(second), owner)["refresh_token"]
    for _ in ("inside the window", "after it"):
        for token in (bound["refresh_token"], second, third):
            with not_counted(deployment, third):
                refused(mobile_app.refresh(token), 400, "invalid_grant")
                refused(thief.of(mobile_app).refresh(token), 400, "invalid_grant")
                refused(thief.of(mobile_app).refresh(token, scope="openid admin"), 400, "invalid_grant")
        deployment.clock.advance(61)
    assert "refresh.reused" not in deployment.audit.names
    bound_to(owner.of(mobile_app).refresh(third), owner)


def test_by_its_owner_a_second_use_is_theft_as_before(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder, bound: dict[str, Any]
) -> None:
    newest = bound_to(owner.of(mobile_app).refresh(bound["refresh_token"]), owner)["refresh_token"]
    deployment.clock.advance(61)
    refused(owner.of(mobile_app).refresh(bound["refresh_token"]), 400, "invalid_grant")
    assert grant_of(deployment, newest).revoked_at
    assert "refresh.reused" in deployment.audit.names


def test_revocation_needs_no_proof(deployment: Deployment, mobile_app: Application, bound: dict[str, Any]) -> None:
    assert mobile_app.revoke(bound["refresh_token"]).status == 200
    assert grant_of(deployment, bound["refresh_token"]).revoked_at


# -- a lost answer (S5) ------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_given_again_for_a_new_proof(
    mobile_app: Application, owner: KeyHolder, bound: dict[str, Any]
) -> None:
    first = bound_to(owner.of(mobile_app).refresh(bound["refresh_token"]), owner)
    again = bound_to(owner.of(mobile_app).refresh(bound["refresh_token"]), owner)
    assert again["refresh_token"] == first["refresh_token"]
    assert claims_of(again)["status"] == claims_of(first)["status"]


def test_a_retry_signs_for_the_key_of_its_own_request(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, owner: KeyHolder
) -> None:
    first = bound_to(owner.of(web_app).refresh(redeemed.refresh_token), owner)
    deployment.clock.advance(30)
    other = KeyHolder(deployment)
    again = bound_to(other.of(web_app).refresh(redeemed.refresh_token), other)
    assert again["refresh_token"] == first["refresh_token"]
    before, after = claims_of(first), claims_of(again)
    assert after["status"] == before["status"]
    assert after["exp"] <= before["exp"]


# -- one request, one use (S3) -----------------------------------------------------------------------------------------


def replayed(deployment: Deployment, send: Callable[[], Answer]) -> None:
    """The very request again: refused, and nothing changes."""
    with deployment.nothing_spent():
        refused(send(), 400, "invalid_dpop_proof")


def test_a_redemption_that_was_captured_is_good_once(
    deployment: Deployment, web_app: Application, issued: Issued, owner: KeyHolder
) -> None:
    app = owner.of(web_app)
    tokens = bound_to(app.redeem(issued.code, issued.asked.code_verifier), owner)
    refused(app.redeem(issued.code, issued.asked.code_verifier), 400, "invalid_grant")  # a double submit: ends nothing
    deployment.clock.advance(11)
    replayed(deployment, lambda: app.redeem(issued.code, issued.asked.code_verifier))
    bound_to(owner.of(web_app).refresh(tokens["refresh_token"]), owner)


def test_a_refresh_that_was_captured_is_good_once(
    deployment: Deployment, mobile_app: Application, owner: KeyHolder, bound: dict[str, Any]
) -> None:
    app = owner.of(mobile_app)
    second = bound_to(app.refresh(bound["refresh_token"]), owner)["refresh_token"]
    replayed(deployment, lambda: app.refresh(bound["refresh_token"]))  # a retry by the same bytes
    third = bound_to(owner.of(mobile_app).refresh(second), owner)["refresh_token"]
    replayed(deployment, lambda: app.refresh(bound["refresh_token"]))  # theft, by the captured bytes
    deployment.clock.advance(60)
    replayed(deployment, lambda: app.refresh(bound["refresh_token"]))
    deployment.clock.advance(1)
    replayed(deployment, lambda: app.refresh(bound["refresh_token"]))  # by now its time is over
    bound_to(owner.of(mobile_app).refresh(third), owner)


def test_a_request_for_a_clients_own_token_is_good_once(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    app = owner.of(service)
    bound_to(app.client_credentials(scope="admin"), owner)
    replayed(deployment, lambda: app.client_credentials(scope="admin"))


def test_a_refusal_spends_no_proof(
    deployment: Deployment, web_app: Application, issued: Issued, owner: KeyHolder
) -> None:
    app = owner.of(web_app)
    with not_counted(deployment, issued.code):
        refused(app.redeem(issued.code, "x" * 43), 400, "invalid_grant")
        refused(replace(app, secret="wrong").redeem(issued.code, issued.asked.code_verifier), 401, "invalid_client")
        refused(app.token(grant_type="password"), 400, "unsupported_grant_type")
    bound_to(app.redeem(issued.code, issued.asked.code_verifier), owner)


def test_a_proof_of_one_jti_may_come_from_two_keys(service: Application, owner: KeyHolder, thief: KeyHolder) -> None:
    """A stranger cannot spend another's proof before it is sent."""
    bound_to(thief.of(service, jti="same").client_credentials(scope="admin"), thief)
    bound_to(owner.of(service, jti="same").client_credentials(scope="admin"), owner)


def test_what_is_spent_is_kept_longer_than_the_proof_can_be_accepted(
    deployment: Deployment, service: Application, owner: KeyHolder
) -> None:
    app = owner.of(service, iat=int(deployment.clock.now) + 30)
    bound_to(app.client_credentials(scope="admin"), owner)
    spent = [item for item in deployment.everything() if item["pk"]["S"].startswith("once#")]
    assert [int(item["expires_at"]["N"]) for item in spent] == [int(deployment.clock.now) + 30 + 150]
    assert owner.jkt not in json.dumps(spent, default=str)


# -- data of the release before ----------------------------------------------------------------------------------------


def test_a_grant_of_the_release_before_goes_on_unbound(
    deployment: Deployment, john: SignedIn, mobile_app: Application, owner: KeyHolder
) -> None:
    tokens = mobile_app.redeem(*john.code(mobile_app)).json()
    assert grant_of(deployment, tokens["refresh_token"]).jkt == ""
    tokens = bound_to(owner.of(mobile_app).refresh(tokens["refresh_token"]), owner)
    assert mobile_app.refresh(tokens["refresh_token"]).json()["token_type"] == "Bearer"


# -- known keys --------------------------------------------------------------------------------------------------------


def test_a_key_that_is_known_verifies_each_proof_and_no_refused_proof_makes_one_known(
    deployment: Deployment,
    mobile_app: Application,
    owner: KeyHolder,
    bound: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys, stranger = KnownKeys(), KeyHolder(deployment)
    monkeypatch.setattr(dpop, "_KEYS", keys)

    def refuses(token: str, value: str, reason: str) -> None:
        with not_counted(deployment, token):
            answer = with_proof(mobile_app, value).refresh(token)
        refused(answer, 400, "invalid_dpop_proof")
        assert reason in answer.json()["error_description"]

    refuses(bound["refresh_token"], stranger.proof_for(header={"jwk": owner.jwk}), "not good: signature")
    assert len(keys) == 0
    tokens = bound_to(owner.of(mobile_app).refresh(bound["refresh_token"]), owner)
    assert len(keys) == 1
    # The stranger sends the very header that is known now.
    refuses(tokens["refresh_token"], stranger.proof_for(header={"jwk": owner.jwk}, jti="new"), "not good: signature")
    refuses(tokens["refresh_token"], stranger.proof_for(iat=int(deployment.clock()) - 600), "iat is more than 60 s ago")
    refuses(tokens["refresh_token"], stranger.proof_for(htm="GET"), "htm is another method")
    assert len(keys) == 1
    monkeypatch.setattr(signed, "key_in_header", pytest.fail)  # known: it is not built again
    bound_to(owner.of(mobile_app).refresh(tokens["refresh_token"]), owner)
