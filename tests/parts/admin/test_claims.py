"""The claims about users, and what clients are told of them: by option, from CSV and from JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from valet.aws.dynamodb.table import item_from_model, model_from_item
from valet.models.accounts import Account, Address
from valet.protocol.supported import CLAIMS_OF_SCOPE
from valet.registration.attributes import CLAIMS, FLAGS, MAXIMUM_BYTES, parse_address, wrong_with_claims

from admin.records.people_file import COLUMNS
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import sign_in, web_app

SET = {
    "given_name": "Ann",
    "family_name": "Doe",
    "middle_name": "B.",
    "nickname": "Annie",
    "profile": "https://people.example.com/ann",
    "picture": "https://people.example.com/ann.png",
    "website": "http://ann.example.com:8080/",
    "gender": "female",
    "birthdate": "1990-02-28",
    "zoneinfo": "Europe/Paris",
    "locale": "fr-CA",
    "phone_number": "+14255550100",
    "phone_number_verified": True,
    "address": {"street_address": "1 Main Street", "country": "FR"},
    "email": "ann@example.com",
    "email_verified": True,
}


def options(claims: dict[str, Any]) -> list[str]:
    said = []
    for name, value in claims.items():
        option = "--profile-page" if name == "profile" else f"--{name.replace('_', '-')}"
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        said += [option] if value is True else [option, text]
    return said


def shown(valet: Operator, username: str) -> dict[str, Any]:
    facts: dict[str, Any] = valet.json("users", "show", username)
    return facts


def test_every_claim_of_core_5_1_can_be_set_and_imported() -> None:
    """But for three: the username is the claim preferred_username, roles are roles, and updated_at is set by itself."""
    every = {claim for claims in CLAIMS_OF_SCOPE.values() for claim in claims}
    assert {*CLAIMS, "preferred_username", "roles", "updated_at"} == every
    assert {*CLAIMS, "username", "roles", "password_hash"} == {*COLUMNS}


def test_a_user_is_added_with_every_claim_and_applications_are_told_them(valet: Operator) -> None:
    valet("users", "add", "ann", "--generate", *options(SET))
    assert SET.items() <= shown(valet, "ann").items()
    assert "street_address 1 Main Street" in valet("users", "show", "ann").out
    valet("clients", "change", "web_app_123", "--add-scope", "address phone")
    valet("users", "change", "john", *options({"locale": "en-GB", "address": SET["address"]}))
    valet.advance(11)
    app = replace(web_app(valet.stack), scope="openid profile address")
    told = app.userinfo(sign_in(valet.stack, "john", app).access_token).json()
    assert (told["locale"], told["address"]) == ("en-GB", SET["address"])


def test_updated_at_moves_with_a_claim_and_with_nothing_else(valet: Operator) -> None:
    valet("users", "add", "ann", "--generate")
    first = shown(valet, "ann")["updated_at"]
    assert first
    valet.advance(60)
    valet("users", "roles", "ann", "--add", "user")
    valet("users", "set-password", "ann", "--generate")
    assert shown(valet, "ann")["updated_at"] == first
    valet("users", "change", "ann", "--nickname", "Annie")
    assert shown(valet, "ann")["updated_at"] > first


def test_a_new_phone_number_is_unverified_and_an_empty_value_removes_a_claim(valet: Operator) -> None:
    valet("users", "add", "ann", "--generate", *options(SET))
    valet("users", "change", "ann", "--phone-number", "+14255550199")
    assert "phone_number_verified" not in shown(valet, "ann")
    assert shown(valet, "ann")["email_verified"] is True
    valet("users", "change", "ann", "--phone-number", "", "--address", "", "--locale", "")
    assert not {"phone_number", "address", "locale"} & shown(valet, "ann").keys()


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(("birthdate", value) for value in ("1990-02-30", "90-01-01", "0000", "0000-13-01", "1990-02", "yesterday")),
        *(("phone_number", value) for value in ("4255550100", "+0425", "+1 425", "+1234567890123456", "+1425;x=1")),
        *(("locale", value) for value in ("english please", "e", "en--US", "en-")),
        *(("zoneinfo", value) for value in ("Europe/Atlantis", "../etc/passwd", "/Europe/Paris", "UTC+1 hour")),
        *(
            (claim, value)
            for claim in ("profile", "picture", "website")
            for value in ("javascript:alert(1)", "data:text/html,x", "www.example.com", "https://", "https://u@x.com/", "https://x:y/")
        ),
        ("picture", "https://example.com/<script>"),
        ("given_name", "x" * 257),
        ("nickname", "Eve\u202e"),
        ("name", " padded"),
        ("email", "nowhere"),
        ("email_verified", True),
        ("phone_number_verified", True),
        ("address", Address(formatted="x" * 257)),
        ("address", Address(country="F\nR")),
        ("address", Address(street_address="\x07")),
    ],
)  # fmt: skip
def test_a_claim_that_no_application_could_read_is_refused_by_its_name(claim: str, value: Any) -> None:
    wrong = list(wrong_with_claims(replace(Account("sub", "ann"), **{claim: value})))
    assert len(wrong) == 1
    assert wrong[0].startswith(claim)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(("birthdate", value) for value in ("1990", "0000-02-29", "2000-02-29", "1900-12-31")),
        *(("phone_number", value) for value in ("+14255550100", "+4930123456", "+16045551234;ext=5678")),
        *(("locale", value) for value in ("en", "en-US", "zh-Hant-TW", "de_AT")),
        *(("zoneinfo", value) for value in ("Europe/Paris", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+1")),
        ("address", Address(formatted="1 Main Street\nLondon")),
        ("name", "Ædgar O'Neill-Žižek"),
    ],
)
def test_the_forms_of_core_5_1_are_accepted(claim: str, value: Any) -> None:
    assert list(wrong_with_claims(replace(Account("sub", "ann"), **{claim: value}))) == []


def test_an_account_at_its_largest_is_read_for_the_price_of_the_smallest() -> None:
    """A strong read is paid by four kilobytes."""
    from valet.aws.dynamodb.wire import attribute

    from tests.promises.counts.test_item_size import size_of

    texts: dict[str, Any] = {claim: "x" * 146 for claim in CLAIMS if claim not in ("address", *FLAGS)}
    full = replace(
        Account("s" * 22, "u" * 256, roles=frozenset(f"role-{number}" for number in range(40))),
        **texts,
    )
    sizes = [problem for problem in wrong_with_claims(full) if problem.startswith("all claims")]
    assert sizes == []
    over = replace(full, address=Address("x" * 6))
    assert [problem for problem in wrong_with_claims(over) if problem.startswith("all claims")]
    item = {name: attribute(value) for name, value in item_from_model(full, f"account#{full.sub}", "account").items()}
    assert size_of(item) < 4096
    assert MAXIMUM_BYTES < 4096


def test_an_address_is_an_object_in_the_item_and_reads_back() -> None:
    account = replace(Account("sub", "ann"), address=Address(locality="Paris"))
    item = item_from_model(account, "account#sub", "account")
    assert item["address"] == {"locality": "Paris"}
    assert model_from_item(Account, item) == account
    later = {**item, "address": {**item["address"], "what_a_later_release_adds": "x"}}
    assert model_from_item(Account, later) == account
    assert model_from_item(Account, {"sub": "sub", "username": "ann"}).address == Address()


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("1 Main Street\nLondon", Address(formatted="1 Main Street\nLondon")),
        ('{"country": "FR"}', Address(country="FR")),
        ({"region": "X"}, Address(region="X")),
        ("", Address()),
    ],
)
def test_an_address_is_a_text_or_an_object(said: Any, address: Address) -> None:
    assert parse_address(said) == address


@pytest.mark.parametrize("said", ['{"country": 7}', '{"city": "Paris"}', "{", {"country": None}, 7, [], None])
def test_another_address_is_refused(said: Any) -> None:
    with pytest.raises(ValueError, match="address"):
        parse_address(said)


# -- files -------------------------------------------------------------------------------------------------------------


def file(tmp_path: Path, text: str) -> str:
    path = tmp_path / "people"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_people_with_every_claim_are_imported_from_csv_and_from_json_alike(valet: Operator, tmp_path: Path) -> None:
    header = ",".join(["username", *SET, "roles"])
    cells = (json.dumps(value) if isinstance(value, dict | bool) else value for value in SET.values())
    line = ",".join('"' + str(cell).replace('"', '""') + '"' for cell in ("ann", *cells, "user admin"))
    valet("users", "import", file(tmp_path, f"{header}\n{line}\n"))
    people = [{"username": "Bob", **SET, "roles": ["user", "admin"]}, {"username": "carl"}]
    assert valet.json("users", "import", file(tmp_path, json.dumps(people)))["added"] == 2
    ann, bob = shown(valet, "ann"), shown(valet, "bob")
    assert SET.items() <= ann.items()
    theirs = {"username": "", "sub": "", "updated_at": ""}
    assert {**ann, **theirs} == {**bob, **theirs}
    assert ann["updated_at"]


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("mail", "email"),
        ("E-Mail", "email"),
        ("first_name", "given_name"),
        ("Last Name", "family_name"),
        ("phone", "phone_number"),
        ("preferred_username", "username"),
        ("groups", "roles"),
        ("timezone", "zoneinfo"),
        ("familyname", "family_name"),
        ("pasword_hash", "password_hash"),
    ],
)
def test_a_header_that_is_called_otherwise_is_refused_with_the_one_that_is_meant(
    refused: Operator, tmp_path: Path, column: str, meant: str
) -> None:
    before = refused.json("users", "list")
    for text in (f"username,{column}\nann,x\n", json.dumps([{"username": "ann", column: "x"}])):
        err = " ".join(refused("users", "import", file(tmp_path, text), status=2).err.split())
        assert f"did you mean {meant}?" in err
        assert column in err
    assert refused.json("users", "list") == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"name": "Ann"}]', "username"),
        ('[{"username": 7}]', "username: must be a text"),
        ('["ann"]', "not an object"),
        ("[", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('[{"username": "ann", "roles": [7]}]', "roles: must be a text"),
        ('[{"username": "ann", "email_verified": "perhaps"}]', "true or false"),
        ('[{"username": "ann", "address": {"city": "Paris"}}]', "street_address"),
        ('[{"username": "ann"}, {"username": "ANN"}]', "entry 1 already"),
        ('[{"username": "ann", "shoe_size": 38}]', "is not one of"),
        ('[{"username": "ann", "password_hash": "hunter2-in-the-wrong-column"}]', "Argon2id"),
        ("username,username\nann,bob\n", "twice"),
        ('username,address\nann,"{"\n', "address"),
        ("username,phone_number\nann,0123\n", "E.164"),
    ],
)
def test_a_file_with_one_wrong_entry_adds_nobody(refused: Operator, tmp_path: Path, text: str, reason: str) -> None:
    before = refused.json("users", "list")
    err = " ".join(refused("users", "import", file(tmp_path, text), status=2).err.split())
    assert reason in err
    assert "hunter2" not in err
    assert refused.json("users", "list") == before


# -- what a client is told ---------------------------------------------------------------------------------------------


def test_a_client_that_reads_the_id_token_alone_is_registered_so_and_finds_groups(valet: Operator) -> None:
    """As for kube-apiserver, Argo CD and oauth2-proxy."""
    told = ("--id-token-claims", "email roles", "--role", "user", "--roles-claim", "groups")
    changed = valet.json("clients", "change", "web_app_123", "--scope", "openid email roles", *told)
    assert (changed["id_token_claims"], changed["roles"], changed["roles_claim"]) == (
        ["email", "roles"],
        ["user"],
        "groups",
    )
    valet.advance(11)
    app = replace(web_app(valet.stack), scope="openid email roles")
    from tests.integration.claims import decoded

    claims = decoded(sign_in(valet.stack, "jane", app).tokens["id_token"])
    assert (claims["email"], claims["groups"]) == ("jane@example.com", ["user"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--id-token-claims", "phone"), "not among the client's scopes"),
        (("--id-token-claims", "openid"), "is not one of"),
        (("--role", "admin"), "scope roles"),
        (("--add-scope", "roles", "--roles-claim", "sub"), "meaning of its own"),
        (("--add-scope", "roles", "--roles-claim", "two words"), "letters, digits"),
    ],
)
def test_what_no_client_can_be_told_is_refused_and_nothing_changes(
    refused: Operator, arguments: tuple[str, ...], reason: str
) -> None:
    before = refused.json("clients", "show", "web_app_123")
    assert reason in " ".join(refused("clients", "change", "web_app_123", *arguments, status=2).err.split())
    assert refused.json("clients", "show", "web_app_123") == before


def test_a_role_that_a_client_alone_is_told_is_given_without_a_warning(valet: Operator) -> None:
    valet("clients", "change", "web_app_123", "--add-scope", "roles", "--role", "auditor")
    assert "no client is told it" not in valet("users", "roles", "john", "--add", "auditor").err
    assert "no client is told it" in valet("users", "roles", "john", "--add", "painter").err
