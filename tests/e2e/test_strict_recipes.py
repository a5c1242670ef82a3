"""docs/clients/strict.md, to the letter: PAR, DPoP and private_key_jwt together, overheard by a thief."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.stack import LocalStack
from tests.e2e.recipes import PAGES, Recipe
from tests.e2e.thief import Thief
from tests.e2e.visiting import Visit
from tests.support.missing import is_missing
from tests.support.nonce_key import dpop_nonces

HERE = Path(__file__).parent
LIBRARIES = {
    "openid-client": ("js", "app.mjs", ("node", "--import", str(HERE / "clients/overheard.mjs"))),
    "oauth4webapi": ("js", "app.mjs", ("node", "--import", str(HERE / "clients/overheard.mjs"))),
    "Authlib": ("python", "app.py", (sys.executable, str(HERE / "clients/overheard.py"))),
}


@pytest.fixture(params=["off", "all"])
def stack_with_nonces(fresh_stack: LocalStack, request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    with dpop_nonces(fresh_stack, request.param):
        yield fresh_stack


@pytest.fixture
def page(stack_with_nonces: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """The page, whose client is registered with a key that was made by the commands of docs/cli.md."""
    page = Recipe("strict", stack_with_nonces, tmp_path)
    page.register()
    block = re.search(r"^(openssl genpkey .*?)admin/valet", (PAGES.parent / "cli.md").read_text("utf-8"), re.S | re.M)
    assert block
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", block[1]], cwd=tmp_path, env={"PATH": path}, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    (line,) = re.findall(r"^admin/valet (clients change .*)$", page.text, re.MULTILINE)
    page.operate(line)
    return page


def section(page: Recipe, library: str) -> None:
    """Only this library's settings of the page."""
    (page.text,) = re.findall(rf"^### {library}\n(.*?)^##", page.text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_does_all_three_and_what_a_thief_overhears_is_worth_nothing(
    page: Recipe, stack_with_nonces: LocalStack, library: str
) -> None:
    stack, (language, name, words) = stack_with_nonces, LIBRARIES[library]
    if words[0] == "node" and not ((HERE / "node_modules" / library).exists() and shutil.which("node")):
        is_missing(f"{library} or node is not there: (cd tests/e2e && npm ci)")
    section(page, library)
    script, visit = page.save(language, name), Visit(stack.issuer)
    environment = {"AUTHLIB_INSECURE_TRANSPORT": "true"}  # the local stack is plain http
    with Thief(stack) as thief:
        with page.started(*words, script, THIEF=thief.url, **environment) as process:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, process.communicate()
            told, failed = process.communicate(visit.at_issuer(address) + "\n", timeout=60)
        assert told == "john 200 Umbrella\n", failed
        assert dict(parse_qsl(urlsplit(address).query)).keys() == {"client_id", "request_uri"}
        assert thief.statuses.keys() == {"/userinfo", "/api/items/1"}
        for path, statuses in thief.statuses.items():
            assert statuses == dict.fromkeys(statuses, 401), path
        assert thief.replays() == [401, 401]
    visit.close()
