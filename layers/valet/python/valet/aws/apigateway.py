"""API Gateway HTTP API events, payload format 2.0, to requests and back."""

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from valet.errors import InvalidRequest, NotFound
from valet.http import Request, Response
from valet.settings import Settings

_DOMAIN = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")


def request_from_event(event: Mapping[str, Any], settings: Settings) -> Request:
    """The request that the event carries. Raises NotFound if the event's domain name is not one of this issuer, and
    InvalidRequest if the body is not in the form that the event states.
    """
    context = event["requestContext"]
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    http = context["http"]
    return Request(
        method=http["method"],
        path=event.get("rawPath", "/"),
        issuer=settings.issuer_url or _issuer_from_context(context),
        query_string=event.get("rawQueryString", ""),
        headers=headers,
        cookies=_cookies(event.get("cookies", ())),
        body=_body(event),
        source_ip=_source_ip(http.get("sourceIp", ""), headers, settings),
        request_id=context.get("requestId", ""),
    )


def response_to_event(response: Response) -> dict[str, Any]:
    """The answer, as the gateway takes it: single-valued headers, and the cookies in a list of their own."""
    answer: dict[str, Any] = {"statusCode": response.status, "headers": dict(response.headers)}
    if isinstance(response.body, bytes):
        answer |= {"body": b64encode(response.body).decode(), "isBase64Encoded": True}
    else:
        answer["body"] = response.body
    if response.cookies:
        answer["cookies"] = list(response.cookies)
    return answer


def _issuer_from_context(context: Mapping[str, Any]) -> str:
    """The API's own address as the gateway states it: never a Host header, never a name that only points here."""
    domain = str(context.get("domainName", "")).lower()
    found = _DOMAIN.fullmatch(domain)
    if found is None or found[1] != context.get("apiId"):
        raise NotFound("There is no authorization server by this name.")
    return f"https://{domain}"


def _source_ip(connected: str, headers: Mapping[str, str], settings: Settings) -> str:
    """The client's address: the address that connected to the gateway, unless that is a proxy.

    The proxy appends the address that connected to it to X-Forwarded-For, and the gateway then does the same. So the
    last entry is the proxy, the entry before it is the client, and the client wrote everything further left.
    """
    if not settings.is_behind_proxy:
        return connected
    entries = [entry.strip() for entry in headers.get("x-forwarded-for", "").rsplit(",", 2)]
    if len(entries) < 2 or entries[-1] != connected or "%" in entries[-2]:  # a zone (RFC 4007 §11) is any text
        return connected
    try:
        return str(ip_address(entries[-2]))
    except ValueError:
        return connected


def _cookies(pairs: Any) -> dict[str, str]:
    cookies: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        cookies.setdefault(name.strip(), value.strip())
    return cookies


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode(errors="surrogatepass")  # refused later, when it is read, like bytes that are not UTF-8
    try:
        return b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("The body is malformed.") from None
