"""What moto does slowly in every call to DynamoDB, done quickly."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple


def quicken(account: str, region: str) -> None:
    """Replace these parts of moto, for calls from this process and over HTTP."""
    _requests(account, region)
    _answers()
    _items()
    _expressions()
    _ways_through_expressions()


class _Request(NamedTuple):
    """What moto's functions for DynamoDB look at in a request."""

    headers: Mapping[str, str]
    data: bytes
    content_type: str
    method: str = "POST"
    path: str = "/"
    values: Mapping[str, str] = {}


def _requests(account: str, region: str) -> None:
    from moto.core import responses
    from moto.core.botocore_stubber import BotocoreStubber
    from moto.core.utils import method_names_from_class, utcnow
    from moto.dynamodb.responses import DynamoHandler
    from werkzeug.exceptions import HTTPException
    from werkzeug.http import http_date

    addresses = {f"https://dynamodb.{region}.amazonaws.com{path}" for path in ("", "/")}
    by_any_address = BotocoreStubber.process_request

    def process_request(self: Any, request: Any) -> Any:
        # moto tries the patterns of all its services, makes a WSGI request, and reads the body as a form.
        if request.url not in addresses:
            return by_any_address(self, request)
        found = {name.lower(): value for name, value in request.headers.items()}
        names = ("X-Amz-Target", "x-amz-target", "Content-Type", "Authorization")  # moto spells one of them twice
        headers = {name: _text(found[name.lower()]) for name in names if name.lower() in found}
        handler: Any = DynamoHandler()
        handler.normalized_request = _Request(headers, _bytes(request.body), headers.get("Content-Type", ""))
        handler.is_werkzeug_request, handler.headers, handler.method = False, headers, "POST"
        handler.uri, handler.path, handler.raw_path = request.url, "/", "/"
        handler.querystring = handler.data = handler.uri_match = {}
        handler.region, handler.partition = region, "aws"
        handler.response_headers = {"server": "amazon.com", "date": http_date(utcnow())}
        handler.parse_parameters(handler.normalized_request)
        handler.access_key, handler.current_account = handler.get_access_key(), account
        try:
            return handler.call_action()
        except HTTPException as error:
            return error.code, error.get_headers(), error.get_body()

    def request_id(headers: dict[str, Any] | None = None) -> str:
        drawn = secrets.token_hex(26).upper()
        if headers is not None:
            headers["x-amzn-requestid"] = drawn
        return drawn

    setattr(BotocoreStubber, "process_request", process_request)  # noqa: B010  typed as immutable
    # moto lists the methods of its class again for each call, and draws each letter of a request's id.
    setattr(responses, "method_names_from_class", cache(method_names_from_class))  # noqa: B010  not exported
    setattr(responses, "gen_amzn_requestid_long", request_id)  # noqa: B010


def _answers() -> None:
    from moto.core.serialize import SERVICE_SPECIFIC_SERIALIZERS, JSONSerializer

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


def _items() -> None:
    from moto.dynamodb.exceptions import ItemSizeTooLarge
    from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

    copied = DynamoType.__deepcopy__

    def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
        # Sets, lists and maps change in their place; of all else moto makes another.
        return copied(self, memo) if isinstance(self.value, list | dict) else self

    def begin(self: Any, hash_key: Any, range_key: Any, attrs: Mapping[str, Any]) -> None:
        # moto adds up all sizes again for each attribute. When all are there is soon enough.
        self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
        dict.update(self.attrs, {name: DynamoType(value) for name, value in attrs.items()})
        if self.size() > 405_000:
            raise ItemSizeTooLarge

    for kind, name, quick in ((DynamoType, "__deepcopy__", deepcopy), (Item, "__init__", begin)):
        setattr(kind, name, quick)


def _expressions() -> None:
    from moto.dynamodb.parsing import ast_nodes, expressions, validators

    node_kind: Any = vars(ast_nodes)["Node"]

    def another(node: Any) -> Any:
        made = object.__new__(type(node))
        made.__dict__.update(node.__dict__)
        if node.children is not None:
            made.children = [another(child) if _is_a(type(child), node_kind) else child for child in node.children]
            for child in made.children:
                if _is_a(type(child), node_kind):
                    child.parent = made
        return made

    def copied(thing: Any) -> Any:
        return another(thing) if _is_a(type(thing), node_kind) else deepcopy(thing)

    deepcopy = getattr(validators, "deepcopy")  # noqa: B009  not exported
    setattr(validators, "deepcopy", copied)  # noqa: B010
    # What is parsed is copied before it is changed.
    parser: Any = vars(expressions)["UpdateExpressionParser"]
    parser.make = staticmethod(lru_cache(maxsize=1024)(parser.make))


def _ways_through_expressions() -> None:
    from moto.dynamodb.parsing import ast_nodes

    node_kind, traverser = (vars(ast_nodes)[name] for name in ("Node", "DepthFirstTraverser"))
    look_ahead = traverser.pre_processing_of_child

    def traverse(self: Any, root: Any) -> Any:
        # moto asks at each node which kinds it has to process.
        doing, looks_ahead = self._processing_map(), type(self).pre_processing_of_child is not look_ahead
        wanted = tuple(doing)

        def process(node: Any, place: int) -> Any:
            parent = node.parent
            for at, child in enumerate(node.children or ()):
                if looks_ahead:
                    self.pre_processing_of_child(node, at)
                if _is_a(type(child), node_kind):
                    process(child, at)
            if _is_a(type(node), wanted):
                node = next(does(node) for kind, does in doing.items() if _is_a(type(node), kind))
                node.parent = parent
                if parent:
                    parent.children[place] = node
            return node

        return process(root, -1)

    traverser.traverse = traverse


_is_a: Any = cache(issubclass)  # the kinds of nodes are abstract classes, of which Python finds out slowly


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body or b"")
