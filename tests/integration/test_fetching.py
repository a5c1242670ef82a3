"""The function that goes to addresses which strangers choose: what it takes, what it keeps, and how often it goes (M7,
M8).
"""

from __future__ import annotations

import gzip
import json
import ssl
from typing import Any

import pytest

from tests.parts.outbound.internet import page
from tests.support.strangers import CLAUDE, JSON, PUBLIC, Strangers, document

OTHER = "https://example.net/client.json"
BODY = json.dumps(document()).encode()


def kept(unknown: Strangers) -> list[dict[str, Any]]:
    """The members of every document that is kept."""
    return [json.loads(item["body"]["S"]) for item in unknown.stored() if "body" in item]


@pytest.fixture(autouse=True)
def _nothing_else_is_written(unknown: Strangers, request: pytest.FixtureRequest) -> Any:
    """Whatever a document is, nothing but it and the counters changes."""
    with unknown.deployment.nothing_spent(but=("document#", None)):  # None: the tests' own scans
        yield


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
        *(
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:a00:1",
            "64:ff9b::7f00:1",
            "2606:2800:220:1::1",
            "224.0.0.1",
            "192.88.99.1",
        ),
    ],
)
def test_a_name_that_leads_to_another_address_than_a_public_one_is_not_connected_to(
    unknown: Strangers, address: str
) -> None:
    unknown.publish()
    unknown.internet.names["claude.ai"] = [[address]]
    assert unknown.invoke(CLAUDE) == "unreachable"
    assert (unknown.internet.connected, kept(unknown)) == ([], [])


@pytest.mark.parametrize("addresses", [[PUBLIC, "10.0.0.1"], ["169.254.169.254", PUBLIC], []])
def test_one_address_that_is_not_public_refuses_the_name(unknown: Strangers, addresses: list[str]) -> None:
    unknown.publish()
    unknown.internet.names["claude.ai"] = [addresses]
    assert unknown.invoke(CLAUDE) == "unreachable"
    assert (unknown.internet.connected, kept(unknown)) == ([], [])


def test_a_name_that_leads_inside_at_the_second_look_up_is_looked_up_once(unknown: Strangers) -> None:
    """DNS rebinding."""
    unknown.publish()
    own = unknown.internet.names["claude.ai"][0]
    unknown.internet.names["claude.ai"] = [own, ["169.254.169.254"]]
    assert unknown.invoke(CLAUDE) == "fetched"
    assert unknown.internet.connected == [(own[0], 443)]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("target", ["https://169.254.169.254/latest", OTHER])
def test_no_redirect_is_followed(unknown: Strangers, status: str, target: str) -> None:
    unknown.publish(OTHER)
    unknown.behave(CLAUDE, page(BODY, status, JSON, f"Location: {target}"))
    assert unknown.invoke(CLAUDE) == "unreachable"
    assert (unknown.asked, kept(unknown)) == (1, [])


