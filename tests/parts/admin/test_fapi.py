"""The profile fapi2 at the command line: `clients add` and `change` set and refuse by its rules, `doctor` reports by
them.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.models.clients import Client

from admin.doctor import fapi
from admin.doctor.evidence import Evidence
from admin.doctor.fapi import weak_suite_of
from admin.doctor.findings import CannotLook
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator
from tests.parts.aws.certificates import Authority
from tests.support.dpop_client import key_for

SHOP = ("clients", "add", "Shop", "--id", "shop", "--redirect-uri", "https://shop.example.com/in", "--scope", "openid")
HELD = ("--security-profile", "fapi2")


@pytest.fixture
def local(valet: Operator) -> Deployment:
    return Deployment(Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2])), bytes, valet.clock)


def set_lanes(local: Deployment, *algs: str) -> None:
    """The algorithms that sign, in their order."""
    ring = local.key_records.key_ring()
    (key, *_) = (key for key in ring.keys if key.state == "signing")
    lanes = tuple(replace(key, kid=f"{key.kid}{alg}", alg=alg) for alg in algs)
    assert local.key_records.change_ring(ring, lanes)


@pytest.fixture
def lanes(local: Deployment) -> None:
    set_lanes(local, "RS256", "PS256")


@pytest.fixture
def keys(tmp_path: Path) -> tuple[str, ...]:
    """The option that registers a key."""
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({**key_for("ES256").as_dict(private=False), "kid": "first"}), encoding="utf-8")
    return ("--jwks", str(file))


@pytest.mark.usefixtures("lanes")
def test_the_profile_sets_what_has_one_possible_value_and_says_so(valet: Operator, keys: tuple[str, ...]) -> None:
    told = valet(*SHOP, *HELD, *keys).out
    assert (
        "The profile fapi2 set: authentication method private_key_jwt, bound access tokens yes, "
        "rotation of refresh tokens no, pushed requests yes." in told.replace("\n", " ")
    )
    assert "secret" not in told.lower()
    shop = valet.json("clients", "show", "shop")
    assert (shop["profile"], shop["authentication"]) == ("fapi2", "private_key_jwt")
    assert shop["dpop_bound_access_tokens"]
    assert shop["require_pushed"]
    job = valet("clients", "add", "Job", "--id", "job", "--scope", "admin", *HELD, *keys).out
    assert "pushed" not in job


@pytest.mark.usefixtures("lanes")
def test_a_client_is_changed_to_the_profile_and_loses_its_secret(valet: Operator, keys: tuple[str, ...]) -> None:
    valet.json(*SHOP, "--pkce", "optional")
    told = valet("clients", "change", "shop", *HELD, *keys).out.replace("\n", " ")
    assert "PKCE required" in told
    shop = valet.json("clients", "show", "shop")
    assert (shop["profile"], shop["pkce"], shop["secrets"]) == ("fapi2", "required", 0)
    # And back: nothing else changes.
    assert "set:" not in valet("clients", "change", "shop", "--security-profile", "plain").out
    assert valet.json("clients", "show", "shop") == {**shop, "profile": "plain"}


@pytest.mark.usefixtures("lanes")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--auth", "client_secret"), "authenticate by private_key_jwt (FAPI 2.0 Security Profile section 5.3.2.1)"),
        (("--bound", "no"), "bound access tokens: its access tokens must be bound to a key"),
        (("--rotation",), "rotation of refresh tokens: its refresh tokens must not rotate"),
        (("--no-require-pushed",), "pushed requests: it must push its authorization requests"),
        (("--pkce", "optional"), "PKCE: PKCE must be required"),
        (("--auth-alg", "RS256"), "signed by PS256, ES256, EdDSA"),
        (("--id-token-alg", "RS256"), "not be signed with RS256 (FAPI 2.0 Security Profile section 5.4.1)"),
        (("--add-redirect-uri", "http://127.0.0.1/in"), "redirect URI: each of its redirect URIs must begin with"),
    ],
)
def test_what_breaks_a_rule_is_refused_at_once_and_later(
    valet: Operator, keys: tuple[str, ...], arguments: tuple[str, ...], reason: str
) -> None:
    at_once = tuple(each.replace("--add-", "--") for each in arguments)
    others = () if "--auth" in arguments else keys
    assert reason in valet(*SHOP, *HELD, *others, *at_once, status=2).err
    valet.json(*SHOP, *HELD, *keys)
    before, logged = valet.json("clients", "show", "shop"), Logged()
    assert reason in valet("clients", "change", "shop", *arguments, status=2).err
    assert valet.json("clients", "show", "shop") == before
    assert not logged.deeds()


def test_without_another_lane_than_rs256_registration_says_which_parameter_to_set(
    valet: Operator, keys: tuple[str, ...]
) -> None:
    assert "SigningAlgorithm PS256, ES256, RS256+PS256 or RS256+ES256" in valet(*SHOP, *HELD, *keys, status=2).err


# -- doctor ------------------------------------------------------------------------------------------------------------


def findings(valet: Operator, status: int = 1) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = valet.json("doctor", "--only", "fapi", status=status)["findings"]
    return found


def edit(local: Deployment, valet: Operator, **changes: Any) -> None:
    """The shop's item, edited by hand."""
    edited = replace(Evidence(local, valet.clock()).register.client("shop"), **changes)
    local.registry.put(item_from_model(edited, "client#shop", "client"))


