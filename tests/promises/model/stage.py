"""How a scenario begins: somebody is signed in, a code is issued, perhaps redeemed; and the same again, many times."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from valet.aws.dynamodb.table import item_from_model
from valet.handles import digest
from valet.models.accounts import Account, Credential
from valet.models.factors import Totp
from valet.models.policy import Policy
from valet.models.sessions import Session
from valet.people.devices import remember_device
from valet.people.totp import STEP, code_at
from valet.protocol.supported import MULTI_FACTOR_ACR

from tests.promises.model import acts, devices
from tests.promises.model.acts import BROWSER_COOKIE, ISSUER, Act, cookies_set
from tests.promises.model.devices import Device
from tests.promises.model.facts import Rules
from tests.promises.model.ledger import Ledger
from tests.promises.model.operators import kept_hash
from tests.promises.model.processes import Answer, Fate
from tests.promises.model.world import World, installed

PASSWORD = "password 0"  # of John, until an operator gives him another
PASSWORD_OF_JANE = "password of Jane"
SEED = b"of the app of john".ljust(20)
SESSION = "session-cookie-of-john".ljust(43, "x")
SESSION_OF_JANE = "session-cookie-of-jane".ljust(43, "x")
RULES = Rules({"web": 60, "spa": 60, "app": 60, "strict": 0, "keeps": 60, "service": 60, "tv": 60}, 30 * 86_400, 900)


@dataclass
class Stage:
    """A world and its ledger, with what the people in it hold."""

    world: World
    ledger: Ledger
    client_id: str = "web"
    code: str = ""
    refresh_token: str = ""
    id_token: str = ""
    access_token: str = ""
    scope: str = "openid items offline_access"
    request_uri: str = ""  # of the request that the client has pushed
    retired: list[str] = field(default_factory=list)  # refresh tokens before the one that the client holds
    handles: dict[str, tuple[str, str]] = field(default_factory=dict)  # each actor's browser, and its saved request
    kept: dict[tuple[str, str], str] = field(default_factory=dict)  # what each actor has: session, code, refresh
    also: str = ""  # what the waiting requests ask for as well: "prompt=login"
    device: Device | None = None  # of the client, which has asked
    key: str = ""  # the client's, of acts.KEYS; empty: it sends no proofs

    @classmethod
    def empty(cls, client_id: str = "web", scope: str = "openid items offline_access") -> Self:
        """Somebody is signed in."""
        ledger = Ledger(RULES)
        world = World(ledger.watch, "stage")
        ledger.clock = lambda: world.now
        world.began = ledger.began
        for username, password in (("john", PASSWORD), ("jane", PASSWORD_OF_JANE)):
            ledger.endings.in_force[f"sub-{username}"] = password
            world.put_credential(Credential(username, f"sub-{username}", kept_hash(password)))
        now = int(world.now)
        session = Session(digest(SESSION), "sid-1", "sub-john", now * 1000, "acr", ("pwd",), now + 3600, now + 43_200)
        world.server(0).sessions.open(session)
        of_jane = replace(session, digest=digest(SESSION_OF_JANE), sid="sid-2", sub="sub-jane")
        world.server(0).sessions.open(of_jane)
        return cls(world, ledger, client_id, scope=scope)

    def with_totp(self, *, is_remembered_by: str = "") -> "Stage":
        """... and John has a second factor, which one browser may be remembered for."""
        users, now = self.world.users, int(self.world.now)
        users.put(item_from_model(Totp(sealed_seed=SEED, last_step=0), "factor#sub-john", "an app"))
        users.update("account#sub-john", "account", "SET #totp_id = :id", {":id": "an app"})
        if is_remembered_by:
            account = Account("sub-john", "john", totp_id="an app")
            remember_device(self.world.server(0).devices, self.handles[is_remembered_by][0], account, 30, now)
            self.world.registry = replace(self.world.registry, people=Policy(remember_device=30))
            self.world.servers.clear()
        return self

    def wanting_two_factors(self) -> "Stage":
        """... and the client requires them."""
        self.world.put_client(self.client_id, required_acr=MULTI_FACTOR_ACR)
        self.ledger.second.is_required = True
        return self

    def code_of_app(self) -> str:
        """What John's app shows now."""
        return code_at(SEED, int(self.world.now) // STEP)

    def with_operator(self, *actors: str, also: str = "") -> "Stage":
        """... and each of the actors has, a second later, a browser at the sign-in page."""
        self.world.now += 1
        self.also = also
        with installed(self.world):
            for actor in actors:
                self.handles[actor] = asked(self.answer(acts.authorize(self.client_id, "", self.scope, also=also)))
        return self

    def with_tab(self, tab: str, of: str) -> "Stage":
        """... and another request waits in that actor's browser."""
        browser = self.handles[of][0]
        with installed(self.world):
            answer = self.answer(acts.authorize(self.client_id, "", self.scope, browser))
        self.handles[tab] = (browser, handle_in(answer))
        return self

    def pushed(self, *actors: str) -> "Stage":
        """... and the client has pushed a request, whose copy waits for a sign-in in each actor's own browser."""
        with installed(self.world):
            answer = self.answer(acts.push(self.client_id, self.scope))
            self.request_uri = self.members(answer)["request_uri"]
            for actor in actors:
                visit = acts.visit(self.client_id, self.request_uri, "", "", actor=actor)
                self.handles[actor] = asked(self.answer(visit))
        return self

    def asking(self) -> "Stage":
        """... and a device of the client has asked."""
        with installed(self.world):
            members = self.members(self.answer(devices.asks(self.scope)))
        scope = tuple(sorted(self.scope.split()))
        self.device = Device(members["user_code"], members["device_code"], scope)
        expires_at = int(self.world.now) + members["expires_in"]
        self.ledger.devices.expires_at[self.device.code[:22]] = expires_at
        return self

    def held_by(self, actor: str) -> "Stage":
        """... and it is the actor who has what was issued and redeemed."""
        names = (
            ("session", SESSION),
            ("code", "" if self.refresh_token else self.code),
            ("refresh", self.refresh_token),
        )
        self.kept |= {(actor, name): value for name, value in names if value}
        return self

    def with_key(self, key: str, *, nonces: bool = False) -> "Stage":
        """... and the client holds this key; the deployment may ask public clients for nonces."""
        self.key, self.world.has_nonces = key, nonces
        self.world.servers.clear()
        return self

    def issued(self, dpop_jkt: str = "") -> "Stage":
        """... and a code was answered."""
        with installed(self.world):
            answer = self.answer(acts.authorize(self.client_id, SESSION, self.scope, dpop_jkt=dpop_jkt))
        self.code = parse_qs(urlsplit(answer["headers"]["Location"]).query)["code"][0]
        return self

    def redeemed(self) -> "Stage":
        """... and redeemed."""
        with installed(self.world):
            redeemed = acts.redeem(self.client_id, self.code, resource=acts.first_of_two(self.scope))
            members = self.members(self.answer(self.proven(redeemed)))
        self._keep(members)
        return self

    def a_minute_old(self) -> "Stage":
        """... and a minute has passed: the next access token gets a place of its own in the status list."""
        self.world.now += 61
        return self

    def not_redeemed(self) -> "Stage":
        """... but the client holds no refresh token yet."""
        self.refresh_token = ""
        return self

    def rotated(self) -> "Stage":
        """... and the refresh token used once."""
        with installed(self.world):
            members = self.members(self.answer(self.refresh(self.refresh_token)))
        self.retired.append(self.refresh_token)
        self._keep(members)
        return self

    def _keep(self, members: Mapping[str, Any]) -> None:
        self.refresh_token, self.access_token = members["refresh_token"], members["access_token"]
        self.id_token = members.get("id_token", self.id_token)

    def answer(self, act: Act) -> Answer:
        """Send one request, to its end."""
        process = self.world.begin(act)
        while process.waiting is not None:
            self.world.resume(process, Fate.RUN)
        self.ledger.answered(process)
        self.ledger.check()
        assert process.answer is not None
        return process.answer

    def refresh(self, token: str, actor: str = "client") -> Act:
        resource = acts.first_of_two(self.scope)
        return self.proven(acts.refresh(self.client_id, token, actor=actor, resource=resource))

    def proven(self, act: Act) -> Act:
        """With a new proof, if the client holds a key."""
        if not self.key:
            return act
        nonce = self.world.nonces.current(ISSUER, self.world.now) if self.world.has_nonces else None
        return acts.proven(act, self.key, f"stage-{self.world.processes}", self.world.now, nonce)

    def warm(self, sandbox: int) -> None:
        """The sandbox has served that client before: it holds blocks of status indices."""
        for client_epoch in range(3):
            exp = int(self.world.now) + RULES.access_token_lifetime
            self.world.server(sandbox).status_indices.allot(self.client_id, exp, client_epoch)

    def again(self) -> "Stage":
        """The same once more, for a run of its own."""
        ledger = self.ledger.again()
        world = World(ledger.watch, self.world.seed)
        ledger.clock = lambda: world.now
        world.began = ledger.began
        world.now = self.world.now
        world.has_nonces, world.has_mail = self.world.has_nonces, self.world.has_mail
        world.registry = self.world.registry
        world.grants.items.update(self.world.grants.items)
        world.users.items.update(self.world.users.items)
        world.clients.items.update(self.world.clients.items)
        for sandbox, server in self.world.servers.items():
            world.thaw(sandbox, server)
        return replace(self, world=world, ledger=ledger, retired=list(self.retired), kept=dict(self.kept))

    @staticmethod
    def members(answer: Answer) -> Mapping[str, Any]:
        """The JSON that was answered; nothing of a page."""
        if not answer.get("headers", {}).get("Content-Type", "").startswith("application/json"):
            return {}
        found: Mapping[str, Any] = json.loads(answer["body"])
        return found


def asked(answer: Answer) -> tuple[str, str]:
    """The browser, and its saved request, of an answer that leads to another page of ours."""
    return cookies_set(answer)[BROWSER_COOKIE], handle_in(answer)


def handle_in(answer: Answer) -> str:
    """The saved request of an answer that leads to another page of ours."""
    found: str = parse_qs(urlsplit(answer["headers"]["Location"]).query)["request"][0]
    return found
