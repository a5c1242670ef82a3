"""The token and introspection endpoints in one process, next to Authlib's: budgets B5, B6 and B15.

Both sides start from headers and an encoded form, and end with a JSON body. Both sign with ES256, and neither has a
network or a database. The raw signature takes equal time on both sides: each round measures it too, and it is
subtracted.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.authlib_flask import answer_of, new_app, wsgi_request
from bench.authlib_in_memory import AuthlibInMemory
from bench.authlib_in_memory import answered as authlib_answered
from bench.measure import Deed, Sample, interleaved
from bench.strict_client import StrictClient
from bench.valet_in_memory import ValetInMemory, answered, basic, handler, redemption_form, refresh_form

OPENID = ("items", "offline_access", "openid", "profile")
CLIENT_CREDENTIALS = "grant_type=client_credentials&scope=items"
KINDS = ("client_credentials", "code", "refresh")


@dataclass(frozen=True)
class Endpoint:
    """Microseconds of processor time for one request; `signature` is the part that the raw signature takes, and
    `verification` what the raw verification of one takes.
    """

    signature: Sample
    verification: Sample
    valet: Mapping[str, Sample]
    authlib: Mapping[str, Sample]
    authlib_alone: Mapping[str, Sample]

    def less_signature(self, kind: str) -> tuple[Sample, Sample]:
        return self.valet[kind].less(self.signature), self.authlib[kind].less(self.signature)


def measure(rounds: int = 400) -> Endpoint:
    key, message = ec.generate_private_key(ec.SECP256R1()), b"x" * 500
    algorithm = ec.ECDSA(hashes.SHA256())
    public, signature = key.public_key(), key.sign(message, algorithm)
    deeds: dict[str, Callable[[], Deed]] = {
        "signature": lambda: lambda: key.sign(message, algorithm),
        "verification": lambda: lambda: public.verify(signature, message, algorithm),
    }
    deeds |= {f"valet {kind}": make for kind, make in _valet().items()}
    deeds |= {f"authlib {kind}": make for kind, make in _authlib().items()}
    deeds |= {f"alone {kind}": make for kind, make in _authlib_alone().items()}
    found = interleaved(deeds, rounds)

    def of(whose: str) -> dict[str, Sample]:
        return {name.partition(" ")[2]: each for name, each in found.items() if name.startswith(whose)}

    return Endpoint(found["signature"], found["verification"], of("valet "), of("authlib "), of("alone "))


def _valet() -> dict[str, Callable[[], Deed]]:
    valet = ValetInMemory()
    tokens, introspection = handler("token"), handler("introspect")
    strict = StrictClient(valet)

    def asked(made: Mapping[str, Any], ask: Any = tokens) -> Deed:
        valet.forget_log()

        def deed() -> None:
            assert ask(made, None)["statusCode"] == 200

        return deed

    def redeemed(*scope: str) -> dict[str, Any]:
        return valet.tokens(valet.redemption(valet.issue(scope)))

    access_token = redeemed("items", "offline_access")["access_token"]
    inspected = valet.introspection(access_token)
    assert answered(introspection(inspected, None))["active"] is True
    return {
        "client_credentials": lambda: asked(valet.client_credentials()),
        "code": lambda: asked(valet.redemption(valet.issue())),
        "refresh": lambda: asked(valet.refresh(redeemed("items", "offline_access")["refresh_token"])),
        "introspect": lambda: asked(inspected, introspection),
        "code with ID token": lambda: asked(valet.redemption(valet.issue(OPENID))),
        "code of a fapi2 client": lambda: asked(strict.redemption()),
    }


def _authlib() -> dict[str, Callable[[], Deed]]:
    """Authlib in Flask, called as by a WSGI server: Flask parses and serializes, which Valet does itself."""
    app, stores = new_app()

    def asked(client_id: str, form: str, path: str = "/token") -> Deed:
        request = wsgi_request(path, basic(client_id), form)
        return lambda: answer_of(app, request)

    def redeemed() -> dict[str, Any]:
        members: dict[str, Any] = json.loads(answer_of(app, _code_request(stores.issue())))
        return members

    inspected = f"token={redeemed()['access_token']}"
    return {
        "client_credentials": lambda: asked("service_0", CLIENT_CREDENTIALS),
        "code": lambda: asked("web_0", redemption_form(stores.issue())),
        "refresh": lambda: asked("web_0", refresh_form(redeemed()["refresh_token"])),
        "introspect": lambda: asked("service_0", inspected, "/introspect"),
    }


def _code_request(code: str) -> dict[str, Any]:
    return wsgi_request("/token", basic("web_0"), redemption_form(code))


def _authlib_alone() -> dict[str, Callable[[], Deed]]:
    """Authlib's server class without a framework: not a real deployment, but Authlib's shortest time."""
    server = AuthlibInMemory()

    def request(client_id: str, form: str) -> tuple[dict[str, str], str]:
        return {"Authorization": basic(client_id), "Content-Type": "application/x-www-form-urlencoded"}, form

    def asked(client_id: str, form: str) -> Deed:
        made = request(client_id, form)
        return lambda: authlib_answered(server.create_token_response(made))

    def redeemed() -> dict[str, Any]:
        form = redemption_form(server.stores.issue())
        return authlib_answered(server.create_token_response(request("web_0", form)))

    return {
        "client_credentials": lambda: asked("service_0", CLIENT_CREDENTIALS),
        "code": lambda: asked("web_0", redemption_form(server.stores.issue())),
        "refresh": lambda: asked("web_0", refresh_form(redeemed()["refresh_token"])),
    }
