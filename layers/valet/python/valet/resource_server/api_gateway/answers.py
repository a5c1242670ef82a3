"""The answers that each kind of API understands."""

import json

from valet.resource_server.api_gateway.events import WEBSOCKET, Asked
from valet.resource_server.api_gateway.permissions import Permission, Permissions
from valet.resource_server.api_gateway.policy import Document, refusal
from valet.resource_server.api_gateway.routes import Rule, SignIn
from valet.resource_server.verify import AccessToken

LARGEST_ANSWER = 16 * 1024
LARGEST_WEBSOCKET_ANSWER = 8 * 1024
_MOST_ADDED = 6
_MOST_TOLD, _LONGEST_TOLD = 8, 64  # names of scopes or roles in a line of the log, and characters of each

Answer = dict[str, object]


def simple(token: AccessToken, is_allowed: bool) -> Answer:
    """HTTP API, payload 2.0, simple response."""
    return {"isAuthorized": is_allowed, "context": dict(token.context)}


def appsync(token: AccessToken, permission: Permission) -> Answer:
    """AppSync: the fields that ROUTES names and this token may not see are null; a revocation outlives no cache."""
    return {
        "isAuthorized": True,
        "resolverContext": dict(token.context),
        "deniedFields": list(permission.denied_fields),
        "ttlOverride": 0,
    }


def appsync_refusal() -> Answer:
    return {"isAuthorized": False, "ttlOverride": 0}


def challenge(rule: Rule | None, token: AccessToken, sign_in: SignIn, resource_metadata: str) -> str:
    """The challenge of a route that asks for more scope or another sign-in (RFC 6750 §3.1, RFC 9470 §3, RFC 9449 §7.1,
    RFC 9728 §5.1).

    Empty where neither would help: another role is needed, the token came through another client, or no token may call
    the route. A client that believed such a challenge would ask for the same token again and again.
    """
    if rule is None or (rule.is_direct and "actors" in token.context):
        return ""
    is_short, lacks = not rule.scopes <= set(token.scope.split()), rule.lacks(sign_in)
    if not is_short and (not any(lacks) or (rule.roles and rule.roles.isdisjoint(token.roles.split()))):
        return ""
    members = {"error": "insufficient_scope"}
    if any(lacks):
        from valet.resource_server import step_up

        members = step_up.members(rule.acr, rule.max_age, lacks)
    if is_short:
        members["scope"] = " ".join(sorted(rule.scopes))
    scheme = "Bearer"
    if token.jkt:
        from valet.resource_server.proofs import ALGS

        scheme, members["algs"] = "DPoP", ALGS
    if resource_metadata:
        members["resource_metadata"] = resource_metadata
    return f"{scheme} " + ", ".join([f'{name}="{value}"' for name, value in members.items()])


def lack(rule: Rule | None, token: AccessToken, sign_in: SignIn) -> str:
    """The reason for the log why this token may not call a route with this `rule`."""
    if rule is None:
        return "ROUTES does not name this route"
    reasons = []
    if missing := rule.scopes - set(token.scope.split()):
        reasons.append(f"the token lacks {_some(missing, 'scope')}")
    if rule.roles and rule.roles.isdisjoint(token.roles.split()):
        has_none = "lacks" if len(rule.roles) == 1 else "has none of"
        reasons.append(f"the end-user {has_none} {_some(rule.roles, 'role')}")
    if any(lacks := rule.lacks(sign_in)):
        from valet.resource_server import step_up

        reasons.append(step_up.reason(rule.acr, rule.max_age, lacks, token.context))
    if rule.is_direct and "actors" in token.context:
        reasons.append("the token came through another client, and the route is direct")
    return "; ".join(reasons)


def _some(names: frozenset[str], kind: str) -> str:
    """As many of these names as a line of the log shall hold, and how many more there are."""
    told = [name if len(name) <= _LONGEST_TOLD else f"{name[:_LONGEST_TOLD]}…" for name in sorted(names)[:_MOST_TOLD]]
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return f"the {kind}{'s' if len(names) > 1 else ''} {' '.join(told)}{more}"


def policy(
    token: AccessToken, permission: Permission, asked: Asked, permissions: Permissions, challenge: str = ""
) -> Answer:
    """REST, HTTP API and WebSocket: an IAM policy. Its documents are shared between answers, and never changed.

    A `challenge` goes into the context, where a REST API's gateway response finds it.
    """
    limit = LARGEST_WEBSOCKET_ANSWER if asked.shape == WEBSOCKET else LARGEST_ANSWER
    document = permissions.document(permission, asked)
    answer = _answer(token, document, challenge)
    # A token's own length bounds what it adds to its policy, escapes and repetitions included.
    is_small = not challenge and document.size + _MOST_ADDED * token.length <= limit
    if is_small or _is_within(answer, limit):
        return answer
    answer = _answer(token, permissions.only_asked(permission, asked))
    if _is_within(answer, limit):
        return answer
    # Claims that would not fit through the gateway: it would answer 500, again and again.
    return {"principalId": "too-large", "policyDocument": refusal(asked.arn).policy, "context": {}}


def _answer(token: AccessToken, document: Document, challenge: str = "") -> Answer:
    context = {**token.context, "challenge": challenge} if challenge else dict(token.context)
    answer: Answer = {"principalId": context["sub"], "policyDocument": document.policy, "context": context}
    # API Gateway takes 20 to 128 characters for the key of a usage plan.
    if 20 <= len(context["client_id"]) <= 128:
        answer["usageIdentifierKey"] = context["client_id"]
    return answer


def _is_within(answer: Answer, limit: int) -> bool:
    return len(json.dumps(answer)) <= limit
