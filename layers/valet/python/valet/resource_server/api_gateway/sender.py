"""Who sent a bound token: what each event can show of the request and its proof (RFC 9449 §4.3, §7).

| event        | method and address                                    | proof                           |
| ------------ | ----------------------------------------------------- | ------------------------------- |
| HTTP API 2.0 | http.method, domainName and rawPath, which is decoded | headers                         |
| HTTP API 1.0 | httpMethod, domainName and path, which is decoded     | multiValueHeaders, else headers |
| REST REQUEST | httpMethod, domainName and path, as it was sent       | multiValueHeaders, else headers |
| WebSocket    | GET, domainName and the stage; wss is https           | headers of $connect             |
| AppSync      | POST, PUBLIC_URL only: the event has no address       | requestHeaders                  |
| REST TOKEN   | none, so bound tokens are refused                     | none                            |

PUBLIC_URL replaces domainName and the stage. No address is ever taken from a header: the sender writes those.
"""

from collections.abc import Callable, Mapping
from typing import Any

from valet.binding.proof import Proof
from valet.clock import Moment
from valet.resource_server.api_gateway.configuration import Configuration
from valet.resource_server.api_gateway.events import (
    APPSYNC,
    HTTP_2,
    REST_REQUEST,
    REST_TOKEN,
    WEBSOCKET,
    Asked,
    UnknownEvent,
    header_values,
)
from valet.resource_server.outcomes import TokenRefused
from valet.resource_server.proofs import Proofs, Sent
from valet.resource_server.proofs_seen import MOST
from valet.resource_server.verify import AccessToken

Event = Mapping[str, Any]


class Senders:
    """Judges the senders of bound tokens. Built with the first of them."""

    def __init__(self, configuration: Configuration, log: Callable[[Mapping[str, object]], None]) -> None:
        self._public_urls, self._log = configuration.public_urls, log
        # Behind CloudFront, domainName is the origin's, so every proof would fail until the operator sets PUBLIC_URL.
        advice = "" if self._public_urls else ": if clients call this API by another address, set PUBLIC_URL"
        self._proofs = Proofs(configuration.proof_max_age, advice, self._tell_full)

    def judge(self, event: Event, asked: Asked, token: AccessToken, now: Moment) -> Proof:
        """The proof that comes with `token`, which is bound to a key. Raises TokenRefused or UnknownEvent."""
        try:
            sent = self._sent(event, asked.shape)
        except (KeyError, TypeError, AttributeError) as error:
            raise UnknownEvent(f"an authorizer event that lacks {error}") from None
        return self._proofs.judge(sent, token, now)

    def spend(self, proof: Proof, now: Moment) -> None:
        """Use `proof` up. Raises TokenRefused if this process has seen it before."""
        self._proofs.spend(proof, now)

    def _sent(self, event: Event, shape: int) -> Sent:
        if shape == REST_TOKEN:
            raise TokenRefused("bound to a key, and a TOKEN event holds no proof: use a REQUEST authorizer")
        if shape == APPSYNC:
            if not self._public_urls:
                raise TokenRefused("bound to a key, and AppSync's event holds no address: set PUBLIC_URL")
            headers = {"headers": event.get("requestHeaders")}
            return Sent("POST", self._public_urls, False, header_values(headers, "dpop"))
        context = event["requestContext"]
        if shape == HTTP_2:
            headers, path = event["headers"], event["rawPath"]  # with all names in lower case
            proofs: list[object] = [headers["dpop"]] if "dpop" in headers else []
            targets = self._targets(context, path, _below_stage(path, context) if self._public_urls else "")
            return Sent(context["http"]["method"], targets, True, proofs)
        proofs = header_values(event, "dpop")
        if shape == WEBSOCKET:
            addresses = self._public_urls or self._targets(context, f"/{context['stage']}", "")
            # http and https become ws and wss.
            return Sent("GET", (*addresses, *(f"ws{each[4:]}" for each in addresses)), False, proofs)
        targets = self._targets(context, context["path"], event["path"])
        return Sent(event["httpMethod"], targets, shape != REST_REQUEST, proofs)

    def _targets(self, context: Mapping[str, Any], path: str, below_stage: str) -> tuple[str, ...]:
        """The addresses that a proof may name: the event's own, or PUBLIC_URL in its place."""
        if self._public_urls:
            return tuple([f"{each}{below_stage}" for each in self._public_urls])
        return (f"https://{context['domainName']}{path}",)

    def _tell_full(self) -> None:
        reason = f"more than {MOST:,} proofs in one period: older ones are forgotten while they could be used again"
        self._log({"level": "WARNING", "event": "proofs.forgotten", "reason": reason})


def _below_stage(path: str, context: Mapping[str, Any]) -> str:
    """`path` without the stage, which only an API's own domain has in front."""
    stage = f"/{context['stage']}"
    return path[len(stage) :] if path.startswith(f"{stage}/") else path
