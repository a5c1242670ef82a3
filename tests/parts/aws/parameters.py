"""Random parameters for any operation, drawn from botocore's own model of it."""

from collections.abc import Callable
from typing import Any

from tests.parts.aws.oracle import model
from tests.parts.aws.values import Values


class Parameters:
    """Draws parameters. `attribute` writes a value in DynamoDB's form; with one seed, all else is the same."""

    def __init__(self, seed: int, attribute: Callable[[Any], Any]) -> None:
        self._values = Values(seed)
        self._attribute = attribute

    def of(self, service: str, operation: str) -> dict[str, Any]:
        drawn: dict[str, Any] = self._drawn(model(service).operation_model(operation).input_shape)
        return drawn

    def _drawn(self, shape: Any) -> Any:
        if shape.name == "AttributeValue":
            return self._attribute(self._values.value())
        return getattr(self, f"_{shape.type_name}")(shape)

    def _structure(self, shape: Any) -> Any:
        chosen = [
            name for name in shape.members if name in shape.required_members or self._values.random.random() < 0.6
        ]
        return {name: self._drawn(shape.members[name]) for name in chosen}

    def _map(self, shape: Any) -> Any:
        return {self._drawn(shape.key): self._drawn(shape.value) for _ in range(self._size(shape))}

    def _list(self, shape: Any) -> Any:
        return [self._drawn(shape.member) for _ in range(self._size(shape))]

    def _size(self, shape: Any) -> int:
        return self._values.random.randint(0, 3) + int(shape.metadata.get("min", 0))

    def _string(self, shape: Any) -> str:
        if shape.enum:
            return str(self._values.random.choice(shape.enum))
        return self._values.text() + "k" * int(shape.metadata.get("min", 0))

    def _blob(self, shape: Any) -> bytes:
        return self._values.binary() + b"k" * int(shape.metadata.get("min", 0))

    def _boolean(self, _: Any) -> bool:
        return self._values.random.random() < 0.5

    def _integer(self, shape: Any) -> int:
        return int(shape.metadata.get("min", 0)) + self._values.random.randint(0, 1000)
