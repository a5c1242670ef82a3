"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.5): a code, once, for tokens.

`decide` is a pure function of the grant as it is stored, the request and the time. It is asked on the item read, and
again on the item that made a condition fail, so that both are judged by the same rules.
"""

from valet.errors import InvalidGrant
from valet.frozen import Frozen
from valet.grant_types.redemption import Decision, Use, decide_use, redeem_grant
from valet.grant_types.request import Ports, TokenRequest
from valet.handles import Code, is_digest_of, parse_code
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.models.grants import Grant, Tokens
from valet.protocol.pkce import check_verifier, is_verified

_REFUSAL = "The code is unknown, used, expired, or was issued to another client or for another request."


class Presented(Frozen):
    """What the client presents at the token endpoint."""

    code: Code
    redirect_uri: str | None
    code_verifier: str | None  # None: only of a client that may leave out PKCE
    attempt: bytes  # random, one an invocation: marks the write as ours
    resource: tuple[str, ...] = ()  # which of the grant's APIs the token is for (RFC 8707 §2.2)
    jkt: str = ""  # the thumbprint of the key that signed the DPoP proof; empty: there is no proof


def decide(grant: Grant | None, account: Account | None, client: Client, presented: Presented, now: float) -> Decision:
    """Decide what the code gets. Everything else is checked before a second use counts as one, so that a sender who
    holds only the code can revoke nothing.
    """
    if (
        grant is None
        or grant.client_id != client.client_id
        or not is_digest_of(grant.code_digest, presented.code.secret)
        or grant.is_device  # a device code is redeemed by its own grant type, which asks for no proof of a client
    ):
        return Decision.UNKNOWN
    # The grant's `jkt` has no say here. If a thief redeemed the code first, by a key of his own, the owner's use has to
    # count as the second, which ends the grant.
    if grant.dpop_jkt and grant.dpop_jkt != presented.jkt:
        return Decision.OTHER_KEY
    # OAuth 2.1 clients do not send it, because PKCE binds the code. If it is sent, it must be the same (RFC 6749
    # §4.1.3).
    if presented.redirect_uri not in (None, grant.redirect_uri):
        return Decision.OTHER_ADDRESS
    if not _is_proven(grant, client, presented):
        return Decision.UNPROVEN
    return decide_use(grant, account, client, Use(presented.attempt, presented.resource), now)


def _is_proven(grant: Grant, client: Client, presented: Presented) -> bool:
    """Whether the token request comes from the client instance that sent the authorization request.

    A challenge that was sent is enforced, also where PKCE is optional.
    """
    verifier = presented.code_verifier
    if grant.code_challenge:
        return verifier is not None and is_verified(grant.code_challenge, verifier)
    # A verifier shows that the client did send a challenge, which an attacker took out of the request: the downgrade
    # attack of RFC 9700 §2.1.1.
    if verifier is not None or not client.may_omit_pkce:
        return False
    # The redirect URI binds the code where no verifier does (RFC 6749 §4.1.3). A client may leave it out if it has only
    # one: the code cannot have been sent anywhere else.
    return presented.redirect_uri is not None or client.redirect_uris == (grant.redirect_uri,)


def redeem(request: TokenRequest, ports: Ports) -> Tokens:
    """Tokens for the code.

    Raises InvalidRequest for a malformed verifier, InvalidTarget, InvalidScope, and InvalidGrant with one wording for
    every other reason that depends on what is stored.
    """
    form = request.form
    code = parse_code(form.require("code"))
    code_verifier = form.get("code_verifier") if request.client.may_omit_pkce else form.require("code_verifier")
    if code_verifier is not None:
        check_verifier(code_verifier)
    if code is None:
        raise InvalidGrant("The code is not one that this server issues. It may be cut short, or encoded twice.")
    resource = form.every("resource")
    presented = Presented(
        code, form.get("redirect_uri"), code_verifier, ports.random(16), resource=resource, jkt=request.jkt
    )
    grant = ports.grants.find(code.grant_id)
    account = ports.accounts.find_account(grant.sub) if grant is not None and grant.sub else None
    return redeem_grant(
        request,
        ports,
        grant,
        account,
        Use(presented.attempt, resource),
        lambda found: decide(found, account, request.client, presented, request.now),
        refusal=_REFUSAL,
    )
