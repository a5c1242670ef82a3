"""What the fuzzed requests meet: the real handlers, with a person signed in, a code issued and a grant alive."""

import base64
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.endpoints import endpoint_at
from tests.promises.fuzz.good_requests import Secrets, Sent
from tests.promises.model import acts
from tests.promises.model.acts import BROWSER_COOKIE, REDIRECT_URI
from tests.promises.model.people import Browser
from tests.promises.model.processes import Fate
from tests.promises.model.stage import SESSION, Stage
from tests.promises.model.world import installed

# RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6.
REDIRECTED_ERRORS = frozenset(
    {
        "invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope",
        "interaction_required", "login_required", "account_selection_required", "consent_required",
        "request_not_supported", "request_uri_not_supported", "registration_not_supported",
        "unmet_authentication_requirements",
    }
)  # fmt: skip
_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
# Written before anything is decided, and harmless: a saved request, a pushed one, what a device asks for, a session
# prolonged, counters, leases.
_HARMLESS = ("request", "pushed", "throttle", "lease", "device_code")
_NUMBER = 1_000_000  # of a process whose randomness is nobody else's


@dataclass(frozen=True)
class Deployment:
    stage: Stage
    secrets: Secrets

    def answer(self, sent: Sent) -> dict[str, Any]:
        """Send it, and hold the answer to what every answer must be."""
        stage = self.stage.again()
        act = acts.Act("fuzz", sent.function, "stranger", sent.event())
        with installed(stage.world):
            process = stage.world.begin(act, sandbox=1, number=_NUMBER)
            while process.waiting is not None:
                stage.world.resume(process, Fate.RUN)
        answer: Any = process.answer
        check_answer(sent, answer)
        assert not any("request.failed" in line for line in stage.world.logs), stage.world.logs
        told = json.dumps(answer) if answer["statusCode"] >= 400 else ""
        assert not any(secret in told for secret in self.secrets.all), "a secret in an error"
        logged = "".join(stage.world.logs)
        assert not any(secret in logged for secret in self.secrets.all), "a secret in a line of the log"
        before, after = _what_matters(self.stage), _what_matters(stage)
        if sent.function == "authorize":  # a good request has a code: a new grant, and what was there is as it was
            after = {key: item for key, item in after.items() if key in before}
        assert after == before, "something was spent"
        return dict(answer)


def _what_matters(stage: Stage) -> dict[Any, Any]:
    items = {**stage.world.grants.items, **stage.world.users.items}
    return {
        key: item for key, item in items.items() if key[0].partition("#")[0] not in _HARMLESS and key[1] != "leased"
    }


def check_answer(sent: Sent, answer: Any) -> None:
    """Well-formed, in the specification's words, and never a 5xx."""
    status, headers, body = answer["statusCode"], answer["headers"], answer["body"]
    assert 200 <= status < 500, answer
    assert isinstance(body, str)
    for name, value in [*headers.items(), *(("Set-Cookie", cookie) for cookie in answer.get("cookies", ()))]:
        assert isinstance(value, str), (name, value)
        assert (name + value).isascii(), (name, value)
        assert (name + value).isprintable(), (name, value)
    assert "Traceback" not in body
    if sent.method == "HEAD":
        assert body == ""
    elif headers.get("Content-Type", "").startswith("application/json"):
        _check_json(sent, status, json.loads(body))
    if "Location" in headers:
        assert status == 303, answer
        _check_location(sent, headers["Location"])
    if status == 405:
        assert headers["Allow"]
    if status == 401 and not endpoint_at(sent.path).is_page:
        assert headers["WWW-Authenticate"]


def _check_json(sent: Sent, status: int, members: Any) -> None:
    if status < 400:
        return
    assert set(members) == {"error", "error_description"}, members
    assert members["error"] in endpoint_at(sent.path).errors, members
    assert _DESCRIPTION.fullmatch(members["error_description"]), members


def _check_location(sent: Sent, location: str) -> None:
    parts = urlsplit(location)
    base = f"{parts.scheme}://{parts.netloc}{parts.path}"
    assert not parts.fragment, location
    if f"{parts.scheme}://{parts.netloc}" == acts.ISSUER:
        assert endpoint_at(parts.path).is_page, location
        return
    assert sent.function in ("authorize", "consent"), location
    assert base in REDIRECT_URI.values(), location
    query = parse_qs(parts.query)
    assert query["iss"] == [acts.ISSUER], location
    assert "code" in query or query["error"][0] in REDIRECTED_ERRORS, location


@cache
def deployment() -> Deployment:
    """Made once: every request meets it as it was."""
    stage = Stage.empty("web").issued().redeemed()
    token, access_token, id_token = stage.refresh_token, stage.access_token, stage.id_token
    stage.issued()
    with installed(stage.world):
        request_uri = Stage.members(stage.answer(acts.push("web", stage.scope)))["request_uri"]
        client_token = Stage.members(stage.answer(acts.client_credentials()))["access_token"]
        # Another person begins to sign in: a saved request, and a browser that it is bound to.
        browser = Browser("jane")
        asked = browser.begin("spa", "openid items")
        answer = stage.answer(asked)
        form = browser.go_on(asked, answer)
        assert isinstance(form, acts.Act)
        page = browser.go_on(form, stage.answer(form))
        assert isinstance(page, acts.Act)
    stage.world.now += 5  # who signs in anew signs in later
    stage.world.has_mail = True
    stage.world.servers.clear()
    handle = parse_qs(urlsplit(answer["headers"]["Location"]).query)["request"][0]
    csrf_token = parse_qs(_body(page))["csrf_token"][0]
    secrets = Secrets(
        session=SESSION,
        browser=browser.cookies[BROWSER_COOKIE],
        handle=handle,
        csrf_token=csrf_token,
        code=stage.code,
        refresh_token=token,
        access_token=access_token,
        client_token=client_token,
        id_token=id_token,
        request_uri=request_uri,
    )
    return Deployment(stage, secrets)


def _body(act: acts.Act) -> str:
    return base64.b64decode(act.event["body"]).decode()
