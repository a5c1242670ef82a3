"""What may happen in the state machine: who wants what, what goes wrong on the way, and in which order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from tests.promises.model import acts
from tests.promises.model.acts import Act
from tests.promises.model.people import Held
from tests.promises.model.processes import Fate, Process

NOBODYS = "never-a-secret-of-anybody".ljust(43, "x")
CLIENTS = ("web", "strict", "spa", "keeps")  # the last keeps its refresh token
KEYS = ("", "", "owner", "named")  # the client has none, or one; the request may name it too
SCOPES = (
    *("openid items offline_access", "openid profile items", "openid offline_access", "items"),
    "openid items orders offline_access",  # of two APIs: each token is for one
)
_ELSEWHERE = "https://elsewhere.example"
# Each group is as likely as any other.
SPENT = ("retry", "old token", "thief", "forged secret", "other resource", "replay")
CODES = ("redeem", "redeem", "wrong verifier", "wrong redirect_uri", "another's code", "code for another resource")
STRANGERS = ("garbage", "forged family", "other client", "revoke garbage", "another revokes")
WISHES = ("narrow", "widen", "client_credentials", "logout")
REVOCATIONS = ("revoke", "revoke old", "revoke access token")
QUESTIONS = ("introspect", "introspect access token", "service introspects", "userinfo", "userinfo")
RACES = (*("refresh",) * 4, "redeem", "retry", "revoke", "old token", "logout", "introspect", "narrow", "garbage")
COMMANDS = ("set-password", "set-password --revoke", "sign-out", "revoke-client")
Intent = tuple[str, int, int]
Trouble = tuple[int, Fate] | None
DISRUPTIVE = (Fate.FAILED, Fate.UNKNOWN, Fate.LATE)


# What, of which grant (the youngest first), with which of its tokens.
def any_of(names: tuple[str, ...]) -> st.SearchStrategy[Intent]:
    return st.tuples(st.sampled_from(names), st.sampled_from((0, 0, 0, 1, 2)), st.integers(0, 7))


# Which call of the request meets it, or which write where only a write can, and what.
troubles = st.sampled_from(
    (
        *(None,) * 12,
        *((0, Fate.RESENT),) * 4,
        (1, Fate.RESENT),
        *((0, fate) for fate in (Fate.DELAYED, Fate.UNKNOWN, Fate.LATE)),
        *((nth, Fate.KILLED) for nth in range(1, 7)),
        *((nth, Fate.FAILED) for nth in range(0, 8, 2)),
    )
)
# A byte a step: whose turn it is, and what happens to the call; see `decoded`.
schedules = st.binary(min_size=20, max_size=40)
happenings = st.tuples(
    st.sampled_from(
        (
            "a sandbox is lost",
            "half a day passes",
            "a month passes",
            "DynamoDB expires items",
            "a sandbox is cloned",
            "a client's grants are ended",
            "an operator shuts out",
            "a client is disabled",
            *("clients are enabled",) * 2,
            "an account is disabled",
            *("accounts are enabled",) * 2,
        )
    ),
    st.integers(0, 3),
    st.integers(0, 3),
)


def can_meet(fate: Fate, process: Process) -> bool:
    call = process.waiting
    if call is None or fate is Fate.RUN:
        return False
    return fate is Fate.KILLED or (not call.is_again and (call.is_write or fate is Fate.FAILED))


def decoded(number: int) -> tuple[Fate, float]:
    """What six bits of a schedule stand for: mostly nothing."""
    if number < 48:
        return Fate.RUN, 0.0
    if number < 60:
        return tuple(Fate)[1:][number % 6], 0.0
    return Fate.RUN, (0.5, 4.0, 11.0, 40.0)[number % 4]


def act_of(name: str, held: Held, nth: int) -> Act | None:
    client, other = held.client_id, "spa" if held.client_id == "web" else "web"
    token, tokens = held.refresh_token, held.refresh_tokens
    access_token = held.access_tokens[nth % len(held.access_tokens)] if held.access_tokens else ""
    if name == "replay":
        return replace(held.proven, actor="thief") if held.proven else None
    if name in CODES:
        code, api = held.code, _resource(held, nth)
        return {
            "redeem": acts.redeem(client, code, resource=api),
            "wrong verifier": acts.redeem(client, code, actor="stranger", verifier=NOBODYS),
            "wrong redirect_uri": acts.redeem(client, code, redirect_uri="https://elsewhere.example/", resource=api),
            "another's code": acts.redeem(other, code, actor="stranger"),
            "code for another resource": acts.redeem(client, code, resource=_other_resource(held, nth)),
        }[name]
    if name == "client_credentials":
        return acts.client_credentials()
    if name == "garbage":
        return acts.refresh(client, f"{held.grant_id}.{NOBODYS}.{NOBODYS}", actor="stranger")
    if name == "revoke garbage":
        return acts.revoke(client, f"{held.grant_id}.{NOBODYS}.{NOBODYS}", actor="stranger")
    if name in ("revoke access token", "introspect access token", "service introspects", "userinfo"):
        return _with_access_token(name, client, access_token) if access_token else None
    if name == "logout":
        return acts.logout(held.browser.session, held.id_token) if held.id_token and held.browser.session else None
    if not token:
        return None
    return _with_refresh_token(name, held, other, tokens[nth % len(tokens)], nth)


def key_of(act: Act, held: Held, nth: int, claims: Mapping[str, Any]) -> str:
    """The key that the sender proves to hold: the client's own if it has one, a thief's, or none. `claims`: the access
    token's, if the request has one.
    """
    if act.kind == "userinfo":
        is_bound = "cnf" in claims
        return (*("owner",) * 6, "thief", "")[nth] if is_bound else ""
    if act.function != "token" or act.proof:
        return ""
    if act.actor == "client":
        return "owner" if held.key else ""
    return "thief" if nth % 2 else ""


def _resource(held: Held, nth: int) -> str:
    """Of a request that can be answered: one of the grant's APIs where it has two."""
    apis = acts.apis_of(" ".join(held.scope))
    return apis[nth % 2] if len(apis) > 1 else ""


