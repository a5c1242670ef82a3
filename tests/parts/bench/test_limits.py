"""The regression guard: what is counted of each function stays within bench/limits.toml. Nothing here is timed."""

import json
import sys
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from valet.protocol.supported import GRANT_TYPES

from bench import counts
from bench.measure import LAYER, ROOT, process

LIMITS: Mapping[str, Any] = tomllib.loads((ROOT / "bench" / "limits.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def counted() -> Mapping[str, Any]:
    """Counted in a process of its own: pytest listens to every log line."""
    environment = {"PYTHONPATH": f"{ROOT}:{LAYER}", "AWS_DEFAULT_REGION": "us-east-1"}
    found: dict[str, Any] = json.loads(process([sys.executable, "-m", "bench.counts"], environment).output)
    return found


def test_every_function_has_a_limit() -> None:
    assert sorted(LIMITS["modules"]) == sorted(LIMITS["calls_until_ready"]) == counts.functions()


def _forbidden(name: str) -> set[str]:
    forbidden = LIMITS["forbidden"]
    ours = () if name == "demo_api" else forbidden["every but demo_api"]
    return {*forbidden["every"], *ours, *forbidden.get(name, ())}


@pytest.mark.parametrize("name", counts.functions())
def test_a_function_loads_no_more_than_it_needs_before_its_first_answer(name: str) -> None:
    start = counts.start(name)
    assert len(start.modules) <= LIMITS["modules"][name]
    assert start.calls <= LIMITS["calls_until_ready"][name]
    assert not start.modules & _forbidden(name)


@pytest.mark.parametrize("grant_type", GRANT_TYPES)
def test_a_token_request_loads_little_more_with_its_grant_type(grant_type: str) -> None:
    ready, loaded = counts.start("token"), counts.start("token", GRANT_TYPES[grant_type].module)
    assert GRANT_TYPES[grant_type].module in loaded.modules - ready.modules
    assert len(loaded.modules - ready.modules) <= LIMITS["grant_type"]["modules"]
    assert loaded.calls - ready.calls <= LIMITS["grant_type"]["calls"]
    assert not loaded.modules & _forbidden("token")


@pytest.mark.parametrize("kind", LIMITS["calls"])
def test_a_warm_request_calls_no_more_functions_than_it_did(kind: str, counted: Mapping[str, Any]) -> None:
    assert counted["calls"][kind] <= LIMITS["calls"][kind]


def test_every_kind_of_request_that_is_counted_has_a_limit(counted: Mapping[str, Any]) -> None:
    assert set(counted["calls"]) == set(LIMITS["calls"])


def test_a_token_adds_one_short_line_to_the_log(counted: Mapping[str, Any]) -> None:
    assert counted["log_line"] <= LIMITS["bytes"]["log_line"]
