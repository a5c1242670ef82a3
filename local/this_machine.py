"""Lets the functions that go out reach servers on this machine.

A deployed function goes to public addresses alone. Here a client, or another provider that people sign in with, may
also be a server on this machine, so http://127.0.0.1 is asked as well, and https://localhost, where documents of
clients may be: the server's authority is one that SSL_CERT_FILE names. That is decided in this module, which no
deployment has.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from valet.outbound.asking import Answer


_HERE = (("http", "127.0.0.1"), ("https", "127.0.0.1"), ("https", "localhost"))


def _connection(scheme: str, host: str, port: int | None, timeout: float) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(host, port or 80, timeout=timeout)
    return HTTPSConnection(host, port or 443, timeout=timeout, context=ssl.create_default_context())


def reach_this_machine() -> None:
    """Let whatever asks by outbound/guarded reach plain http on 127.0.0.1, too."""
    from valet.outbound import guarded  # the layer, which is on the path only now

    if not hasattr(guarded.ask, "public"):
        setattr(guarded, "ask", _ask_here_or(guarded.ask))  # noqa: B010  the module is not typed as mutable


def _ask_here_or(public: Callable[..., Answer]) -> Callable[..., Answer]:
    from valet.fetch import FetchFailed
    from valet.outbound.asking import KEPT_HEADERS, Answer

    def ask(
        url: str,
        *,
        form: Mapping[str, str] | None,
        headers: Mapping[str, str],
        limit: int,
        timeout: float,
        **how: Any,
    ) -> Answer:
        parts = urlsplit(url)
        if (parts.scheme, parts.hostname) not in _HERE:
            return public(url, form=form, headers=headers, limit=limit, timeout=timeout, **how)
        connection = _connection(parts.scheme, parts.hostname or "", parts.port, timeout)
        target = parts._replace(scheme="", netloc="", path=parts.path or "/").geturl()
        try:
            if form is None:
                connection.request("GET", target, headers=dict(headers))
            else:
                encoded = {"Content-Type": "application/x-www-form-urlencoded", **headers}
                connection.request("POST", target, urlencode(form), encoded)
            response = connection.getresponse()
            kept = {name: value for name in KEPT_HEADERS if (value := response.headers.get(name)) is not None}
            return Answer(response.status, response.read(limit), kept)
        except (OSError, HTTPException) as error:
            raise FetchFailed(f"{type(error).__name__}: {error}") from None
        finally:
            connection.close()

    setattr(ask, "public", public)  # noqa: B010  marks it
    return ask
