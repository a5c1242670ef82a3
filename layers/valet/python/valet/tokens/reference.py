"""Reference tokens: access tokens that stand for claims which only the server can look up (RFC 7662).

`vat_<id>.<secret>`: the id is the token's `jti` and finds the item, the secret proves that the bearer has the token.
The prefix is for programs that search code and logs for secrets.
"""

import json
import re
from collections.abc import Mapping

from valet.authorization import REFERENCE_FORM, REFERENCE_PREFIX
from valet.errors import TemporarilyUnavailable
from valet.frozen import Frozen
from valet.handles import digest, is_digest_of, new_handle
from valet.models.reference_tokens import ReferenceToken
from valet.ports.reference_tokens import ReferenceTokens
from valet.ports.runtime import Random

_FORM = re.compile(REFERENCE_FORM)
_as_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_DAY = 86_400


class Reference(Frozen):
    """A reference token, as its bearer has it."""

    token_id: str
    secret: str

    def __str__(self) -> str:
        return f"{REFERENCE_PREFIX}{self.token_id}.{self.secret}"


def parse_reference(token: str) -> Reference | None:
    """The reference token that `token` is by its form, or None."""
    found = _FORM.fullmatch(token)
    return Reference(found[1], found[2]) if found else None


def reference_to(claims: Mapping[str, object], exp: int, random: Random) -> tuple[str, ReferenceToken]:
    """A token that stands for `claims`, whose `jti` is its id, and what has to be kept of it."""
    reference = Reference(str(claims["jti"]), new_handle(random))
    kept = ReferenceToken(reference.token_id, digest(reference.secret), _as_json(claims), exp + _DAY)
    return str(reference), kept


def keep(token: ReferenceToken, tokens: ReferenceTokens) -> None:
    """Keep what a token stands for. Raises TemporarilyUnavailable."""
    if not tokens.put_token(token):
        # Two tokens with one id: the source of randomness is broken. The other one's claims stay as they are.
        raise TemporarilyUnavailable(detail="another reference token has this id")


def find_claims(token: str, issuer: str, tokens: ReferenceTokens, now: float) -> Mapping[str, object] | None:
    """The claims that the token stands for, if it is one of this issuer and has not expired; else None."""
    reference = parse_reference(token)
    kept = tokens.find_token(reference.token_id) if reference is not None else None
    if reference is None or kept is None or not is_digest_of(kept.secret_digest, reference.secret):
        return None
    claims: Mapping[str, object] = json.loads(kept.claims)
    # DynamoDB deletes what has expired late. The issuer's name differs if its address was changed.
    exp = claims["exp"]
    return claims if claims["iss"] == issuer and isinstance(exp, int) and now < exp else None
