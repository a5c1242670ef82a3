"""Showing a page: the reader's language, and the form that changes it."""

from urllib.parse import parse_qsl

from valet.frozen import replace
from valet.http import MAXIMUM_BODY, MAXIMUM_PARAMETERS, Page, Request, Response
from valet.models.policy import Policy
from valet.pages.policy import content_security_policy
from valet.pages.rendering import Chooser, Look, render
from valet.pages.words import accept_language, find_language, offered, ui_locales
from valet.people.cookies import Cookies

_CHOICE = "lang"  # the parameter by which a person chooses a language
# The parameters that lead to the same page again, where the page does not say which. It repeats no other one: a form
# may have a password, and an address that was refused may have anything.
_CARRIED = frozenset(("request", "resume", "ui_locales"))


def shown(response: Response, page: Page, request: Request | None, cookies: Cookies, policy: Policy | None) -> Response:
    """The response with its page rendered, in the reader's language. A language that they chose is kept in a cookie.

    `policy` is None if it is out of reach: the defaults take its place.
    """
    chosen, policy = None, policy or Policy()
    look = Look(policy=policy, language=policy.default_language)
    if request is not None:
        look, chosen = _look(page, request, cookies, policy)
    policies = {"Content-Security-Policy": content_security_policy(page, look)}
    response = replace(response, headers={**response.headers, **policies}, body=render(page, look), page=None)
    return response if chosen is None else response.with_cookies(cookies.set_language(chosen))


def language_of(page: Page, request: Request, cookies: Cookies, policy: Policy) -> str:
    """The language that the page will be shown in."""
    return _look(page, request, cookies, policy)[0].language


def _look(page: Page, request: Request, cookies: Cookies, policy: Policy) -> tuple[Look, str | None]:
    """How the page looks, and the value of the cookie that keeps the language, if the person has just chosen it.

    The application knows the language that it is in, and says so by `ui_locales`. Who chooses another here is shown
    that one wherever an application says what this one said: `de.fr` in the cookie is "German, not French".
    """
    tags, sent = offered(policy.languages), _parameters(request)
    asked = find_language(ui_locales(page.ui_locales or dict(sent).get("ui_locales", "")), tags)
    choice = dict(sent).get(_CHOICE, "") if request.method != "POST" else ""
    kept = None
    if choice in tags:
        kept = choice if asked in (None, choice) else f"{choice}.{asked}"
    chosen, _, instead_of = (kept or request.cookies.get(cookies.language, "")).partition(".")
    language = asked if chosen not in tags or asked not in (None, instead_of, choice) else chosen
    language = language or find_language(accept_language(request.headers.get("accept-language", "")), tags)
    language = language or (policy.default_language if policy.default_language in tags else tags[0])
    return Look(language, policy, _chooser(page, request, sent, tags)), kept


def _chooser(page: Page, request: Request, sent: tuple[tuple[str, str], ...], tags: tuple[str, ...]) -> Chooser | None:
    if not page.has_chooser or len(tags) < 2:
        return None
    same = tuple((name, value) for name, value in sent if name in _CARRIED)
    carried = same if page.again is None else tuple(page.again.items())
    # A path with two slashes would be another server's address.
    return Chooser("/" + request.path.lstrip("/"), carried, tags)


def _parameters(request: Request) -> tuple[tuple[str, str], ...]:
    """The parameters of the query, or of the form for POST, as they were sent; none of what is malformed."""
    if len(request.body) > MAXIMUM_BODY:
        return ()
    try:
        encoded = request.body.decode("ascii") if request.method == "POST" else request.query_string
        return tuple(parse_qsl(encoded, errors="strict", max_num_fields=MAXIMUM_PARAMETERS))
    except ValueError:  # UnicodeError is one
        return ()
