"""An MCP server on Lambda, behind Valet's authorizer: two tools, of which one needs more scope (docs/agents.md)."""

import asyncio
import base64
from contextvars import ContextVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from starlette.types import Message

# API Gateway answers for its own domain names alone, and a bearer token is no cookie: nothing for DNS rebinding to use.
OPEN = TransportSecuritySettings(enable_dns_rebinding_protection=False)
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "WWW-Authenticate"}
ITEMS = {"1": "Tea", "2": "Bread", "3": "Rice"}  # of one execution environment; yours come from a database

caller: ContextVar[dict[str, str]] = ContextVar("caller")
# Without False, clients wait for changes by a call that lasts until Lambda ends it.
server = MCPServer("Items", log_level="WARNING", subscriptions=False)


@server.tool()
def list_items() -> dict[str, str]:
    """List the items with their ids."""
    return ITEMS


@server.tool()
def delete_item(item_id: str) -> str:
    """Delete an item."""
    require("tools.write")
    if ITEMS.pop(item_id, None) is None:
        raise ToolError(f"There is no item {item_id}.")
    return f"{caller.get()['sub']} deleted the item {item_id}."


def require(scope: str) -> None:
    """Refuse the call unless the token has the scope.

    The authorizer asks for it by the header Mcp-Name, which clients of older revisions do not send.
    """
    if scope not in caller.get()["scope"].split():
        raise ToolError(f"This needs the scope {scope}: connect again, and allow it.")


def handler(event: dict, context: object) -> dict:
    """The answer to a REST API's proxy event. The token stays here: never pass it on to another API."""
    if event["httpMethod"] != "POST":  # no stream, and no session to end
        return {"statusCode": 405, "headers": {"Allow": "POST", **CORS}, "body": ""}
    caller.set(event["requestContext"]["authorizer"])
    return asyncio.run(answer(event))


async def answer(event: dict) -> dict:
    """Hands the event to the server as the ASGI request that it is."""
    body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else (event["body"] or "").encode()
    headers = [(name.lower(), value) for name, values in event["multiValueHeaders"].items() for value in values]
    scope = {"type": "http", "method": "POST", "path": event["path"], "raw_path": event["path"].encode()}
    scope |= {
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "https",
        "root_path": "",
        "query_string": b"",
    }
    scope["headers"] = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    sent: list[Message] = []
    received = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(received, None) or await asyncio.Event().wait()  # the client stays to the end

    async def send(message: Message) -> None:
        sent.append(message)

    app = server.streamable_http_app(stateless_http=True, json_response=True, transport_security=OPEN)
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    text = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    return {"statusCode": int(sent[0]["status"]), "headers": {**told, **CORS}, "body": text}
