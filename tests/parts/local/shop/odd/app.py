"""A function that does what its query says."""

import json
import os
import subprocess
import sys
import time
from decimal import Decimal


def handler(event, context):
    asked = (event.get("queryStringParameters") or {}).get("do", "")
    if asked == "crash":
        raise RuntimeError("out of orders")
    if asked == "exit":
        sys.exit(3)
    if asked == "sleep":
        child = subprocess.Popen(["/bin/sleep", "60"])
        print(f"child {child.pid}")
        time.sleep(30)
    answers = {
        "no status": {"free": Decimal("1.5")},
        "text": "hello",
        "set": {1},
        "bad header": {"statusCode": 200, "headers": {"x-number": 1}},
        "environment": {"statusCode": 200, "body": json.dumps(dict(os.environ))},
        "modules": {"statusCode": 200, "body": json.dumps([sorted(sys.modules), sys.path, os.getpid()])},
        "body": {"statusCode": 200, "body": json.dumps([event.get("body"), event["isBase64Encoded"]])},
    }
    return answers[asked]
