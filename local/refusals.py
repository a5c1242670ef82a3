"""The refusal that an answer carries, for the terminal: in JSON, in a redirect, in a form or in a challenge.

The functions log no line for a refusal that the client is told: strangers could fill the log. The client's developer
looks for it here (RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import parse_qsl, urlsplit

from local.gateway.http_events import HttpResponse

_LONGEST = 700  # characters
_FIELD = re.compile(r'<input\b[^>]*\bname="(error|error_description)"[^>]*\bvalue="([^"]*)"')
_CHALLENGE = re.compile(r'\b(error|error_description)="([^"]*)"')

_NO_ROUTE = "API Gateway: no route has this method and path."
_UNASKED = {  # by the status and the message
    (401, "Unauthorized"): "API Gateway: the request has no token, so the authorizer is not asked. It belongs in the "
    "header Authorization, or where the authorizer's Identity says.",
    (403, "Forbidden"): "API Gateway: the path does not begin with the API's stage.",
    (403, "Missing Authentication Token"): _NO_ROUTE,
    (404, "Not Found"): _NO_ROUTE,
}


def refusal(response: HttpResponse) -> str:
    """Error and description, as in `invalid_scope: The scope admin is not registered for this client.`; empty if the
    answer carries none. Nothing else of the answer is told: it may hold a code.
    """
    headers = {name.lower(): value for name, value in response.headers}
    for find in (_in_redirect, _in_json, _in_form, _in_challenge):
        found = find(headers, response.body)
        if found.get("error"):
            said = ": ".join(filter(None, (found["error"], found.get("error_description", ""))))
            return "".join(char if char.isprintable() else "�" for char in said[:_LONGEST])
    return ""


def unasked(response: HttpResponse) -> str:
    """Why API Gateway answered without asking a function; empty if its answer says so itself. AWS's words are kept in
    the answer, and they mislead: a REST API says Missing Authentication Token for a path that it does not know.
    """
    try:
        said = json.loads(response.body)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return _UNASKED.get((response.status, said), "") if isinstance(said, str) else ""


def _in_redirect(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(headers.get("location", "")).query))
    except ValueError:
        return {}


def _in_json(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    if "json" not in headers.get("content-type", "") or not body.startswith(b'{"error"'):
        return {}
    try:
        members = json.loads(body)
    except ValueError:
        return {}
    return {name: value for name, value in members.items() if isinstance(value, str)}


def _in_form(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    if not headers.get("content-type", "").startswith("text/html"):
        return {}
    return {name: unescape(value) for name, value in _FIELD.findall(body.decode("utf-8", "replace"))}


def _in_challenge(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    return dict(_CHALLENGE.findall(headers.get("www-authenticate", "")))
