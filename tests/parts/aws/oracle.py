"""What botocore and boto3 do with the same request, the same answer, or the same variables."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import botocore.session
import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore import handlers
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from valet.aws.reply import Reply

REGION = "eu-central-1"


@cache
def session() -> Any:
    return _made()


def new_session() -> Any:
    """A session that reads the environment anew."""
    made = _made()
    made.register_component("data_loader", session().get_component("data_loader"))
    return made


def _made() -> Any:
    """A session without the handler that an emulated AWS of this process adds to all of botocore's."""
    own = [handler for handler in handlers.BUILTIN_HANDLERS if handler[0] != "before-send"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(handlers, "BUILTIN_HANDLERS", own)
        return botocore.session.Session()


@cache
def model(service: str) -> Any:
    return session().get_service_model(service)


@cache
def _serializer(service: str) -> Any:
    return create_serializer(model(service).resolved_protocol)


@cache
def _parser(service: str) -> Any:
    return create_parser(model(service).resolved_protocol)


def request(service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The headers and the body that botocore sends. Raises ParamValidationError."""
    sent: dict[str, Any] = _serializer(service).serialize_to_request(
        parameters, model(service).operation_model(operation)
    )
    return sent


def answer(service: str, operation: str, reply: Reply) -> dict[str, Any]:
    """What botocore's clients answer."""
    response = {"headers": reply.headers, "status_code": reply.status, "body": reply.body}
    parsed: dict[str, Any] = _parser(service).parse(response, model(service).operation_model(operation).output_shape)
    parsed.pop("ResponseMetadata")
    return parsed


def answer_of_item(item: Mapping[str, Any]) -> Any:
    """The item, as botocore's clients answer it."""
    return answer("dynamodb", "GetItem", Reply(200, {}, json.dumps({"Item": item}).encode()))["Item"]


def base64(value: bytes) -> str:
    return b64encode(value).decode()


def attribute(value: Any) -> Any:
    return TypeSerializer().serialize(value)


def plain(value: Any) -> Any:
    """What boto3's tables answer, with the kinds of value that Valet's models have."""
    return _without_boto(TypeDeserializer().deserialize(value))


def _without_boto(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value)
        case Binary():
            return bytes(value)  # type: ignore[call-overload]
        case dict():
            return {name: _without_boto(member) for name, member in value.items()}
        case list():
            return [_without_boto(member) for member in value]
        case set():
            return {_without_boto(member) for member in value}
    return value


class Client:
    """botocore's own client, whose every request gets `reply`."""

    def __init__(self, service: str, made_by: Any = None) -> None:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self._client = (made_by or session()).create_client(service, region_name=REGION, **keys)
        self._client.meta.events.register("before-send", self._answered)
        self._client.meta.events.register_first("needs-retry", lambda **_: False)
        self.reply = Reply(200, {}, b"{}")
        self.sent: list[Any] = []

    def refusal(self, operation: str, parameters: Mapping[str, Any]) -> tuple[str, Any]:
        """The code of the error that the client raises, and the item in it."""
        try:
            self._client._make_api_call(operation, parameters)
        except ClientError as error:
            response: Any = error.response
            return response["Error"]["Code"], response.get("Item")
        raise AssertionError("the client takes this for an answer")

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Any:
        return self._client._make_api_call(operation, parameters)

    def _answered(self, request: Any, **_: Any) -> Any:
        self.sent.append(request)
        headers = HTTPHeaders.from_dict(dict(self.reply.headers))
        return AWSResponse(request.url, self.reply.status, headers, _Raw(self.reply.body))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body
