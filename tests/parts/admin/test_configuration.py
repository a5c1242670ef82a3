"""`valet apply` and `valet export`: a deployment is as its file says, and nothing else of it is lost."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from jsonschema import Draft7Validator
from valet.aws.dynamodb.registrar import Registrar
from valet.errors import TemporarilyUnavailable
from valet.models.clients import ProtectedApi

from admin.records.deployment import Deployment
from admin.records.plan import Planner, Step
from admin.records.register import Register
from admin.terminal.spelling import Where
from configuration import schema
from configuration.not_in_file import NOT_IN_FILE
from configuration.table import SECTIONS, Section
from local.demo_data import CLIENTS, USERS
from tests.parts.admin.audited import Asked, Logged
from tests.parts.admin.conftest import Operator, Ran
from tests.parts.admin.people import is_refused_by_list, service, sign_in, web_app
from tests.support.application import Application
from tests.support.wire import over_http

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "valet.yaml"
PASSWORD = "correct horse battery"
SECRET = "a-secret-of-more-than-32-characters"
SHOP = {"name": "Shop", "redirect_uris": ["https://shop.example.com/callback"], "scope": "openid items"}
Apply = Callable[..., Ran]


@pytest.fixture
def apply(valet: Operator, tmp_path: Path) -> Apply:
    """Applies a document, or a text, as a file."""

    def applied(said: Any, *options: str, status: int = 0, typed: str = "") -> Ran:
        file = tmp_path / "valet.yaml"
        file.write_text(said if isinstance(said, str) else json.dumps(said), encoding="utf-8")
        return valet("apply", str(file), *options, status=status, typed=typed)

    return applied


def shop(valet: Operator, secret: str) -> Application:
    callback = "https://shop.example.com/callback"
    return Application(over_http, valet.stack.issuer, "shop", secret, callback, scope="openid items")


def exported(valet: Operator, *options: str) -> Any:
    return yaml.safe_load(valet("export", *options).out)


# -- the rows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_every_member_of_a_registration_has_a_key_or_a_reason_why_not(section: Section) -> None:
    rows = [row.member for row in (*section.rows, *section.beyond) if row.member]
    assert len(set(rows)) == len(rows)
    assert len(set(section.keys)) == len(section.keys)
    named = {*([section.identifier] if section.identifier else []), *rows, *NOT_IN_FILE[section.model]}
    assert named == {field.name for field in fields(section.model)}


def test_the_schema_for_editors_is_written_from_the_rows() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.written(), "python -m configuration.schema"
    Draft7Validator.check_schema(schema.schema())


def test_an_editor_accepts_the_example_and_what_is_exported_and_marks_an_unknown_key(valet: Operator) -> None:
    check = Draft7Validator(schema.schema())
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    for said in (example, exported(valet, "--people", "--with-credentials")):
        assert list(check.iter_errors(said)) == []
    example["clients"]["shop"]["redirect_uri"] = ["https://shop.example.com"]
    assert "redirect_uri" in next(check.iter_errors(example)).message


def test_the_document_describes_every_key() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for section in SECTIONS:
        part = written.partition(f"\n### {section.name}\n")[2].partition("\n### ")[0]
        for row in (*section.rows, *section.beyond):
            assert f"| `{row.key}` | {row.says} |" in part, f"{section.name}: {row.key}"


# -- apply ---------------------------------------------------------------------------------------------------------


def test_the_example_is_applied_and_a_second_apply_says_that_nothing_changed(
    valet: Operator, logged: Logged, asked: Asked
) -> None:
    assert "Made 7 changes" in valet("apply", str(EXAMPLE)).out
    added = [line.rpartition(" ")[0] for line in logged.deeds()]
    assert added == ["scope.changed added"] * 2 + ["api.changed added"] + ["client.changed added"] * 3 + [
        "user.changed imported"
    ]
    asked.operations.clear()
    assert valet("apply", str(EXAMPLE)).out == "No change: everything is as the file says.\n"
    assert (asked.writes, logged.lines()) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        r'{"clients": {"\u001b[2J\n::stop-commands::x": {"name": "A", "no_such": 1}}}',
        r'{"clients": {"\u001b[2J\n::stop-commands::x": {"name": "A", "type": "browser"}}}',
        r'{"clients": {"shop": {"name": "A", "secret": {"env": "\u001b[2J\n::stop-commands::x"}}}}',
        r'{"clients": {"shop": {"name": "A", "origins": ["https://a\u001b[2J\u2028::stop-commands::x"]}}}',
        r'{"scopes": {"\u001b[2J\r::stop-commands::x": {"description": "A"}}}',
    ],
)
def test_a_file_that_others_wrote_controls_neither_my_terminal_nor_the_log_of_my_pipeline(
    valet: Operator, tmp_path: Path, logged: Logged, text: str
) -> None:
    """A pull request that is only looked at: a line that begins with :: is a command to some pipelines."""
    file = tmp_path / "valet.yaml"
    file.write_text(text, encoding="utf-8")
    ran = valet("apply", str(file), "--dry-run", status=2)
    told = ran.out + ran.err
    assert "line 1: " in told
    assert "".join(told.split("\n")).isprintable()
    assert not [line for line in told.splitlines() if line.startswith("::")]
    assert not logged.lines()


def test_an_included_scope_is_registered_before_the_one_that_includes_it(apply: Apply, logged: Logged) -> None:
    apply({"scopes": {"a": {"description": "A", "includes": ["b"]}, "b": {"description": "B"}}})
    assert logged.deeds() == ["scope.changed added b", "scope.changed added a"]


def test_a_scope_that_moves_to_another_api_is_never_without_one(apply: Apply, valet: Operator, logged: Logged) -> None:
    a, b = "https://a.example", "https://b.example"
    both = {a: {"name": "A", "scopes": ["one"]}, b: {"name": "B"}}
    apply({"scopes": {"one": {"description": "One"}}, "apis": both})
    logged.lines()
    apply({"apis": {a: {"name": "A"}, b: {"name": "B", "scopes": ["one"]}}})
    # Two owners fail closed in between; none would make a token for the issuer.
    assert logged.deeds() == [f"api.changed changed {b}", f"api.changed changed {a}"]


def test_a_new_api_is_refused_that_no_request_can_name_and_one_that_is_registered_is_not(
    apply: Apply, valet: Operator, asked: Asked
) -> None:
    new, slash = "https://new.example", "https://new.example/"
    told = apply({"apis": {"old": {"name": "Old"}, new: {"name": "New"}, slash: {"name": "Slash"}}}, status=2).err
    assert "API old: no absolute URI without a fragment" in told
    assert f"API {slash}: a request cannot tell it from {new}" in told
    assert asked.writes == []
    where = Where(is_local=True, aws_port=int(valet.stack.aws_url.rpartition(":")[2]))
    Registrar(Deployment(where, bytes, valet.clock).registry).put_api(ProtectedApi("old", "Old"))
    apply({"apis": {"old": {"name": "Renamed"}}})
    assert valet.json("apis", "show", "old")["name"] == "Renamed"


def test_the_claims_of_people_and_of_clients_are_applied_once_and_exported(apply: Apply, valet: Operator) -> None:
    ann = {"name": "Ann", "locale": "en-US", "address": {"country": "FR"}, "phone_number": "+14255550100"}
    told = {"scope": ["openid", "roles"], "id_token_claims": ["roles"], "roles": ["user"], "roles_claim": "groups"}
    told["id_token_signed_response_alg"] = "RS256"
    said = {"people": {"ann": ann}, "clients": {"shop": {**SHOP, **told}}}
    apply(said)
    assert apply(said).out == "No change: everything is as the file says.\n"
    found = exported(valet, "--people")
    assert {key: found["people"]["ann"][key] for key in ann} == ann
    assert {key: found["clients"]["shop"][key] for key in told if key != "scope"} == {
        key: value for key, value in told.items() if key != "scope"
    }
    assert valet.json("users", "show", "ann")["updated_at"]


def test_a_generated_secret_is_shown_once_and_signs_people_in(apply: Apply, valet: Operator) -> None:
    first = apply({"clients": {"shop": SHOP}}, "--json").json()
    (told,) = first["secrets"]
    valet.advance(11)
    assert sign_in(valet.stack, "john", shop(valet, told["client_secret"])).userinfo() == 200
    assert told["client_secret"] not in apply({"clients": {"shop": SHOP}}).out + valet("export").out
    assert valet.json("clients", "show", "shop")["secrets"] == 1


def test_dry_run_shows_the_difference_and_no_secret_and_changes_nothing(
    apply: Apply, valet: Operator, asked: Asked, logged: Logged
) -> None:
    before = exported(valet, "--people", "--with-credentials")
    said = {
        "clients": {"shop": SHOP, "web_app_123": {**before["clients"]["web_app_123"], "name": "New"}},
        "people": {"mary": {}},
    }
    del said["clients"]["web_app_123"]["secret_digests"]
    asked.operations.clear()
    ran = apply(said, "--dry-run", "--prune")
    lines = ran.out.splitlines()
    assert lines[:4] == ["+ client shop", "~ client web_app_123", "    name: Web App → New", "+ person mary"]
    assert {"- person john", "- client mobile_app"} <= set(lines)
    pruned = len(CLIENTS) - 1 + len(USERS)  # the demo's clients but one, and its people
    assert lines[-1] == f"{pruned + 3} changes would be made. Nothing was changed."
    assert (asked.writes, logged.lines()) == ([], [])
    assert "secret" not in apply(said, "--dry-run", "--json").out
    assert exported(valet, "--people", "--with-credentials") == before


def test_a_key_that_the_file_leaves_out_has_its_default_and_not_its_old_value(apply: Apply, valet: Operator) -> None:
    apply({"clients": {"shop": {**SHOP, "owner": "Example Inc.", "first_party": True, "refresh_idle": "1h"}}})
    apply({"clients": {"shop": SHOP}})
    shown = valet.json("clients", "show", "shop")
    assert (shown["owner"], shown["first_party"], shown["refresh_idle"]) == ("", False, 30 * 86_400)
    assert shown["secrets"] == 1


def test_a_client_that_was_disabled_in_an_emergency_stays_so_until_the_file_says_otherwise(
    apply: Apply, valet: Operator
) -> None:
    apply({"clients": {"shop": SHOP}})
    valet("clients", "disable", "shop")
    apply({"clients": {"shop": {**SHOP, "owner": "Example Inc."}}})
    assert valet.json("clients", "show", "shop")["disabled"] is True
    apply({"clients": {"shop": {**SHOP, "disabled": False}}})
    assert valet.json("clients", "show", "shop")["disabled"] is False


def test_grants_that_were_ended_stay_ended(apply: Apply, valet: Operator) -> None:
    said = exported(valet)
    held = sign_in(valet.stack)
    valet("grants", "revoke", "--client", "web_app_123", "--yes")
    said["clients"]["web_app_123"]["owner"] = "New Inc."
    apply(said)
    valet.advance(11)
    assert held.refresh() == 400


# -- secrets -------------------------------------------------------------------------------------------------------


def test_a_secret_comes_from_the_environment_or_a_file_and_another_one_leaves_the_old_one_in_force(
    apply: Apply, valet: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    by_variable = {"clients": {"shop": {**SHOP, "secret": {"env": "SHOP_SECRET"}}}}
    assert SECRET not in apply(by_variable).out
    assert "No change" in apply(by_variable).out
    (tmp_path / "shop.secret").write_text(f"{SECRET}2\n", encoding="utf-8")
    by_file = {"clients": {"shop": {**SHOP, "secret": {"file": "shop.secret"}}}}
    assert "a new one; the one before is accepted" in apply(by_file).out
    assert "No change" in apply(by_file).out
    assert "No change" in apply(by_variable).out  # it is in force as well
    valet.advance(11)
    for secret in (SECRET, f"{SECRET}2"):
        assert sign_in(valet.stack, "john", shop(valet, secret)).userinfo() == 200
    monkeypatch.setenv("SHOP_SECRET", f"{SECRET}3")
    assert "two live secrets" in apply(by_variable, status=2).err
    assert valet.json("clients", "show", "shop")["secrets"] == 2


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        ({"env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE is not set"),
        ({"env": "SHORT"}, "32 to 256"),
        ({"file": "nowhere"}, "does not exist"),
        ({"ssm": "/shop"}, "must say where the secret is"),
        ("hunter2hunter2hunter2hunter2hunter2", "must say where the secret is"),
    ],
)
def test_a_secret_that_is_missing_weak_or_written_out_is_refused_without_being_repeated(
    apply: Apply, valet: Operator, asked: Asked, monkeypatch: pytest.MonkeyPatch, secret: Any, reason: str
) -> None:
    monkeypatch.setenv("SHORT", "hunter2")
    ran = apply({"clients": {"shop": {**SHOP, "secret": secret}}}, status=2)
    assert reason in ran.err
    assert "hunter2" not in ran.err
    assert asked.writes == []


# -- what is refused -----------------------------------------------------------------------------------------------

CLIENT = "clients:\n  shop:\n    name: Shop\n    redirect_uris: [https://shop.example.com/cb]\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{CLIENT}    redirect_uri: []\n", "line 5: client shop: there is no key 'redirect_uri'; did you mean redir"),
        (f"{CLIENT}    client-name: X\n", "line 5: client shop: there is no key 'client-name'"),
        ("client: {}\n", "line 1: the file: there is no key 'client'; did you mean clients?"),
        (f"{CLIENT}    name: Again\n", "line 5: client shop: 'name' is in line 3 already"),
        (f"{CLIENT}  shop: {{}}\n", "line 5: clients: 'shop' is in line 2 already"),
        (f"{CLIENT}    first_party: yes\n", "line 5: client shop: first_party: must be true or false, not 'yes'"),
        (f"{CLIENT}    first_party: 'true'\n", "must be true or false"),
        (f"{CLIENT}    owner: on\n", "line 5: client shop: owner: some readers take on for a truth value: write it in"),
        (f"{CLIENT}    owner: 0123\n", "take 0123 for a number"),
        (f"{CLIENT}    owner: 2026-01-01\n", "take 2026-01-01 for a date"),
        (f"{CLIENT}    owner:\n", "owner: has no value"),
        (f"{CLIENT}    owner: !!python/name:os.system x\n", "is not supported"),
        (f"{CLIENT}    refresh_idle: 010\n", "'010' is not a duration"),
        (f"{CLIENT}    refresh_idle: 1:30\n", "'1:30' is not a duration"),
        (f"{CLIENT}    redirect_uris: https://a.example.com\n", "'redirect_uris' is in line 4"),
        (f"{CLIENT}    <<: {{}}\n", "a merge key"),
        ("clients:\n  no: {name: X}\n", "line 2: clients: a key: some readers take no for a truth value"),
        ("clients:\n", "line 1: clients is empty: write {}"),
        ("clients: &a\n  shop: *a\n", "line 2: aliases"),
        ("", "The file is empty"),
        ("[" * 5000, "nested too deeply"),
        ("clients: {shop: {name: Shop", "line 1"),
        ("a: 1\n---\nb: 2\n", "line 2"),
        ("clients:\n  shop: {owner: X}\n", "line 2: client shop has no name"),
        ("clients:\n  job: {name: Job, scope: [admin]}\n", "line 2: client job: grant_types: there is none"),
        (f"{CLIENT}    scope: [nonsense]\n", "line 2: client shop: scope 'nonsense': not registered"),
        (f"{CLIENT}    authentication: none\n", "line 2: client shop: authentication 'none': a web application keeps"),
        ("clients:\n  p: {name: P, type: native, redirect_uris: ['com.example.p:/'], secret: {env: X}}\n",
         "a native client keeps no secret"),
        ("clients:\n  web_app_123: {name: W, type: native, redirect_uris: ['com.example.w:/cb']}\n",
         "type: cannot be changed once it is registered"),
        (f"{CLIENT}    id_token_signed_response_alg: PS256\n",
         "line 2: client shop: id_token_signed_response_alg 'PS256': no key signs with it, only with RS256: deploy"),
        ("apis:\n  https://b.example.com: {name: B, access_token_signing_alg: ES256}\n",
         "line 2: API https://b.example.com: access_token_signing_alg 'ES256': no key signs with it, only with RS256"),
        (f"{CLIENT}    id_token_signed_response_alg: none\n", "id_token_signed_response_alg 'none': one of RS256,"),
        ("scopes:\n  a: {description: A, includes: [b]}\n  b: {description: B, includes: [a]}\n", "in a circle"),
        ("apis:\n  https://b.example.com: {name: B, scopes: [admin]}\n", "to one API only"),
        ("people:\n  Mary: {}\n", "in lower case: mary"),
        ("people:\n  mary: {email: nowhere}\n", "line 2: person mary: email 'nowhere': not an email address"),
        ("people:\n  mary: {email_verified: true}\n", "the user has no email"),
        ("people:\n  mary: {sub: demo-john}\n", "line 2: person mary: sub: it is the sub of john"),
        ("people:\n  mary: {sub: 'a#b'}\n", "without #"),
        ("people:\n  mary: {sub: x1}\n  jo: {sub: x1}\n", "mary has it already"),
        ("people:\n  mary: {sub: web_app_123}\n", "it is a client_id"),
        (f"{CLIENT}people:\n  mary: {{sub: shop}}\n", "line 6: person mary: sub: it is a client_id"),
        ("people:\n  john: {sub: other}\n", "sub: cannot be changed: it is demo-john"),
        ("people:\n  mary: {password_hash: plain-password}\n", "not an Argon2id hash"),
    ],
)  # fmt: skip
def test_what_can_never_be_right_is_refused_by_its_line_and_nothing_is_changed(
    apply: Apply, asked: Asked, logged: Logged, text: str, reason: str
) -> None:
    ran = apply(text, status=2)
    assert reason in ran.err
    assert "plain-password" not in ran.err
    assert (asked.writes, logged.lines()) == ([], [])


def test_everything_that_is_wrong_is_told_at_once(apply: Apply, asked: Asked) -> None:
    said = "scopes:\n  good: {description: Good}\nclients:\n  a: {name: A}\n  b: {name: B, scope: nonsense}\n"
    err = apply(said, status=2).err
    assert "line 4: client a" in err
    assert "line 5: client b: scope 'nonsense'" in err
    assert asked.writes == []


def test_a_deleted_clients_id_is_refused_before_anything_is_changed(
    apply: Apply, valet: Operator, asked: Asked
) -> None:
    valet("clients", "delete", "spa_demo", "--yes")
    asked.operations.clear()
    said = {"scopes": {"new": {"description": "New"}}, "clients": {"spa_demo": SHOP}}
    assert "choose another" in apply(said, status=2).err
    assert asked.writes == []


def test_it_is_json_as_well_and_comes_from_standard_input(valet: Operator) -> None:
    said = json.dumps({"scopes": {"new": {"description": "New"}}})
    assert "+ scope new" in valet("apply", "-", typed=said).out


# -- prune ---------------------------------------------------------------------------------------------------------


def test_prune_asks_and_deletes_in_reverse_only_from_sections_that_the_file_has(
    apply: Apply, valet: Operator, logged: Logged
) -> None:
    apply({
        "scopes": {"a": {"description": "A", "includes": ["b"]}, "b": {"description": "B"}},
        "apis": {"https://api.example.com": {"name": "Orders", "scopes": ["a", "b"]}},
        "clients": {"shop": {**SHOP, "scope": "a"}},
    })  # fmt: skip
    before = exported(valet, "--people")
    said = {name: dict(before[name]) for name in ("scopes", "apis", "clients")}
    del said["scopes"]["a"], said["scopes"]["b"], said["apis"]["https://api.example.com"], said["clients"]["shop"]
    said["scopes"] = {name: each for name, each in said["scopes"].items() if name != "openid"}
    logged.lines()
    assert (
        "delete client shop, delete API https://api.example.com, delete scope a, delete scope b. Make all"
        in apply(said, "--prune", status=5, typed="n\n").err
    )
    assert exported(valet, "--people") == before
    assert logged.lines() == []
    apply(said, "--prune", "--yes")
    deleted = [line for line in logged.deeds() if " deleted " in line]
    assert deleted == [
        "client.changed deleted shop", "api.changed deleted https://api.example.com", "scope.changed deleted a",
        "scope.changed deleted b",
    ]  # fmt: skip
    after = exported(valet, "--people")
    assert after["people"] == before["people"]
    assert "openid" in after["scopes"], "the issuer's own"
    assert "No change" in apply(said, "--prune").out


def test_prune_ends_what_deleted_people_hold_and_leaves_them_without_a_section_for_people(
    apply: Apply, valet: Operator
) -> None:
    held = sign_in(valet.stack)
    apply({"scopes": {}}, "--prune", status=2)  # the demo API and the clients need theirs
    people = exported(valet, "--people")["people"]
    assert "john" in people
    del people["john"]
    apply({"people": people}, "--prune", "--yes")
    assert exported(valet, "--people")["people"] == people
    assert held.refresh() == 400
    assert is_refused_by_list(valet.stack, held.access_token)
    assert len(valet.json("clients", "list")) == len(CLIENTS)


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        (("scopes",), "scope items cannot be deleted: the protected API"),
        (("apis",), "its scope items would belong to no API"),
        (("scopes", "apis"), "the client web_app_123 may ask for it"),
    ],
)
def test_prune_refuses_to_delete_what_is_still_needed_and_deletes_nothing(
    apply: Apply, asked: Asked, sections: Sequence[str], reason: str
) -> None:
    assert reason in apply({section: {} for section in sections}, "--prune", "--yes", status=2).err
    assert asked.writes == []


# -- other operators, and failures ---------------------------------------------------------------------------------


def after_planning(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Another operator acts between what the command read and what it writes."""
    plan = Planner.steps

    def steps(planner: Planner, *arguments: Any, **options: Any) -> list[Step]:
        found = plan(planner, *arguments, **options)
        deed()
        return found

    monkeypatch.setattr(Planner, "steps", steps)


