"""Every command that changes something, and what its lines say of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import sign_in

API = "https://stock.example.com"
PASSWORD = "a long enough password"
JOHN, WEB = "demo-john", "web_app_123"


@dataclass(frozen=True)
class Change:
    """A command that changes something, what it is done after, and what its lines say."""

    command: str
    lines: tuple[str, ...]
    before: tuple[str, ...] = ()
    typed: str = ""
    holds_grant: bool = False  # John has signed in to the web app


_GITHUB = "providers add github GitHub --kind github --client-id Iv1.0123 --secret-stdin"
_MARKED = f"client.changed grants.ended {WEB}"
CHANGES = (
    Change("apis add https://stock.example.com Stock --scope items2", (f"api.changed added {API}",),
           ("scopes add items2 Items",)),
    Change("apis change https://stock.example.com --access-token 5m", (f"api.changed changed {API}",),
           ("apis add https://stock.example.com Stock",)),
    Change("apis delete https://stock.example.com --with-scopes --yes",
           ("scope.changed deleted items2", f"api.changed deleted {API}"),
           ("scopes add items2 Items", "apis add https://stock.example.com Stock --scope items2")),
    Change("apis delete https://stock.example.com --yes", (f"api.changed deleted {API}",),
           ("apis add https://stock.example.com Stock",)),
    Change("clients add Shop --id shop --redirect-uri https://shop.example.com/cb", ("client.changed added shop",)),
    Change("clients change spa_demo --origin https://a.example.com", ("client.changed changed spa_demo",)),
    Change(f"clients disable {WEB}", (f"client.changed disabled {WEB}",)),
    Change(f"clients disable {WEB} --revoke --yes", (f"client.changed disabled {WEB}", _MARKED)),
    Change(f"clients enable {WEB}", (f"client.changed enabled {WEB}",), (f"clients disable {WEB}",)),
    Change(f"clients rotate-secret {WEB}", (f"client.changed secret.rotated {WEB}",)),
    Change(f"clients rotate-secret {WEB} --now --yes", (f"client.changed secret.rotated {WEB}",)),
    Change(f"clients end-old-secret {WEB} --yes", (f"client.changed secret.ended {WEB}",),
           (f"clients rotate-secret {WEB}",)),
    Change("clients delete spa_demo --yes", ("client.changed disabled spa_demo", "client.changed grants.ended spa_demo",
                                             "client.changed deleted spa_demo")),
    Change("clients hosts add claude.ai", ("hosts.changed changed the hosts",)),
    Change("clients hosts refuse evil.example --yes", ("hosts.changed changed the hosts",)),
    Change("clients hosts delete claude.ai", ("hosts.changed changed the hosts",), ("clients hosts add claude.ai",)),
    Change("clients invite --uses 3 --owner support", ("invite.made added the invite",)),
    Change("people set --default-language de", ("policy.changed changed the policy",)),
    Change(_GITHUB, ("provider.changed added github",), typed="secret"),
    Change("providers change github --creates", ("provider.changed changed github",), (_GITHUB,), typed="secret"),
    Change("providers change github --disable", ("provider.changed disabled github",), (_GITHUB,), typed="secret"),
    Change("providers change github --enable", ("provider.changed enabled github",),
           (_GITHUB, "providers change github --disable"), typed="secret"),
    Change("providers change github --secret-stdin", ("provider.changed secret.rotated github",), (_GITHUB,),
           typed="secret"),
    Change("providers delete github --yes", ("provider.changed deleted github",), (_GITHUB,), typed="secret"),
    Change("scopes add stock Stock", ("scope.changed added stock",)),
    Change("scopes change items --description Things", ("scope.changed changed items",)),
    Change("scopes delete stock --yes", ("scope.changed deleted stock",), ("scopes add stock Stock",)),
    Change("users set-password john --password-stdin", (f"user.changed password.set {JOHN}",), typed=f"{PASSWORD}\n"),
    Change("users set-password john --generate --revoke", (f"user.changed password.set {JOHN}",)),
    Change("users roles john --add admin", (f"user.changed roles.changed {JOHN}",)),
    Change("users change john --email new@example.com", (f"user.changed changed {JOHN}",)),
    Change("users delete john --yes", (f"user.changed disabled {JOHN}", f"grant.revoked {JOHN}",
                                       f"user.changed deleted {JOHN}"), holds_grant=True),
    Change("users disable john --yes", (f"user.changed disabled {JOHN}", f"grant.revoked {JOHN}"), holds_grant=True),
    Change("users enable john", (f"user.changed enabled {JOHN}",), ("users disable john --yes",)),
    Change("users sign-out john --yes", (f"session.ended {JOHN}",), holds_grant=True),
    Change("users sign-out john --revoke --yes", (f"user.changed sessions.ended {JOHN}", f"grant.revoked {JOHN}"),
           holds_grant=True),
    Change("grants revoke --user john --yes", (f"user.changed sessions.ended {JOHN}", f"grant.revoked {JOHN}"),
           holds_grant=True),
    Change(f"grants revoke --client {WEB} --yes", (_MARKED,), holds_grant=True),
    Change(f"grants revoke --client {WEB} --before 0s --yes", (_MARKED, f"grant.revoked {JOHN}"), holds_grant=True),
    Change("grants revoke --user john --before 0s --yes", (f"grant.revoked {JOHN}",), holds_grant=True),
)  # fmt: skip
# What changes nothing, what a function does and logs, the two whose subs are drawn, and the one that has a file
# (test_configuration.py).
OTHERS = {
    "apply", "export",
    "apis list", "apis show", "clients list", "clients show", "clients fetch-keys", "completion", "doctor",
    "clients unknown", "hosts list",
    "grants list", "people show", "providers list", "providers show", "scopes list",
    "tail", "users list", "users show", "keys list", "keys rotate",
    "keys emergency", "users add", "users import", "users upgrade", "users remove-passkey", "users unlink",
    "users recover",
    "users reset-second-factor",
}  # fmt: skip


def prepared(valet: Operator, change: Change) -> None:
    for line in change.before:
        valet(*line.split(), typed=change.typed)
    if change.holds_grant:
        sign_in(valet.stack)
        valet.advance(1)
