"""The protected example, an API behind the authorizer: it sees no token, only the authorizer's values from it."""

import json
from typing import Any

ITEMS = {
    "1": {"id": "1", "name": "Umbrella", "where": "coat check"},
    "2": {"id": "2", "name": "Car key", "where": "the valet's board"},
    "3": {"id": "3", "name": "Suitcase", "where": "luggage room"},
}


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """One answer for each route of API Gateway's; routes, scopes and roles are the authorizer's business."""
    claims = _claims(event)
    item = ITEMS.get((event.get("pathParameters") or {}).get("id", ""))
    route = _route(event)
    if route == "GET /api/profile":
        return _json(200, {name: claims.get(name, "") for name in ("sub", "client_id", "scope", "roles")})
    if route == "GET /api/admin":
        return _json(200, {"message": "Only a token with the scope admin gets here.", "client_id": claims["client_id"]})
    if route == "GET /api/items":
        return _json(200, {"items": list(ITEMS.values())})
    if route in ("GET /api/items/{id}", "DELETE /api/items/{id}"):
        if item is None:
            return _json(404, {"error": "no such item"})
        # Memory is no database: the item is there again for the next request.
        return _json(200, item if route.startswith("GET") else {"deleted": item["id"], "by": claims["sub"]})
    return _json(404, {"error": "no such route"})


def _route(event: dict[str, Any]) -> str:
    if "routeKey" in event:
        return str(event["routeKey"])
    return f"{event['httpMethod']} {event['resource']}"


def _claims(event: dict[str, Any]) -> dict[str, str]:
    """The authorizer's values: under `lambda` on an HTTP API, directly in `authorizer` on a REST API."""
    authorizer = event["requestContext"]["authorizer"]
    claims: dict[str, str] = authorizer.get("lambda", authorizer)
    return claims


def _json(status: int, body: object) -> dict[str, object]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