@pytest.mark.parametrize(
    ("said", "options", "deed"),
    [
        ({"clients": {"shop": {**SHOP, "owner": "Ours"}}}, (), "clients change shop --owner Theirs"),
        ({"clients": {"shop": {**SHOP, "owner": "Ours"}}}, (), "clients delete shop --yes"),
        ({"scopes": {"stock": {"description": "Ours"}}}, (), "scopes add stock Theirs"),
        ({"people": {"jim": {"name": "Ours"}}}, (), "users change jim --name Theirs"),
        ({"people": {"john": {"name": "John Doe"}, "jane": {}}}, ("--prune", "--yes"), "users roles jim --add admin"),
    ],
)
def test_another_operators_change_in_between_is_told_and_not_overwritten(
    apply: Apply, valet: Operator, monkeypatch: pytest.MonkeyPatch, said: Any, options: Sequence[str], deed: str
) -> None:
    apply({"clients": {"shop": SHOP}})
    people = exported(valet, "--people")["people"]
    for name in ("john", "jane"):
        if name in said.get("people", {}):
            said = {"people": {**said["people"], name: people[name]}}
    theirs: list[Any] = []

    def act() -> None:
        monkeypatch.undo()
        valet(*deed.split())
        theirs.append(exported(valet, "--people"))

    after_planning(monkeypatch, act)
    err = apply(said, *options, status=3).err
    assert "by another operator" in err or "already" in err
    assert exported(valet, "--people") == theirs[0]


