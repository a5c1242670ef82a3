"""Functions that start before they are needed: a page names the functions that come next as images.

A function without a waiting environment takes some hundred milliseconds to start. It can do that while a person reads
and types. The image is a request that no function acts on: it makes no call to AWS, logs nothing, and its answer is the
same for everybody (docs/decisions/ahead.md).
"""

from collections.abc import Iterable

from valet.http import Request, Response

_QUERY = "start"

# The browser keeps the answer, so that a page that is shown again, and the consent page after the sign-in page, do not
# ask once more. Lambda usually keeps an environment for longer than that.
STARTED = Response(204, {"Cache-Control": "private, max-age=300"})


def images(endpoints: Iterable[str]) -> tuple[str, ...]:
    """The images of a page that leads to these endpoints, by their addresses."""
    return tuple(f"{endpoint}?{_QUERY}" for endpoint in endpoints)


def is_start(request: Request) -> bool:
    return request.query_string == _QUERY and request.method in ("GET", "HEAD")
