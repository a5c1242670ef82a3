"""Logout tokens: they tell a client that a session has ended (OpenID Connect Back-Channel Logout §2.4)."""

from valet.handles import new_id
from valet.models.sign_outs import LogoutNotice
from valet.tokens import jws
from valet.tokens.issuance import Issuance

TYPE = "logout+jwt"  # no verifier of ID tokens takes it (§4.1)
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120  # seconds, the most that §2.4 recommends


def sign(issuance: Issuance, notice: LogoutNotice) -> str:
    """A token with `sub` and `sid`, for whichever the client finds its sessions by. It never has a nonce, so that it
    can pass for no ID token.
    """
    claims: dict[str, object] = {
        "iss": issuance.issuer,
        "aud": notice.client_id,
        "iat": int(issuance.now),
        "exp": int(issuance.now) + LIFETIME,
        "jti": new_id(issuance.random),
        "sub": notice.sub,
        "sid": notice.sid,
        "events": {EVENT: {}},
    }
    return jws.sign(claims, TYPE, issuance.signer)
