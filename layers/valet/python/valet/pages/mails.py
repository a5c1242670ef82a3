"""The pages around a mail that lets an end-user join or set a new password: the address, the code, the new password."""

from collections.abc import Mapping, Sequence

from valet.frozen import Frozen
from valet.http import Page
from valet.pages import passwords
from valet.pages.passkeys import MAKE, script
from valet.pages.words import Sentence, Variants


class MakingForm(Frozen):
    """What the page needs to make a passkey."""

    challenge: str  # base64url
    issued_ms: int
    rp_id: str
    user_handle: str  # base64url
    algorithms: str


class Way(Frozen):
    """A link to where the end-user can go on."""

    address: str | Variants
    says: Sentence


def ask(
    *,
    purpose: str,
    request_handle: str,
    csrf_token: str,
    client_name: Sentence | Variants,
    address: str,
    domains: Sequence[str],
    error: Sentence | None,
    ui_locales: str,
) -> Page:
    """Asks for an address, and for nothing else. `domains`: of the addresses that are taken; empty: all are."""
    values = {
        "purpose": purpose,
        "request_handle": request_handle,
        "csrf_token": csrf_token,
        "client_name": client_name,
        "address": address,
        "domains": " ".join(domains),
        "error": error,
    }
    return Page("ask.html", values, has_form=True, ui_locales=ui_locales, again={"request": request_handle})


def sent(
    *,
    purpose: str,
    request_handle: str,
    csrf_token: str,
    address: str,
    error: Sentence | None,
    again: Mapping[str, str],
    ui_locales: str,
) -> Page:
    """Says that a mail is on its way, and asks for the code in it. It does not say whether an account has the address,
    which is empty where the page is shown again.
    """
    values = {
        "purpose": purpose,
        "request_handle": request_handle,
        "csrf_token": csrf_token,
        "address": address,
        "error": error,
    }
    return Page("sent.html", values, has_form=True, ui_locales=ui_locales, again=again)


def join(
    *,
    link: Mapping[str, str],
    csrf_token: str,
    address: str,
    name: str,
    minimum: int,
    error: Sentence | None,
    passkey: MakingForm | None,
    ui_locales: str,
) -> Page:
    """Asks who has the address for a name, and for a password or a passkey. `link`: the parameters of the mail's link,
    which the forms carry on.
    """
    values = {
        "link": link,
        "csrf_token": csrf_token,
        "address": address,
        "name": name,
        "minimum": minimum,
        "error": error,
        "passkey": passkey,
    }
    return _with_new_password(
        "join.html", values, passwords.script() + (script(MAKE) if passkey else ""), link, ui_locales
    )


def reset(
    *,
    link: Mapping[str, str],
    csrf_token: str,
    address: str,
    minimum: int,
    error: Sentence | None,
    ui_locales: str,
) -> Page:
    """Asks for a new password of an account that has one."""
    values = {"link": link, "csrf_token": csrf_token, "address": address, "minimum": minimum, "error": error}
    return _with_new_password("reset.html", values, passwords.script(), link, ui_locales)


def without_password(
    *, link: Mapping[str, str], csrf_token: str, address: str, can_recover: bool, ui_locales: str
) -> Page:
    """Says what an end-user can do whose account has no password: a mail gives none to it."""
    values = {"link": link, "csrf_token": csrf_token, "address": address, "can_recover": can_recover}
    return Page("without_password.html", values, has_form=can_recover, ui_locales=ui_locales, again=link)


def undo(*, link: Mapping[str, str], csrf_token: str, address: str, error: Sentence | None) -> Page:
    """Asks whether to undo whatever was changed of the account that has the address, or had it lately. It is in the
    reader's language: nobody asked for the mail in any.
    """
    values = {"link": link, "csrf_token": csrf_token, "address": address, "error": error}
    return Page("undo.html", values, has_form=True, again=link)


def told(
    name: str,
    ways: Sequence[Way],
    *,
    is_error: bool,
    address: str = "",
    again: Mapping[str, str] | None = None,
    ui_locales: str = "",
) -> Page:
    """Says how it ended, by the sentences `<name>.title` and `<name>.text`, and where to go on."""
    values = {"name": name, "ways": ways, "is_error": is_error, "address": address}
    return Page("told.html", values, ui_locales=ui_locales, again=again)


def _with_new_password(
    template: str, values: Mapping[str, object], script: str, link: Mapping[str, str], ui_locales: str
) -> Page:
    shown = {**values, "script": script}
    return Page(template, shown, has_form=True, script=script, ui_locales=ui_locales, again=link)
