"""An OpenID Provider that nobody here wrote, on this machine, for as long as a test uses it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.missing import is_missing

HERE = Path(__file__).parent
CLIENT_ID, SECRET = "valet", "the+provider's/secret"


@contextmanager
def other_provider(redirect_uri: str) -> Iterator[str]:
    """Its issuer. Its people are ann, whose address it has proven, and bob, whose address it has not."""
    if not (HERE / "node_modules/oidc-provider").exists() or not shutil.which("node"):
        is_missing("oidc-provider or node is not there: (cd tests/e2e && npm ci)")
    command = ["node", str(HERE / "clients" / "provider.mjs"), redirect_uri]
    with subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            issuer = next((line.strip() for line in running.stdout if line.startswith("http://127.0.0.1:")), "")
            assert issuer, "the provider did not start"
            yield issuer
        finally:
            running.stdin.close()  # which ends it
