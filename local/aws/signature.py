"""Whether the local stack's own credentials signed a request (AWS Signature Version 4, header authentication)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from urllib.parse import quote

ACCESS_KEY_ID = "local"
SECRET_ACCESS_KEY = "local"  # public: the stack has nothing real in it

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<access_key_id>[^/, ]+)/(?P<date>[0-9]{8})/(?P<region>[^/, ]+)"
    r"/(?P<service>[^/, ]+)/aws4_request, ?SignedHeaders=(?P<signed>[a-z0-9-]+(?:;[a-z0-9-]+)*)"
    r", ?Signature=(?P<signature>[0-9a-f]{64})"
)
_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True)
class Authorization:
    """The parts of an Authorization header of Signature Version 4."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def parse_authorization(header: str) -> Authorization | None:
    """The header's parts, or None if it has any other form: two headers joined, another algorithm, a part twice."""
    found = _AUTHORIZATION.fullmatch(header)
    if found is None:
        return None
    return Authorization(
        found["access_key_id"],
        found["date"],
        found["region"],
        found["service"],
        tuple(found["signed"].split(";")),
        found["signature"],
    )


def is_signed(authorization: Authorization, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the stack's own credentials signed this method, path (as sent, without a query), headers and body.

    The names of `headers` are in lower case. The age of a signature is not limited. The credentials are public, so a
    limit would stop no attacker; it would only refuse a container whose clock is wrong.
    """
    signed_at = headers.get("x-amz-date", "")
    # The signed names are sorted and unique. They include the host, the date, and every header that AWS interprets.
    needed = {"host", "x-amz-date", *(name for name in headers if name.startswith("x-amz-"))}
    if list(authorization.signed_headers) != sorted(set(authorization.signed_headers)):
        return False
    if not needed <= set(authorization.signed_headers) <= set(headers):
        return False
    if authorization.access_key_id != ACCESS_KEY_ID or not signed_at.startswith(f"{authorization.date}T"):
        return False
    canonical_request = "\n".join(
        (
            method,
            quote(path, safe="/-_.~"),  # encoded a second time, as for every service except S3
            "",  # no query
            *(f"{name}:{' '.join(headers[name].split())}" for name in authorization.signed_headers),
            "",
            ";".join(authorization.signed_headers),
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical_request.encode()).hexdigest()
    to_sign = "\n".join((_ALGORITHM, signed_at, authorization.scope, digest))
    key = reduce(_mac, authorization.scope.split("/"), f"AWS4{SECRET_ACCESS_KEY}".encode())
    return hmac.compare_digest(_mac(key, to_sign).hex(), authorization.signature)


def _mac(key: bytes, message: str) -> bytes:
    return hmac.digest(key, message.encode(), "sha256")
