"""A YAML file as nodes with their lines, so that it means the same to every reader (YAML 1.1 and 1.2).

Nothing is constructed from the file. Each value is read as the kind that its key has, and a value that one reader takes
for a text and another for a truth value or a number has to be quoted.
"""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

import yaml
from valet.log import printable

_TAG = "tag:yaml.org,2002:"
# What readers of YAML 1.1 make of a text without quotes.
_TAKEN_FOR = {
    "bool": "a truth value",
    "int": "a number",
    "float": "a number",
    "null": "nothing at all",
    "timestamp": "a date",
    "merge": "a merge key",
    "value": "a default key",
}

Node = yaml.Node


class Malformed(Exception):
    """The file is no configuration: everything that is wrong with it, each with its line."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(map(printable, problems))  # they quote the file
        super().__init__("\n".join(self.problems))


class Unreadable(Exception):
    """One value is not of its kind; the message says why."""


class _Loader(yaml.SafeLoader):
    """Composes one document without aliases: an alias can make a small file a huge one, or lead back into itself."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # types-PyYAML leaves it out
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not supported: repeat the value", problem_mark=mark)
        return super().compose_node(parent, index)


def compose(text: str) -> Node:
    """The file's root node. Raises Malformed."""
    loader = None
    try:
        loader = _Loader(text)
        root: Node | None = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Malformed([f"line {mark.line + 1 if mark else 1}: {error.problem or error.context}"]) from None
    except yaml.YAMLError as error:
        raise Malformed([f"This is no YAML: {error}"]) from None
    except RecursionError:
        raise Malformed(["This is no configuration: its values are nested too deeply."]) from None
    finally:
        if loader is not None:
            loader.dispose()
    if root is None:
        raise Malformed(["The file is empty: name at least one section, such as `clients:`."])
    return root


def line_of(node: Node) -> int:
    return int(node.start_mark.line) + 1


def text_of(node: Node) -> str:
    """The text of a scalar. Raises Unreadable."""
    if not isinstance(node, yaml.ScalarNode):
        raise Unreadable("must be a text")
    value, kind = str(node.value), node.tag.removeprefix(_TAG)
    if kind == "str":
        return value
    if kind not in _TAKEN_FOR:
        raise Unreadable(f"the tag {node.tag} is not supported")
    if not value:
        raise Unreadable("has no value: write one, or remove the key")
    raise Unreadable(f"some readers take {value} for {_TAKEN_FOR[kind]}: write it in quotes")


def plain_of(node: Node) -> str:
    """The text of a scalar, quoted or not. Raises Unreadable."""
    if not isinstance(node, yaml.ScalarNode):
        raise Unreadable("must be a single value")
    return str(node.value)


def members_of(node: Node) -> list[Node]:
    """The nodes of a list. Raises Unreadable."""
    if not isinstance(node, yaml.SequenceNode) or node.tag != f"{_TAG}seq":
        raise Unreadable("must be a list")
    return list(node.value)


def entries_of(
    node: Node, what: str, problems: list[str], known: Collection[str] | None = None
) -> Mapping[str, tuple[int, Node]]:
    """A mapping's entries with their lines, among the `known` keys; what is wrong with others goes into `problems`."""
    if not isinstance(node, yaml.MappingNode) or node.tag != f"{_TAG}map":
        empty = isinstance(node, yaml.ScalarNode) and not node.value
        reason = "is empty: write {} if that is meant, or remove it" if empty else "must have keys and values"
        problems.append(f"line {line_of(node)}: {what} {reason}")
        return {}
    entries: dict[str, tuple[int, Node]] = {}
    for key, value in node.value:
        line = line_of(key)
        try:
            name = text_of(key)
        except Unreadable as error:
            problems.append(f"line {line}: {what}: a key: {error}")
            continue
        if name in entries:
            problems.append(f"line {line}: {what}: {name!r} is in line {entries[name][0]} already")
        elif known is not None and name not in known:
            problems.append(f"line {line}: {what}: there is no key {name!r}; {_nearest(name, known)}")
        else:
            entries[name] = (line, value)
    return entries


def _nearest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name.lower().replace("-", "_"), sorted(known), 1, 0.6)
    return f"did you mean {near[0]}?" if near else f"the keys are {', '.join(known)}"
