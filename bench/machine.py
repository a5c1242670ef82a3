"""The machine, versions and date of a run: without them its figures mean nothing."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.servers import NODE, node_is_there, node_packages

_PYTHON = ("authlib", "boto3", "cryptography", "flask", "granian", "joserfc", "moto", "pyjwt")


def describe() -> dict[str, object]:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
            "load": [round(load, 1) for load in os.getloadavg()],
        },
        "versions": {"Python": platform.python_version(), **{name: version(name) for name in _PYTHON}, **_of_node()},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _of_node() -> dict[str, str]:
    if not node_is_there():
        return {}
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    packages = {
        name: str(json.loads((NODE / "node_modules" / name / "package.json").read_text(encoding="utf-8"))["version"])
        for name in node_packages()
    }
    return {"node": said.strip().removeprefix("v"), **packages}
