"""The code for tokens: the request to the provider's token endpoint (RFC 6749 §4.1.3), and how its answers are read."""

from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote_plus

from valet.errors import TemporarilyUnavailable, UpstreamRefused, quoted
from valet.fetch import FetchFailed
from valet.jose import compact
from valet.jose.compact import Malformed
from valet.models.providers import Provider
from valet.outbound.asking import Answer, Ask

TIMEOUT = 2.0  # seconds for one question in all, from the look-up of the name to the last byte
LARGEST = 65_536  # bytes of one answer
_BUSY = 429  # RFC 6585 §4


class Exchange(NamedTuple):
    """What the browser brought back, what the request was bound to, and how the provider is asked."""

    code: str
    redirect_uri: str
    code_verifier: str
    nonce: str
    now: float
    fetch: Ask


def tokens(provider: Provider, client_secret: str, exchange: Exchange) -> Mapping[str, object]:
    """The members of the token endpoint's answer (RFC 6749 §5.1)."""
    form = {
        "grant_type": "authorization_code",
        "code": exchange.code,
        "redirect_uri": exchange.redirect_uri,
        "code_verifier": exchange.code_verifier,
    }
    headers = {"Accept": "application/json"}
    if provider.token_endpoint_auth_method == "client_secret_basic":
        # RFC 6749 §2.3.1: both are form-encoded before they are joined.
        credentials = f"{quote_plus(provider.client_id)}:{quote_plus(client_secret)}"
        headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id, "client_secret": client_secret}
    answer = asked(exchange, "the token endpoint", provider.token_endpoint, headers, form)
    members = read(answer, "the token endpoint") if answer.status == 200 else _failure(answer)
    if "error" in members:  # GitHub answers its errors with the status 200
        raise UpstreamRefused(f"the token endpoint: status {answer.status}, {_error(members)}")
    return members


def asked(
    exchange: Exchange, what: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
) -> Answer:
    """An answer that is no outage. Raises TemporarilyUnavailable. `what` is what was asked, for the log."""
    try:
        answer = exchange.fetch(url, form=form, headers=headers, limit=LARGEST, timeout=TIMEOUT)
    except FetchFailed as failed:
        raise TemporarilyUnavailable(detail=f"{what}: {failed}") from None
    if answer.status >= 500 or answer.status == _BUSY:
        raise TemporarilyUnavailable(detail=f"{what}: status {answer.status}")
    return answer


def read(answer: Answer, what: str) -> dict[str, object]:
    """The members of a good answer. Raises UpstreamRefused."""
    if answer.status != 200:
        raise UpstreamRefused(f"{what}: status {answer.status}")
    try:
        return compact.members(answer.body)
    except Malformed as malformed:
        raise UpstreamRefused(f"{what}: {malformed}") from None


def text(members: Mapping[str, object], name: str, what: str) -> str:
    """A member that has to be there. Raises UpstreamRefused."""
    found = members.get(name)
    if not isinstance(found, str) or not found:
        raise UpstreamRefused(f"{what}: {name} is missing")
    return found


def _failure(answer: Answer) -> dict[str, object]:
    try:
        found = compact.members(answer.body)
    except Malformed:
        found = {}
    return {"error": found.get("error", "no error code")}


def _error(members: Mapping[str, object]) -> str:
    found = members["error"]
    return quoted(found) if isinstance(found, str) else "no error code"
