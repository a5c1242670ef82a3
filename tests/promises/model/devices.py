"""Devices: what each asked for, who answered it first, and how often it was let look for the answer (RFC 8628).

No condition of a store is asked here, only who wrote what, and what had been written before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from valet.aws.dynamodb.table import Item
from valet.front_channel.forms import csrf_token
from valet.handles import digest
from valet.protocol.device_code import INTERVAL, device_grant_id, device_id_of
from valet.protocol.supported import DEVICE_CODE

from tests.promises.model import acts
from tests.promises.model.acts import BROWSER_COOKIE, SESSION_COOKIE, Act
from tests.support.memory_table import Call

if TYPE_CHECKING:
    from tests.promises.model.processes import Process

BROWSER = "a-browser-of-somebody".ljust(43, "x")
_TOLD_YES, _TOLD_NO = "Your device is connected", "The device was not connected"


@dataclass(frozen=True)
class Device:
    """What a device was answered when it asked."""

    user_code: str  # WDJB-MJHT
    device_code: str
    scope: tuple[str, ...]

    @property
    def device_id(self) -> str:
        return device_id_of(self.user_code.replace("-", ""))

    @property
    def secret(self) -> str:
        return self.device_code.partition(".")[2]

    @property
    def code(self) -> str:
        """The device code as if its grant were an authorization code's: the grant's id and the secret."""
        return f"{device_grant_id(self.device_id, self.secret)}.{self.secret}"


def asks(scope: str) -> Act:
    return Act(
        "ask", "device_authorization", "client", acts.client_post("/device_authorization", "tv", {"scope": scope})
    )


@acts.once
def poll(device: Device) -> Act:
    form = {"grant_type": DEVICE_CODE, "device_code": device.device_code}
    return Act("code", "token", "client", acts.client_post("/token", "tv", form), "tv", device.code)


@acts.once
def answers(device: Device, session: str, decision: str, *, actor: str) -> Act:
    """The form of the page that asks, sent by a person who was shown it before."""
    shown = ("device", device.device_id, digest(device.secret).hex(), *device.scope)
    form = {"user_code": device.user_code, "csrf_token": csrf_token(session, "\n".join(shown)), "decision": decision}
    cookies = {SESSION_COOKIE: session, BROWSER_COOKIE: BROWSER}
    sent = acts.event("POST", "/device", cookies=cookies, body=urlencode(form))
    return Act(decision, "device", actor, sent, token=device.code, session=session)


@dataclass
class Devices:
    violated: Callable[[str], None]
    expires_at: dict[str, int] = field(default_factory=dict)  # of each code, by the grant's id
    first: dict[str, str] = field(default_factory=dict)  # whose answer was written first, and which: "sub-john allow"
    buried: frozenset[str] = frozenset()  # grants whose tombstone a sign-out has written
    polled: dict[str, int] = field(default_factory=dict)  # the request whose poll took effect last, by the device

    def again(self, violated: Callable[[str], None]) -> Devices:
        return replace(
            self, violated=violated, expires_at=dict(self.expires_at), first=dict(self.first), polled=dict(self.polled)
        )

    def digest(self) -> int:
        return hash((frozenset(self.first.items()), frozenset(self.polled.items()), self.buried))

    def began(self, process: Process) -> None:
        process.is_device_answered = process.act.token[:22] in self.first

    def written(self, author: Process | None, call: Call, old: Item | None, new: Item | None) -> None:
        name = call.pk.partition("#")[2]
        if call.kind == "device_code" and new is not None and author is not None and "polled_at_ms" in new:
            self._polled(author, name, old or {}, new)
        elif call.kind == "grant" and author is not None and author.act.function == "device":
            self._answered(author, name, old)
        elif call.kind == "grant" and old is None and "code_digest" not in (new or {}):
            self.buried |= {name}

    def _polled(self, author: Process, device_id: str, old: Item, new: Item) -> None:
        self.polled[device_id] = author.number
        is_repeated = old.get("poll") == new["poll"]
        if not is_repeated and new["polled_at_ms"] - old.get("polled_at_ms", 0) < INTERVAL * 1000:
            self.violated("a device polls faster than it was told")

    def _answered(self, author: Process, grant_id: str, old: Item | None) -> None:
        if old is not None:
            self.violated("a device's first answer is replaced")
        self.first.setdefault(grant_id, f"{_who(author.act)} {author.act.kind}")
        if author.started_at >= self.expires_at.get(grant_id, 0):
            self.violated("a device was answered after its code had expired")

    def answered(self, process: Process, body: str) -> bool:
        """Hear of an answer; whether it tells a person that the device is allowed."""
        act, grant_id = process.act, process.act.token[:22]
        if act.function == "device":
            self._told(act, self.first.get(grant_id, ""), body)
        elif grant_id in self.expires_at and act.function == "token":
            self._given(process, self.first.get(grant_id, ""), json.loads(body))
        return act.function == "device" and _TOLD_YES in body

    def _told(self, act: Act, first: str, body: str) -> None:
        if _TOLD_YES in body and first != f"{_who(act)} allow":
            self.violated("a person is told that a device is connected, which they did not say first")
        if _TOLD_NO in body and first != f"{_who(act)} deny":
            self.violated("a person is told that a device is not connected, which they did not say first")

    def _given(self, process: Process, first: str, members: Mapping[str, str]) -> None:
        error = members.get("error")
        if error is None and not first.endswith(" allow"):
            self.violated("a device is given tokens that nobody has allowed")
        is_buried = process.act.token[:22] in self.buried
        if error == "access_denied" and not is_buried and not first.endswith(" deny"):
            self.violated("a device is told no, which nobody has said")
        if error in ("authorization_pending", "expired_token") and process.is_device_answered:
            self.violated("a device is told that nobody has answered, and somebody has")
        # After another poll it may: that one was let look instead.
        if error == "slow_down" and process.number in self.polled.values():
            self.violated("a poll that took effect is told to slow down")


def _who(act: Act) -> str:
    return "sub-jane" if "jane" in act.session else "sub-john"
