"""What stands between a request and its code, as a table (OpenID Connect Core §3.1.2.3 and §3.1.2.4)."""

from dataclasses import replace

import pytest
from valet.errors import ConsentRequired, LoginRequired
from valet.front_channel.interaction import Level, Step, needs_login, next_step, step_to_show
from valet.models.accounts import Consent
from valet.models.clients import Client
from valet.models.saved_requests import AuthorizationRequest
from valet.models.sessions import Session

NOW = 1_800_000_000.0
ASKED_AT_MS = int(NOW * 1000)
REQUEST = AuthorizationRequest("app", "https://app.example.com/", ("items", "openid"), "challenge")
WEB = Client("app", "App")
PUBLIC = replace(WEB, token_endpoint_auth_method="none")
SESSION = Session(b"d", "sid", "john", ASKED_AT_MS - 100_000, "acr", ("pwd",), int(NOW) + 100, int(NOW) + 100)
FRESH = replace(SESSION, auth_time_ms=ASKED_AT_MS)
ALL = Consent("john", "app", frozenset({"items", "openid", "profile"}), 0)
SOME = replace(ALL, scope=frozenset({"openid"}))


def prompting(*prompts: str, **changes: object) -> AuthorizationRequest:
    return replace(REQUEST, prompt=frozenset(prompts), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("request_", "client", "session", "consent", "step"),
    [
        # nobody, somebody
        (REQUEST, WEB, None, ALL, Step.LOGIN),
        (REQUEST, WEB, SESSION, None, Step.CONSENT),
        (REQUEST, WEB, SESSION, SOME, Step.CONSENT),
        (REQUEST, WEB, SESSION, ALL, Step.ISSUE),
        # whose consent is remembered
        (REQUEST, PUBLIC, SESSION, ALL, Step.ISSUE),
        (replace(REQUEST, redirect_uri="http://127.0.0.1:1/"), PUBLIC, SESSION, ALL, Step.CONSENT),
        (replace(REQUEST, redirect_uri="com.example.app:/"), PUBLIC, SESSION, ALL, Step.CONSENT),
        (replace(REQUEST, redirect_uri="http://127.0.0.1:1/"), WEB, SESSION, ALL, Step.ISSUE),
        # the operator vouches for the client
        (REQUEST, replace(WEB, first_party=True), SESSION, None, Step.ISSUE),
        (prompting("consent"), replace(WEB, first_party=True), SESSION, ALL, Step.CONSENT),
        (
            replace(REQUEST, redirect_uri="http://127.0.0.1:1/"),
            replace(PUBLIC, first_party=True),
            SESSION,
            ALL,
            Step.CONSENT,
        ),
        (replace(REQUEST, redirect_uri="com.example:/"), replace(PUBLIC, first_party=True), SESSION, ALL, Step.CONSENT),
        # prompts
        (prompting("consent"), WEB, SESSION, ALL, Step.CONSENT),
        (prompting("login"), WEB, SESSION, ALL, Step.LOGIN),
        (prompting("select_account"), WEB, SESSION, ALL, Step.LOGIN),
        (prompting("login"), WEB, FRESH, ALL, Step.ISSUE),
        (prompting("login", "consent"), WEB, FRESH, ALL, Step.CONSENT),
        (prompting("none"), WEB, SESSION, ALL, Step.ISSUE),
        (prompting("none"), WEB, None, ALL, LoginRequired),
        (prompting("none"), WEB, SESSION, SOME, ConsentRequired),
        # max_age
        (prompting(max_age=100), WEB, SESSION, ALL, Step.ISSUE),
        (prompting(max_age=99), WEB, SESSION, ALL, Step.LOGIN),
        (prompting(max_age=0), WEB, SESSION, ALL, Step.LOGIN),
        (prompting(max_age=0), WEB, FRESH, ALL, Step.ISSUE),
        # a new account
        (prompting("create"), WEB, None, ALL, Step.LOGIN),
        (prompting("create"), WEB, SESSION, ALL, Step.LOGIN),
        (prompting("create"), WEB, FRESH, ALL, Step.ISSUE),
        (prompting("none", max_age=99), WEB, SESSION, ALL, LoginRequired),
        # hints
        (prompting(hinted_sub="john"), WEB, SESSION, ALL, Step.ISSUE),
        (prompting(hinted_sub="jane"), WEB, SESSION, ALL, Step.LOGIN),
        (prompting(hinted_sub="jane"), WEB, FRESH, ALL, LoginRequired),
        (prompting("none", hinted_sub="jane"), WEB, SESSION, ALL, LoginRequired),
    ],
)
def test_the_next_step(
    request_: AuthorizationRequest,
    client: Client,
    session: Session | None,
    consent: Consent | None,
    step: Step | type[LoginRequired | ConsentRequired],
) -> None:
    if isinstance(step, Step):
        assert next_step(request_, client, session, consent, ASKED_AT_MS, NOW) is step
    else:
        with pytest.raises(step):
            next_step(request_, client, session, consent, ASKED_AT_MS, NOW)


