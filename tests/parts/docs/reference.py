"""docs/reference.md, written from the code: `python -m tests.parts.docs.reference > docs/reference.md`.

What only a person can say of a thing stands here, by its name; a thing without a sentence, and a sentence without its
thing, fail the test.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from local.template import load
from tests.endpoints import ENDPOINTS

ROOT = Path(__file__).resolve().parents[3]
LAYER = ROOT / "layers" / "valet" / "python"

ROUTES = {
    **{each.path: each.what for each in ENDPOINTS},
    "/api/profile": "demo: scope profile",
    "/api/admin": "demo: scope admin",
    "/api/items": "demo: scope items",
    "/api/items/{id}": "demo: scope items; DELETE asks for the role admin too",
}

VARIABLES = {
    "ACCESS_TOKEN_LIFETIME": "seconds, 60 to 86400; a protected API's own comes first",
    "ID_TOKEN_LIFETIME": "seconds, 60 to 86400",
    "SESSION_IDLE_LIFETIME": "seconds, 600 to 2592000; a browser session that is not used for this long ends",
    "SESSION_COOKIE": "`persistent` or `browser`; whether a session's cookie outlives the browser",
    "SESSION_LIFETIME": "seconds, 600 to 2592000; a browser session ends after this long in any case",
    "ACCOUNT_ROOT_ARN": "rotate_keys: the account, whose administrators a new key's policy lets administer the key",
    "AUDIENCE": "authorizer: the one audience that it accepts",
    "AWS_ENDPOINT_URL": "where all of AWS answers: with http, an emulated AWS, to which functions sign with the local "
    "stack's credentials. Empty counts as unset. `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_KMS` name one "
    "service's, such as a VPC endpoint",
    "API": "`make run`: templates of your own APIs, separated by spaces or commas ([how](local-api.md))",
    "API_ENV": "`make run` with API: a JSON file with variables for your functions",
    "API_PARAMETERS": "`make run` with API: values of your template's parameters, NAME=VALUE",
    "API_PYTHON": "`make run` with API: the interpreter of your functions, if it is not the .venv next to the template",
    "API_STAGE": "`make run` with API: the stage of your REST APIs",
    "AWS_PORT": "`make run`: the port of the emulated AWS, PORT + 1 if not given",
    "BASE_PATH": "authorizer: with MATCH=path, what precedes the framework's paths, such as /v1",
    "PASSKEY_DOMAIN": "the domain of passkeys, if it is not the issuer's host",
    "BEHIND_PROXY": "true: there is a proxy before the API, and the client's address is the last entry but one of "
    "X-Forwarded-For. If that entry is no address, or the last one is not the gateway's `sourceIp`, or the variable is "
    "not true, the client's address is `sourceIp`. The template sets the variable from `BehindProxy`",
    "DPOP_MAX_AGE": "authorizer: seconds, 10 to 300, after its `iat` that a DPoP proof is accepted; 60 if not given",
    "GRANTS_TABLE": "name of the table",
    "INTROSPECTION_CACHE": "authorizer: seconds, 0 to 30, that an answer about a reference token is used again; 0 if "
    "not given",
    "INTROSPECTION_CLIENT": "authorizer: the client as which it introspects reference tokens; empty refuses them",
    "INTROSPECTION_SECRET": "authorizer: the secret of that client",
    "ISSUER": "authorizer: whose tokens it accepts",
    "ISSUER_URL": "the issuer; empty: https and the API's own domain name, from each event",
    "LOG_LEVEL": "DEBUG or INFO",
    "MATCH": "authorizer: route or path; path for an API behind one catch-all route",
    "PORT": "`make run`: the port of the local stack, 3000 if not given",
    "POWERTOOLS_SERVICE_NAME": "the stack's name: `service` in every line, and the metrics' dimension",
    "PROFILE": "plain or fapi2; fapi2 holds every client to the FAPI 2.0 Security Profile",
    "PUBLIC_URL": "authorizer: where clients call the API, if not at its own domain; up to four addresses with spaces "
    "between them, each of which precedes the path below the stage",
    "PUSHED_REQUEST_LIFETIME": "seconds, 5 to 599, in which a browser has to bring a pushed request",
    "REGISTRY_TABLE": "name of the table",
    "RESOURCE_METADATA": "authorizer: address of the protected API's metadata (RFC 9728), named in its challenges",
    "RESPONSE": "authorizer: policy or simple",
    "RETRY_WINDOW": "seconds in which a client that lost an answer may refresh again with the same token. A function "
    "takes 0 to 600; the template gives `RetryWindow`, 0 or 11 to 300, so that it is longer than "
    "the token function may run",
    "ROTATE_ROLE_ARN": "rotate_keys: its own role, for a new key's policy",
    "ROTATION_PERIOD": "rotate_keys: days that a key signs",
    "ROUTES": "authorizer: the scopes, roles and sign-in that each route needs, as JSON",
    "SENDER_CONSTRAINT": "authorizer: optional or required; required refuses tokens that are bound to no key",
    "SIGNER": "kms or wrapped",
    "SIGNING_ALG": "RS256, ES256, PS256, RS256+PS256 or RS256+ES256",
    "SIGNING_ROLE_ARNS": "rotate_keys: the roles that a new key's policy lets sign",
    "STATUS_MAX_STALE": "authorizer: seconds, 0 to 900, for which it uses a list that it holds during an outage",
    "STATUS_OPTIONAL": "authorizer: true accepts tokens without a `status` claim, for issuers without status lists",
    "USERS_TABLE": "name of the table",
    "WEBSOCKET_TOKEN": "authorizer: header or protocol; protocol takes a browser's token from Sec-WebSocket-Protocol",
    "DPOP_NONCES": "token: `off`, `public` or `all`; the clients whose DPoP proofs need a nonce of this server",
    "NONCE_KEY": "token: the HMAC key that makes the nonces of DPoP proofs; empty with DPOP_NONCES=off",
    "BACK_CHANNEL_LOGOUT": "metadata: on or off; whether the metadata says that clients are told of logouts",
    "CLIENT_ID_METADATA": "what meets clients, but for par: off, listed or open; whose documents name clients",
    "CLIENT_REGISTRATION": "register, and the same functions: off, token or open; who may register a client",
    "FETCH_FUNCTION": "authorize, token: the name of the function that fetches documents",
    "MAIL": "everywhere: on or off; whether the deployment sends mails to people",
    "MAIL_FROM": "mailer: the address that mails come from",
    "MAIL_QUEUE": "every function that has a mail sent, mailer: URL of the queue of mails; empty sends none",
    "SECOND_FACTOR": "everywhere: on or off; whether people may have a second factor next to a password",
    "FEDERATION": "everywhere: on or off; whether people may sign in with other providers",
    "DEVICE_AUTHORIZATION": "everywhere: on or off; whether devices without a browser may ask for a person's yes",
    "PEOPLE_KEY": "second, federate, credentials: the KMS key of second factors and providers' secrets",
    "SIGN_OUTS_QUEUE": "authorize, logout, finish: URL of the queue of what is about to end",
    "LOGOUT_TOKENS_QUEUE": "finish, notify_clients: URL of the queue of clients to tell; finish: empty tells none",
    "DEAD_LETTERS_QUEUE": "notify_clients: URL of the queue for what was tried for a day",
    "OWN_ROLE_ARN": "notify_clients: its role, which a key has to name before it signs logout tokens",
    "WAITING_ROLE_ARNS": "rotate_keys: further roles that a new key's policy lets sign; no key is replaced for them",
    "WRAPPING_KEY": "rotate_keys: with SIGNER=wrapped, the symmetric key that encrypts signing keys",
}

ERRORS = {
    "access_denied": "the end-user said no; in the redirect, or to a device that polls",
    "authorization_pending": "the end-user has not answered the device yet: it polls again after `interval` seconds",
    "consent_required": "`prompt=none`, and the end-user has to be asked for consent; in the redirect",
    "expired_token": "the device code has expired: the device asks for new ones",
    "insufficient_scope": "the access token is good, but lacks a scope that the request needs",
    "invalid_client": "unknown or disabled client, wrong secret, or another method than the registered one",
    "invalid_dpop_proof": "the DPoP proof is not good, or was used before",
    "invalid_grant": "the code or refresh token is unknown, used, expired, revoked or another client's",
    "invalid_client_metadata": "/register: what the client says of itself is no JSON object, or breaks a rule",
    "invalid_redirect_uri": "/register: no redirect URI is one of this computer or of a host that an operator trusts",
    "invalid_request": "a parameter is missing, repeated or malformed; the body is too large; the method is wrong",
    "invalid_request_uri": "the `request_uri` is unknown, too old, used, or another client's; on a page",
    "invalid_scope": "the scope is unknown, not registered for the client, more than was granted, of two APIs "
    "without `resource`, or of none that `resource` names",
    "invalid_target": "the `resource` is no API that this client, or its grant, may have; or the grant is for several "
    "APIs and the request names none, or two. Nothing is spent",
    "invalid_token": "the access token is expired, revoked, malformed or not for this audience",
    "login_required": "`prompt=none`, and no end-user is signed in; in the redirect",
    "not_found": "there is nothing at this address",
    "registration_not_supported": "the parameter `registration`; in the redirect",
    "request_not_supported": "the parameter `request`; in the redirect",
    "request_uri_not_supported": "a `request_uri` that /par did not give; in the redirect",
    "server_error": "a defect of Valet: find `request.failed` in the log by the request id",
    "slow_down": "the device polls too often: it waits five seconds longer from now on",
    "temporarily_unavailable": "nothing was decided: send the same request again after Retry-After. 429: this grant "
    "is refreshed too often; 503: an outage",
    "unauthorized_client": "the client is not registered for this grant type",
    "unmet_authentication_requirements": "`claims` requires an acr that no sign-in here has; in the redirect",
    "unapproved_software_statement": "/register: there is a `software_statement`, and Valet takes none",
    "unsupported_grant_type": "the grant type is not one that /token supports",
    "unsupported_response_type": "the response type is not `code`; in the redirect",
    "use_dpop_nonce": "the DPoP proof needs the nonce of the header `DPoP-Nonce`; the rest of the request stays good",
}

# The authorizer's events are not in valet/audit.py: it logs without any library, perhaps in another account.
AUTHORIZER_EVENTS = {
    "issuer.unavailable": ("reason", "The authorizer cannot get keys or a status list: the request ended as a 500."),
    "policy.inexact": ("reason routes", "No IAM policy can express exactly these routes. Logged once, at the start."),
    "proofs.forgotten": (
        "reason",
        "More DPoP proofs than one process remembers: older ones could be used again there. Logged once.",
    ),
    "route.denied": (
        "route reason jti",
        "A good token, but the scopes, roles or sign-in of this route are missing, or nothing names the route: 403.",
    ),
    "token.refused": ("reason", "The access token is not good: 401."),
}


def template() -> dict[str, Any]:
    return load(ROOT / "template.yaml")


def reference() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Written by `python -m tests.parts.docs.reference > docs/reference.md`, and held to the code by a test."
    yield "[operations.md](operations.md) says what to do with it, [standards.md](standards.md) where it comes from."
    for title, lines in (
        ("Routes", _routes()),
        ("Parameters of the stack", _parameters()),
        ("Outputs of the stack", _outputs()),
        (
            "Environment variables",
            _table(("variable", "what"), ((f"`{n}`", VARIABLES.get(n, "?")) for n in sorted(variables()))),
        ),
        ("Errors", _errors()),
        ("Events", _events()),
        ("Changes by operators", _deeds()),
        ("Metrics", _metrics()),
        ("Alarms", _alarms()),
        ("The command line", _commands()),
        ("make", _targets()),
    ):
        yield ""
        yield f"## {title}"
        yield ""
        yield from lines


def routes() -> dict[str, tuple[str, str]]:
    """Path → the methods that the template routes, and the function."""
    found: dict[str, tuple[str, str]] = {}
    for name, resource in template()["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "HttpApi":
                path, method = event["Properties"]["Path"], event["Properties"]["Method"]
                before = found.get(path, ("", ""))[0]
                found[path] = (f"{before}, {method}".lstrip(", "), name)
    return found


def _own_api() -> set[str]:
    """What `make run` is told of a developer's own APIs."""
    text = (ROOT / "local" / "own" / "choices.py").read_text(encoding="utf-8")
    return set(re.findall(r'environ(?:\.get\(|\[)"(API[A-Z_]*)"', text))