def test_a_failure_half_way_says_what_was_done_and_the_same_again_completes_it(
    apply: Apply, valet: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "scopes": {"new": {"description": "New"}},
        "clients": {"shop": SHOP, "web_app_123": {**SHOP, "name": "Other"}},
        "people": {"john": {}},
    }

    def fail(*arguments: Any) -> None:
        raise TemporarilyUnavailable(detail="DynamoDB update_item: InternalServerError")

    monkeypatch.setattr(Register, "change_client", fail)
    ran = apply(said, status=6)
    assert "InternalServerError. Done: add scope new, add client shop." in ran.err
    assert "Not done: change client web_app_123, change person john. The same command completes the rest." in " ".join(
        ran.err.split()
    )
    assert "These cannot be shown again" in ran.out, "the generated secret exists nowhere else"
    monkeypatch.undo()
    assert "Made 2 changes" in apply(said).out
    assert "No change" in apply(said).out


def test_what_fails_before_anything_was_done_ends_as_any_command_does(
    apply: Apply, asked: Asked, logged: Logged
) -> None:
    asked.denied("CreateLogStream")
    assert "Nothing was changed" in apply({"scopes": {"new": {"description": "New"}}}, status=4).err
    assert (asked.writes, logged.lines()) == ([], [])


# -- people --------------------------------------------------------------------------------------------------------


