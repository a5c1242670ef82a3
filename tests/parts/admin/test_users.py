"""`valet users`: people, whose passwords are never an argument and never in the log."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from valet.people.passwords import hash_password

from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import SignedIn, is_refused_by_list, sign_in, web_app
from tests.support.browser import Browser
from tests.support.wire import over_http

PASSWORD = "a long enough password"
ROOT = Path(__file__).parents[3]


def can_sign_in(valet: Operator, username: str, password: str) -> bool:
    browser = Browser(over_http, valet.stack.issuer)
    page = browser.open(web_app(valet.stack).ask().url)
    answer = browser.sign_in(page, username, password)
    return "Allow" in answer.body if answer.is_page else "code" in answer.answered


def test_a_user_is_added_with_a_password_from_standard_input(valet: Operator) -> None:
    added = valet.json("users", "add", "Ann", "--role", "user admin", "--password-stdin", typed=f"{PASSWORD}\n")
    assert added["username"] == "ann"
    assert len(added["sub"]) == 22  # drawn: never the username, which may change hands
    assert "password" not in added
    assert can_sign_in(valet, "ann", PASSWORD)
    [ann] = [row for row in valet.json("users", "list") if row["username"] == "ann"]
    assert ann["roles"] == ["admin", "user"]


def at_a_terminal(valet: Operator, *arguments: str, typed: Sequence[str]) -> tuple[int, str]:
    """What a command answers to somebody who types a line at each question, and what they see."""
    port = valet.stack.aws_url.rpartition(":")[2]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    run = [sys.executable, "-m", "admin", *arguments, "--local", "--aws-port", port]
    terminal, its = pty.openpty()
    process = subprocess.Popen(
        run, stdin=its, stdout=its, stderr=its, env=environment, cwd=ROOT, start_new_session=True
    )
    os.close(its)
    seen, lines = "", list(typed)
    # At its end Linux answers EIO where others answer nothing.
    with suppress(OSError):
        while read := os.read(terminal, 1024):
            seen += read.decode()
            if seen.endswith(": ") and lines:
                os.write(terminal, lines.pop(0).encode())
    os.close(terminal)
    return process.wait(20), seen


def test_a_typed_password_is_asked_for_twice_and_not_shown(valet: Operator) -> None:
    status, seen = at_a_terminal(valet, "users", "add", "ann", typed=[f"{PASSWORD}\n", f"{PASSWORD}\n"])
    assert (status, seen.count("assword:")) == (0, 1), seen
    assert "Repeat for confirmation" in seen
    assert PASSWORD not in seen
    assert can_sign_in(valet, "ann", PASSWORD)


def test_who_stops_at_the_password_is_told_so_and_adds_nobody(valet: Operator) -> None:
    status, seen = at_a_terminal(valet, "users", "add", "bob", typed=[f"{PASSWORD}\n", "another\n", "\x04"])
    assert (status, "Stopped at the password, so nothing was changed" in seen) == (5, True), seen
    assert "bob" not in valet("users", "list").out


@pytest.mark.parametrize("arguments", [("add", "ann"), ("set-password", "john")])
def test_without_a_terminal_nobody_is_asked_for_a_password(
    refused: Operator, recwarn: pytest.WarningsRecorder, arguments: tuple[str, ...]
) -> None:
    ran = refused("users", *arguments, typed=f"{PASSWORD}\n{PASSWORD}\n", status=2)
    assert "Standard input is not a terminal: pass --password-stdin or --generate." in ran.err
    assert not recwarn.list
    assert can_sign_in(refused, "john", "password123")


def test_a_drawn_password_is_shown_this_once(valet: Operator) -> None:
    added = valet.json("users", "add", "ann", "--generate")
    assert can_sign_in(valet, "ann", added["password"])
    assert added["password"] not in valet("users", "list", "--json").out
    changed = valet.json("users", "set-password", "ann", "--generate")
    assert can_sign_in(valet, "ann", changed["password"])
    assert not can_sign_in(valet, "ann", added["password"])


def test_no_command_takes_a_password_as_an_argument(valet: Operator) -> None:
    valet("users", "add", "ann", "--password", PASSWORD, status=2)
    valet("users", "set-password", "john", PASSWORD, status=2)


@pytest.mark.parametrize("arguments", [("add", "ann"), ("set-password", "john")])
def test_a_short_password_is_refused_and_nothing_changes(valet: Operator, arguments: tuple[str, ...]) -> None:
    before = valet.json("users", "list")
    assert "15" in valet("users", *arguments, "--password-stdin", typed="short\n", status=2).err
    assert valet.json("users", "list") == before
    assert can_sign_in(valet, "john", "password123")


def test_a_username_that_is_taken_is_refused_before_a_password_is_asked_for(valet: Operator) -> None:
    assert "already" in valet("users", "add", "JOHN", status=3).err
    assert "no user" in valet("users", "set-password", "nobody", "--generate", status=3).err
    valet("users", "add", "two words\x07", "--generate", status=2)


def test_a_disabled_user_loses_everything_at_once_and_comes_back_without_it(valet: Operator) -> None:
    john, jane = sign_in(valet.stack, "john"), sign_in(valet.stack, "jane")
    valet("users", "disable", "john", typed="n\n", status=5)
    assert john.userinfo() == 200
    assert valet.json("users", "disable", "john", "--yes")["grants_ended"] == 1
    assert (john.userinfo(), john.refresh()) == (401, 400)
    assert is_refused_by_list(valet.stack, john.access_token)
    assert not can_sign_in(valet, "john", "password123")
    assert (jane.userinfo(), is_refused_by_list(valet.stack, jane.access_token)) == (200, False)
    valet("users", "enable", "john")
    assert john.refresh() == 400
    assert can_sign_in(valet, "john", "password123")


def test_changed_roles_refuse_the_tokens_that_say_the_old_ones_and_grants_live_on(valet: Operator) -> None:
    jane = sign_in(valet.stack, "jane")
    changed = valet.json("users", "roles", "jane", "--remove", "admin", "--add", "auditor")
    assert changed == {"username": "jane", "roles": ["auditor", "user"], "access_tokens_refused": 1}
    assert is_refused_by_list(valet.stack, jane.access_token)
    assert jane.refresh() == 200
    assert valet.json("users", "roles", "jane")["roles"] == ["auditor", "user"]
    assert valet.json("users", "roles", "jane", "--set", "user")["roles"] == ["user"]


def test_all_roles_and_some_roles_are_not_said_at_once(valet: Operator) -> None:
    before = valet.json("users", "roles", "john")
    for more in (("--add", "x"), ("--remove", "user")):
        err = valet("users", "roles", "john", "--set", "admin", *more, status=2).err
        assert "--set replaces all values: it cannot be combined with --add or --remove" in err
    assert valet.json("users", "roles", "john") == before


def test_a_role_that_no_api_is_told_is_given_with_a_warning(valet: Operator) -> None:
    told = "No protected API has the role auditor"
    assert told in valet("users", "roles", "john", "--add", "auditor").err
    assert told in valet("users", "add", "ann", "--role", "auditor", "--generate").err
    assert told not in valet("users", "roles", "john", "--add", "admin").err
    assert valet.json("users", "roles", "john")["roles"] == ["admin", "auditor", "user"]


def test_a_token_that_was_signed_while_the_roles_changed_is_refused_by_the_second_look(valet: Operator) -> None:
    late = []
    valet.while_asleep = lambda: late.append(sign_in(valet.stack, "jane"))
    valet("users", "roles", "jane", "--remove", "admin")
    assert valet.slept == [10]  # as long as a function may run
    assert is_refused_by_list(valet.stack, late[0].access_token)


def test_a_new_password_may_end_what_the_old_one_opened(valet: Operator) -> None:
    john = sign_in(valet.stack, "john")
    set_ = ("users", "set-password", "john", "--password-stdin")
    assert valet.json(*set_, typed=f"{PASSWORD}\n")["grants_ended"] == 0
    assert john.userinfo() == 200
    assert valet.json(*set_, "--revoke", typed=f"{PASSWORD}\n")["grants_ended"] == 1
    assert john.userinfo() == 401


@pytest.mark.parametrize(
    "command",
    [
        ("users", "set-password", "john", "--password-stdin", "--revoke"),
        ("users", "sign-out", "john", "--revoke", "--yes"),
        ("grants", "revoke", "--user", "john", "--yes"),
    ],
)
def test_who_ends_what_a_person_holds_ends_their_sessions_as_well(valet: Operator, command: tuple[str, ...]) -> None:
    """Otherwise a thief with a session could get a new grant as soon as the old ones are revoked."""
    thief = Browser(over_http, valet.stack.issuer)
    app = web_app(valet.stack)
    thief.decide(thief.sign_in(thief.open(app.ask().url), "john"))
    assert "code" in thief.get(app.ask(prompt="none").url).answered
    valet(*command, typed=f"{PASSWORD}\n")
    assert thief.get(app.ask(prompt="none").url).answered["error"] == "login_required"


def test_a_disabled_user_who_comes_back_has_to_sign_in_again(valet: Operator) -> None:
    browser = Browser(over_http, valet.stack.issuer)
    app = web_app(valet.stack)
    browser.decide(browser.sign_in(browser.open(app.ask().url), "john"))
    valet("users", "disable", "john", "--yes")
    valet("users", "enable", "john")
    assert browser.get(app.ask(prompt="none").url).answered["error"] == "login_required"
    assert can_sign_in(valet, "john", "password123")


def test_who_is_signed_out_signs_in_again_and_what_was_allowed_for_longer_goes_on(valet: Operator) -> None:
    long, short = web_app(valet.stack), replace(web_app(valet.stack), scope="openid items")
    browsers = [Browser(over_http, valet.stack.issuer) for _ in range(2)]
    held = []
    for browser, app in zip(browsers, (long, short), strict=True):
        asked = app.ask()
        answer = browser.sign_in(browser.open(asked.url), "john")
        answer = browser.decide(answer) if answer.is_page else answer
        held.append(SignedIn(app, app.redeem(answer.answered["code"], asked.code_verifier).json()))
    other = sign_in(valet.stack, "jane")
    valet("users", "sign-out", "john", typed="n\n", status=5)
    assert "code" in browsers[0].get(long.ask(prompt="none").url).answered
    done = valet.json("users", "sign-out", "john", "--yes")
    assert done == {"username": "john", "signed_out": True, "grants_ended": 1}
    for browser in browsers:
        assert browser.get(long.ask(prompt="none").url).answered["error"] == "login_required"
    assert [each.refresh() for each in (*held, other)] == [200, 400, 200]
    assert [is_refused_by_list(valet.stack, each.access_token) for each in held] == [False, True]
    assert "out of 0 browsers" in valet("users", "sign-out", "john", "--yes").out


def people(tmp_path: Path, text: str) -> str:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_people_are_imported_with_their_hashes_or_with_drawn_passwords(valet: Operator, tmp_path: Path) -> None:
    file = people(
        tmp_path,
        "username,name,email,email_verified,roles,password_hash\n"
        f'Ann,"Doe, Ann",ann@example.com,true,user admin,"{hash_password(PASSWORD)}"\n'
        "bob,Bob,,,,\n",
    )
    assert valet.json("users", "import", file, "--dry-run") == {"would_add": 2, "dry_run": True}
    assert "2 users would be added" in valet("users", "import", file, "--dry-run").out
    assert "ann" not in valet("users", "list").out
    done = valet.json("users", "import", file)
    assert (done["added"], done["skipped"]) == (2, 0)
    [drawn] = done["passwords"]
    assert drawn["username"] == "bob"
    assert can_sign_in(valet, "bob", drawn["password"])
    assert can_sign_in(valet, "ann", PASSWORD)
    [ann] = [row for row in valet.json("users", "list") if row["username"] == "ann"]
    assert (ann["name"], ann["email"], ann["email_verified"], ann["roles"]) == (
        "Doe, Ann",
        "ann@example.com",
        True,
        ["admin", "user"],
    )
    assert "already" in valet("users", "import", file, status=3).err
    assert valet.json("users", "import", file, "--skip-existing") == {"added": 0, "skipped": 2, "passwords": []}
    one = people(tmp_path, "username\njohn\nzoe\n")
    assert "Added 1 user. Skipped 1 user that exists already." in valet("users", "import", one, "--skip-existing").out


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name\nAnn\n", "header"),
        ("username,shoe_size\nann,38\n", "header"),
        ("username,roles\nann\n", "number of fields"),
        ("username\nann\nANN\n", "line 2 already"),
        ("username,email\nann,nowhere\n", "not an email address"),
        ("username,email_verified\nann,perhaps\n", "true or false"),
        ("username,password_hash\nann,hunter2-in-the-wrong-column\n", "Argon2id"),
        ('username,name\nann,"open\n', "line"),
        ("", "header"),
    ],
)  # fmt: skip
def test_a_file_with_one_wrong_line_adds_nobody(refused: Operator, tmp_path: Path, text: str, reason: str) -> None:
    before = refused.json("users", "list")
    ran = refused("users", "import", people(tmp_path, text), status=2)
    assert reason in ran.err
    assert "hunter2" not in ran.err  # a password in the wrong column is not repeated
    assert refused.json("users", "list") == before


_SALT, _HASH = "i2K/5ZQxsCQ1DU9+mKurkQ", "sij3uqKsWe/Mrk9PwvxztqSw9M9bd9B1NDdtXJKo0DE"


@pytest.mark.parametrize(
    ("password_hash", "reason"),
    [
        (f"$argon2id$v=19$m=4194304,t=2,p=1${_SALT}${_HASH}", "not of the cost"),
        (f"$argon2id$v=19$m=65536,t=3,p=4${_SALT}${_HASH}", "not of the cost"),
        (f"$argon2id$v=19$m=7168,t=5,p=1${_SALT}${_HASH}", "not of the cost"),
        (f"$argon2id$v=19$m=19456,t=3,p=1${_SALT}${_HASH}", "not of the cost"),
        (f"$argon2id$v=19$m=19456,t=2,p=2${_SALT}${_HASH}", "not of the cost"),
        (f"$argon2id$v=19$m=019456,t=2,p=1${_SALT}${_HASH}", "not of the cost"),
        (f"$argon2i$v=19$m=19456,t=2,p=1${_SALT}${_HASH}", "not an Argon2id hash"),
        (f"$argon2id$v=16$m=19456,t=2,p=1${_SALT}${_HASH}", "not an Argon2id hash"),
        (f"$argon2id$v=19$m=19456,t=2,p=1${_SALT[:-1]}B${_HASH}", "not an Argon2id hash"),
        (f"$argon2id$v=19$m=19456,t=2,p=1${_SALT}${_HASH}AA", "not an Argon2id hash"),
        (f"$argon2id$v=19$m=19456,t=2,p=1${_SALT}${_HASH}=", "not an Argon2id hash"),
    ],
)
def test_a_hash_that_would_take_another_time_than_nobodys_is_refused(
    refused: Operator, tmp_path: Path, password_hash: str, reason: str
) -> None:
    """Of another cost, or such that no password can be checked against it: who has an account would be seen."""
    before = refused.json("users", "list")
    ran = refused("users", "import", people(tmp_path, f'username,password_hash\nann,"{password_hash}"\n'), status=2)
    assert reason in " ".join(ran.err.split())
    assert password_hash not in ran.err
    assert refused.json("users", "list") == before