def variables() -> set[str]:
    """Every environment variable that something reads."""
    from valet.settings import _VARIABLES

    folder = LAYER / "valet" / "resource_server" / "api_gateway"
    of_authorizer = [folder / "configuration.py", folder / "introspection_settings.py"]
    authorizer = "".join(path.read_text(encoding="utf-8") for path in of_authorizer)
    declared = {
        name
        for part in (template()["Globals"]["Function"], *_properties("AWS::Serverless::Function"))
        for name in part.get("Environment", {}).get("Variables", {})
    }
    read = set(re.findall(r'env\.get\("([A-Z_]+)"|_one_of\(env, "([A-Z_]+)"', authorizer))
    local = set(re.findall(r'_port\("([A-Z_]+)"', (ROOT / "local" / "__main__.py").read_text(encoding="utf-8")))
    return (
        declared
        | set(_VARIABLES)
        | {name for pair in read for name in pair if name}
        | local
        | {"PORT", "AWS_PORT"}
        | _own_api()
    )


def errors() -> dict[str, set[int]]:
    """Error code → the statuses that it is answered with."""
    from valet.errors import OAuthError

    found: dict[str, set[int]] = {}
    todo = [OAuthError]
    while todo:
        kind = todo.pop()
        todo.extend(kind.__subclasses__())
        if kind is not OAuthError and kind.__module__ == "valet.errors":
            found.setdefault(kind.error, set()).add(kind.status)
    return found