def drip(peer: ssl.SSLSocket, _: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n")
    for byte in BODY * 2:
        peer.sendall(bytes((byte,)))
        peer.settimeout(0.05)
        try:
            peer.recv(1)
        except TimeoutError:
            continue
        return


def flood(peer: ssl.SSLSocket, _: bytes) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        peer.sendall(f"X-{number}: {'x' * 60_000}\r\n".encode())


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(drip, id="one byte at a time"),
        pytest.param(flood, id="a flood of headers"),
        pytest.param(page(b"{" + b" " * 10_000_000 + b"}", "200 OK", JSON), id="ten megabytes"),
        pytest.param(page(gzip.compress(b" " * 100_000_000), "200 OK", JSON, "Content-Encoding: gzip"), id="a bomb"),
        pytest.param(page(gzip.compress(BODY), "200 OK", JSON, "Content-Encoding: gzip"), id="an encoding"),
        pytest.param(page(b"", "500 Broken"), id="an error"),
        pytest.param(page(BODY, "204 No Content", JSON), id="another success"),
        pytest.param(
            lambda peer, _: peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), id="half an answer"
        ),
        pytest.param(lambda peer, _: peer.sendall(b"\x00\x16"), id="no HTTP"),
    ],
)
def test_an_answer_that_is_no_whole_small_one_in_time_is_given_up(
    unknown: Strangers, behaviour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valet.outbound.documents.TIMEOUT", 0.4)
    unknown.behave(CLAUDE, behaviour)
    assert unknown.invoke(CLAUDE) == "unreachable"
    assert kept(unknown) == []


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (json.dumps(document(client_secret="hush")).encode(), "application/json"),
        (json.dumps(document(client_secret_expires_at=0)).encode(), "application/json"),
        (json.dumps(document(token_endpoint_auth_method="client_secret_post")).encode(), "application/json"),
        (json.dumps(document(token_endpoint_auth_method="private_key_jwt")).encode(), "application/json"),
        (json.dumps(document(client_id=None)).encode(), "application/json"),
        (json.dumps(document(redirect_uris=[])).encode(), "application/json"),
        (json.dumps(document(redirect_uris=["http://localhost/"] * 21)).encode(), "application/json"),
        (json.dumps(document(redirect_uris=[{}])).encode(), "application/json"),
        (json.dumps(document(grant_types=["client_credentials"])).encode(), "application/json"),
        (json.dumps(document(response_types=["token"])).encode(), "application/json"),
        (b"[" * 5000, "application/json"),
        (b'{"client_id": 1e999}', "application/json"),
        (BODY[:-1] + b', "client_id": "https://example.net/"}', "application/json"),
        (b"\xff", "application/json"),
        (BODY, "text/html"),
        (BODY, "text/plain; a=application/json"),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_as_a_whole(unknown: Strangers, body: bytes, media_type: str) -> None:
    unknown.behave(CLAUDE, page(body, "200 OK", f"Content-Type: {media_type}"))
    assert unknown.invoke(CLAUDE) == "refused"
    assert kept(unknown) == []
    event, fields = unknown.deployment.audit.events[-1]
    assert (event, fields["host"]) == ("document.refused", "claude.ai")


@pytest.mark.parametrize(
    "url", ["http://claude.ai/a", "https://claude.ai/", "https://127.0.0.1/a", "https://a.b:8/c", ""]
)
def test_what_names_no_document_is_not_asked_for(unknown: Strangers, url: str) -> None:
    assert unknown.invoke(url) == "refused"
    assert (unknown.internet.connected, unknown.stored()) == ([], [])


def test_only_known_members_are_kept(unknown: Strangers) -> None:
    unknown.publish(logo_uri="https://claude.ai/logo.png", anything="<script>", scope="admin")
    assert unknown.invoke(CLAUDE) == "fetched"
    (members,) = kept(unknown)
    assert members.keys() == {"client_name", "redirect_uris", "grant_types"}


# -- how long it is kept -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 600),
        ("max-age=300", 300),
        ("public, max-age=1", 60),
        ("max-age=9999999999", 86_400),
        ("no-store", 60),
        ("no-cache, max-age=3600", 60),
        ("max-age=banana", 600),
    ],
)
def test_how_long_a_document_is_fresh(unknown: Strangers, said: str, seconds: int) -> None:
    unknown.publish(CLAUDE, *([f"Cache-Control: {said}"] if said else []))
    assert unknown.invoke(CLAUDE) == "fetched"
    (item,) = unknown.stored()
    assert int(item["fresh_until"]["N"]) - int(item["fetched_at"]["N"]) == seconds
    assert int(item["expires_at"]["N"]) - int(item["fetched_at"]["N"]) == 10 * 86_400


@pytest.mark.parametrize("gone", ["404 Not Found", "410 Gone", "another client's"])
def test_a_client_that_is_gone_leaves_nothing(unknown: Strangers, gone: str) -> None:
    unknown.publish()
    assert unknown.invoke(CLAUDE) == "fetched"
    unknown.deployment.clock.advance(6)
    if gone == "another client's":
        unknown.publish(CLAUDE, client_id=OTHER)
    else:
        unknown.answer(CLAUDE, b"", status=gone)
    assert unknown.invoke(CLAUDE) == "gone"
    assert kept(unknown) == []


@pytest.mark.parametrize("failure", ["500 Broken", "secret"])
def test_a_failure_takes_nothing_away(unknown: Strangers, failure: str) -> None:
    unknown.publish()
    assert unknown.invoke(CLAUDE) == "fetched"
    before = kept(unknown)
    unknown.deployment.clock.advance(6)
    if failure == "secret":
        unknown.publish(CLAUDE, client_secret="hush")
    else:
        unknown.answer(CLAUDE, b"", status=failure)
    assert unknown.invoke(CLAUDE) in ("unreachable", "refused")
    assert kept(unknown) == before


# -- how often ---------------------------------------------------------------------------------------------------------


def test_an_address_is_fetched_once_in_five_seconds(unknown: Strangers) -> None:
    unknown.publish()
    assert [unknown.invoke(CLAUDE) for _ in range(3)] == ["fetched", "busy", "busy"]
    unknown.deployment.clock.advance(5.1)
    assert unknown.invoke(CLAUDE) == "fetched"
    assert unknown.asked == 2


