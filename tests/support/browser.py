"""A person's browser: keeps cookies as RFC 6265bis says, follows redirects, fills in forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from tests.support.wire import Answer, Pairs, Send, post_form

PASSWORDS = {"john": "password123", "jane": "password456", "jim": "password789"}


@dataclass
class Browser:
    """What it keeps is its cookies alone, and what it says of itself and of its user."""

    send: Send
    issuer: str
    cookies: dict[str, str] = field(default_factory=dict)
    declines_passkeys: bool = True  # its person was offered one before, and said "not now"
    user_agent: str = ""
    languages: str = ""  # the header Accept-Language

    def get(self, url: str) -> Answer:
        """One request, no redirect followed."""
        return self._kept(self.send("GET", urljoin(self.issuer, url), self._headers()))

    def post(self, url: str, form: Pairs) -> Answer:
        """One request of a form of the issuer's own pages, no redirect followed."""
        return self._kept(post_form(self.send, urljoin(self.issuer, url), form, self._headers()))

    def post_from_another_site(self, url: str, form: Pairs) -> Answer:
        """One request of a form of another site: cookies with SameSite=Lax stay at home."""
        return self._kept(post_form(self.send, urljoin(self.issuer, url), form))

    def open(self, url: str) -> Answer:
        """The page that the address leads to, or the redirect that leaves the issuer."""
        return self.follow(self.get(url))

    def follow(self, answer: Answer) -> Answer:
        for _ in range(10):
            if answer.status != 303 or not answer.location.startswith(f"{self.issuer}/"):
                return answer
            if answer.location.startswith(f"{self.issuer}/demo/"):
                return answer  # the local stack's page is a client, though of the same origin
            answer = self.get(answer.location)
        raise AssertionError(f"redirected in circles, lately to {answer.location}")

    def submit(self, page: Answer, **fields: str) -> Answer:
        """The page's form, filled in and sent, and wherever that leads."""
        form = form_of(page)
        return self.follow(self.post(form.action, {**form.hidden, **fields}))

    def sign_in(self, page: Answer, username: str = "john", password: str | None = None) -> Answer:
        return self.submit(page, username=username, password=PASSWORDS[username] if password is None else password)

    def decide(self, page: Answer, decision: str = "allow") -> Answer:
        return self.submit(page, decision=decision)

    def _headers(self) -> dict[str, str]:
        cookies = dict(self.cookies)
        if cookies and self.declines_passkeys:
            cookies["__Host-valet-no-passkey" if self.issuer.startswith("https:") else "valet-no-passkey"] = "1"
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        headers = {"cookie": cookie, "accept-language": self.languages, "user-agent": self.user_agent}
        return {name: value for name, value in headers.items() if value}

    def _kept(self, answer: Answer) -> Answer:
        for line in answer.set_cookies:
            name, value, attributes = parse_set_cookie(line)
            if attributes.get("max-age") == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return answer


@dataclass
class Form:
    action: str
    data: Mapping[str, str]  # of its data attributes
    hidden: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: dict[str, list[str]] = field(default_factory=dict)  # the values of those of each name


def form_of(page: Answer) -> Form:
    """The page's one form that works without script."""
    return _form(page, is_passkeys=False)


def passkey_form_of(page: Answer) -> Form:
    """The page's form that its script fills in."""
    return _form(page, is_passkeys=True)


def forms_of(page: Answer) -> list[Form]:
    """The page's forms that work without script."""
    return _forms(page, are_passkeys=False)


def _form(page: Answer, *, is_passkeys: bool) -> Form:
    found = _forms(page, are_passkeys=is_passkeys)
    assert len(found) == 1, page.body
    return found[0]


def _forms(page: Answer, *, are_passkeys: bool) -> list[Form]:
    assert page.is_page, page
    parser = _FormParser()
    parser.feed(page.body)
    return [form for is_passkey, form in parser.forms if is_passkey == are_passkeys]


def filled_in(page: Answer, button: str = "", value: str = "", **fields: str) -> tuple[str, Mapping[str, str]]:
    """The form with that button, filled in; or the page's one form."""
    found = forms_of(page)
    if button:
        found = [
            form for form in found if value in form.buttons.get(button, {}) or (not value and button in form.buttons)
        ]
    form = found[0]
    pressed = {button: value or form.buttons[button][-1]} if button else {}
    return form.action, {**form.hidden, **pressed, **fields}


def parse_set_cookie(line: str) -> tuple[str, str, dict[str, str]]:
    """Name, value, and attributes with their names in lower case (RFC 6265 §5.2)."""
    pair, *rest = line.split(";")
    name, _, value = pair.partition("=")
    attributes = {}
    for attribute in rest:
        key, _, text = attribute.strip().partition("=")
        attributes[key.lower()] = text
    return name.strip(), value.strip(), attributes


class _FormParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[bool, Form]] = []  # whether it is the passkeys' form
        self.is_in_chooser = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.is_in_chooser = found["method"] == "get"
            if not self.is_in_chooser:
                data = {name.removeprefix("data-"): value for name, value in found.items() if name.startswith("data-")}
                self.forms.append((found.get("id") == "passkey", Form(found["action"], data)))
        if not self.is_in_chooser and tag in ("input", "button") and "name" in found:
            form = self.forms[-1][1]
            form.names.add(found["name"])
            if found.get("type") == "hidden":
                form.hidden[found["name"]] = found.get("value", "")
            if tag == "button":
                form.buttons.setdefault(found["name"], []).append(found["value"])
