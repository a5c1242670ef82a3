"""The pages that people see: escaped, whole, and nothing loaded or run."""

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from valet.account.first_means import FirstMeans
from valet.frozen import replace
from valet.http import Page
from valet.pages import account, consent, device, form_post, mails, messages, sign_in, sign_out
from valet.pages.mails import MakingForm, Way
from valet.pages.messages import WayOn
from valet.pages.policy import content_security_policy, style_sha256
from valet.pages.rendering import TEMPLATES, Chooser, Look, render, style
from valet.pages.words import Sentence, Variants
from valet.protocol.account_visit import SECTIONS

VOID = {"meta", "input", "br", "link", "img"}
SCOPES = (
    ("openid", Variants("Know who you are")),
    ("offline_access", Variants("Keep access while you are away")),
)
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'`&{{ 7*7 }}</title></style>"


class Document(HTMLParser):
    """What a page is made of; refuses tags that do not close in the order they opened."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.styles = ""
        self.scripts = ""
        self.feed(html)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"<{tag}> repeats an attribute"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles += data
        elif self.open and self.open[-1] == "script":
            self.scripts += data
        else:
            self.text += data

    def shape(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attrs)) for tag, attrs in self.elements]

    def named(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag and wanted.items() <= attrs.items()]

    def fields(self) -> dict[str, str | None]:
        return {str(attrs["name"]): attrs.get("value") for attrs in self.named("input") if "name" in attrs}


def shown(page: Page) -> Document:
    return Document(render(page))


def sign_in_page(text: str) -> str:
    return render(
        sign_in.page(
            action="/login",
            request_handle=text,
            csrf_token=text,
            client_name=Variants(text),
            username=text,
            error=Sentence("sign_in.throttled", {"minutes": text}),
        )
    )


def consent_page(text: str) -> str:
    return render(
        consent.page(
            action="/consent",
            request_handle=text,
            csrf_token=text,
            client_name=Variants(text),
            owner=text,
            answer_host=text,
            username=text,
            scopes=[(Sentence("consent.at_api", {"api": text}), [(text, Variants(text))])],
            switch_account=f"/login?request={text}",
        )
    )


def device_page(text: str) -> str:
    return render(device.code_page(csrf_token=text, username=text, user_code=text, error=ERROR))


def device_ask_page(text: str) -> str:
    """`text` is everything that a device or a client may have said of itself."""
    texts = dict.fromkeys(("csrf_token", "user_code", "owner", "username", "device_ip", "agent", "own_ip"), text)
    scopes = [(Sentence("consent.at_api", {"api": text}), [(text, Variants(text))])]
    return render(
        device.ask_page(client_name=Variants(text), scopes=scopes, minutes=1, is_elsewhere=True, error=ERROR, **texts)
    )


def sign_out_page(text: str) -> str:
    return render(sign_out.page(action="/logout", csrf_token=text, client_name=Variants(text), hidden={"state": text}))


def error_page(text: str) -> str:
    way_on = WayOn(text, Variants(text), Variants("https://app.example.com/"))
    return render(messages.error("failed", way_on))


def unanswerable_page(text: str) -> str:
    return render(messages.unanswerable(text, text, WayOn(text)))


def form_post_page(text: str) -> str:
    return render(
        form_post.page(
            redirect_uri=f"https://app.example.com/callback?{text}",
            client_name=Variants(text),
            answer_host=text,
            parameters={"error_description": text, "state": text},
        )
    )


def chooser_page(text: str) -> str:
    """A page whose address says `text`."""
    chooser = Chooser("/authorize", ((text, text),), ("en", "de"))
    return render(messages.expired(), Look(chooser=chooser))


def account_page(section: str, **values: object) -> Callable[[str], str]:
    """A section of the account page, in which `text` is every value that a stranger may have written."""

    def page(text: str) -> str:
        filled: dict[str, Any] = {name: value(text) if callable(value) else value for name, value in values.items()}
        return render(account.page(section=section, sections=tuple(SECTIONS), username=text, error=ERROR, **filled))

    return page


def undo_page(text: str) -> str:
    return render(mails.undo(link={"token": text}, csrf_token=text, address=text, error=ERROR))


def ask_page(purpose: str) -> Callable[[str], str]:
    """Where a person asks for a mail; `text` is what the app is called and what was typed."""

    def page(text: str) -> str:
        name, texts = Variants(text), {"request_handle": text, "csrf_token": text, "address": text}
        return render(
            mails.ask(purpose=purpose, client_name=name, domains=(text,), error=ERROR, ui_locales="en", **texts)
        )

    return page


def sent_page(text: str) -> str:
    texts = {"request_handle": text, "csrf_token": text, "address": text}
    return render(mails.sent(purpose="join", error=ERROR, again={"request": text}, ui_locales="en", **texts))


def join_page(text: str) -> str:
    making = MakingForm(challenge=text, issued_ms=1, rp_id=text, user_handle=text, algorithms="-7")
    texts = {"csrf_token": text, "address": text, "name": text}
    link = {"token": text, "request": text}
    return render(mails.join(link=link, minimum=15, error=ERROR, passkey=making, ui_locales="en", **texts))


def reset_page(text: str) -> str:
    link = {"token": text, "request": text}
    return render(
        mails.reset(link=link, csrf_token=text, address=text, minimum=15, error=ERROR, ui_locales="en"),
    )


def without_password_page(*, can_recover: bool) -> Callable[[str], str]:
    def page(text: str) -> str:
        texts = {"csrf_token": text, "address": text}
        return render(mails.without_password(link={"token": text}, can_recover=can_recover, ui_locales="en", **texts))

    return page


def told_page(text: str) -> str:
    way = Way(Variants(f"https://app.example.com/?{text}"), Sentence("message.back", {"app": text}))
    return render(mails.told("joined", (way,), is_error=False, address=text, again={"request": text}))


ERROR = Sentence("account.out_of_date")
ACCOUNT_PAGES = [
    account_page("overview"),
    account_page(
        "profile",
        csrf_token=lambda text: text,
        email=lambda text: text,
        fields=lambda text: [("name", "name", text), ("website", "url", text)],
        wrong={"website": Sentence("account.profile.wrong_website")},
    ),
    account_page(
        "sessions",
        everywhere=lambda text: text,
        rows=lambda text: [("Firefox", text, text, True, text, text), ("", text, text, False, text, text)],
    ),
    account_page("apps", rows=lambda text: [(Variants(text), True, [Variants(text)], text, text, text)]),
    account_page("download", csrf_token=lambda text: text),
    account_page(
        "email",
        notice=lambda text: Sentence("account.email.sent", {"address": text}),
        email=lambda text: text,
        is_proven=False,
        until=lambda text: text,
        former=lambda text: text,
        typed=lambda text: text,
        asks_code=True,
        send=lambda text: text,
        enter=lambda text: text,
    ),
    account_page(
        "passkeys",
        notice=None,
        first=lambda text: FirstMeans(text, text, asks_code=True),
        carried=lambda text: {"request": text},
        can_add=True,
        is_required=False,
        request_handle=lambda text: text,
        later=lambda text: text,
        rows=lambda text: [(text, text, text, text, True, text, True)],
        reviewed=lambda text: text,
    ),
    account_page("delete", csrf_token=lambda text: text, asks="account.delete.confirm"),
]
WITHOUT_SCRIPT = [
    *ACCOUNT_PAGES,
    undo_page,
    ask_page("join"),
    ask_page("recover"),
    sent_page,
    without_password_page(can_recover=True),
    without_password_page(can_recover=False),
    told_page,
    sign_in_page,
    consent_page,
    device_page,
    device_ask_page,
    sign_out_page,
    error_page,
    unanswerable_page,
    chooser_page,
]
WITH_NEW_PASSWORD = [join_page, reset_page]
EVERY_PAGE = [*WITHOUT_SCRIPT, *WITH_NEW_PASSWORD, form_post_page]
WITH_A_WAY_ON = [
    messages.expired,
    messages.no_cookie,
    messages.other_browser,
    messages.already_signed_in,
    messages.sign_in_ended,
    messages.already_answered,
]


def _rendered(page: Callable[[], Page]) -> str:
    return render(page())


FIXED_PAGES: list[Callable[[], str]] = [
    *(
        partial(_rendered, each)
        for each in (*WITH_A_WAY_ON, messages.signed_out, messages.still_signed_in, messages.account_deleted)
    ),
    *(partial(_rendered, partial(messages.device, name)) for name in ("approved", "denied", "approved_before")),
]
NO_FORM, FORM = Page("message.html"), Page("sign_in.html", has_form=True)


@pytest.mark.parametrize("page", EVERY_PAGE)
@given(text=st.one_of(st.text(min_size=1), st.text(alphabet="<>\"'&/=`{}%#! \nscriptonerror", min_size=1)))
def test_whatever_the_names_are_the_page_has_the_same_elements_and_attributes(
    page: Callable[[str], str], text: str
) -> None:
    assert Document(page(text)).shape() == Document(page("plain")).shape()


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_a_hostile_name_is_shown_as_text(page: Callable[[str], str]) -> None:
    html = page(HOSTILE)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "49" not in html.replace(style(), "")
    document = Document(html)
    assert any("<script>alert(1)</script>" in (said or "") for said in (document.text, *document.fields().values()))


@pytest.mark.parametrize("page", [*EVERY_PAGE, *FIXED_PAGES])
def test_a_page_loads_nothing_and_no_attribute_of_it_is_a_script(page: Callable[..., str]) -> None:
    document = Document(page("plain") if page in EVERY_PAGE else page())
    assert not {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in document.elements}
    for tag, attributes in document.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "style", "srcset"}], tag
    assert not re.search(r"url\(|@import|@font-face", document.styles)


@pytest.mark.parametrize("page", [*WITHOUT_SCRIPT, *FIXED_PAGES])
def test_a_page_runs_no_script(page: Callable[..., str]) -> None:
    assert not Document(page("plain") if page in EVERY_PAGE else page()).named("script")


@given(text=st.text(min_size=1))
def test_the_page_that_posts_an_answer_runs_one_fixed_script_that_its_policy_names(text: str) -> None:
    document = Document(form_post_page(text))
    assert document.named("script") == [{}]
    assert document.scripts == form_post.SCRIPT
    digest = base64.b64encode(hashlib.sha256(document.scripts.encode()).digest()).decode()
    policy = content_security_policy(replace(FORM, script=form_post.SCRIPT))
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("page", WITH_NEW_PASSWORD)
def test_a_page_for_a_new_password_runs_one_fixed_script_and_leaves_the_password_to_a_password_manager(
    page: Callable[[str], str],
) -> None:
    document = Document(page("plain"))
    assert document.named("script") == [{}]
    assert document.scripts == Document(page(HOSTILE)).scripts
    (field,) = document.named("input", type="password")
    assert (field["autocomplete"], field["name"]) == ("new-password", "new_password")
    assert document.named("input", autocomplete="username", value="plain")


@pytest.mark.parametrize("page", [*EVERY_PAGE, *FIXED_PAGES])
def test_a_page_says_its_language_fits_a_phone_and_has_one_heading(page: Callable[..., str]) -> None:
    document = Document(page("plain") if page in EVERY_PAGE else page())
    assert document.named("html") == [{"lang": "en", "dir": "ltr"}]
    assert document.named("meta", name="viewport", content="width=device-width, initial-scale=1")
    assert len(document.named("h1")) == len(document.named("main")) == len(document.named("title")) == 1


def test_the_policy_names_the_very_stylesheet_that_the_page_carries() -> None:
    styles = Document(sign_in_page("plain")).styles
    digest = base64.b64encode(hashlib.sha256(styles.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in content_security_policy(NO_FORM)


def test_the_policy_allows_nothing_else() -> None:
    directives = dict(directive.split(" ", 1) for directive in content_security_policy(NO_FORM).split("; "))
    assert directives == {
        "default-src": "'none'",
        "style-src": f"'{style_sha256()}'",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


def test_a_page_with_a_form_leaves_the_redirects_after_it_to_the_client_and_allows_nothing_else() -> None:
    without_form = set(content_security_policy(NO_FORM).split("; "))
    assert without_form - set(content_security_policy(FORM).split("; ")) == {"form-action 'none'"}
    assert set(content_security_policy(FORM).split("; ")) < without_form


def test_a_page_that_starts_functions_may_load_their_images_and_nothing_else() -> None:
    images = ("https://id.example.com/consent", "https://id.example.com/token")
    policy, plain = (set(content_security_policy(replace(FORM, images=each)).split("; ")) for each in (images, ()))
    assert policy - plain == {"img-src https://id.example.com/consent https://id.example.com/token"}
    assert plain < policy


@pytest.mark.parametrize("page", [sign_in, consent])
def test_the_images_that_start_functions_are_neither_seen_nor_read_aloud(page: ModuleType) -> None:
    more: Any = {"scopes": (), "owner": "", "answer_host": ""} if page is consent else {}
    shown_page = page.page(
        action="/",
        request_handle="h",
        csrf_token="c",
        client_name=Variants("App"),
        username="john",
        starts=("/token?start",),
        **more,
    )
    assert Document(render(shown_page)).named("img") == [{"src": "/token?start", "alt": "", "hidden": None}]


def test_the_form_that_posts_an_answer_sends_its_parameters_to_the_redirect_uri_and_nothing_else() -> None:
    document = shown(
        form_post.page(
            redirect_uri="https://app.example.com/callback?a=1&b=2",
            client_name=Variants("Example App"),
            answer_host="app.example.com",
            parameters={"code": "the code", "state": "a&b", "iss": "https://auth.example.com"},
        )
    )
    assert document.named("form") == [{"method": "post", "action": "https://app.example.com/callback?a=1&b=2"}]
    assert document.fields() == {"code": "the code", "state": "a&b", "iss": "https://auth.example.com"}
    assert {attributes["type"] for attributes in document.named("input")} == {"hidden"}
    assert document.named("button") == [{"type": "submit"}]
    assert "the code" not in document.text


def test_only_a_browser_without_script_shows_the_button_that_sends_an_answer() -> None:
    """A person who pressed it while the script's request runs would send the code twice."""
    before, _, rest = form_post_page("plain").partition("<noscript>")
    inside, _, after = rest.partition("</noscript>")
    assert "<button" in inside
    assert "<button" not in before + after