COUNTED = {
    "host#example.net": 20,
    "address#192.0.2.1": 10,
    "all": 60,
}


def count(unknown: Strangers, what: str, times: int) -> None:
    """As so many fetches have left the counter of this minute."""
    now = int(unknown.deployment.clock())
    unknown.deployment.table("Grants").put(
        {"pk": f"throttle#fetch#{what}#{now // 60}", "sk": "throttle", "attempts": times, "expires_at": now + 60}
    )


@pytest.mark.parametrize("what", COUNTED)
def test_beyond_a_bound_no_document_that_is_not_stored_is_fetched(unknown: Strangers, what: str) -> None:
    unknown.publish(OTHER)
    count(unknown, what, COUNTED[what])
    assert unknown.invoke(OTHER) == "bounded"
    assert (unknown.internet.connected, unknown.stored()) == ([], [])
    count(unknown, what, COUNTED[what] - 1)
    unknown.deployment.clock.advance(60)
    assert unknown.invoke(OTHER) == "fetched"


def test_ten_thousand_client_ids_of_one_host_cost_twenty_fetches_a_minute(unknown: Strangers) -> None:
    """From as many addresses; and other hosts are not kept out by it."""
    unknown.answer(OTHER, b"", status="404 Not Found")
    found = [unknown.invoke(f"{OTHER}/{number}", f"192.0.{number}.1") for number in range(30)]
    assert (found.count("gone"), found.count("bounded"), unknown.asked) == (20, 10, 20)
    unknown.publish()
    assert unknown.invoke(CLAUDE, "203.0.114.1") == "fetched"


def test_strange_addresses_keep_no_stored_document_from_being_refreshed(unknown: Strangers) -> None:
    unknown.publish()
    assert unknown.invoke(CLAUDE) == "fetched"
    unknown.deployment.clock.advance(6)
    for what in (*COUNTED, "host#claude.ai"):
        count(unknown, what, 1000)
    assert unknown.invoke(CLAUDE) == "fetched"
    unknown.deployment.clock.advance(6)
    count(unknown, "again", 60)
    assert unknown.invoke(CLAUDE) == "bounded"
    # A host that an operator named counts in nothing that all share.
    assert unknown.invoke(CLAUDE, is_trusted=True) == "fetched"


def test_what_a_narrow_bound_refuses_does_not_count_for_everybody(unknown: Strangers) -> None:
    count(unknown, "host#example.net", 20)
    assert unknown.invoke(OTHER) == "bounded"
    counters = [item["pk"]["S"] for item in unknown.deployment.everything() if item["pk"]["S"].startswith("throttle#f")]
    assert not any("#all#" in each for each in counters)


def test_one_sender_who_makes_up_addresses_of_a_host_does_not_keep_its_client_out(unknown: Strangers) -> None:
    """And leaves one counter, however many hosts they make up."""
    unknown.publish()
    for number in range(25):
        unknown.invoke(f"{CLAUDE}/{number}", "198.51.100.7")
    for number in range(5):
        unknown.invoke(f"https://made-up-{number}.example/c.json", "198.51.100.7")
    counted = [item["pk"]["S"] for item in unknown.deployment.everything() if "made-up" in item["pk"]["S"]]
    assert counted == []
    assert unknown.invoke(CLAUDE) == "fetched"


def test_one_sender_who_has_their_own_documents_refreshed_keeps_no_others_from_that(unknown: Strangers) -> None:
    unknown.publish()
    assert unknown.invoke(CLAUDE) == "fetched"
    count(unknown, "again#198.51.100.7", 20)
    unknown.deployment.clock.advance(6)
    with unknown.deployment.nothing_spent(but=("throttle#",)):
        assert unknown.invoke(CLAUDE, "198.51.100.7") == "bounded"
    counted = [item["pk"]["S"] for item in unknown.deployment.everything() if "#again#" in item["pk"]["S"]]
    assert counted == [f"throttle#fetch#again#198.51.100.7#{int(unknown.deployment.clock()) // 60}"]
    assert unknown.invoke(CLAUDE, "198.51.100.7", is_trusted=True) == "fetched"
    unknown.deployment.clock.advance(6)
    assert unknown.invoke(CLAUDE) == "fetched"


def test_the_log_says_what_was_fetched_and_names_no_value(unknown: Strangers, log_lines: list[str]) -> None:
    unknown.publish()
    unknown.invoke(CLAUDE)
    assert unknown.deployment.audit.events == [("document.fetched", {"client_id": CLAUDE, "host": "claude.ai"})]
