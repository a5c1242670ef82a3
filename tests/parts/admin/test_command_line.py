"""The command line as a program: exit statuses, JSON, questions, completion, and no traceback whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from admin.cli import valet as command
from admin.desk import Desk, counted
from tests.parts.admin.conftest import Operator

ROOT = Path(__file__).parents[3]
# One of each: what scripts read.
READING = (
    ("clients", "list"), ("clients", "show", "web_app_123"), ("users", "list"), ("users", "roles", "john"),
    ("scopes", "list"), ("apis", "list"), ("keys", "list"), ("grants", "list", "--user", "john"),
)  # fmt: skip


def test_what_is_read_is_a_table_for_people_and_json_for_scripts(refused: Operator) -> None:
    for arguments in READING:
        assert refused.json(*arguments) is not None
        assert refused(*arguments).out.strip()


def test_options_of_the_deployment_stand_before_or_behind_the_command(refused: Operator) -> None:
    port = refused.stack.aws_url.rpartition(":")[2]
    before = CliRunner().invoke(command, ["--local", "--aws-port", port, "--json", "clients", "list"], obj=Desk())
    assert json.loads(before.stdout) == refused.json("clients", "list")
    assert "no --profile" in refused("clients", "list", "--profile", "work", status=2).err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("clients", "change", "web_app_123", "--name", "--local"), "--name has no value: --local is an option itself"),
        (("users", "add", "--email", "--generate", "kim"), "--email has no value: --generate"),
        (("scopes", "list", "--profile", "--json"), "--profile has no value: --json"),
        (("--stack", "--local", "clients", "list"), "--stack has no value: --local"),
        (("clients", "change", "web_app_123", "--scope", "--name=x"), "--scope has no value: --name=x"),
        (("users", "change", "john", "--name", "--no-email-verified"), "--name has no value: --no-email-verified"),
        (("clients", "list", "--stack", "--help"), "--stack has no value: --help"),
        (("tail", "--client", "--generate"), "--client has no value: --generate"),  # an option of another command
    ],
)
def test_an_option_that_was_given_no_value_does_not_take_the_next_option_and_go_to_real_aws(
    arguments: tuple[str, ...], told: str
) -> None:
    desk = Desk()
    ran = CliRunner().invoke(command, list(arguments), obj=desk)
    assert ran.exit_code == 2
    assert told in ran.stderr
    assert "deployment" not in vars(desk)  # nothing was even looked for


def test_a_value_may_begin_with_dashes_if_it_is_no_option_or_is_joined_to_its_own(refused: Operator) -> None:
    for value in ("--not-an-option", "-"):
        refused("clients", "change", "web_app_123", "--name", value)
        assert refused.json("clients", "show", "web_app_123")["name"] == value
    refused("clients", "change", "web_app_123", "--name=--local")
    assert refused.json("clients", "show", "web_app_123")["name"] == "--local"


def test_a_stack_that_is_not_running_is_one_clear_line() -> None:
    ran = CliRunner().invoke(command, ["clients", "list", "--local", "--aws-port", "9"], obj=Desk())
    assert ran.exit_code == 4
    assert "`make run` starts it" in ran.stderr
    assert "pass its --aws-port" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1


def test_a_stack_that_there_is_not_is_refused(refused: Operator) -> None:
    port = refused.stack.aws_url.rpartition(":")[2]
    arguments = ["clients", "list", "--stack", "nonsense", "--region", "us-east-1"]
    environment = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    ran = CliRunner().invoke(command, arguments, obj=Desk(), env=environment)
    assert ran.exit_code == 3
    assert "no stack nonsense in us-east-1" in ran.stderr


def test_a_profile_that_there_is_not_and_no_region_are_one_clear_line() -> None:
    ran = CliRunner().invoke(command, ["clients", "list", "--profile", "nonsense"], obj=Desk())
    assert ran.exit_code == 4
    assert "nonsense" in ran.stderr


@pytest.mark.slow
def test_it_runs_as_a_program_of_its_own_and_completes_itself(refused: Operator) -> None:
    port = refused.stack.aws_url.rpartition(":")[2]
    environment = {"PATH": os.environ["PATH"], "AWS_PORT": port, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
    run = [sys.executable, "-m", "admin"]
    listed = subprocess.run(
        [*run, "scopes", "list", "--local", "--json"],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "openid" in [row["name"] for row in json.loads(listed.stdout)]
    source = subprocess.run([*run, "completion", "zsh"], env=environment, capture_output=True, text=True, check=True)
    assert "_VALET_COMPLETE" in source.stdout
    completing = {
        **environment,
        "_VALET_COMPLETE": "bash_complete",
        "COMP_WORDS": "valet clients ro",
        "COMP_CWORD": "2",
    }
    words = subprocess.run(run, env=completing, capture_output=True, text=True, check=True).stdout
    assert "rotate-secret" in words


def test_other_peoples_words_do_not_command_the_terminal(valet: Operator) -> None:
    from dataclasses import replace

    from admin.records.deployment import Deployment
    from admin.records.people import People
    from admin.terminal.spelling import Where

    deployment = Deployment(Where(is_local=True, aws_port=int(valet.stack.aws_url[-5:])), bytes, valet.clock)
    people = People(deployment.users, deployment.audit, valet.clock)
    john = people.account("john")
    people.change(john, replace(john, name="\x1b]0;owned\x07John\x9b2J\u202e"))
    for told in (valet("users", "list").out, valet("users", "list", "--json").out):
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(told)
    [row] = [row for row in valet.json("users", "list") if row["username"] == "john"]
    assert row["name"] == "\x1b]0;owned\x07John\x9b2J\u202e"  # to a script, to the letter


@pytest.mark.parametrize("number", [0, 1, 2])
def test_one_is_not_told_as_many(number: int) -> None:
    assert counted(number, "grant") == ("1 grant" if number == 1 else f"{number} grants")
    assert counted(number, "person", "people") == ("1 person" if number == 1 else f"{number} people")


def test_forms_of_values_are_explained_where_they_are_asked_for() -> None:
    for arguments, told in ((["clients", "add"], "DURATION"), (["tail"], "TIME"), (["grants", "revoke"], "TIME")):
        helped = CliRunner().invoke(command, [*arguments, "--help"]).stdout
        assert f"\n  {told}: " in helped
    assert "DURATION" not in CliRunner().invoke(command, ["users", "list", "--help"]).stdout


def test_who_stops_it_is_told_that_some_of_it_may_be_done(valet: Operator) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    valet.while_asleep = stop
    assert (
        "Changes that were made until then stay" in valet("clients", "delete", "web_app_123", "--yes", status=130).err
    )
    assert valet.json("clients", "show", "web_app_123")["disabled"]
    valet.while_asleep = lambda: None
    valet("clients", "delete", "web_app_123", "--yes")


def test_a_secret_is_in_one_answer_and_in_no_log_line(valet: Operator, caplog: object) -> None:
    secret = valet.json("clients", "add", "Job", "--id", "job", "--scope", "admin")["client_secret"]
    password = valet.json("users", "add", "ann", "--generate")["password"]
    second = valet.json("clients", "rotate-secret", "job")["client_secret"]
    for arguments in (*READING, ("clients", "show", "job"), ("doctor",), ("clients", "rotate-secret", "job")):
        valet(*arguments, status=3 if arguments[1:2] == ("rotate-secret",) else 0)
    valet("clients", "delete", "job", "--yes")
    everything = "".join(valet.said) + str(getattr(caplog, "text", ""))
    for drawn in (secret, password, second):
        assert everything.count(drawn) == 1
