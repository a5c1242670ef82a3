"""The README's commands do what the README says."""

import itertools
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.parts.docs.sam import sam

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)

# What each command's first word is tried by. One of another kind needs a test here before it may be in the README.
WALK = [block for block in BLOCKS if "curl" in block]
MAKE = re.findall(r"^make ([a-z]+)$", "\n".join(BLOCKS), re.MULTILINE)
SAM = re.findall(r"^(sam .*)$", "\n".join(BLOCKS), re.MULTILINE)
OWN_API = "make run API=path/to/your/template.yaml"  # tried by tests/parts/local/test_own_apis and test_main
OPERATOR = re.findall(r"^(admin/valet .*)$", "\n".join(BLOCKS), re.MULTILINE)  # tried by test_examples


def test_every_command_is_tried_here() -> None:
    others = [block for block in BLOCKS if block not in WALK]
    lines = [line for block in others for line in block.splitlines()]
    assert sorted(lines) == sorted([*(f"make {target}" for target in MAKE), OWN_API, *SAM, *OPERATOR])


@pytest.mark.slow
def test_the_walk_leads_from_the_first_token_to_a_revoked_one(fresh_stack: LocalStack) -> None:
    """Every curl command of the README, in its order, in one shell."""
    script = "set -eu\n" + "\necho; echo ---\n".join(WALK)
    script = script.replace("http://127.0.0.1:3000", fresh_stack.url)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    answers = re.findall(r"^HTTP/1\.1 (\d+)", done.stdout, re.MULTILINE)
    assert answers == ["200", "401", "403", "200", "401"]  # admin, no token, too little scope, revoke, revoked
    assert f'"issuer":"{fresh_stack.url}"' in done.stdout


@pytest.mark.parametrize("target", MAKE)
def test_every_make_target_of_the_readme_exists(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", SAM)
def test_sam_understands_its_commands_up_to_the_container(command: str) -> None:
    """Function, event and environment file are named right; the container itself needs Docker."""
    words = shlex.split(command)
    options = dict(itertools.pairwise(words))
    assert (ROOT / options["--env-vars"]).is_file()
    if "--event" in options:
        assert (ROOT / options["--event"]).is_file()
        assert f"\n  {words[3]}:\n" in (ROOT / "template.yaml").read_text()
    options_of_ours = ("--container-host", "127.0.0.1", "--skip-pull-image")
    done = sam(*words[1:], *options_of_ours, DOCKER_HOST="tcp://127.0.0.1:9")
    assert "container runtime" in done.stderr or "Docker" in done.stderr, done.stderr
    assert "no such option" not in done.stderr.lower()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(([^)#h][^)]*)\)", README))))
def test_every_link_leads_somewhere(path: str) -> None:
    assert (ROOT / path.partition("#")[0]).exists()
