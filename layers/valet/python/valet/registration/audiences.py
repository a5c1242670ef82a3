"""Which audience a new protected API may have: one that clients can name by the parameter `resource` (RFC 8707 §2).

APIs of an earlier release may have others. They stay as they are, and `valet doctor` names them.
"""

from collections.abc import Iterable

from valet.protocol.resource import compared, is_resource


def refusal_of_audience(audience: str, others: Iterable[str]) -> str | None:
    """Why no request can name the API by that audience, among the other audiences and the issuer; None if one can."""
    if not is_resource(audience):
        return (
            "no absolute URI without a fragment, such as https://api.example.com, so no request can name it (RFC 8707)"
        )
    for other in others:
        if other != audience and is_resource(other) and compared(other) == compared(audience):
            return f"a request cannot tell it from {other}: the case of scheme and host and a last slash do not count"
    return None
