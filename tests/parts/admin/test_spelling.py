"""Commands that are printed lead to the deployment that was looked at, and can be pasted as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from admin.desk import Desk, called
from admin.terminal.spelling import Where, command, in_full
from tests.parts.admin.conftest import Operator

ROOT = Path(__file__).parents[3]
LOCAL, OTHER = Where(is_local=True, aws_port=4701), Where("shop", "work", "eu-west-1")


@pytest.mark.parametrize(
    ("text", "where", "spelled"),
    [
        ("`valet keys list`", Where(), "`valet keys list`"),
        ("`valet keys list`", Where(is_local=True), "`valet keys list --local`"),
        ("`valet keys list`", LOCAL, "`valet keys list --local --aws-port 4701`"),
        ("`valet keys list`", OTHER, "`valet keys list --stack shop --profile work --region eu-west-1`"),
        ("`aws kms enable-key`", Where(), "`aws kms enable-key`"),
        ("`aws kms enable-key`", OTHER, "`aws kms enable-key --profile work --region eu-west-1`"),
        (
            "`aws x`",
            LOCAL,
            "`AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local aws x "
            "--endpoint-url http://127.0.0.1:4701 --region us-east-1`",
        ),
        ("first `valet a`, then `valet b`", Where("x"), "first `valet a --stack x`, then `valet b --stack x`"),
        ("`make deploy` makes one", Where(), "`make deploy` makes one"),
        ("`make deploy`", OTHER, "`make deploy` with the samconfig.toml of the stack shop"),
        ("`make run` starts it", LOCAL, "`make run` starts it"),
        ("of valet keys list", LOCAL, "of valet keys list"),
    ],
)
def test_a_command_is_given_the_options_that_lead_to_its_deployment(text: str, where: Where, spelled: str) -> None:
    assert in_full(text, where, "valet") == spelled


def test_a_command_has_the_name_that_the_operator_called_it_by() -> None:
    assert in_full("`valet keys list`", Where(), "admin/valet") == "`admin/valet keys list`"
    assert in_full("`valet keys list`", Where(), "/home/a b/valet") == "`'/home/a b/valet' keys list`"


@pytest.mark.parametrize("name", ["$(reboot)", "a`b", "it's", "two words", "`; rm -rf /"])
def test_what_somebody_registered_is_one_word_to_a_shell(name: str) -> None:
    spelled = in_full(f"Do {command('valet apis delete', name)}.", LOCAL, "valet")
    assert spelled.startswith("Do `")
    assert spelled.endswith(" --local --aws-port 4701`.")
    words = shlex.split(spelled[4:-2])
    assert words == ["valet", "apis", "delete", name, "--local", "--aws-port", "4701"]
    ran = subprocess.run(["sh", "-c", f"printf '%s\\n' {spelled[4:-2]}"], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == words


def test_refusals_and_questions_name_commands_for_the_deployment_that_was_asked(valet: Operator) -> None:
    port = valet.stack.aws_url.rpartition(":")[2]
    valet("clients", "rotate-secret", "api_service_789")
    refused = valet("clients", "rotate-secret", "api_service_789", status=3)
    assert f"`valet clients end-old-secret api_service_789 --local --aws-port {port}`" in refused.err
    unknown = valet("clients", "change", "web_app_123", "--scope", "nonsense", status=2)
    assert f"`valet scopes list --local --aws-port {port}`" in unknown.err


@pytest.mark.slow
def test_it_is_called_as_the_shell_called_it(tmp_path: Path) -> None:
    (tmp_path / "valet").symlink_to(ROOT / "admin" / "valet")
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for name in ("valet", "admin/valet", str(tmp_path / "valet")):
        ran = subprocess.run([name, "clients", "--help"], env=environment, cwd=ROOT, capture_output=True, text=True)
        shown = "valet" if name.startswith("/") else name  # found by its path as by its name
        assert re.match(rf"Usage: {re.escape(shown)} clients ", ran.stdout), ran.stdout + ran.stderr


def test_the_name_is_a_path_where_the_shell_would_find_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("VALET_CALLED", "admin/valet")
    assert called() == "admin/valet"
    monkeypatch.delenv("VALET_CALLED")
    assert called() == "valet"


@pytest.mark.parametrize(("port", "aws_port"), [("", 3001), ("3200", 3201), ("0", 3001), ("tcp://x", 3001)])
def test_the_local_stacks_port_is_found_as_the_local_stack_finds_it(
    monkeypatch: pytest.MonkeyPatch, port: str, aws_port: int
) -> None:
    monkeypatch.setenv("PORT", port)
    assert Desk().where.aws_port == aws_port
