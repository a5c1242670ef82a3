"""`valet clients`: registered as the rules want it, with secrets that are seen once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import is_refused_by_list, service, sign_in, web_app
from tests.support.application import Application
from tests.support.wire import Answer, over_http

DAY = 86_400
WEB = ("clients", "add", "Shop", "--redirect-uri", "https://shop.example.com/callback", "--scope", "openid items")


def test_a_registered_client_signs_people_in_and_its_secret_is_told_this_once(valet: Operator) -> None:
    added = valet.json(*WEB, "--id", "shop")
    valet.advance(11)
    application = Application(
        over_http,
        valet.stack.issuer,
        "shop",
        added["client_secret"],
        "https://shop.example.com/callback",
        scope="openid items",
    )
    assert sign_in(valet.stack, "john", application).userinfo() == 200
    assert re.fullmatch(r"[\w-]{43}", added["client_secret"])
    told = valet("clients", "show", "shop").out + valet("clients", "list").out + valet("clients", "list", "--json").out
    assert added["client_secret"] not in told
    assert valet.json("clients", "show", "shop")["secrets"] == 1


def test_the_secret_is_on_the_terminal_once_with_the_advice_to_keep_it(valet: Operator) -> None:
    ran = valet(*WEB)
    secret = re.search(r"client secret +([\w-]{43})", ran.out)
    assert secret is not None
    assert (ran.out + ran.err).count(secret[1]) == 1
    assert "The secret cannot be shown again" in ran.out


def test_who_gives_no_redirect_uri_is_told_that_people_cannot_sign_in_to_this_client(valet: Operator) -> None:
    out = valet("clients", "add", "Job", "--scope", "admin").out
    assert "Registered Job as a machine client: it gets tokens for itself, and people cannot sign in to it." in out
    assert "add --redirect-uri with --grant-type" in out
    for said in ((*WEB,), ("clients", "add", "Job", "--grant-type", "client_credentials", "--scope", "admin")):
        assert "machine" not in valet(*said).out


@pytest.mark.parametrize("kind", ["native", "browser"])
def test_an_app_without_a_redirect_uri_is_told_that_it_needs_one(refused: Operator, kind: str) -> None:
    """Not that it may not use a grant type that nobody named."""
    ran = refused("clients", "add", "App", "--type", kind, "--scope", "openid", status=2)
    assert "redirect URI: the grant type authorization_code needs one" in ran.err
    assert "client_credentials" not in ran.err


def test_localhost_is_registered_with_a_warning_that_says_why_the_address_is_better(valet: Operator) -> None:
    add = ("clients", "add", "CLI", "--id", "cli", "--type", "native", "--redirect-uri", "http://localhost:8085/cb")
    ran = valet(*add, "--json")
    told = ran.err.replace("\n", " ")
    assert "Warning: http://localhost:8085/cb is on localhost, a name that the device may resolve to another" in told
    assert "register http://127.0.0.1:8085/cb" in told
    assert "Warning" not in ran.out
    assert "Warning" not in valet("clients", "change", "cli", "--name", "New").err
    assert "Warning" not in valet("clients", "change", "cli", "--add-redirect-uri", "http://127.0.0.1/cb").err
    assert "Warning" in valet("clients", "change", "cli", "--add-logout-uri", "http://localhost/out").err


def test_what_is_not_said_has_the_default_of_its_kind(valet: Operator) -> None:
    web = valet.json("clients", "show", valet.json(*WEB)["client_id"])
    assert (web["type"], web["authentication"], web["pkce"]) == ("web", "client_secret", "required")
    assert web["grant_types"] == ["authorization_code", "refresh_token"]
    assert (web["refresh_idle"], web["refresh_absolute"]) == (30 * DAY, 90 * DAY)
    page = ("clients", "add", "Page", "--type", "browser", "--redirect-uri", "https://app.example.com/in")
    added = valet.json(*page)
    assert "client_secret" not in added
    browser = valet.json("clients", "show", added["client_id"])
    assert (browser["authentication"], browser["origins"]) == ("none", ["https://app.example.com"])
    assert (browser["refresh_idle"], browser["refresh_absolute"]) == (DAY // 3, DAY)
    job = valet.json("clients", "show", valet.json("clients", "add", "Job", "--scope", "admin")["client_id"])
    assert job["grant_types"] == ["client_credentials"]
    assert 20 <= len(job["client_id"]) <= 128  # API Gateway's usage plans take no other


def test_a_client_gets_a_home_page_another_and_none(valet: Operator) -> None:
    valet.json(*WEB, "--id", "shop", "--client-uri", "https://shop.example.com/")
    assert valet.json("clients", "show", "shop")["client_uri"] == "https://shop.example.com/"
    for client_uri in ("com.example.shop:/home", ""):
        valet.json("clients", "change", "shop", "--client-uri", client_uri)
        assert valet.json("clients", "show", "shop")["client_uri"] == client_uri


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--client-uri", "javascript:alert(1)"), "client URI"),
        (("--redirect-uri", "https://*.example.com/cb"), "wildcard"),
        (("--redirect-uri", "https://a.example.com/cb#top"), "fragment"),
        (("--redirect-uri", "http://a.example.com/cb"), "plain http"),
        (("--redirect-uri", "http://localhost:3000/cb"), "127.0.0.1"),
        (("--redirect-uri", "com.example.app:/cb"), "native"),
        (("--redirect-uri", "https://user@a.example.com/cb"), "user name"),
        (("--redirect-uri", "https://a.example.com/x/../cb"), "dot segments"),
        (("--redirect-uri", "https://A.example.com/cb"), "capital letters"),
        (("--redirect-uri", "/cb"), "absolute"),
        (("--redirect-uri", "javascript:alert(1)", "--type", "native"), "private scheme"),
        (("--redirect-uri", "myapp:/cb", "--type", "native"), "without a dot"),
        (("--redirect-uri", "com.Example.app:/cb", "--type", "native"), "register com.example.app:/cb"),
        (("--redirect-uri", "com.my_app:/cb", "--type", "native"), "register com.my-app:/cb"),
        (("--redirect-uri", "com.a:/cb", "--type", "native", "--pkce", "optional"), "only a confidential client"),
        (("--redirect-uri", "https://a.example.com/", "--type", "browser", "--pkce", "optional"), "PKCE optional"),
        (("--redirect-uri", "com.a:/cb", "--type", "native", "--auth", "client_secret"), "keeps no secret"),
        (("--redirect-uri", "https://a.example.com/cb", "--origin", "null"), "names no app"),
        (("--redirect-uri", "https://a.example.com/cb", "--origin", "https://a.example.com/"), "origin"),
        (("--redirect-uri", "https://a.example.com/cb", "--scope", "nonsense"), "not registered"),
        (("--redirect-uri", "https://a.example.com/cb", "--grant-type", "password"), "is not one of"),
        (("--redirect-uri", "https://a.example.com/cb", "--grant-type", "refresh_token"), "with authorization_code"),
        (("--redirect-uri", "https://a.example.com/cb", "--auth", "none"), "keeps a secret"),
        (("--redirect-uri", "https://a.example.com/cb", "--retry-window", "5"), "retry window"),
        (("--redirect-uri", "https://a.example.com/cb", "--refresh-idle", "99d"), "lifetimes"),
        (("--redirect-uri", "https://a.example.com/cb", "--introspects", "https://nobody.example.com"), "no such"),
        (("--grant-type", "authorization_code"), "needs one"),
        (("--scope", "openid"), "end-user"),
        (("--id", "white space", "--scope", "admin"), "client_id"),
        (("--logo", __file__, "--scope", "admin"), "PNG or WebP"),
        (("--owner", "Eve\u202etxt", "--scope", "admin"), "printable"),
    ],
)
def test_what_can_never_be_right_is_refused_and_nothing_is_registered(
    refused: Operator, arguments: tuple[str, ...], reason: str
) -> None:
    before = refused.json("clients", "list")
    assert reason in refused("clients", "add", "Bad", *arguments, status=2).err
    assert refused.json("clients", "list") == before


def test_a_logo_is_read_from_a_file_and_an_empty_file_takes_it_away(valet: Operator, tmp_path: Path) -> None:
    file, png = tmp_path / "logo.png", b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0" * 40
    file.write_bytes(png)
    valet("clients", "change", "web_app_123", "--logo", str(file))
    assert valet.json("clients", "show", "web_app_123")["logo"] == f"{len(png)} bytes"
    file.write_bytes(b"")
    valet("clients", "change", "web_app_123", "--logo", str(file))
    assert valet.json("clients", "show", "web_app_123")["logo"] == ""


def test_a_name_that_is_taken_is_refused_and_the_client_stays_as_it_is(valet: Operator) -> None:
    before = valet.json("clients", "show", "web_app_123")
    assert "already" in valet(*WEB, "--id", "web_app_123", status=3).err
    assert valet.json("clients", "show", "web_app_123") == before
    assert "no client" in valet("clients", "show", "nobody", status=3).err


def test_a_change_replaces_what_it_names_and_is_checked_as_a_registration_is(valet: Operator) -> None:
    before = valet.json("clients", "show", "web_app_123")
    uri = "https://new.example.com/callback"
    valet("clients", "change", "web_app_123", "--redirect-uri", uri, "--name", "New")
    after = valet.json("clients", "show", "web_app_123")
    assert after == {**before, "redirect_uris": [uri], "name": "New"}
    assert "wildcard" in valet("clients", "change", "web_app_123", "--redirect-uri", "https://*/", status=2).err
    assert valet.json("clients", "show", "web_app_123") == after
    valet("clients", "change", "web_app_123", status=2)


def test_scopes_are_added_and_taken_away_and_the_others_stay(valet: Operator) -> None:
    before = valet.json("clients", "show", "web_app_123")
    changed = valet.json("clients", "change", "web_app_123", "--add-scope", "admin", "--remove-scope", "items email")
    assert changed == {**before, "scope": ["admin", "offline_access", "openid", "profile"]}
    both = ("clients", "change", "web_app_123", "--scope", "openid", "--add-scope", "items")
    assert "cannot be combined with --add-scope or --remove-scope" in valet(*both, status=2).err
    twice = ("clients", "change", "web_app_123", "--add-scope", "items", "--remove-scope", "items")
    assert "both added and removed" in valet(*twice, status=2).err
    assert "not registered" in valet("clients", "change", "web_app_123", "--add-scope", "nonsense", status=2).err
    valet("clients", "change", "web_app_123", "--add-scope", "admin", status=2)  # it has it
    assert valet.json("clients", "show", "web_app_123") == changed


@pytest.mark.parametrize(
    ("name", "member", "one", "two", "bad"),
    [
        ("redirect-uri", "redirect_uris", "https://one.example.com/cb", "https://two.example.com/cb", "https://*/"),
        ("logout-uri", "post_logout_redirect_uris", "https://one.example.com/", "https://two.example.com/", "x:y"),
        ("origin", "origins", "https://one.example.com", "capacitor://localhost", "null"),
    ],
)
def test_addresses_are_added_and_taken_away_and_the_others_stay(
    valet: Operator, name: str, member: str, one: str, two: str, bad: str
) -> None:
    change = ("clients", "change", "web_app_123")
    before = valet.json("clients", "show", "web_app_123")
    assert valet.json(*change, f"--add-{name}", one) == {**before, member: [*before[member], one]}
    replaced = valet.json(*change, f"--add-{name}", two, f"--remove-{name}", one)
    assert replaced == {**before, member: [*before[member], two]}
    for wrong, reason in (
        ((f"--{name}", one, f"--add-{name}", two), f"cannot be combined with --add-{name} or --remove-{name}"),
        ((f"--add-{name}", one, f"--remove-{name}", one), "both added and removed"),
        ((f"--add-{name}", two), "No change"),
        ((f"--add-{name}", bad), bad),
    ):
        assert reason in valet(*change, *wrong, status=2).err
    assert valet.json("clients", "show", "web_app_123") == replaced
    assert valet.json(*change, f"--remove-{name}", two) == before


def test_the_last_address_after_logout_is_taken_away_and_the_last_redirect_uri_is_not(valet: Operator) -> None:
    change = ("clients", "change", "web_app_123")
    before = valet.json("clients", "show", "web_app_123")
    remove = [word for uri in before["post_logout_redirect_uris"] for word in ("--remove-logout-uri", uri)]
    assert valet.json(*change, *remove) == {**before, "post_logout_redirect_uris": []}
    remove = [word for uri in before["redirect_uris"] for word in ("--remove-redirect-uri", uri)]
    assert "needs one" in valet(*change, *remove, status=2).err
    assert valet.json("clients", "show", "web_app_123")["redirect_uris"] == before["redirect_uris"]


def refused_to(valet: Operator, origin: str) -> Answer:
    """A refusal that names no client. Preflights are answered for any origin, since unknown clients may come."""
    form = {"origin": origin, "content-type": "application/x-www-form-urlencoded"}
    return over_http("POST", f"{valet.stack.issuer}/token", form, b"grant_type=none")


def test_an_origin_that_was_added_is_answered_and_one_that_was_removed_is_not(valet: Operator) -> None:
    origin = "capacitor://localhost"
    for option, allowed in (("--add-origin", origin), ("--remove-origin", None)):
        valet("clients", "change", "mobile_app", option, origin)
        valet.advance(11)
        answer = refused_to(valet, origin)
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_my_client_is_held_to_one_method_or_given_either(valet: Operator) -> None:
    def statuses() -> list[int]:
        valet.advance(11)
        return [replace(service(valet.stack), in_body=in_body).client_credentials().status for in_body in (False, True)]

    assert statuses() == [200, 200]
    change = ("clients", "change", "api_service_789", "--auth")
    assert valet.json(*change, "client_secret_basic")["authentication"] == "client_secret_basic"
    assert statuses() == [200, 401]
    valet(*change, "client_secret_post")
    assert statuses() == [401, 200]
    assert "only a confidential client may use it" in valet(*change, "none", status=2).err
    valet(*change, "client_secret")
    assert statuses() == [200, 200]


def test_an_operator_makes_bound_tokens_a_clients_duty_and_takes_it_back(valet: Operator) -> None:
    assert valet.json("clients", "show", "web_app_123")["dpop_bound_access_tokens"] is False
    assert valet.json("clients", "change", "web_app_123", "--bound", "dpop")["dpop_bound_access_tokens"] is True
    assert valet.json("clients", "change", "web_app_123", "--bound", "no")["dpop_bound_access_tokens"] is False


def test_pkce_is_optional_for_a_confidential_client_that_an_operator_says_so_of(valet: Operator) -> None:
    assert valet.json("clients", "change", "web_app_123", "--pkce", "optional")["pkce"] == "optional"
    assert valet.json("clients", "show", "web_app_123")["pkce"] == "optional"
    for public in ("spa_demo", "mobile_app"):
        before = valet.json("clients", "show", public)
        assert "only a confidential client" in valet("clients", "change", public, "--pkce", "optional", status=2).err
        assert valet.json("clients", "show", public) == before


def test_a_confidential_client_keeps_its_refresh_tokens_if_an_operator_says_so(valet: Operator) -> None:
    assert valet.json("clients", "show", "web_app_123")["refresh_token_rotation"] is True
    assert valet.json("clients", "change", "web_app_123", "--no-rotation")["refresh_token_rotation"] is False
    assert valet.json("clients", "change", "web_app_123", "--name", "Other")["refresh_token_rotation"] is False
    assert valet.json("clients", "change", "web_app_123", "--rotation")["refresh_token_rotation"] is True
    for public in ("spa_demo", "mobile_app"):
        before = valet.json("clients", "show", public)
        refused = valet("clients", "change", public, "--no-rotation", status=2).err
        assert "only a confidential client may keep its refresh tokens" in refused
        assert valet.json("clients", "show", public) == before
    page = ("clients", "add", "Page", "--type", "browser", "--redirect-uri", "https://app.example.com/in")
    assert "rotation of refresh tokens" in valet(*page, "--scope", "openid", "--no-rotation", status=2).err


def test_a_client_has_to_push_its_requests_if_an_operator_says_so(valet: Operator) -> None:
    assert valet.json("clients", "show", "web_app_123")["require_pushed"] is False
    assert valet.json("clients", "change", "web_app_123", "--require-pushed")["require_pushed"] is True
    assert valet.json("clients", "change", "web_app_123", "--name", "Other")["require_pushed"] is True
    assert valet.json("clients", "change", "web_app_123", "--no-require-pushed")["require_pushed"] is False
    refused = valet("clients", "change", "api_service_789", "--require-pushed", status=2).err
    assert "only the grant type authorization_code has authorization requests" in refused
    page = ("clients", "add", "Page", "--type", "browser", "--redirect-uri", "https://app.example.com/in")
    assert valet.json(*page, "--scope", "openid", "--require-pushed")["require_pushed"] is True


def test_who_registers_a_client_sees_what_it_has_become(valet: Operator) -> None:
    page = ("clients", "add", "Page", "--type", "browser", "--redirect-uri", "https://app.example.com/in")
    out = valet(*page, "--scope", "openid").out
    for told in ("browser", "authorization_code refresh_token", "https://app.example.com", "openid"):
        assert told in out
    job = valet.json("clients", "add", "Job", "--id", "job", "--scope", "admin")
    assert {**valet.json("clients", "show", "job"), "client_secret": job["client_secret"]} == job


@pytest.mark.parametrize("said", [("authorization_code refresh_token",), ("authorization_code", "refresh_token")])
def test_grant_types_are_repeated_or_separated_by_spaces(valet: Operator, said: tuple[str, ...]) -> None:
    given = [word for each in said for word in ("--grant-type", each)]
    assert valet.json(*WEB, *given)["grant_types"] == ["authorization_code", "refresh_token"]


def test_a_length_of_time_that_was_told_is_taken_back(valet: Operator) -> None:
    shown = valet.json("clients", "show", "spa_demo")
    for told in ("7 h", "25200", "420 min", "420m"):
        valet("clients", "change", "spa_demo", "--refresh-idle", told)
        assert valet.json("clients", "show", "spa_demo")["refresh_idle"] == 7 * 3600
        valet("clients", "change", "spa_demo", "--refresh-idle", str(shown["refresh_idle"]))
    assert "7 h" not in valet("clients", "show", "spa_demo").out


def test_origins_are_answered_as_long_as_a_client_has_them(valet: Operator) -> None:
    def is_answered(origin: str) -> bool:
        valet.advance(11)
        answer = refused_to(valet, origin)
        return answer.headers.get("access-control-allow-origin") == origin

    one, two = "https://one.example.com", "https://two.example.com"
    page = ("clients", "add", "Page", "--type", "browser", "--redirect-uri", "https://one.example.com/in")
    first = valet.json(*page, "--origin", f"{one} {two}")["client_id"]
    second = valet.json(*page, "--origin", two)["client_id"]
    assert is_answered(one)
    assert is_answered(two)
    valet("clients", "change", first, "--origin", one)
    assert is_answered(two)  # the second client's
    valet("clients", "delete", second, "--yes")
    assert is_answered(one)
    assert not is_answered(two)
    assert is_answered(valet.stack.issuer)  # the demo page's


def test_a_secret_is_replaced_with_an_overlap_in_which_both_are_good(valet: Operator) -> None:
    stack = valet.stack
    new = valet.json("clients", "rotate-secret", "api_service_789")["client_secret"]
    valet.advance(11)
    assert service(stack).client_credentials().status == 200
    assert service(stack, secret=new).client_credentials().status == 200
    assert "two live secrets" in valet("clients", "rotate-secret", "api_service_789", status=3).err
    valet("clients", "end-old-secret", "api_service_789", "--yes")
    valet.advance(11)
    assert service(stack).client_credentials().status == 401
    assert service(stack, secret=new).client_credentials().status == 200
    assert "no older secret" in valet("clients", "end-old-secret", "api_service_789", "--yes", status=3).err


def test_a_leaked_secret_is_replaced_at_once_after_a_yes(valet: Operator) -> None:
    valet("clients", "rotate-secret", "api_service_789", "--now", typed="n\n", status=5)
    new = valet.json("clients", "rotate-secret", "api_service_789", "--now", "--yes")["client_secret"]
    valet.advance(11)
    assert service(valet.stack).client_credentials().status == 401
    assert service(valet.stack, secret=new).client_credentials().status == 200
    assert "has no secret" in valet("clients", "rotate-secret", "spa_demo", status=3).err


def test_when_its_newest_secret_was_made_is_shown_and_no_other_change_moves_it(valet: Operator) -> None:
    def made_at() -> str:
        return str(valet.json("clients", "show", client_id)["secret_made_at"])

    client_id = valet.json("clients", "add", "Introspector")["client_id"]
    first = made_at()
    valet.advance(86_400)
    valet("clients", "change", client_id, "--name", "Introspects")
    assert made_at() == first
    valet("clients", "rotate-secret", client_id)
    second = made_at()
    assert second > first
    valet.advance(86_400)
    valet("clients", "end-old-secret", client_id, "--yes")
    assert made_at() == second
    assert valet.json("clients", "show", "spa_demo")["secret_made_at"] == ""


def test_a_disabled_client_is_refused_and_answered_again_when_enabled(valet: Operator) -> None:
    valet("clients", "disable", "api_service_789")
    valet.advance(11)
    assert service(valet.stack).client_credentials().status == 401
    valet("clients", "enable", "api_service_789")
    valet.advance(11)
    assert service(valet.stack).client_credentials().status == 200


def test_a_client_that_is_disabled_and_revoked_loses_what_it_holds(valet: Operator) -> None:
    held = sign_in(valet.stack)
    valet("clients", "disable", "web_app_123", "--revoke", typed="y\n")
    assert is_refused_by_list(valet.stack, held.access_token)
    valet("clients", "enable", "web_app_123")
    valet.advance(11)
    assert held.refresh() == 400
    assert sign_in(valet.stack).userinfo() == 200


def test_a_deleted_client_is_gone_with_its_tokens_and_its_name_is_never_given_again(valet: Operator) -> None:
    held = sign_in(valet.stack)
    valet("clients", "delete", "web_app_123", typed="\n", status=5)
    assert held.userinfo() == 200
    valet("clients", "delete", "web_app_123", "--yes")
    assert is_refused_by_list(valet.stack, held.access_token)
    assert web_app(valet.stack).client_credentials().status == 401
    assert "was the client_id" in valet(*WEB, "--id", "web_app_123", status=3).err
    assert "web_app_123" not in valet("clients", "list").out


def test_two_operators_at_once_do_not_undo_each_others_change(valet: Operator) -> None:
    from admin.records.deployment import Deployment
    from admin.records.register import Register
    from admin.terminal.endings import Refused
    from admin.terminal.spelling import Where

    port = int(valet.stack.aws_url.rpartition(":")[2])
    deployment = Deployment(Where(is_local=True, aws_port=port), bytes, valet.clock)
    register = Register.of(deployment)
    seen = register.client("web_app_123")
    register.change_client(seen, replace(seen, client_name="First"))
    with pytest.raises(Refused, match="at this moment"):
        register.change_client(seen, replace(seen, client_name="Second"))
    # What differs is something else: both changes stand.
    register.change_client(seen, replace(seen, owner="Second"))
    found = register.client("web_app_123")
    assert (found.client_name, found.owner) == ("First", "Second")
