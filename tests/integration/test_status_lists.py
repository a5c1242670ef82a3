"""GET /status-lists/{id} and /status-lists: what is revoked, signed and compressed (draft-ietf-oauth-status-list)."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections import Counter
from types import SimpleNamespace
from typing import Any

import boto3
import jwt
import pytest
from valet.models.clients import ProtectedApi
from valet.models.status_lists import Lease, StatusListContent
from valet.tokens import status_list
from valet.tokens.status_index import list_ends_at, list_id_at
from valet.tokens.status_list import LIFETIME

from admin.records import revocation
from admin.records.people import revoked
from admin.records.scans import ScannedTable
from local.gateway.http_events import HttpResponse, response_of
from tests.integration.conftest import Redeemed
from tests.support.application import Application
from tests.support.browser import Browser
from tests.support.deployment import Deployment
from tests.support.wire import Answer

LEAST_LENGTH = 1 << 20


def reference(token: str) -> tuple[str, int]:
    status = jwt.decode(token, options={"verify_signature": False})["status"]["status_list"]
    return status["uri"], status["idx"]


def fetch(deployment: Deployment, uri: str, **headers: str) -> Answer:
    return deployment.send("GET", uri, {name.replace("_", "-"): value for name, value in headers.items()})


def claims_of(deployment: Deployment, answer: Answer) -> dict[str, Any]:
    """The list's claims, its signature verified with the published key."""
    assert answer.status == 200, answer
    header = jwt.get_unverified_header(answer.body)
    keys = deployment.send("GET", f"{deployment.issuer}/.well-known/jwks.json").json()["keys"]
    (jwk,) = [key for key in keys if key["kid"] == header["kid"]]
    assert header == {"alg": "RS256", "kid": jwk["kid"], "typ": "statuslist+jwt"}
    # The clock of these tests stands in the future.
    claims: dict[str, Any] = jwt.decode(answer.body, jwt.PyJWK(jwk), ["RS256"], options={"verify_iat": False})
    return claims


def bits_of(deployment: Deployment, uri: str) -> bytes:
    """The list, inflated, as it is served when what functions hold is at most a second old."""
    deployment.clock.advance(1)
    listed = claims_of(deployment, fetch(deployment, uri))["status_list"]
    assert listed["bits"] == 1
    return zlib.decompress(base64.urlsafe_b64decode(listed["lst"] + "=="))


def revoked_in(deployment: Deployment, uri: str) -> set[int]:
    bits = bits_of(deployment, uri)
    return {8 * at + bit for at, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1}


def length_of(deployment: Deployment, uri: str) -> int:
    return 8 * len(bits_of(deployment, uri))


def is_revoked(deployment: Deployment, token: str) -> bool:
    uri, idx = reference(token)
    return idx in revoked_in(deployment, uri)


def current_list(deployment: Deployment) -> str:
    return f"{deployment.issuer}/status-lists/{list_id_at(int(deployment.clock.now) + 900)}"


# -- how it is served --------------------------------------------------------------------------------------------------


def test_a_list_is_a_signed_jwt_about_its_own_address(deployment: Deployment, redeemed: Redeemed) -> None:
    uri, _ = reference(redeemed.access_token)
    answer = fetch(deployment, uri)
    assert answer.headers["content-type"] == "application/statuslist+jwt"
    assert answer.headers["cache-control"] == "public, max-age=1"
    assert answer.headers["access-control-allow-origin"] == "*"
    claims = claims_of(deployment, answer)
    now = int(deployment.clock.now)
    assert {name: claims[name] for name in ("iss", "sub", "iat", "exp", "ttl")} == {
        "iss": deployment.issuer,
        "sub": uri,
        "iat": now,
        "exp": now + 600,
        "ttl": 2,
    }
    assert set(claims) == {"iss", "sub", "iat", "exp", "ttl", "status_list"}