def test_the_sign_in_form_sends_what_the_login_endpoint_reads() -> None:
    document = shown(
        sign_in.page(
            action="/login", request_handle="handle", csrf_token="csrf", client_name=Variants("App"), username="john"
        )
    )
    assert document.named("form") == [{"method": "post", "action": "/login"}]
    assert document.fields() == {"request": "handle", "csrf_token": "csrf", "username": "john", "password": None}
    assert document.named("input", name="username", autocomplete="username", autocapitalize="none")
    assert document.named("input", name="password", autocomplete="current-password", type="password")
    assert not [attributes for attributes in document.named("input") if "maxlength" in attributes]


def test_every_field_of_the_sign_in_form_has_its_label() -> None:
    document = Document(sign_in_page("plain"))
    shown = {attributes["id"] for attributes in document.named("input") if attributes.get("type") != "hidden"}
    assert {attributes["for"] for attributes in document.named("label")} == shown


def test_a_failed_sign_in_is_announced_and_tied_to_the_fields() -> None:
    document = Document(sign_in_page("wrong"))
    assert document.named("p", id="error", role="alert")
    assert len(document.named("input", **{"aria-describedby": "error", "aria-invalid": "true"})) == 2
    assert document.text.lstrip().startswith("Error: ")


def test_the_first_sign_in_page_shows_no_error() -> None:
    document = shown(sign_in.page(action="/login", request_handle="h", csrf_token="c", client_name=Variants("App")))
    assert not document.named("p", role="alert")
    assert document.named("input", name="username")[0].keys() >= {"autofocus"}


