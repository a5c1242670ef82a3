"""AWS Signature Version 4 of a POST whose headers or path name the operation."""

import time
from hashlib import sha256
from hmac import digest
from typing import NamedTuple

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Who signs. `expires_at` is epoch seconds, None if they live as long as this process."""

    access_key_id: str
    secret_access_key: str
    token: str = ""
    expires_at: float | None = None


class Signature:
    """Signs requests to one service in one Region; the key of the day is remembered."""

    def __init__(self, service: str, region: str, content_type: str) -> None:
        self._service, self._region, self._content_type = service, region, content_type
        self._remembered: tuple[tuple[str, str], bytes] = (("", ""), b"")

    def headers(
        self, authority: str, target: str, body: bytes, credentials: Credentials, now: float, path: str = "/"
    ) -> list[tuple[str, str]]:
        """All headers of the request, the signature among them. An empty `target`: the path names the operation.

        The path is signed as it is, so it must have only unreserved characters (RFC 3986 §2.3) and slashes.
        """
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        headers = [("content-type", self._content_type), ("host", authority), ("x-amz-date", moment)]
        if credentials.token:
            headers.append(("x-amz-security-token", credentials.token))
        if target:
            headers.append(("x-amz-target", target))
        names = ";".join(name for name, _ in headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers)
        canonical = f"POST\n{path}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
        to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        signature = digest(self._key(credentials, moment[:8]), to_sign.encode(), "sha256").hex()
        headers.append(
            (
                "authorization",
                f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, "
                f"SignedHeaders={names}, Signature={signature}",
            )
        )
        return headers

    def _key(self, credentials: Credentials, day: str) -> bytes:
        of, key = self._remembered
        if of != (credentials.secret_access_key, day):
            key = f"AWS4{credentials.secret_access_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = digest(key, part.encode(), "sha256")
            self._remembered = ((credentials.secret_access_key, day), key)
        return key