def test_a_list_has_room_for_a_million_tokens_before_the_first_and_tells_nobody_how_many(
    deployment: Deployment,
) -> None:
    uri = current_list(deployment)
    assert len(fetch(deployment, uri).body) < 1000
    assert length_of(deployment, uri) == LEAST_LENGTH
    lists = deployment.server.status_lists
    lists.lease("web_app_123", uri.rpartition("/")[2], LEAST_LENGTH // 2, 2_000_000_000)
    assert length_of(deployment, uri) == LEAST_LENGTH
    assert not revoked_in(deployment, uri)


def test_a_list_doubles_when_half_of_it_is_leased(deployment: Deployment) -> None:
    uri = current_list(deployment)
    list_id, lists = uri.rpartition("/")[2], deployment.server.status_lists
    lists.lease("web_app_123", list_id, LEAST_LENGTH // 2 + 1, 2_000_000_000)
    assert length_of(deployment, uri) == 2 * LEAST_LENGTH
    lists.lease("web_app_123", list_id, LEAST_LENGTH, 2_000_000_000)
    assert length_of(deployment, uri) == 4 * LEAST_LENGTH


def raw(deployment: Deployment, uri: str, **headers: str) -> HttpResponse:
    """The answer with its bytes as they are."""
    event = deployment.event("GET", uri, {name.replace("_", "-"): value for name, value in headers.items()})
    return response_of(deployment._functions["status_list"].handler(event, None))


def test_who_takes_gzip_is_given_gzip_and_caches_are_told_so(deployment: Deployment) -> None:
    uri = current_list(deployment)
    packed = raw(deployment, uri, accept_encoding="br, gzip;q=0.9")
    assert dict(packed.headers)["content-encoding"] == "gzip"
    plain = fetch(deployment, uri)
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed.body).decode() == plain.body
    for headers in (dict(packed.headers), plain.headers):
        assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["gzip", "GZIP", "deflate,gzip ; q=0.001", "*;q=0, gzip"])
def test_gzip_is_what_accept_encoding_names_whatever_else_it_says(deployment: Deployment, accepted: str) -> None:
    packed = raw(deployment, current_list(deployment), accept_encoding=accepted)
    assert dict(packed.headers)["content-encoding"] == "gzip"


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "gzip ; q=0.000", "br, gzip; q=0.0", "x-gzip-not", "*"])
def test_who_does_not_take_gzip_is_given_the_token_itself(deployment: Deployment, accepted: str) -> None:
    assert "content-encoding" not in fetch(deployment, current_list(deployment), accept_encoding=accepted).headers


def test_who_holds_the_current_content_is_told_so_in_every_process(deployment: Deployment) -> None:
    uri = current_list(deployment)
    etag = fetch(deployment, uri).headers["etag"]
    deployment.restart()
    again = fetch(deployment, uri, if_none_match=f'"other", {etag}')
    assert (again.status, again.body) == (304, "")
    assert again.headers["etag"] == etag
    assert again.headers["cache-control"] == "public, max-age=1"
    assert fetch(deployment, uri, if_none_match='"other"').status == 200
    assert fetch(deployment, uri, if_none_match=etag[1:-1]).status == 200


def test_the_etag_changes_with_the_content(deployment: Deployment, web_app: Application, redeemed: Redeemed) -> None:
    uri, idx = reference(redeemed.access_token)
    etag = fetch(deployment, uri).headers["etag"]
    web_app.revoke(redeemed.access_token)
    deployment.clock.advance(1)
    answer = fetch(deployment, uri, if_none_match=etag)
    assert answer.status == 200
    assert answer.headers["etag"] != etag
    assert revoked_in(deployment, uri) == {idx}


def test_a_head_has_the_headers_and_other_methods_are_refused(deployment: Deployment) -> None:
    uri = current_list(deployment)
    assert deployment.send("HEAD", uri).headers["content-type"] == "application/statuslist+jwt"
    answer = deployment.send("POST", uri)
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


# -- what it costs to be asked -----------------------------------------------------------------------------------------


def test_a_list_is_read_at_most_once_a_second_and_signed_once_however_often_it_is_asked_for(
    deployment: Deployment,
) -> None:
    uri = current_list(deployment)
    fetch(deployment, f"{deployment.issuer}/.well-known/jwks.json")
    with deployment.aws.recorded() as calls:
        for _ in range(20):
            fetch(deployment, uri)
            deployment.clock.advance(0.25)
    asked = Counter((call.action, call.partition_prefix) for call in calls)
    assert asked["Query", "status#"] == 5
    assert asked["Sign", None] == 1


