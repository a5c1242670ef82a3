"""What the sections of the account page have in common: the ports, the forms' tokens, the page around each."""

from collections.abc import Mapping
from time import gmtime, strftime
from typing import NamedTuple, Protocol

from valet import sign_outs
from valet.front_channel import visits
from valet.front_channel.forms import PageOutOfDate, csrf_token, is_csrf_token
from valet.front_channel.showing import language_of
from valet.front_channel.visits import Visitor
from valet.frozen import NO_ENTRIES, replace
from valet.http import Page, Request, Response, page, redirect
from valet.models.accounts import Account
from valet.models.sign_outs import SignOut
from valet.pages import account
from valet.pages.passkeys import HEADERS
from valet.pages.words import Sentence
from valet.people.announcing import announce
from valet.people.identifiers import called
from valet.ports.accounts import HasConsents
from valet.ports.clients import HasRegistry
from valet.ports.links import HasLinks
from valet.ports.mails import HasLetters
from valet.ports.own_account import HasOwnAccount
from valet.protocol.account_visit import ACCOUNT_PAGE, address, sections


class Ports(HasLetters, sign_outs.Ports, visits.Ports, HasConsents, HasOwnAccount, HasRegistry, HasLinks, Protocol):
    """The ports that the sections use."""


class Visit(NamedTuple):
    """One request to one section, by an end-user who is signed in."""

    ports: Ports
    request: Request
    section: str
    visitor: Visitor
    now: float

    def token(self, *about: str) -> str:
        """The CSRF token of a form of this section. It covers the session, and what the form is about."""
        return csrf_token(self.visitor.secret, _form(self.section, about))

    def is_form(self, form: Mapping[str, str], *about: str) -> bool:
        """Whether the form was sent from this session's page, about this very thing."""
        return is_form_of(self.visitor.secret, self.section, form, *about)

    def page(
        self,
        *,
        status: int = 200,
        error: Sentence | None = None,
        script: str = "",
        again: Mapping[str, str] = NO_ENTRIES,
        **values: object,
    ) -> Response:
        """The section's page. `values` are what its template shows, and `script` is what it runs. `again`: the
        parameters with which GET shows it again, in another language.
        """
        shown = account.page(
            section=self.section,
            sections=sections(self.ports.settings.features),
            username=called(self.visitor.account),
            error=error,
            script=script,
            again=again,
            **values,
        )
        return page(status, shown, HEADERS if script else None)

    def by(self, account: Account) -> "Visit":
        """The visit, with the account as this request has changed it."""
        return self._replace(visitor=replace(self.visitor, account=account))

    def language_of(self, shown: Response) -> str:
        """The language that the page will be shown in."""
        page_shown, policy = shown.page or Page(""), self.ports.registry.policy()
        return language_of(page_shown, self.request, self.ports.cookies, policy)

    def back(self) -> Response:
        """Redirect to the section's page, so that no form is sent twice by reloading."""
        return redirect(address(self.request.issuer, self.section))


def at(seconds: int) -> str:
    """A time as everybody reads it: RFC 3339, in UTC."""
    return strftime("%Y-%m-%d %H:%M UTC", gmtime(seconds))


def announce_everything(visit: Visit, revoked_for: str) -> None:
    """Say that all that the account has opened is about to end, before the write that raises its epoch. The function
    finish completes what this invocation leaves if it dies, and lets the clients be told.
    """
    found = visit.visitor.account
    announce(visit.ports, SignOut(found.sub, visit.request.issuer, revoked_for, epoch=found.epoch))


OUT_OF_DATE = Sentence("account.out_of_date")


def out_of_date(again: Response) -> PageOutOfDate:
    """The refusal of a form that is not of this page as it is now: the page again, with nothing changed."""
    return PageOutOfDate(ACCOUNT_PAGE, again)


def is_form_of(secret: str, section: str, form: Mapping[str, str], *about: str) -> bool:
    """Whether the form was sent from that section's page as the session with this cookie was shown it."""
    return is_csrf_token(form.get("csrf_token", ""), secret, _form(section, about))


def _form(section: str, about: tuple[str, ...]) -> str:
    return "\n".join(("account", section, *about))
