"""The first means costs a code by mail, where there is mail (docs/people.md).

While an account with a proven address has neither a passkey nor a second factor, adding one, a link to another provider
or a first password also takes a code that went to that address. Otherwise a stolen password would add the thief's own
passkey, and pass for its owner everywhere. After a change of address the code goes to the one before, for as long as it
can undo the change. Who has joined by a mail some minutes ago has typed such a code already.

The sections that add means call this: `asked` for their page, `act` for its two forms (first_means.html), and
`is_proven` before they add anything. Their own form carries `FirstMeans.proof` as FIELD, covered by its CSRF token, so
that no other session can use it.
"""

from collections.abc import Mapping
from typing import Protocol

from valet.account.visit import OUT_OF_DATE, Visit, out_of_date
from valet.frozen import Frozen
from valet.http import Parameters, Response
from valet.models.accounts import Account
from valet.models.mails import FIRST_MEANS, Letter
from valet.pages.words import Sentence
from valet.people import mail_codes, mail_throttling
from valet.people.identifiers import normal_address, proven_addresses
from valet.people.mail_codes import Refused, code_key, exchange_code, find_mail
from valet.people.mail_throttling import may_ask
from valet.ports.mails import HasLetters

FIELD = "first_means"  # of the form that adds means
SEND, ENTER = "send_code", "enter_code"  # what `do` says in its two forms
_PURPOSES = frozenset({FIRST_MEANS})


class Ports(HasLetters, mail_codes.Ports, mail_throttling.Ports, Protocol):
    """The ports that the code is sent and taken through."""


class FirstMeans(Frozen):
    """How far the end-user has come, for the page of the section."""

    address: str = ""  # where the code goes, with most of it left out; empty: no code is needed
    csrf_token: str = ""  # of both forms
    asks_code: bool = False  # the code is on its way
    proof: str = ""  # what the section's form carries; empty: nothing is proven yet

    @property
    def is_open(self) -> bool:
        """Whether the code is still to come, so that the section shows no form of its own."""
        return bool(self.address) and not self.proof

    @property
    def again(self) -> Mapping[str, str]:
        """The parameters with which GET shows the page again, in another language."""
        return {"code": "yes"} if self.asks_code else {}

    def __repr__(self) -> str:
        return f"FirstMeans(is_open={self.is_open})"  # the proof is a secret


NOT_NEEDED = FirstMeans()


def asked(ports: Ports, visit: Visit, *, asks_code: bool = False, proof: str = "") -> FirstMeans:
    """What the page of the section shows first."""
    address = _address(ports, visit)
    if not address:
        return NOT_NEEDED
    local, _, domain = address.rpartition("@")
    is_sent = asks_code or "code" in visit.request.query()
    return FirstMeans(f"{local[:1]}…@{domain}", visit.token(FIELD), is_sent, proof)


def act(ports: Ports, visit: Visit, form: Parameters, page_of: "PageOf") -> Response:
    """Send a code, or take one, and answer the section's page. Raises PageOutOfDate and TemporarilyUnavailable."""
    if not visit.is_form(form, FIELD):
        raise out_of_date(page_of(asked(ports, visit), OUT_OF_DATE))
    if form["do"] == SEND:
        shown = page_of(asked(ports, visit, asks_code=True), None)
        _send(ports, visit, visit.language_of(shown))
        return shown
    secret = exchange_code(ports, _key(visit), _PURPOSES, form.get("code", ""), visit.now)
    if isinstance(secret, Refused) or not is_proven(ports, visit, secret):
        return page_of(asked(ports, visit, asks_code=True), Sentence("sent.wrong"))
    return page_of(asked(ports, visit, proof=secret), None)


class PageOf(Protocol):
    def __call__(self, first: FirstMeans, error: Sentence | None, /) -> Response:
        """The section's page; with an error, it has the status 400."""


def _send(ports: Ports, visit: Visit, language: str) -> None:
    """Have the code sent, unless too many were asked for. The page is the same."""
    account, address = visit.visitor.account, _address(ports, visit)
    if not address or ports.letters is None:
        return
    if may_ask(ports, FIRST_MEANS, address, visit.request.source_ip, visit.now):
        ports.letters.send(
            Letter(
                FIRST_MEANS,
                visit.request.issuer,
                int(visit.now * 1000),
                sub=account.sub,
                epoch=account.epoch,
                key=_key(visit).hex(),
                locale=language,
            )
        )


def is_proven(ports: Ports, visit: Visit, proof: str) -> bool:
    """Whether the end-user may add means: no code is needed, or this is what a right one was exchanged for."""
    account, address = visit.visitor.account, _address(ports, visit)
    if not address:
        return True
    mail = find_mail(ports, proof, _PURPOSES, visit.now)
    if mail is None or mail.sub != account.sub or mail.epoch != account.epoch:
        return False
    return normal_address(mail.address) == normal_address(address)


def _address(ports: HasLetters, visit: Visit) -> str:
    """Where the code goes; empty if none is needed."""
    account, session = visit.visitor.account, visit.visitor.session
    if ports.letters is None or _has_means(account):
        return ""
    # Who has joined by a mail some minutes ago has just had one at that address: an older session is not fresh.
    if session.has_joined and account.former_until <= visit.now:
        return ""
    # The last one: the former address, while it can undo the change. A thief who changed the address gets no code.
    return next(reversed(proven_addresses(account, visit.now)), "")


def _has_means(account: Account) -> bool:
    """Whether the account has something that a stolen password does not open: `visits` asks for it already."""
    return bool(account.passkeys or account.totp_id)


def _key(visit: Visit) -> bytes:
    """Of this session's codes: its cookie is a secret that no other browser has."""
    return code_key(visit.visitor.secret, FIRST_MEANS)