@pytest.mark.usefixtures("lanes")
def test_an_edited_item_is_found_and_the_mend_mends_it(
    valet: Operator, local: Deployment, keys: tuple[str, ...]
) -> None:
    valet.json(*SHOP, *HELD, *keys)
    assert [each["check"] for each in findings(valet, status=0)] == ["fapi.lanes"]  # a warning: status lists by RS256
    edit(local, valet, dpop_bound_access_tokens=False, redirect_uris=("https://shop.example.com/in", "http://[::1]/in"))
    bound, address, _ = findings(valet)
    assert "The profile fapi2 holds for the client shop, but its access tokens must be bound to a key" in bound["what"]
    assert "clients change shop --security-profile fapi2" in bound["mend"]
    assert "https://" in address["what"]
    valet.json("clients", "change", "shop", *HELD, "--remove-redirect-uri", "http://[::1]/in")
    assert [each["check"] for each in findings(valet, status=0)] == ["fapi.lanes"]


def test_a_deployment_that_signs_with_rs256_alone_is_found(
    valet: Operator, local: Deployment, keys: tuple[str, ...]
) -> None:
    assert findings(valet, status=0) == []
    set_lanes(local, "RS256", "PS256")
    valet.json(*SHOP, *HELD, *keys)
    set_lanes(local, "RS256")
    (found,) = findings(valet)
    assert (found["check"], found["is_error"]) == ("fapi.lanes", True)
    assert "SigningAlgorithm=PS256" in found["mend"]
    set_lanes(local, "PS256")
    assert findings(valet, status=0) == []


@pytest.mark.usefixtures("lanes")
def test_with_the_profile_of_the_deployment_every_client_is_looked_at(
    valet: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Evidence, "environment", lambda self, function: {"PROFILE": "fapi2"})
    found = {each["what"].split(",")[0] for each in findings(valet) if each["check"] == "fapi.clients"}
    clients = valet.json("clients", "list")
    assert found == {f"The profile fapi2 holds for the client {each['client_id']}" for each in clients}


@contextmanager
def tls_server(folder: Path, ciphers: str) -> Iterator[int]:
    """A server of TLS 1.2 with these suites, for one handshake."""
    context = Authority(folder, "authority").server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                return

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        thread.join(5)
        listening.close()


@pytest.mark.parametrize(
    ("ciphers", "suite"),
    [
        ("ECDHE+AESGCM", None),
        ("ECDHE+AESGCM:ECDHE+CHACHA20", "any"),
        ("ALL", "any"),
        ("ECDHE+AES", "any"),
        ("ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA", "any"),
    ],
)
def test_a_server_that_takes_a_suite_outside_bcp_195_is_known_by_a_handshake(
    tmp_path: Path, ciphers: str, suite: str | None
) -> None:
    with tls_server(tmp_path, ciphers) as port:
        found = weak_suite_of("127.0.0.1", port)
    assert (found is not None) == (suite is not None)


def test_a_server_that_does_not_answer_is_no_good_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(CannotLook):
        weak_suite_of("127.0.0.1", port)


def test_the_issuers_suites_are_looked_at_only_for_clients_with_the_profile(
    local: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fapi, "weak_suite_of", lambda host, port: "AES128-SHA")
    monkeypatch.setattr(Evidence, "only_on_aws", lambda self, what: None)
    monkeypatch.setattr(Evidence, "environment", lambda self, function: {})
    evidence = Evidence(local, 0)
    evidence.__dict__["clients"] = (Client("plain", "Plain"),)
    assert list(fapi.look_tls(evidence)) == []
    evidence.__dict__["clients"] = (Client("held", "Held", profile="fapi2"),)
    (found,) = fapi.look_tls(evidence)
    assert "takes the TLS 1.2 suite AES128-SHA" in found.what
