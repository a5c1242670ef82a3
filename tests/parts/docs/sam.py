"""aws-sam-cli, which has an environment of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SAM = ROOT / ".venv-sam" / "bin" / "sam"


def sam(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """What it answers to somebody without credentials; AWS is not asked for any."""
    if not SAM.exists():
        pytest.fail(
            "aws-sam-cli is not there: `make .venv-sam/.installed`, which `make check` and `make test` do first",
            pytrace=False,
        )
    return subprocess.run(
        [SAM, *arguments],
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAM_CLI_TELEMETRY": "0",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
