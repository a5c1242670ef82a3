"""The account's other APIs as API Gateway and Lambda tell of them, for the checks of `valet doctor`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters
from valet.models.clients import Client, ProtectedApi, Scope, Scopes

ISSUER, AUDIENCE = "https://id.example.com", "https://api.example.com"
OURS, THEIRS = "valets-authorizer", "another-authorizer"
BOUND = Client("bank", "Bank", dpop_bound_access_tokens=True, scope=frozenset({"pay"}))
BEARER = Client("shop", "Shop", scope=frozenset({"buy"}))
SCOPES = Scopes(
    {name: Scope(name, name) for name in ("pay", "buy", "openid")},
    {
        AUDIENCE: ProtectedApi(AUDIENCE, "Payments", frozenset({"pay"})),
        "https://shop.example.com": ProtectedApi("https://shop.example.com", "Shop", frozenset({"buy"})),
    },
)


def denied(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, operation)


class Lambda:
    """The functions of the account; those that are not there may not be read."""

    environments: Mapping[str, Mapping[str, str]] = {OURS: {"ISSUER": ISSUER}, THEIRS: {"ISSUER": "https://other"}}

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        name = FunctionName.rpartition(":")[2]
        if name not in self.environments:
            raise denied("GetFunctionConfiguration")
        return {"Environment": {"Variables": self.environments[name]}}


class Gateway:
    """boto3's client of one service, whose every list comes in pages of one item that AWS could have sent."""

    def __init__(self, service: Any) -> None:
        self.client: Any = boto3.client(service, region_name="us-east-1")
        self.apis: list[dict[str, Any]] = []
        self.authorizers: dict[str, list[dict[str, Any]]] = {}
        self.responses: list[dict[str, Any]] = []  # gateway responses of every REST API
        self.is_denied = False
        self.client.meta.events.register(f"before-call.{service}", self._answer)

    def _answer(self, model: Any, params: Any, **_: Any) -> tuple[Any, Any]:
        if self.is_denied:
            raise denied(model.name)
        api = re.search(r"apis/([^/]+)/", params["url_path"])
        items = self.authorizers[api[1]] if api else self.apis
        if model.name == "GetGatewayResponses":
            items = self.responses
        members = model.output_shape.members
        (name, token) = ("Items", "NextToken") if "Items" in members else ("items", "position")
        first = int(params["query_string"].get("nextToken") or params["query_string"].get("position") or 0)
        page = {name: items[first : first + 1], **({token: str(first + 1)} if first + 1 < len(items) else {})}
        validate_parameters(page, model.output_shape)
        return SimpleNamespace(status_code=200), page


def of(function: str) -> str:
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