def test_other_roles_refuse_the_tokens_that_say_the_old_ones(apply: Apply, valet: Operator) -> None:
    held = sign_in(valet.stack)
    said = exported(valet, "--people")["people"]["john"]
    apply({"people": {"john": {**said, "roles": ["admin"]}}})
    assert is_refused_by_list(valet.stack, held.access_token)
    assert held.refresh() == 200
    assert valet.slept == [10], "and once more, for requests that were under way"


def test_a_person_whom_the_file_disables_is_signed_out_everywhere(apply: Apply, valet: Operator) -> None:
    held = sign_in(valet.stack)
    said = exported(valet, "--people")["people"]["john"]
    apply({"people": {"john": {**said, "disabled": True}}})
    assert held.refresh() == 400
    assert is_refused_by_list(valet.stack, held.access_token)
    valet("users", "disable", "jim", "--yes")
    apply({"people": {"jim": exported(valet, "--people")["people"]["jim"] | {"name": "Jim"}}})
    assert valet.json("users", "show", "jim")["disabled"] is True


def test_nothing_that_a_deleted_account_held_comes_back_to_life_with_its_sub(apply: Apply, valet: Operator) -> None:
    valet("grants", "revoke", "--user", "john", "--yes")  # the epoch is 1, as a new account's would be after this
    held = sign_in(valet.stack)
    users = boto3.resource("dynamodb").Table(valet.stack.tables["Users"])
    for key in (("account#demo-john", "account"), ("credential#john", "credential")):  # and its grants are missed
        users.delete_item(Key=dict(zip(("pk", "sk"), key, strict=True)))
    apply({"people": {"john": {"sub": "demo-john"}}})
    assert valet.json("users", "show", "john")["sub"] == "demo-john"
    assert held.refresh() == 400


