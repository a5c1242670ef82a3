"""`valet scopes` and `valet apis`: the scopes that clients can ask for, and the APIs that they belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from admin.desk import Desk
from tests.parts.admin.conftest import Operator
from tests.parts.admin.people import service
from tests.support.wire import over_http


def test_a_scope_is_added_listed_changed_and_deleted(valet: Operator) -> None:
    valet("scopes", "add", "reports", "Read your reports", "--includes", "profile")
    [row] = [row for row in valet.json("scopes", "list") if row["name"] == "reports"]
    assert (row["includes"], row["means"], row["api"]) == (["profile"], ["profile", "reports"], "")
    valet("scopes", "change", "reports", "--description", "Read all reports", "--includes-nothing")
    assert "Read all reports" in valet("scopes", "list").out
    valet("scopes", "delete", "reports", typed="n\n", status=5)
    valet("scopes", "delete", "reports", "--yes")
    assert "reports" not in valet("scopes", "list").out


def test_scopes_that_include_each_other_in_a_circle_are_refused_with_the_way(valet: Operator) -> None:
    valet("scopes", "add", "a", "A", "--includes", "admin")
    before = valet.json("scopes", "list")
    ran = valet("scopes", "change", "api_access", "--includes", "a", status=2)
    assert "api_access → a → admin → api_access" in ran.err
    valet("scopes", "change", "a", "--includes", "a", status=2)
    valet("scopes", "add", "b", "B", "--includes", "b", status=2)
    assert valet.json("scopes", "list") == before


@pytest.mark.parametrize(
    ("name", "description", "more", "status"),
    [
        ("two words", "Sentence", (), 2),
        ('quo"te', "Sentence", (), 2),
        ("new", " ", (), 2),
        ("new", "Sentence", ("--includes", "nonsense"), 2),
        ("admin", "Sentence", (), 3),
    ],
)
def test_a_wrong_scope_is_refused_and_nothing_changes(
    refused: Operator, name: str, description: str, more: tuple[str, ...], status: int
) -> None:
    before = refused.json("scopes", "list")
    refused("scopes", "add", name, description, *more, status=status)
    assert refused.json("scopes", "list") == before


def test_a_scope_that_something_needs_stays_and_the_answer_says_what(valet: Operator) -> None:
    ran = valet("scopes", "delete", "api_access", "--yes", status=3)
    assert "the scope admin includes it" in ran.err
    assert "the client api_service_789 may ask for it" in ran.err
    assert "issuer's own" in valet("scopes", "delete", "openid", "--yes", status=3).err
    assert "no scope" in valet("scopes", "delete", "nonsense", "--yes", status=3).err


def test_tokens_are_issued_for_a_new_api_with_its_own_lifetime(valet: Operator) -> None:
    valet("scopes", "add", "stock", "See the stock")
    valet("apis", "add", "https://stock.example.com", "Stock", "--scope", "stock", "--access-token", "5m")
    valet("clients", "change", "api_service_789", "--scope", "admin api_access stock")
    valet.advance(11)
    answer = service(valet.stack).client_credentials(scope="stock")
    assert answer.json()["expires_in"] == 300
    assert valet.json("apis", "show", "https://stock.example.com")["scopes"] == ["stock"]
    assert "stock" in over_http("GET", f"{valet.stack.issuer}/.well-known/openid-configuration").body
    valet("apis", "change", "https://stock.example.com", "--access-token", "10m")


def test_an_api_is_registered_for_reference_tokens_and_a_client_for_its_authorizer(valet: Operator) -> None:
    """With the commands of docs/authorizer.md."""
    valet("scopes", "add", "pay", "Pay")
    valet("apis", "add", "https://pay.example.com", "Payments", "--scope", "pay", "--tokens", "reference")
    valet("apis", "add", "https://other.example.com", "Other")
    shown = [valet.json("apis", "show", f"https://{name}.example.com")["tokens"] for name in ("pay", "other")]
    assert shown == ["reference", "jwt"]
    authorizer = valet.json("clients", "add", "Payments authorizer", "--introspects", "https://pay.example.com")
    valet("clients", "change", "api_service_789", "--scope", "admin api_access pay")
    valet.advance(11)
    token = service(valet.stack).client_credentials(scope="pay").json()["access_token"]
    asking = replace(service(valet.stack), client_id=authorizer["client_id"], secret=authorizer["client_secret"])
    assert asking.introspect(token).json()["scope"] == "pay"
    assert asking.client_credentials().error == "invalid_scope", "it gets no token"
    valet("apis", "change", "https://pay.example.com", "--tokens", "opaque", status=2)
    valet("apis", "change", "https://pay.example.com", "--tokens", "jwt")
    valet.advance(11)
    assert service(valet.stack).client_credentials(scope="pay").json()["access_token"].startswith("eyJ")
    assert asking.introspect(token).json()["active"] is True, "what was issued stays what it was"


def test_an_api_that_something_needs_stays_and_the_answer_says_what(valet: Operator) -> None:
    before = (valet.json("apis", "list"), valet.json("scopes", "list"))
    valet("scopes", "add", "everything", "Everything", "--includes", "items")
    for more in ((), ("--with-scopes",)):
        err = valet("apis", "delete", valet.stack.audience, "--yes", *more, status=3).err
        assert "the client api_service_789 may ask for admin api_access" in err
        assert "the client api_service_789 introspects its tokens" in err
        assert "the client spa_demo may ask for items" in err
        assert "the scope everything includes items" in err
    valet("scopes", "delete", "everything", "--yes")
    assert (valet.json("apis", "list"), valet.json("scopes", "list")) == before


def test_an_api_leaves_no_scopes_that_belong_to_nobody(valet: Operator) -> None:
    stock = "https://stock.example.com"
    valet("scopes", "add", "stock", "See the stock")
    valet("scopes", "add", "stock.write", "Change the stock", "--includes", "stock")
    valet("apis", "change", valet.stack.audience, "--remove-scope", "profile")
    valet("apis", "add", stock, "Stock", "--scope", "stock stock.write profile")
    err = valet("apis", "delete", stock, "--yes", status=3).err
    assert "No API would own the scopes stock stock.write of https://stock.example.com" in err
    assert "apis change https://stock.example.com --remove-scope 'stock stock.write'" in err
    valet("apis", "delete", stock, "--with-scopes", typed="n\n", status=5)
    assert valet.json("apis", "show", stock)["scopes"] == ["profile", "stock", "stock.write"]
    done = valet.json("apis", "delete", stock, "--with-scopes", "--yes")
    assert done["scopes"] == ["stock", "stock.write"]
    names = [row["name"] for row in valet.json("scopes", "list")]
    assert "profile" in names  # the issuer's own
    assert not {"stock", "stock.write"} & set(names)
    assert stock not in [row["audience"] for row in valet.json("apis", "list")]


def test_an_api_whose_scopes_are_gone_already_can_be_deleted(valet: Operator) -> None:
    """The state after a command was killed while it deleted both."""
    stock = "https://stock.example.com"
    valet("scopes", "add", "stock", "See the stock")
    valet("apis", "add", stock, "Stock", "--scope", "stock")
    valet("apis", "change", stock, "--remove-scope", "stock")
    valet("scopes", "delete", "stock", "--yes")
    valet("apis", "delete", stock, "--yes")
    assert stock not in [row["audience"] for row in valet.json("apis", "list")]


def test_an_apis_scopes_are_added_and_taken_away(valet: Operator) -> None:
    before = valet.json("apis", "show", valet.stack.audience)["scopes"]
    valet("scopes", "add", "stock", "See the stock")
    changed = valet.json("apis", "change", valet.stack.audience, "--add-scope", "stock", "--remove-scope", "profile")
    assert changed["scopes"] == sorted({*before, "stock"} - {"profile"})
    both = ("apis", "change", valet.stack.audience, "--scope", "stock", "--remove-scope", "stock")
    assert "replaces all values" in valet(*both, status=2).err


def test_a_wrong_api_is_refused_and_nothing_changes(valet: Operator) -> None:
    before = valet.json("apis", "list")
    audience = "https://stock.example.com"
    assert "one API only" in valet("apis", "add", audience, "Stock", "--scope", "admin", status=2).err
    assert "not registered" in valet("apis", "add", audience, "Stock", "--scope", "nonsense", status=2).err
    assert "lifetime" in valet("apis", "add", audience, "Stock", "--access-token", "2d", status=2).err
    for unnamed in ("inventory", f"{audience}#v2", f"{valet.stack.audience.replace('http', 'HTTP', 1)}"):
        err = valet("apis", "add", unnamed, "Stock", status=2).err
        assert "no request can name it" in err or f"cannot tell it from {valet.stack.audience}" in err
    assert "another than the issuer" in valet("apis", "add", valet.stack.issuer, "Us", status=2).err
    assert "already" in valet("apis", "add", valet.stack.audience, "Again", status=3).err
    assert "no protected API" in valet("apis", "show", audience, status=3).err
    assert valet.json("apis", "list") == before


@pytest.mark.parametrize("shared", ["profile", "email"])
def test_a_second_api_that_names_a_scope_of_the_issuer_is_refused_and_told_which_has_one(
    valet: Operator, shared: str
) -> None:
    """Another scope of the issuer is no way out: a sign-in asks for both, and its token would be for two APIs."""
    stock, demo = "https://stock.example.com", valet.stack.audience
    valet("scopes", "add", "stock", "See the stock")
    before = valet.json("apis", "list")
    err = valet("apis", "add", stock, "Stock", "--scope", f"stock {shared}", status=2).err
    assert f"scope {shared}: {demo} names profile, and only one API may name scopes of the issuer" in err
    assert valet.json("apis", "list") == before
    valet("apis", "add", stock, "Stock", "--scope", "stock")
    before = valet.json("apis", "list")
    assert demo in valet("apis", "change", stock, "--add-scope", shared, status=2).err
    assert valet.json("apis", "list") == before
    valet("apis", "change", demo, "--remove-scope", "profile")
    valet("apis", "change", stock, "--add-scope", "profile email")


@pytest.mark.parametrize(
    ("delete", "meanwhile", "kept"),
    [
        ("scopes delete stock --yes", "scopes change stock --includes items", "scopes list"),
        (
            "apis delete https://stock.example.com --yes",
            "apis change https://stock.example.com --role user",
            "apis list",
        ),
    ],
)
def test_what_another_operator_changed_meanwhile_is_not_deleted(
    valet: Operator, monkeypatch: pytest.MonkeyPatch, delete: str, meanwhile: str, kept: str
) -> None:
    """Nothing needed it when the command looked, but something may need it now."""
    valet("scopes", "add", "stock", "Stock")
    valet("apis", "add", "https://stock.example.com", "Stock")
    original = Desk.confirm

    def confirm(self: Desk, question: str) -> None:
        original(self, question)
        monkeypatch.setattr(Desk, "confirm", original)
        valet(*meanwhile.split())

    monkeypatch.setattr(Desk, "confirm", confirm)
    assert "look at it again" in valet(*delete.split(), status=3).err
    assert "stock" in valet(*kept.split()).out
    valet(*delete.split())
    assert "stock" not in valet(*kept.split()).out
