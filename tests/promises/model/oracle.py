"""The answer that a request must get according to the ledger: the protocol written once more, as briefly as
possible.
"""

from dataclasses import dataclass, replace

from valet.handles import parse_refresh_token

from tests.promises.model.acts import Act, first_of_two
from tests.promises.model.facts import Facts, live_token, picks_an_api
from tests.promises.model.ledger import RESUBMITTED, Ledger


@dataclass(frozen=True)
class Expected:
    """The answer's status, its error or whether the token is active, and whether the grant is revoked by it."""

    status: int
    error: str = ""
    is_active: bool = False
    is_revoked: bool = False
    successor: str = ""  # the refresh token that it must be; empty: a new one


_INVALID_GRANT = Expected(400, "invalid_grant")
_INVALID_TARGET = Expected(400, "invalid_target")
_REVOKED = Expected(400, "invalid_grant", is_revoked=True)


def _any_api(facts: Facts) -> str:
    return first_of_two(" ".join(facts.scope))


@dataclass
class Oracle:
    ledger: Ledger
    disabled_clients: set[str]

    def expect(self, act: Act) -> Expected | None:
        """None: this oracle says nothing about it."""
        if act.client_id in self.disabled_clients and act.function != "authorize":
            return Expected(401, "invalid_client")
        facts = self.ledger.grants.get(act.token[:22])
        if act.kind == "code":
            return self._code(act, facts)
        if act.kind == "refresh":
            return self._refresh(act, facts)
        if act.kind == "introspect":
            is_access_token = bool(self.ledger.claims_of(act.token))
            is_active = self._is_access_token_active(act) if is_access_token else self._is_refresh_active(act, facts)
            return Expected(200, is_active=is_active)
        if act.kind == "userinfo":
            return self._userinfo(act)
        if act.kind in ("revoke", "client_credentials"):
            return Expected(200, is_revoked=act.kind == "revoke" and self._is_genuine(act, facts))
        return None

    def _code(self, act: Act, facts: Facts | None) -> Expected:
        now = self.ledger.now
        if facts is None or not self.ledger.presents_code(replace(act, resource=_any_api(facts)), facts):
            return _INVALID_GRANT
        if not picks_an_api(facts.scope, act.resource):
            return _INVALID_TARGET
        if facts.is_revoked:
            return _REVOKED
        if facts.redeemed_at is not None:
            return _REVOKED if now - facts.redeemed_at > RESUBMITTED else _INVALID_GRANT
        if facts.code_expires_at <= now or self.ledger.is_dead(facts):
            return _INVALID_GRANT
        return Expected(200)

    def _refresh(self, act: Act, facts: Facts | None) -> Expected:
        token = parse_refresh_token(act.token)
        if facts is None or token is None or not facts.is_genuine(token, act.client_id):
            return _INVALID_GRANT
        if not self.ledger.has_key(act, facts.jkt):
            return _INVALID_GRANT
        if act.scope is not None and not set(act.scope) <= facts.scope:
            return Expected(400, "invalid_scope", is_revoked=facts.is_revoked)
        if not picks_an_api(facts.scope, act.resource):
            return _INVALID_TARGET
        if facts.is_revoked:
            return _REVOKED
        if self._is_over(facts):
            return _INVALID_GRANT
        if self.ledger.is_dead(facts):
            return _REVOKED
        position, window = facts.position(token), self.ledger.rules.windows[facts.client_id]
        if position == 0:
            return Expected(200)
        if position == 1 and window and self.ledger.now - facts.rotated_at <= window:
            return Expected(200, successor=facts.successors.get(act.token, ""))
        return _REVOKED

    def _is_over(self, facts: Facts) -> bool:
        return min(facts.idle_expires_at, facts.absolute_expires_at) <= self.ledger.now

    def _is_genuine(self, act: Act, facts: Facts | None) -> bool:
        return facts is not None and facts.is_genuine(parse_refresh_token(act.token), act.client_id)

    def _is_refresh_active(self, act: Act, facts: Facts | None) -> bool:
        token = parse_refresh_token(act.token)
        if facts is None or token is None or not self._is_genuine(act, facts) or facts.is_revoked:
            return False
        return facts.position(token) == 0 and not self._is_over(facts) and not self.ledger.is_dead(facts)

    def _is_access_token_active(self, act: Act) -> bool:
        claims = self.ledger.claims_of(act.token)
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        is_its_business = claims["client_id"] == act.client_id or (
            act.client_id == "service" and any(aud.endswith("/api") for aud in audience)
        )
        return is_its_business and self._is_good(act.token)

    def _is_good(self, token: str) -> bool:
        claims = self.ledger.claims_of(token)
        index = live_token(claims)
        if claims["exp"] <= self.ledger.now or claims["client_id"] in self.disabled_clients:
            return False
        if (index.list_id, index.idx) in self.ledger.exact_bits:
            return False
        if "grant_id" not in claims:
            return not self.ledger.is_in_range(index)
        facts = self.ledger.grants.get(claims["grant_id"])
        return facts is not None and not facts.is_revoked and not self.ledger.is_dead(facts)

    def _userinfo(self, act: Act) -> Expected:
        claims = self.ledger.claims_of(act.token)
        if not claims or claims["exp"] <= self.ledger.now:
            return Expected(401, "invalid_token")
        if claims.get("cnf", {}).get("jkt", "") != act.jkt:
            return Expected(401, "invalid_token")
        if "openid" not in claims["scope"].split():
            return Expected(403, "insufficient_scope")
        if not self._is_good(act.token) or claims["sub"] in self.ledger.disabled:
            return Expected(401, "invalid_token")
        return Expected(200, is_active=True)
