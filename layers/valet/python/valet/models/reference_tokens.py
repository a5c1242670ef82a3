"""What is kept of an access token that tells its bearer nothing."""

from valet.frozen import Frozen


class ReferenceToken(Frozen):
    """The claims that the access token stands for. Its id is their `jti`."""

    token_id: str
    secret_digest: bytes
    claims: str  # JSON: what the payload of a JWT would be
    expires_at: int  # DynamoDB's TTL, a day after the token's own `exp`
