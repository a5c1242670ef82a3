"""The protected example, as another team writes its API, with Powertools: it sees no token, only what the authorizer
found in it.
"""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

ITEMS = {
    "1": {"id": "1", "name": "Umbrella", "where": "coat check"},
    "2": {"id": "2", "name": "Car key", "where": "the valet's board"},
    "3": {"id": "3", "name": "Suitcase", "where": "luggage room"},
}

LOGGER = Logger(location=None, log_uncaught_exceptions=False, utc=True, use_rfc3339=True)


def handler(event: dict[str, Any], _context: object) -> dict[str, object]:
    """One answer for each route of API Gateway's; routes, scopes and roles are the authorizer's business."""
    request = APIGatewayProxyEventV2(event)
    authorizer = request.request_context.authorizer
    caller = (authorizer.get_lambda if authorizer else None) or {}
    item = ITEMS.get(request.path_parameters.get("id", ""))
    route = request.route_key
    if route == "GET /api/profile":
        return _json(200, {name: caller.get(name, "") for name in ("sub", "client_id", "scope", "roles")})
    if route == "GET /api/admin":
        return _json(200, {"message": "Only a token with the scope admin gets here.", "client_id": caller["client_id"]})
    if route == "GET /api/items":
        return _json(200, {"items": list(ITEMS.values())})
    if route in ("GET /api/items/{id}", "DELETE /api/items/{id}"):
        if item is None:
            return _json(404, {"error": "no such item"})
        if route.startswith("GET"):
            return _json(200, item)
        LOGGER.info("item.deleted", item=item["id"], sub=caller["sub"], client_id=caller["client_id"])
        # Memory is no database: the item is there again for the next request.
        return _json(200, {"deleted": item["id"], "by": caller["sub"]})
    return _json(404, {"error": "no such route"})


def _json(status: int, body: object) -> dict[str, object]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