def _other_resource(held: Held, nth: int) -> str:
    """Of a request that cannot: an API that is not the grant's, or none where one has to be named."""
    return "" if nth % 2 and len(acts.apis_of(" ".join(held.scope))) > 1 else _ELSEWHERE


def _with_access_token(name: str, client: str, token: str) -> Act:
    return {
        "revoke access token": lambda: acts.revoke(client, token),
        "introspect access token": lambda: acts.introspect("web", token),
        "service introspects": lambda: acts.introspect("service", token),
        "userinfo": lambda: acts.userinfo(token),
    }[name]()


def _with_refresh_token(name: str, held: Held, other: str, old: str, nth: int) -> Act:
    client, token = held.client_id, held.refresh_token
    family = token.split(".")[1]
    api, first = _resource(held, nth), acts.first_of_two(" ".join(held.scope))
    narrow = tuple(scope for scope in held.scope if scope in ("items", "openid"))[:1]
    confidential = "web" if client == "spa" else client
    made = {
        "refresh": lambda: acts.refresh(client, token, resource=api),
        "retry": lambda: acts.refresh(
            client, held.refresh_tokens[-2] if len(held.refresh_tokens) > 1 else token, resource=api
        ),
        "old token": lambda: acts.refresh(client, old, actor="thief", resource=api),
        "narrow": lambda: acts.refresh(client, token, scope=narrow, resource=first),
        "widen": lambda: acts.refresh(client, token, scope=(*held.scope, "email"), resource=api),
        "thief": lambda: acts.refresh(client, held.stolen[-1] if held.stolen else token, actor="thief", resource=api),
        "forged secret": lambda: acts.refresh(
            client, f"{held.grant_id}.{family}.{NOBODYS}", actor="thief", resource=api
        ),
        "other resource": lambda: acts.refresh(client, old, resource=_other_resource(held, nth)),
        "forged family": lambda: acts.refresh(
            client, f"{held.grant_id}.{NOBODYS}.{token.split('.')[2]}", actor="stranger"
        ),
        "other client": lambda: acts.refresh(other, token, actor="stranger"),
        "revoke": lambda: acts.revoke(client, token),
        "revoke old": lambda: acts.revoke(client, old),
        "another revokes": lambda: acts.revoke(other, token, actor="stranger"),
        "introspect": lambda: acts.introspect(confidential, token),
    }
    return made[name]()
