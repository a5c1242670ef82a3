"""docs/clients/dpop.md, to the letter: openid-client makes proofs, names its key and answers to nonces by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import LocalStack
from tests.e2e.recipes import Recipe
from tests.e2e.visiting import Visit
from tests.support.missing import is_missing
from tests.support.nonce_key import dpop_nonces

HERE = Path(__file__).parent


@pytest.fixture(params=["off", "public"])
def stack_with_nonces(fresh_stack: LocalStack, request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    with dpop_nonces(fresh_stack, request.param):
        yield fresh_stack


def test_openid_client_gets_refreshes_and_uses_bound_tokens(stack_with_nonces: LocalStack, tmp_path: Path) -> None:
    if not (HERE / "node_modules" / "openid-client").exists() or not shutil.which("node"):
        is_missing("openid-client or node is not there: (cd tests/e2e && npm ci)")
    page = Recipe("dpop", stack_with_nonces, tmp_path)
    page.register()
    visit = Visit(stack_with_nonces.issuer)
    with page.started("node", page.save("js", "app.mjs")) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        told, failed = process.communicate(visit.at_issuer(address) + "\n", timeout=60)
    visit.close()
    assert told == "john: dpop\n", failed
