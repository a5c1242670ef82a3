"""What moto does slowly in every call to DynamoDB, done quickly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any


def quicken() -> None:
    """Replace these parts of moto, for calls from this process and over HTTP."""
    from moto.core import responses
    from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS, JSONSerializer
    from moto.core.utils import method_names_from_class

    class Serializer(JSONSerializer):
        # moto looks for each of an attribute value's ten types under a dozen names. The value has one, by its own name.
        def _serialize_type_structure(self, serialized: Any, value: Any, shape: Any, key: str) -> None:
            if shape.name == "AttributeValue":
                serialized[key] = self._attribute_value(value)
            else:
                super()._serialize_type_structure(serialized, value, shape, key)

        def _attribute_value(self, value: Mapping[str, Any]) -> dict[str, Any]:
            ((kind, content),) = value.items()
            if kind == "M":
                content = {name: self._attribute_value(each) for name, each in content.items()}
            elif kind == "L":
                content = [self._attribute_value(each) for each in content]
            elif kind == "B":
                content = self._base64(content)
            elif kind == "BS":
                content = [self._base64(each) for each in content]
            return {kind: content}

    SERVICE_SPECIFIC_SERIALIZERS["dynamodb"] = {"json": Serializer}
    # moto lists the methods of its class again for each call.
    setattr(responses, "method_names_from_class", cache(method_names_from_class))  # noqa: B010  not exported
