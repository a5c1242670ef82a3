"""Whose an account is: what was put for it, which mails lead to it, and who had it before.

No counter of the account's is asked here, only what was written, by whom, and what had ended before.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from valet.aws.dynamodb.table import Item
from valet.handles import digest
from valet.people.identifiers import TAKEN_AGAIN_AFTER

from tests.promises.model.endings import Endings
from tests.promises.model.processes import Process
from tests.support.memory_table import Call

_MEANS = ("password", "passkey", "link")
VOID = "no password at all"  # what an undoing puts in force


@dataclass
class Owning:
    endings: Endings
    violated: Callable[[str], None]
    accounts: dict[str, Item] = field(default_factory=dict)
    kept: dict[tuple[str, str], str] = field(default_factory=dict)  # passwords, passkeys and links: whose each is
    names: dict[str, Item] = field(default_factory=dict)  # identifiers
    mails: dict[str, frozenset[int]] = field(default_factory=dict)  # what had ended when each was sent
    announced: frozenset[tuple[str, int]] = frozenset()  # whose end, and by which request
    # Requests that were told by a mail's code that it is right, by the mail.
    by_code: dict[str, frozenset[int]] = field(default_factory=dict)
    tries: int = 5  # that are left to a code

    def again(self, endings: Endings, violated: Callable[[str], None]) -> "Owning":
        return replace(
            self,
            endings=endings,
            violated=violated,
            accounts=dict(self.accounts),
            kept=dict(self.kept),
            names=dict(self.names),
            mails=dict(self.mails),
            by_code=dict(self.by_code),
        )

    def digest(self) -> int:
        """What the items do not say."""
        return hash((frozenset(self.mails.items()), self.announced, frozenset(self.by_code.items())))

    def written(self, author: Process | None, call: Call, old: Item | None, new: Item | None, now: float) -> None:
        act = author.act if author is not None else None
        if act is not None and act.kind == "look":
            self.violated("a look at a mail's link changes something")
        name = call.pk.partition("#")[2]
        if call.kind in _MEANS:
            self._kept(call, new)
        elif call.kind == "mail" and new is not None:
            self._sent(author, name)
        elif call.kind == "message" and new is not None and author is not None:
            self.announced |= {(json.loads(new["body"])["sub"], author.number)}
        elif call.kind == "identifier":
            self._named(author, name, old, new, now)
        elif call.kind == "account":
            self._account(author, name, old, new, now)

    @property
    def linked(self) -> frozenset[str]:
        """What accounts call identities at other providers."""
        return frozenset().union(*(account.get("links", ()) for account in self.accounts.values()))

    # What lies next to the accounts.

    def _kept(self, call: Call, new: Item | None) -> None:
        key = (call.pk, call.sk)
        if new is not None:
            self.kept[key] = new["sub"]
            return
        self.kept.pop(key, None)
        if any(key in means_of(account) and self._is_in_use(sub) for sub, account in self.accounts.items()):
            self.violated("means that an account signs in with are deleted")

    def _is_in_use(self, sub: str) -> bool:
        return any(item["sub"] == sub for item in self.names.values())

    def _sent(self, author: Process | None, mail: str) -> None:
        self.mails[mail] = self.endings.all_committed if author is None else author.after_commit
        if author is not None:
            asked = author.act.mail
            self.by_code[asked] = self.by_code.get(asked, frozenset()) | {author.number}
            if len(self.by_code[asked]) > self.tries:
                self.violated("a code is right more often than it may be tried")

    def _named(self, author: Process | None, name: str, old: Item | None, new: Item | None, now: float) -> None:
        if new is None:
            self.names.pop(name, None)
            return
        self.names[name] = new
        if author is None:
            return
        if "released_at" not in new and (old is None or old["sub"] != new["sub"]):
            account = self.accounts.get(new["sub"])
            if account is None or not means_of(account) <= self.kept.keys():
                self.violated("an account can be reached before it is whole")
            self.endings.in_force.setdefault(new["sub"], author.act.password)
        if old is not None and old["sub"] != new["sub"] and not self._is_given_up(old, now):
            self.violated("an address that is somebody's, or was lately, goes to another account")

    @staticmethod
    def _is_given_up(identifier: Item, now: float) -> bool:
        return bool(0 < identifier.get("released_at", 0) < now - TAKEN_AGAIN_AFTER)

    # The accounts.

    def _account(self, author: Process | None, sub: str, old: Item | None, new: Item | None, now: float) -> None:
        if new is None:
            self.accounts.pop(sub, None)
            if self._is_in_use(sub):
                self.violated("an account is gone, and its address leads to it")
            return
        self.accounts[sub] = new
        if author is None:
            return
        act = author.act
        added = means_of(new) - (means_of(old) if old else frozenset())
        is_void = act.kind == "undo" and not (old or {}).get("has_no_password")
        is_theirs = act.function != "operator"  # what operators put, and in which order, other promises say
        if old is not None and is_theirs and not is_void and any(self.kept.get(means) != sub for means in added):
            self.violated("an account names means that nobody put for it")
        if act.session and self.endings.must_end_session(digest(act.session).hex(), self.endings.all_committed):
            self.violated("a session that was ended changes the account")
        is_first = added and act.kind in ("add-passkey", "link") and not (old or {}).get("passkeys")
        if is_first and digest(act.mail).hex() not in self.mails:
            self.violated("the first means cost no code by mail")
        if act.kind in ("reset", "undo"):
            self._by_mail(author, sub, new)
        holder = self.names.get(new.get("email", ""), {})
        if act.kind == "change-address" and holder.get("sub") != sub and "released_at" not in holder:
            self.violated("two accounts have one address")
        if old is not None:
            self._addresses(author, old, new, now)

    def _by_mail(self, author: Process, sub: str, new: Item) -> None:
        act, mail = author.act, digest(author.act.mail).hex()
        if (sub, author.number) not in self.announced:
            self.violated("what ended was not announced before")
        ended = self.endings.all_committed - {author.number}
        if act.kind == "reset" and self.endings.ended_between(sub, self.mails[mail], ended):
            self.violated("a mail from before the account's last change sets a password")
        if act.kind == "undo" and new.get("email") != act.token:
            self.violated("undone, and another's address is still the account's")

    def _addresses(self, author: Process, old: Item, new: Item, now: float) -> None:
        former = old.get("former_email", "")
        is_lost = former not in ("", new.get("former_email"), new.get("email"))
        if is_lost and old.get("former_until", 0) > now:
            self.violated("the address before can undo nothing any more")


def means_of(account: Item) -> frozenset[tuple[str, str]]:
    """The keys of what the account says that its end-user signs in with."""
    found = {(f"passkey#{each}", "passkey") for each in account.get("passkeys", ())}
    found |= {(f"link#{each}", "link") for each in account.get("links", ())}
    if not account.get("has_no_password"):
        found.add((f"password#{account['sub']}", account.get("password_id", "") or "first"))
    return frozenset(found)
