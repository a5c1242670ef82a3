"""The tree of refusals (RFC 6749 §5.2, RFC 6750 §3.1): drawn in the module's docstring as it is."""

import re
from pathlib import Path

from valet import errors
from valet.errors import OAuthError

ROOT = Path(__file__).resolve().parents[2]
_WORD = re.compile(r"[A-Z][A-Za-z]+")


def drawn() -> dict[str, str]:
    """Class → the class that it is drawn under. The last line of the drawing stands under OAuthError as well."""
    lines = (errors.__doc__ or "").split("\n\n")[1].splitlines()
    assert lines[0] == "OAuthError"
    found: dict[str, str] = {}
    above = ["OAuthError"]
    for line in lines[1:]:
        branch = re.match(r"[ │├└─]*", line)
        assert branch is not None
        depth = max(1, len(branch[0]) // 4)
        names = re.split(r" {2,}", line[branch.end() :])[0].split(" · ")
        for name in names:
            assert _WORD.fullmatch(name), line
            assert name not in found, f"{name} is drawn twice"
            found[name] = above[depth - 1]
        above[depth:] = names[-1:]
    return found


def existing() -> dict[str, str]:
    found: dict[str, str] = {}
    todo = [OAuthError]
    while todo:
        kind = todo.pop()
        for each in kind.__subclasses__():
            if each.__module__ == errors.__name__:
                found[each.__name__] = kind.__name__
                todo.append(each)
    return found


def test_the_tree_that_is_drawn_is_the_tree_that_exists() -> None:
    assert drawn() == existing()


def test_every_refusal_is_raised_somewhere() -> None:
    """A class that nothing raises is a promise that nothing keeps."""
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("layers/valet/python/valet", "functions")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "errors.py"
    )
    bases = set(existing().values())
    assert [name for name in existing() if name not in bases and not re.search(rf"\b{name}\(", code)] == []