def test_the_consent_page_names_client_owner_account_host_and_every_scope() -> None:
    document = shown(
        consent.page(
            action="/consent",
            request_handle="handle",
            csrf_token="csrf",
            client_name=Variants("Example App"),
            owner="Example Ltd.",
            answer_host="app.example.com",
            username="john",
            scopes=[(None, SCOPES)],
        )
    )
    for said in ("Example App", "Example Ltd.", "app.example.com", "john", *(sentence.text for _, sentence in SCOPES)):
        assert said in document.text
    assert document.fields() == {"request": "handle", "csrf_token": "csrf"}
    assert [button["value"] for button in document.named("button", name="decision")] == ["allow", "deny"]
    assert not document.named("a")


def test_a_list_of_scopes_is_labelled_by_its_title_or_by_the_sentence_that_leads_to_it() -> None:
    lists = [(None, SCOPES[:1]), (Sentence("consent.at_api", {"api": "Shop"}), SCOPES[1:])]
    document = shown(
        consent.page(
            action="/consent",
            request_handle="handle",
            csrf_token="csrf",
            client_name=Variants("Example App"),
            owner="",
            answer_host="app.example.com",
            username="john",
            scopes=lists,
        )
    )
    assert [each["id"] for each in document.named("h2")] == ["scopes-2"]
    assert [each["aria-labelledby"] for each in document.named("ul")] == ["asks", "scopes-2"]
    assert [each["data-scope"] for each in document.named("li")] == [name for name, _ in SCOPES]


