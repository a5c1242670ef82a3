"""The functions as modules: functions/<name>/app.py, anew with each call, as a new execution environment imports it."""

import importlib.util
from itertools import count
from pathlib import Path
from types import ModuleType

FUNCTIONS = Path(__file__).parents[1] / "functions"
_number = count()


def load(name: str, functions: Path = FUNCTIONS) -> ModuleType:
    """functions/<name>/app.py under a name that no other module has: they are all called app."""
    path = functions / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"{name}_{next(_number)}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