def test_a_list_is_signed_again_when_its_content_changed_or_half_its_lifetime_is_gone(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    uri, _ = reference(redeemed.access_token)

    def signatures(seconds: int, *, step: int = 10) -> int:
        with deployment.aws.recorded() as calls:
            for _ in range(0, seconds, step):
                fetch(deployment, uri)
                deployment.clock.advance(step)
        return sum(call.action == "Sign" for call in calls)

    assert deployment.clock.now % LIFETIME == 0
    assert signatures(LIFETIME // 2) == 1
    assert signatures(LIFETIME // 2) == 1
    web_app.revoke(redeemed.access_token)
    assert signatures(100) == 1  # the next half has begun as well: both together are one reason
    web_app.revoke(redeemed.access_token)
    assert signatures(100) == 0


def test_whoever_holds_a_list_is_given_a_fresh_signature_before_its_own_is_over(deployment: Deployment) -> None:
    """By asking with its ETag alone, as every verifier does."""
    uri = current_list(deployment)
    etag, exp = "", 0
    for _ in range(300):
        answer = fetch(deployment, uri, if_none_match=etag)
        if answer.status == 200:
            etag, exp = answer.headers["etag"], claims_of(deployment, answer)["exp"]
        assert exp > deployment.clock.now + 60
        deployment.clock.advance(5)


def test_a_list_is_compressed_once_while_its_content_stays(
    deployment: Deployment, web_app: Application, redeemed: Redeemed, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, _ = reference(redeemed.access_token)
    contents: list[StatusListContent] = []
    compress = status_list.compressed

    def recorded(content: StatusListContent) -> str:
        contents.append(content)
        return compress(content)

    monkeypatch.setattr(status_list, "compressed", recorded)

    def made(times: int) -> int:
        contents.clear()
        for _ in range(times):
            fetch(deployment, uri)
            deployment.clock.advance(1)
        return len(contents)

    assert made(5) == 1
    deployment.server.status_lists.lease("web_app_123", uri.rpartition("/")[2], 256, 2_000_000_000)
    assert made(5) == 0  # a leased block is not seen in the list
    web_app.revoke(redeemed.access_token)
    assert made(5) == 1


@pytest.mark.parametrize(
    "list_id",
    [
        "0",
        "aaaaaaaa",
        "zzzzzzzzzzzzzz",
        "A0ST",
        "%2e%2e",
        "1/2",
        "0bvk0",
        "-1",
        "-5",
        "+bvk0",
        "1_0",
        "%D9%A3",
        "9" * 5000,
    ],
)
def test_an_unknown_list_is_404_and_nobody_is_asked(deployment: Deployment, list_id: str) -> None:
    with deployment.aws.recorded() as calls:
        answer = fetch(deployment, f"{deployment.issuer}/status-lists/{list_id}")
    assert answer.status == 404
    assert not calls


def test_only_lists_of_tokens_that_may_live_are_served(deployment: Deployment) -> None:
    now = int(deployment.clock.now)
    at = {hours: f"{deployment.issuer}/status-lists/{list_id_at(now + 3600 * hours)}" for hours in (-2, -1, 0, 24, 25)}
    deployment.clock.advance(299)  # a verifier's clock may be late
    assert {hours: fetch(deployment, uri).status for hours, uri in at.items()} == {
        -2: 404,
        -1: 200,
        0: 200,
        24: 200,
        25: 404,
    }
    deployment.clock.advance(1)
    assert fetch(deployment, at[-1]).status == 404


def test_lists_of_other_times_are_not_kept(deployment: Deployment) -> None:
    uri = current_list(deployment)
    with deployment.aws.recorded() as calls:
        assert fetch(deployment, f"{uri}?time=1800000000").status == 404
    assert not calls


# -- the aggregation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", ["openid-configuration", "oauth-authorization-server"])
def test_the_metadata_announces_the_aggregation(deployment: Deployment, document: str) -> None:
    metadata = deployment.send("GET", f"{deployment.issuer}/.well-known/{document}").json()
    assert metadata["status_list_aggregation_endpoint"] == f"{deployment.issuer}/status-lists"


def test_the_aggregation_names_every_list_that_a_token_can_be_in_and_each_is_served(
    deployment: Deployment, redeemed: Redeemed
) -> None:
    answer = fetch(deployment, f"{deployment.issuer}/status-lists")
    assert answer.headers["content-type"] == "application/json"
    uris = answer.json()["status_lists"]
    assert reference(redeemed.access_token)[0] in uris
    assert [fetch(deployment, uri).status for uri in uris] == [200] * len(uris)


def test_the_aggregation_reaches_as_far_as_the_longest_lifetime(deployment: Deployment) -> None:
    api = ProtectedApi("https://long.example/api", "Long", frozenset({"long"}), access_token_lifetime=7200)
    deployment.registrar.put_api(api)
    deployment.restart()
    uris = fetch(deployment, f"{deployment.issuer}/status-lists").json()["status_lists"]
    assert [list_ends_at(uri.rpartition("/")[2]) - deployment.clock.now for uri in uris] == [3600, 7200, 10_800]


# -- every revocation reaches it ---------------------------------------------------------------------------------------


def test_a_revoked_token_is_in_the_list_and_its_grants_other_tokens_are_not(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    deployment.clock.advance(60)  # sooner, the two would share a place
    second = web_app.refresh(redeemed.refresh_token).json()
    assert web_app.revoke(redeemed.access_token).status == 200
    uri, idx = reference(redeemed.access_token)
    assert revoked_in(deployment, uri) == {idx}
    assert not is_revoked(deployment, second["access_token"])


def test_all_access_tokens_of_a_revoked_grant_are_in_the_list(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    tokens = [redeemed.tokens]
    for _ in range(4):
        deployment.clock.advance(61)
        tokens.append(web_app.refresh(tokens[-1]["refresh_token"]).json())
    assert web_app.revoke(tokens[-1]["refresh_token"]).status == 200
    uri, _ = reference(redeemed.access_token)
    assert revoked_in(deployment, uri) == {reference(each["access_token"])[1] for each in tokens}


def test_a_service_ends_its_own_token(deployment: Deployment, service: Application) -> None:
    token, other = (service.client_credentials(scope="admin").json()["access_token"] for _ in range(2))
    service.revoke(token)
    assert is_revoked(deployment, token)
    assert not is_revoked(deployment, other)


def test_all_that_was_leased_to_a_revoked_client_is_in_the_list_and_no_others(
    deployment: Deployment, web_app: Application, service: Application, redeemed: Redeemed
) -> None:
    ours = service.client_credentials(scope="admin").json()["access_token"]
    lists = deployment.server.status_lists
    blocks = lists.leases("api_service_789")
    lists.put_ranges(blocks)
    uri, idx = reference(ours)
    assert revoked_in(deployment, uri) == {at for block in blocks for at in range(block.start, block.start + 256)}
    assert idx in revoked_in(deployment, uri)
    assert not is_revoked(deployment, redeemed.access_token)


def test_a_range_and_bits_within_it_are_one_content(deployment: Deployment) -> None:
    uri = current_list(deployment)
    list_id, lists = uri.rpartition("/")[2], deployment.server.status_lists
    block = lists.lease("web_app_123", list_id, 20, 2_000_000_000)
    assert isinstance(block, Lease)
    lists.put_ranges((block, block))
    assert revoked_in(deployment, uri) == set(range(20))


def test_all_access_tokens_of_a_person_who_signs_out_are_in_the_list(
    deployment: Deployment, browser: Browser, web_app: Application
) -> None:
    asked = web_app.ask(scope="openid profile")
    code = browser.decide(browser.sign_in(browser.open(asked.url))).answered["code"]
    tokens = web_app.redeem(code, asked.code_verifier).json()
    assert not is_revoked(deployment, tokens["access_token"])
    answer = deployment.send(
        "GET",
        f"{deployment.issuer}/logout?id_token_hint={tokens['id_token']}",
        {"cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())},
    )
    assert answer.status in (200, 303)
    assert is_revoked(deployment, tokens["access_token"])


def test_all_access_tokens_of_a_person_whom_an_operator_ends_are_in_the_list(
    deployment: Deployment, redeemed: Redeemed
) -> None:
    account = deployment.users().find_account("demo-john")
    assert account is not None
    now = deployment.clock.now
    server: Any = deployment.server  # the same ports under the same names, as admin.Deployment has them
    dynamodb, settings = boto3.client("dynamodb"), deployment.settings
    grants, registry = (
        ScannedTable(dynamodb, name, open_log=lambda: None) for name in (settings.grants_table, settings.registry_table)
    )
    stores: Any = SimpleNamespace(
        clock=deployment.clock,
        grants=server.grants,
        status_lists=server.status_lists,
        random=server.random,
        audit=server.audit,
        registry=registry,
        grants_table=grants,
    )
    # The account as an operator's write leaves it: of a later epoch than the grant.
    assert revocation.end_person(stores, account, now) == revocation.Ended()
    assert not is_revoked(deployment, redeemed.access_token)
    assert revocation.end_person(stores, revoked(account, now), now) == revocation.Ended(grants=1)
    assert is_revoked(deployment, redeemed.access_token)


def test_a_stolen_refresh_token_used_again_takes_the_access_tokens_with_it(
    deployment: Deployment, web_app: Application, redeemed: Redeemed
) -> None:
    second = web_app.refresh(redeemed.refresh_token).json()
    third = web_app.refresh(second["refresh_token"]).json()
    deployment.clock.advance(61)
    assert web_app.refresh(redeemed.refresh_token).error == "invalid_grant"
    for token in (redeemed.access_token, second["access_token"], third["access_token"]):
        assert is_revoked(deployment, token)