def test_the_sign_out_page_carries_the_requests_parameters() -> None:
    document = shown(sign_out.page(action="/logout", csrf_token="csrf", hidden={"state": "s", "client_id": "c"}))
    assert document.fields() == {"csrf_token": "csrf", "state": "s", "client_id": "c"}
    assert [button["value"] for button in document.named("button", name="decision")] == ["allow", "deny"]


@pytest.mark.parametrize(
    ("page", "kind"),
    [(messages.signed_out, "Signed out"), (messages.still_signed_in, "Signed in"), (messages.expired, "Error")],
)
def test_the_stub_says_what_the_page_says(page: Callable[[], Page], kind: str) -> None:
    assert f'<span class="kind">{kind}</span>' in render(page())


@pytest.mark.parametrize("page", WITH_A_WAY_ON)
def test_a_refusal_gives_the_reference_that_finds_its_line(page: Callable[[WayOn], Page]) -> None:
    document = shown(page(WayOn("0123abcd")))
    assert "give this reference: 0123abcd" in document.text
    assert not document.named("a")


@pytest.mark.parametrize("page", WITH_A_WAY_ON)
@pytest.mark.parametrize("client_uri", ["https://app.example.com/?a=1&b=2", "com.example.app:/home"])
def test_a_request_that_ends_leads_back_to_the_app_by_its_registered_address(
    page: Callable[[WayOn], Page], client_uri: str
) -> None:
    (link,) = shown(page(WayOn("0123abcd", Variants("My App"), Variants(client_uri)))).named("a")
    assert link["href"] == client_uri
    without = shown(page(WayOn("0123abcd", Variants("My App"))))
    assert not without.named("a")
    assert "The app is My App." in without.text


