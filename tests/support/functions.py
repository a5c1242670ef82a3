"""The functions as modules: functions/<name>/app.py, anew with each call, as a new execution environment imports it."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

FUNCTIONS = Path(__file__).parents[2] / "functions"
_number = count()


def load(name: str, functions: Path = FUNCTIONS) -> ModuleType:
    """functions/<name>/app.py under a name that no other module has: they are all called app."""
    path = functions / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"{name}_{next(_number)}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _answering_as_the_test_says():
        spec.loader.exec_module(module)
    return module


@contextmanager
def _answering_as_the_test_says() -> Iterator[None]:
    """Handlers that are made meanwhile answer each event with the server that valet.server has then."""
    from valet import endpoint, server

    real = endpoint.endpoint

    def late(answer: Any, *methods: str, server: Any, **other: Any) -> Any:
        return lambda event, context: real(answer, *methods, server=module.SERVER, **other)(event, context)

    module, endpoint.endpoint = server, late
    try:
        yield
    finally:
        endpoint.endpoint = real