LOCAL_PAGE = replace(REQUEST, redirect_uri="http://127.0.0.1:5173/", prompt=frozenset({"none"}))
BROWSER = replace(PUBLIC, application_type="browser")


@pytest.mark.parametrize(
    ("client", "consent"), [(replace(BROWSER, first_party=True), None), (BROWSER, ALL)], ids=["first-party", "allowed"]
)
def test_my_single_page_app_renews_silently_in_the_local_stack_as_it_does_on_https(
    client: Client, consent: Consent | None
) -> None:
    arguments = (client, SESSION, consent, ASKED_AT_MS, NOW)
    assert next_step(LOCAL_PAGE, *arguments, is_local=True) is Step.ISSUE
    assert next_step(replace(LOCAL_PAGE, redirect_uri="https://app.example.com/"), *arguments) is Step.ISSUE
    with pytest.raises(ConsentRequired):
        next_step(LOCAL_PAGE, *arguments)


@pytest.mark.parametrize(
    ("client", "redirect_uri"),
    [
        (replace(BROWSER, application_type="native", first_party=True), "http://127.0.0.1:5173/"),
        (replace(BROWSER, first_party=True), "com.example.app:/"),
        (replace(BROWSER, first_party=True), "http://shop.example/"),
        (replace(BROWSER, first_party=True), "http://127.0.0.1.evil.example/"),
    ],
)
def test_all_others_are_asked_in_the_local_stack_as_well(client: Client, redirect_uri: str) -> None:
    request = replace(LOCAL_PAGE, redirect_uri=redirect_uri)
    with pytest.raises(ConsentRequired):
        next_step(request, client, SESSION, ALL, ASKED_AT_MS, NOW, is_local=True)


def test_a_page_that_nobody_allowed_yet_is_asked_in_the_local_stack_as_well() -> None:
    for consent in (None, SOME):
        with pytest.raises(ConsentRequired):
            next_step(LOCAL_PAGE, BROWSER, SESSION, consent, ASKED_AT_MS, NOW, is_local=True)


@pytest.mark.parametrize("request_", [prompting("login"), prompting(max_age=0), prompting(max_age=10)])
def test_a_sign_in_after_the_request_satisfies_it_for_good(request_: AuthorizationRequest) -> None:
    """The way back neither loops nor, however long the consent takes, begins again."""
    signed_in = replace(SESSION, auth_time_ms=ASKED_AT_MS + 5_000)
    for later in (0, 5, 599):
        assert not needs_login(request_, signed_in, ASKED_AT_MS, NOW + later)
    just_before = replace(SESSION, auth_time_ms=ASKED_AT_MS - 1)
    assert needs_login(prompting("login"), just_before, ASKED_AT_MS, NOW)


@pytest.mark.parametrize(
    ("request_", "session", "step"),
    [
        (prompting("create"), None, Step.JOIN),
        (prompting("create"), SESSION, Step.JOIN),  # the one who is signed in may be another (Prompt Create §4.1)
        (prompting("create", "login"), None, Step.JOIN),
        (prompting("create"), FRESH, Step.LOGIN),  # they have joined, or had an account: no second page of that kind
        (REQUEST, None, Step.LOGIN),
        (prompting("login"), SESSION, Step.LOGIN),
    ],
)
def test_where_a_client_asks_for_a_new_account_that_begins_in_place_of_a_sign_in(
    request_: AuthorizationRequest, session: Session | None, step: Step
) -> None:
    assert step_to_show(Step.LOGIN, request_, session, ASKED_AT_MS, Level()) == (step, "")


@pytest.mark.parametrize("step", [Step.CONSENT, Step.ENROL])
def test_no_other_step_becomes_another(step: Step) -> None:
    assert step_to_show(step, prompting("create"), SESSION, ASKED_AT_MS, Level()) == (step, "")
