"""The words of a mail: two parts that say the same, in the reader's language (pages/catalogues, `mail.…`).

Nothing in it was typed by the person who asked for it: it names the operator's brand, and the app as it is registered.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from valet.frozen import Frozen
from valet.handles import is_handle
from valet.http import Page
from valet.mails.choosing import Choice
from valet.models.clients import Client
from valet.models.mails import NOTICE, ComposedMail, Letter
from valet.models.policy import Policy
from valet.pages import colours
from valet.pages.rendering import BRAND, Look, render
from valet.pages.words import direction, sentences, variants
from valet.people.notices import DELETED

_GREEN = "#0d6650"  # of the pages, where the operator chose no colour
# Where the link of a mail leads. A notice's leads to /undo.
_PATHS: Mapping[str, str] = {"join": "/join/confirm", "recover": "/recover/confirm", "have_account": "/recover"}
_HALF = 4  # digits of a code between two spaces
_LEFT_TO_RIGHT, _END = "\u2066", "\u2069"  # without them, a line from right to left would swap the halves of a code


class Secrets(Frozen):
    """What only the reader of this mail gets."""

    token: str = ""  # of its link
    code: str = ""

    def __repr__(self) -> str:
        return "Secrets()"


class Reader(Frozen):
    """How the mail looks to who reads it."""

    language: str = "en"
    policy: Policy = Policy()
    client: Client | None = None  # the app that the end-user came from


class Part(Frozen):
    """A paragraph: a sentence, or a link that the sentence names, or a code."""

    key: str = ""
    url: str = ""
    code: str = ""
    is_quiet: bool = False


def compose(letter: Letter, choice: Choice, reader: Reader, secrets: Secrets) -> ComposedMail:
    """The mail in words."""
    language, policy = reader.language, reader.policy
    named = {"brand": _line(variants(policy, "brand_name").in_language(language)) or BRAND, **_named(letter, reader)}
    parts = tuple(_parts(letter, choice, reader, secrets))
    title = sentences(language)[f"mail.{choice.words}.subject"].format(**named)
    support = variants(policy, "support_uri").in_language(language)
    shown = Page(
        "mail.html",
        {
            "title": title,
            "parts": parts,
            "named": named,
            "support": support,
            "accent": colours.nearest(_colour(policy), "#000000", "#ffffff"),
        },
    )
    html = render(shown, Look(language, policy))
    return ComposedMail(choice.to, named["brand"], title, _text(parts, named, support, language), html)


def _named(letter: Letter, reader: Reader) -> Mapping[str, str]:
    at = datetime.fromtimestamp(letter.asked_ms // 1000, UTC)
    app = variants(reader.client, "client_name").in_language(reader.language) if reader.client else ""
    return {"app": _line(app), "time": f"{at:%Y-%m-%d %H:%M} UTC"}


def _parts(letter: Letter, choice: Choice, reader: Reader, secrets: Secrets) -> Iterator[Part]:
    words = f"mail.{choice.words}"
    yield Part(f"{words}.text")
    if letter.purpose == NOTICE:
        yield Part("mail.notice.time")
        if letter.what != DELETED:
            yield Part("mail.notice.undo")
            yield Part("mail.notice.link", url=_url(letter.issuer, "/undo", {"token": secrets.token}))
        return
    if reader.client is not None:
        yield Part("mail.app")
    if choice.words in _PATHS:
        members = {"token": secrets.token, "request": letter.handle if is_handle(letter.handle) else ""}
        yield Part(f"{words}.link", url=_url(letter.issuer, _PATHS[choice.words], members))
    if choice.has_link:
        yield Part(f"{words}.until", is_quiet=True)
    if secrets.code:
        yield Part("mail.code.instead" if choice.has_link else "mail.code.text")
        yield Part(code=f"{secrets.code[:_HALF]} {secrets.code[_HALF:]}")
        yield Part("mail.code.until", is_quiet=True)
    yield Part(f"{words}.ignore")


def _url(issuer: str, path: str, members: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in members.items() if value})
    return f"{issuer}{path}?{query}" if query else f"{issuer}{path}"


def _text(parts: tuple[Part, ...], named: Mapping[str, str], support: str, language: str) -> str:
    words = sentences(language)
    paragraphs = []
    for part in parts:
        if part.code:
            is_leftward = direction(language) == "rtl"
            paragraphs.append(f"{_LEFT_TO_RIGHT}{part.code}{_END}" if is_leftward else part.code)
        else:
            sentence = words[part.key].format(**named)
            paragraphs.append(f"{sentence}:\n{part.url}" if part.url else sentence)
    paragraphs.append(words["mail.footer"].format(**named))
    if support:
        paragraphs.append(f"{words['page.support']}: {support}")
    return "\n\n".join(paragraphs) + "\n"


def _colour(policy: Policy) -> str:
    return policy.brand_colour if colours.is_colour(policy.brand_colour) else _GREEN


def _line(value: str) -> str:
    """The value on one line, without characters that turn or hide what follows."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())
