"""The outcomes of judging a token, except for success.

TokenRefused         the token is not good, whatever was asked: 401 (RFC 6750 §3.1, invalid_token)
ProofRefused         the same of a bound token and its proof: 401 (RFC 9449 §7.1, invalid_dpop_proof)
IssuerUnavailable    nobody can tell now, because the issuer does not answer: an outage, raised as one
ConfigurationError   the environment is wrong: the authorizer does not start
"""


class TokenRefused(Exception):
    """The token is refused. The message is for our log: it never holds the token nor anything an attacker chose."""


class ProofRefused(TokenRefused):
    """The token is bound to a key, and its sender has not proven that key (RFC 9449 §7.1, invalid_dpop_proof)."""


class IssuerUnavailable(Exception):
    """Keys or a status list are needed and cannot be had. Never answered as a Deny, because a Deny is cached."""


class ConfigurationError(Exception):
    """All that is wrong with the environment, in one message."""
