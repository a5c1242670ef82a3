"""One use of a request that its client signed: an assertion (RFC 7523 §3) or a DPoP proof (RFC 9449 §11.1).

A request spends its value last, after all that may refuse it and before it changes or answers anything. So a refusal
leaves the value good, and a captured request that is sent again changes nothing.
"""

from typing import Protocol

from valet.errors import InvalidClient, InvalidDpopProof, OAuthError
from valet.models.once import OneTimeValue
from valet.ports.once import HasOnce
from valet.ports.runtime import HasRandom


class Ports(HasOnce, HasRandom, Protocol):
    """The ports that spending may use."""


class OneUse:
    """The one use of this request; of a request without assertion and proof there is nothing to spend."""

    def __init__(self, value: OneTimeValue | None, ports: Ports) -> None:
        self._value = value
        self._ports = ports

    def spend(self) -> None:
        """Spend the value; the second time in this request, do nothing.

        Raises InvalidClient or InvalidDpopProof if it was spent by another request.
        """
        value, self._value = self._value, None
        if value is not None and not self._ports.once.spend(value, self._ports.random(16)):
            raise _used_before(value)


def _used_before(value: OneTimeValue) -> OAuthError:
    advice = "was used before. Make a new one, with another jti, for each request."
    if value.kind == "assertion":
        return InvalidClient(f"The client assertion {advice}", detail="replayed assertion")
    return InvalidDpopProof(f"The DPoP proof {advice}", detail="replayed proof")