def test_the_consent_page_says_who_runs_an_app_only_where_that_is_registered() -> None:
    page = consent.page(
        action="/consent",
        request_handle="handle",
        csrf_token="token",
        client_name=Variants("App"),
        owner="",
        answer_host="app.example.com",
        username="jane",
        scopes=[],
    )
    assert "Run by" not in render(page)
    assert "You will return to" in render(page)


def test_the_mistake_of_an_app_is_told_to_its_developer_apart_from_the_end_user() -> None:
    document = shown(messages.unanswerable("invalid_request", "The parameter client_id is missing.", WayOn("0123abcd")))
    before, summary, after = document.text.partition("For the developer of this app")
    assert summary
    assert "invalid_request" not in before
    assert "tell the people who run the app" in before
    assert "invalid_request: The parameter client_id is missing." in after
    assert document.named("details")


def test_an_error_without_a_request_id_asks_for_none() -> None:
    assert not shown(messages.error("failed")).named("code")


def test_a_value_that_a_template_misses_is_an_error_and_never_a_blank() -> None:
    with pytest.raises(UndefinedError):
        render(Page("sign_in.html", {"action": "/login"}))


def test_importing_the_pages_does_not_import_jinja2() -> None:
    names = "consent, form_post, messages, policy, rendering, sign_in, sign_out, words"
    code = f"import sys; from valet.pages import {names}; sys.exit('jinja2' in sys.modules)"
    root = str(Path(TEMPLATES).parents[2])
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
