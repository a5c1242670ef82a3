"""What emulates AWS, as moto has it: the application of a service, and the tables that it keeps in memory."""

from __future__ import annotations

from typing import Any

ACCOUNT = "123456789012"
REGION = "us-east-1"  # the default of `sam local`


def application(service: str) -> Any:
    from moto.moto_server import werkzeug_app

    # moto lets every origin read every answer, unless this is set. Its variable is read on import, which is too early.
    setattr(werkzeug_app, "DISABLE_GLOBAL_CORS", True)  # noqa: B010  not exported, as types have it
    name: Any = service  # moto's type is a literal of all its services
    return werkzeug_app.create_backend_app(name)


def tables() -> dict[str, Any]:
    from moto.dynamodb.models import dynamodb_backends

    found: dict[str, Any] = dynamodb_backends[ACCOUNT][REGION].tables
    return found