def authorizer_events() -> set[str]:
    """The names that the resource server gives its lines."""
    found: set[str] = set()
    for path in sorted((LAYER / "valet" / "resource_server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                found |= {str(v.value) for k, v in pairs if _is(k, "event") and isinstance(v, ast.Constant)}
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_tell":
                found |= {str(a.value) for a in node.args[1:2] if isinstance(a, ast.Constant)}
    return found


def commands() -> dict[str, str]:
    """Every command of `valet`, with its sentence."""
    import click

    from admin.cli import valet

    found: dict[str, str] = {}

    def visit(command: click.Command, path: str) -> None:
        if isinstance(command, click.Group):
            for name, each in command.commands.items():
                visit(each, f"{path} {name}")
        else:
            found[path] = (command.help or "").partition("\n\n")[0].replace("\n", " ").strip()

    visit(valet, "valet")
    return found


def targets() -> dict[str, str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z-]+):.*?## (.*)$", makefile, re.MULTILINE))


def _routes() -> Iterator[str]:
    rows = ((f"`{path}`", methods, f"`{name}`", ROUTES.get(path, "?")) for path, (methods, name) in routes().items())
    yield from _table(("path", "methods", "function", "what"), rows)
    yield ""
    yield "ANY: the function itself answers OPTIONS and HEAD, and 405 with `Allow`."


def _parameters() -> Iterator[str]:
    rows = []
    for name, parameter in template()["Parameters"].items():
        allowed = ", ".join(f"`{value}`" for value in parameter.get("AllowedValues", []))
        bounds = [
            f"{word} {parameter[key]}" for word, key in (("from", "MinValue"), ("to", "MaxValue")) if key in parameter
        ]
        may_be = allowed or " ".join(bounds) or parameter.get("ConstraintDescription", "")
        rows.append(
            (
                f"`{name}`",
                f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty",
                may_be,
                parameter["Description"],
            )
        )
    yield from _table(("parameter", "default", "may be", "what"), rows)


def _outputs() -> Iterator[str]:
    yield from _table(
        ("output", "what"), ((f"`{name}`", o["Description"]) for name, o in template()["Outputs"].items())
    )


def _errors() -> Iterator[str]:
    rows = (
        (f"`{name}`", ", ".join(map(str, sorted(statuses))), ERRORS.get(name, "?"))
        for name, statuses in sorted(errors().items())
    )
    yield from _table(("error", "status", "when"), rows)


def _events() -> Iterator[str]:
    from valet.audit import EVENTS, EVERYWHERE
    from valet.log import LONGEST, LONGEST_OF

    yield "One JSON line each. Besides its own fields every line has `event`, `timestamp`, `level`, `service`,"
    yield "and, if they are known, " + ", ".join(f"`{name}`" for name in sorted(EVERYWHERE - {"event"})) + "."
    others = ", ".join(f"`{name}` {longest:,}" for name, longest in sorted(LONGEST_OF.items()))
    yield f"A text has at most {LONGEST} characters ({others}): a longer one is cut and ends with `…`."
    yield "A character that is not printable is written as U+FFFD, so no sender can break a line."
    yield ""
    rows: list[tuple[str, ...]] = []
    for name, event in sorted(EVENTS.items()):
        fields = ", ".join(f"`{field}`" for field in sorted(event.fields))
        rows.append((f"`{name}`", fields, f"`{event.metric}`" if event.metric else "", event.meaning))
    for told, (own, meaning) in AUTHORIZER_EVENTS.items():
        rows.append((f"`{told}`", ", ".join(f"`{field}`" for field in own.split()), "", f"Authorizer: {meaning}"))
    yield from _table(("event", "its own fields", "metric", "meaning"), sorted(rows))


def _deeds() -> Iterator[str]:
    from admin.records.changes import DEEDS

    yield "The field `deed` of `client.changed`, `user.changed`, `api.changed` and `scope.changed` says what the"
    yield "operator did. `members` names the members that changed. `before` and `after` hold their values: lists as"
    yield "words, only the number of secrets, and only the roles of people."
    yield ""
    yield from _table(("deed", "what was done"), ((f"`{deed}`", text) for deed, text in sorted(DEEDS.items())))


def _metrics() -> Iterator[str]:
    from valet.audit import EVENTS

    yield "Namespace `Valet`, one dimension: `service`, the stack's name."
    yield ""
    counted: dict[str, list[str]] = {}
    for name, event in EVENTS.items():
        if event.metric:
            counted.setdefault(event.metric, []).append(
                f"`{event.measured}` of `{name}`" if event.measured else f"`{name}`"
            )
    yield from _table(("metric", "counts"), ((f"`{m}`", ", ".join(names)) for m, names in sorted(counted.items())))


def _alarms() -> Iterator[str]:
    rows = (
        (f"`<stack>-{name.removesuffix('Alarm')}`", resource["Properties"]["AlarmDescription"])
        for name, resource in template()["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    )
    yield from _table(("alarm", "says"), rows)


def _commands() -> Iterator[str]:
    yield "`admin/valet`, or `make valet ARGS='…'`; each has `--help`."
    yield ""
    yield from _table(("command", "what"), ((f"`{name}`", text) for name, text in sorted(commands().items())))


def _targets() -> Iterator[str]:
    yield from _table(("target", "what"), ((f"`make {name}`", text) for name, text in targets().items()))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in row) + " |"


def _properties(kind: str) -> Iterator[Mapping[str, Any]]:
    yield from (each["Properties"] for each in template()["Resources"].values() if each["Type"] == kind)


def _is(node: ast.expr | None, value: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


if __name__ == "__main__":
    sys.path.insert(0, str(LAYER))
    print("\n".join(reference()))
