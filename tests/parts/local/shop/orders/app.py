"""A developer's function: it tells what it sees."""

import json
import os

import shop_shared

print(json.dumps({"message": "imported"}))


def handler(event, context):
    print(json.dumps({"message": "order.read", "path": event.get("rawPath") or event["path"]}))
    seen = {
        "authorizer": event["requestContext"].get("authorizer"),
        "version": event.get("version"),
        "route": event.get("routeKey") or f"{event['httpMethod']} {event['resource']}",
        "variables": {name: os.environ.get(name) for name in ("GREETING", "TABLE", "QUEUE", "GIVEN")},
        "layer": shop_shared.NAME,
        "function": context.function_name,
    }
    return {
        "statusCode": 200,
        "headers": {"X-Order": "1", "Access-Control-Allow-Origin": "*"},
        "body": json.dumps(seen),
    }
