"""Clients that authenticate by a key: registered, changed, fetched and examined from the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from valet.fetch import FetchFailed

from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator
from tests.support.application import Application
from tests.support.dpop_client import key_for
from tests.support.key_client import KeyApplication, key_application
from tests.support.wire import over_http

ADMIN = ("--scope", "admin", "--default-scope", "admin")
JOB = ("clients", "add", "Job", "--id", "job", *ADMIN, "--auth", "private_key_jwt")
OTHER = ("clients", "add", "Other", "--id", "other", *ADMIN, "--auth", "private_key_jwt")
JWKS_URI = "https://job.example.com/jwks.json"
KEY = key_for("ES256")
PUBLIC = {**KEY.as_dict(private=False), "kid": "first"}


@pytest.fixture
def job(valet: Operator) -> KeyApplication:
    """The client, as its developer sets it up."""
    return key_application(Application(over_http, valet.stack.issuer, "job"), valet.clock)


def file(folder: Path, content: Any) -> str:
    path = folder / "keys.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return str(path)


class Published:
    """What the addresses of clients answer, in place of the internet."""

    def __init__(self) -> None:
        self.pages: dict[str, Mapping[str, Any] | Exception] = {}

    def get(self, url: str, *, limit: int, timeout: float) -> bytes:
        found = self.pages.get(url, FetchFailed("status 404"))
        if isinstance(found, Exception):
            raise found
        return json.dumps(found).encode()


@pytest.fixture
def published() -> Iterator[Published]:
    found = Published()
    with patch("valet.outbound.guarded.get", found.get):
        yield found


@pytest.mark.parametrize("form", ["a set", "one key"])
def test_a_client_registered_with_its_keys_gets_tokens_and_no_secret(
    valet: Operator, job: KeyApplication, tmp_path: Path, form: str
) -> None:
    content = {"keys": [job.public_jwk]} if form == "a set" else job.public_jwk
    added = valet.json(*JOB, "--jwks", file(tmp_path, content), "--auth-alg", "ES256")
    assert "client_secret" not in added
    assert (added["jwks"], added["auth_alg"], added["secrets"]) == (["first"], "ES256", 0)
    assert job.client_credentials().status == 200
    assert (
        "job authenticates by private_key_jwt: it has no secret"
        in valet("clients", "rotate-secret", "job", "--yes", status=3).err
    )


def test_a_key_without_a_kid_is_shown_by_its_thumbprint(valet: Operator, tmp_path: Path) -> None:
    nameless = {name: value for name, value in PUBLIC.items() if name != "kid"}
    added = valet.json(*JOB, "--jwks", file(tmp_path, nameless))
    assert added["jwks"] == [KEY.thumbprint()]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({**KEY.as_dict(private=True)}, "it holds a private or symmetric key, which is no longer the client's alone"),
        ({"keys": [PUBLIC, {"kty": "oct", "k": "c2VjcmV0"}]}, "key 2: it holds a private or symmetric key"),
        ({"keys": []}, "1 to 8 keys"),
        ({"keys": [PUBLIC] * 9}, "1 to 8 keys"),
        ({"keys": "x"}, "not a JWK Set"),
        ([PUBLIC], "not a JWK Set"),
        ("{", "is not JSON"),
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "modulus is not 2048 to 8192 bits long"),
        ({"kty": "RSA", "n": "_" * 688, "e": "AQAB"}, "modulus is longer than 4096 bits"),
        ({"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA"}, "not a key on P-256"),
        ({**PUBLIC, "use": "enc"}, "use is not sig"),
    ],
    ids=["private", "symmetric", "none", "nine", "text", "list", "json", "small", "large", "curve", "encryption"],
)
def test_keys_that_cannot_be_registered(refused: Operator, tmp_path: Path, content: Any, reason: str) -> None:
    ran = refused(*JOB, "--jwks", file(tmp_path, content), status=2)
    assert reason in ran.err.replace("\n", " ")
    assert str(KEY.as_dict(private=True)["d"]) not in ran.err
    assert "no client job" in refused("clients", "show", "job", status=3).err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "private_key_jwt needs the client's public keys: either jwks or jwks_uri, not both"),
        (("--jwks-uri", "http://job.example.com/k"), "https://host/path"),
        (("--jwks-uri", "https://127.0.0.1/k"), "its host is not a public name"),
        (("--jwks-uri", "https://localhost/k"), "its host is not a public name"),
        (("--jwks-uri", "https://[::1]/k"), "https://host/path"),
        (("--jwks-uri", "https://job.example.com:8443/k"), "without a port"),
        (("--jwks-uri", "https://user@job.example.com/k"), "a user's name"),
        (("--jwks-uri", "https://job.example.com"), "https://host/path"),
        (("--jwks-uri", JWKS_URI, "--auth-alg", "HS256"), "is not one of"),
        (("--jwks-uri", JWKS_URI, "--auth", "client_secret_basic"), "only a client that is registered for private"),
        (("--jwks-uri", JWKS_URI, "--type", "native", "--redirect-uri", "com.a:/b"), "keeps no secret or key"),
    ],
)
def test_registrations_that_are_refused(refused: Operator, options: tuple[str, ...], reason: str) -> None:
    assert reason in refused(*JOB, *options, status=2).err.replace("\n", " ")


def test_client_secret_jwt_is_refused_for_ever_and_the_message_names_what_to_choose(refused: Operator) -> None:
    ran = refused("clients", "add", "Job", *ADMIN, "--auth", "client_secret_jwt", status=2)
    assert "an HMAC needs the secret itself, and Valet keeps only its digest: choose private_key_jwt" in ran.err


def test_keys_for_another_algorithm_than_the_one_that_is_named_are_refused(refused: Operator, tmp_path: Path) -> None:
    ran = refused(*JOB, "--jwks", file(tmp_path, PUBLIC), "--auth-alg", "PS256", status=2)
    assert "no key can sign by PS256" in ran.err


def test_a_client_changes_from_its_secret_to_a_key_and_back(
    valet: Operator, job: KeyApplication, tmp_path: Path, logged: Logged
) -> None:
    secret = valet.json("clients", "add", "Job", "--id", "job", *ADMIN)["client_secret"]
    with_secret = Application(over_http, valet.stack.issuer, "job", secret)
    assert with_secret.client_credentials().status == 200
    valet("clients", "change", "job", "--auth", "private_key_jwt", "--jwks", file(tmp_path, job.public_jwk))
    valet.advance(11)
    assert with_secret.client_credentials().error == "invalid_client"
    assert job.client_credentials().status == 200
    back = valet.json("clients", "change", "job", "--auth", "client_secret_basic")
    valet.advance(11)
    assert (back["jwks"], back["secrets"]) == ([], 1)
    assert with_secret.client_credentials().error == "invalid_client"
    assert job.client_credentials().error == "invalid_client"
    assert replace(with_secret, secret=back["client_secret"]).client_credentials().status == 200
    changes = [each for each in logged.lines() if each["event"] == "client.changed"]
    assert changes[1]["after"]["jwks"] == "first"
    assert changes[1]["after"]["secrets"] == 0


def test_published_keys_are_fetched_at_once_and_the_former_ones_go(
    valet: Operator, job: KeyApplication, published: Published
) -> None:
    valet(*JOB, "--jwks-uri", JWKS_URI)
    assert job.client_credentials().error == "invalid_client"
    assert "No keys were fetched from" in valet("doctor", status=1).out
    assert "could not be fetched: status 404" in valet("clients", "fetch-keys", "job", status=4).err
    published.pages[JWKS_URI] = {"keys": [job.public_jwk]}
    assert "Fetched 1 key of job." in valet("clients", "fetch-keys", "job").out
    valet.advance(11)
    assert job.client_credentials().status == 200
    published.pages[JWKS_URI] = {"keys": []}
    assert valet.json("clients", "fetch-keys", "job")["keys"] == 0
    valet.advance(11)
    assert job.client_credentials().error == "invalid_client"
    assert "publishes no usable key" in valet("doctor", status=1).out


def test_all_published_keys_are_fetched_and_failures_are_listed(valet: Operator, published: Published) -> None:
    valet(*JOB, "--jwks-uri", JWKS_URI)
    published.pages[JWKS_URI] = {"keys": [PUBLIC]}
    valet(*OTHER, "--jwks-uri", "https://other.example.com/jwks.json")
    ran = valet("clients", "fetch-keys", "--json", status=4)
    assert ran.json() == [
        {"client_id": "job", "keys": 1, "failure": ""},
        {"client_id": "other", "keys": None, "failure": "status 404"},
    ]
    assert "The keys of 1 client could not be fetched." in ran.err


def test_old_keys_are_a_finding_and_fetching_mends_it(valet: Operator, published: Published) -> None:
    valet(*JOB, "--jwks-uri", JWKS_URI)
    published.pages[JWKS_URI] = {"keys": [PUBLIC]}
    valet("clients", "fetch-keys", "job")
    assert valet.json("doctor")["findings"][2:] == []  # the first two are the demo data's
    valet.advance(2 * 3600)
    assert "The keys of job were last fetched 2 h ago" in valet("doctor", status=1).out.replace("\n", " ")
    valet("clients", "fetch-keys", "job")
    assert "last fetched" not in valet("doctor").out


def test_a_client_without_an_address_or_none_at_all_is_not_fetched(refused: Operator) -> None:
    assert "web_app_123 has no jwks_uri" in refused("clients", "fetch-keys", "web_app_123", status=3).err
    assert "no client" in refused("clients", "fetch-keys", "nobody", status=3).err


def test_keys_of_clients_that_are_deleted_or_publish_no_more_are_not_fetched(
    valet: Operator, published: Published, tmp_path: Path
) -> None:
    for added in (JOB, OTHER):
        valet(*added, "--jwks-uri", JWKS_URI)
    published.pages[JWKS_URI] = {"keys": [PUBLIC]}
    valet("clients", "change", "job", "--jwks", file(tmp_path, PUBLIC))
    assert valet.json("clients", "show", "job")["jwks_uri"] == ""
    assert [row["client_id"] for row in valet.json("clients", "fetch-keys")] == ["other"]
    valet("clients", "delete", "other", "--yes")
    assert valet.json("clients", "fetch-keys") == []


# -- the configuration file --------------------------------------------------------------------------------------------


def test_a_file_registers_keys_and_export_writes_them(valet: Operator, job: KeyApplication, tmp_path: Path) -> None:
    # JSON is YAML: a set can be pasted as it is.
    text = (
        "clients:\n  job:\n    name: Job\n    authentication: private_key_jwt\n    auth_alg: ES256\n"
        f"    grant_types: [client_credentials]\n    scope: admin\n    default_scope: admin\n"
        f"    jwks: {json.dumps({'keys': [job.public_jwk]})}\n"
    )
    path = tmp_path / "valet.yaml"
    path.write_text(text, encoding="utf-8")
    valet("apply", str(path), "--yes")
    assert job.client_credentials().status == 200
    exported = valet("export").out
    path.write_text(exported, encoding="utf-8")
    assert "no change" in valet("apply", str(path), "--yes").out.lower()
    assert f"x: {PUBLIC['x']}" not in exported
    assert f"x: {job.public_jwk['x']}" in exported


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("jwks: {keys: [{kty: EC, d: x}]}", "key 1: it holds a private or symmetric key"),
        ("jwks: x", "not a JWK Set"),
        ("authentication: client_secret_jwt", "choose private_key_jwt"),
        ("jwks_uri: https://10.0.0.1/k", "its host is not a public name"),
        ("secret: {env: JOB}", "a client that authenticates by private_key_jwt has none"),
    ],
)
def test_a_file_with_wrong_keys_is_refused(refused: Operator, tmp_path: Path, lines: str, reason: str) -> None:
    path = tmp_path / "valet.yaml"
    method = "" if "authentication" in lines else "    authentication: private_key_jwt\n"
    path.write_text(
        f"clients:\n  job:\n    name: Job\n{method}    {lines}\n    grant_types: [client_credentials]\n",
        encoding="utf-8",
    )
    assert reason in refused("apply", str(path), "--yes", status=2).err.replace("\n", " ")
