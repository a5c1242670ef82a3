"""GET /status-lists, /status-lists/{id}: which access tokens are revoked (Token Status List, §8 and §9)."""

from valet.endpoint import endpoint
from valet.errors import NotFound
from valet.http import Request, Response, json_response
from valet.server import SERVER, Server
from valet.tokens.jws import current_signer
from valet.tokens.status_list import TYPE, is_served, served_lists

_CACHE = {"Cache-Control": "public, max-age=1"}
_PATH = "/status-lists"


def status_list(request: Request, server: Server) -> Response:
    list_id = request.path.rstrip("/").removeprefix(_PATH).removeprefix("/")
    if request.query_string:
        raise NotFound("There are no lists of other times.")  # §8.4 is optional
    if not list_id:
        return _aggregation(request, server)
    uri = f"{request.issuer}{_PATH}/{list_id}"
    if not is_served(list_id, server.clock()):
        raise NotFound("There is no such status list.")
    signer = current_signer(server.registry, server.signers)
    found = server.status_list_publisher.publish(list_id, uri, request.issuer, signer, server.clock)
    # Weak: one for the list's gzip and for the list itself, which mean the same (RFC 9110 §8.8.3.3).
    headers = {**_CACHE, "ETag": f"W/{found.etag}", "Vary": "Accept-Encoding"}
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    headers["Content-Type"] = f"application/{TYPE}"
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(200, {**headers, "Content-Encoding": "gzip"}, found.packed)
    return Response(200, headers, found.token)


def _takes_gzip(accepted: str) -> bool:
    """Whether Accept-Encoding names gzip, and not with a weight of nothing (RFC 9110 §12.5.3)."""
    for coding in accepted.lower().split(","):
        name, _, parameter = coding.partition(";")
        if name.strip() == "gzip":
            return parameter.strip().replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _aggregation(request: Request, server: Server) -> Response:
    """The addresses of all lists (§9.3)."""
    asked = [api.access_token_lifetime or 0 for api in server.registry.scopes().apis.values()]
    longest = max(server.settings.access_token_lifetime, *asked, 0)
    lists = [f"{request.issuer}{_PATH}/{list_id}" for list_id in served_lists(server.clock(), longest)]
    return json_response(200, {"status_lists": lists}, {"Cache-Control": "public, max-age=60"})


SERVER.prepare("signatures")
handler = endpoint(status_list, "GET", server=SERVER, readable_by="anybody")