def test_a_person_without_a_hash_gets_a_password_that_is_shown_once(apply: Apply, valet: Operator) -> None:
    (told,) = apply({"people": {"mary": {"name": "Mary"}}}, "--json").json()["passwords"]
    assert sign_in(valet.stack, "mary", password=told["password"]).userinfo() == 200
    assert "password" not in apply({"people": {"mary": {"name": "Mary"}}}).out


# -- export --------------------------------------------------------------------------------------------------------


def test_what_was_exported_changes_nothing_where_it_came_from(apply: Apply, valet: Operator) -> None:
    for options in ((), ("--people",), ("--people", "--with-credentials"), ("--json",)):
        assert "No change" in apply(valet("export", *options).out, "--prune").out


def test_a_moved_deployment_signs_people_in_with_the_same_password_and_the_same_secret(
    valet: Operator, tmp_path: Path, apply: Apply
) -> None:
    valet("users", "add", "mary", "--password-stdin", typed=f"{PASSWORD}\n")
    secret = apply({"clients": {"shop": SHOP}}, "--json").json()["secrets"][0]["client_secret"]
    sub = valet.json("users", "show", "mary")["sub"]
    file = tmp_path / "moved.yaml"
    valet("export", "--people", "--with-credentials", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text(encoding="utf-8")
    assert secret not in text
    assert PASSWORD not in text
    valet.stack.reset()  # another deployment, which knows neither
    valet("clients", "show", "shop", status=3)
    ran = valet("apply", str(file))
    assert "cannot be shown again" not in ran.out
    held = sign_in(valet.stack, "mary", shop(valet, secret), PASSWORD)
    assert held.userinfo() == 200
    assert valet.json("users", "show", "mary")["sub"] == sub
    assert "No change" in valet("apply", str(file)).out


def test_an_old_export_brings_no_old_password_and_no_old_secret_back(valet: Operator, tmp_path: Path) -> None:
    file = tmp_path / "old.yaml"
    valet("export", "--people", "--with-credentials", "--output", str(file))
    valet("users", "set-password", "john", "--password-stdin", typed=f"{PASSWORD}\n")
    new = valet.json("clients", "rotate-secret", "web_app_123", "--now", "--yes")["client_secret"]
    assert "No change" in valet("apply", str(file)).out
    valet.advance(11)
    held = sign_in(valet.stack, "john", web_app(valet.stack, secret=new), PASSWORD)
    assert held.userinfo() == 200
    assert valet.json("clients", "show", "web_app_123")["secrets"] == 1


def test_without_the_options_no_person_and_nothing_of_a_credential_is_written(valet: Operator) -> None:
    text = valet("export").out
    assert "people:" not in text
    assert "john" not in text
    with_people = valet("export", "--people").out
    assert "john@example.com" in with_people
    for said in (text, with_people):
        assert "digest" not in said
        assert "argon2" not in said
    assert "argon2" not in valet("export", "--with-credentials").out, "people only where they are asked for"


def test_an_editor_finds_the_schema_from_where_the_file_is(valet: Operator, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "valet.yaml"
    file.parent.mkdir()
    valet("export", "--output", str(file))
    comment = file.read_text(encoding="utf-8").splitlines()[0]
    assert comment.startswith("# yaml-language-server: $schema=")
    assert (file.parent / comment.partition("=")[2]).resolve() == schema.FILE
    ours = EXAMPLE.read_text(encoding="utf-8").splitlines()[0]
    assert (EXAMPLE.parent / ours.partition("=")[2]).resolve() == schema.FILE


def test_a_value_that_looks_like_another_kind_is_exported_in_quotes(valet: Operator, apply: Apply) -> None:
    apply('clients:\n  "123": {name: "on", grant_types: [client_credentials], scope: [admin], owner: "0123"}\n')
    assert "No change" in apply(valet("export").out).out


def test_a_copied_digest_accepts_the_secret_that_it_is_the_digest_of(valet: Operator, apply: Apply) -> None:
    said = exported(valet, "--with-credentials")["clients"]["api_service_789"]
    apply({"clients": {"copy": {**said, "name": "Copy"}}})
    valet.advance(11)
    assert service(valet.stack, "copy", "api_secret_abc").client_credentials().status == 200
    assert service(valet.stack, "copy", "api_secret_abd").client_credentials().status == 401
