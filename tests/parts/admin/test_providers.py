"""`valet providers`: the other providers that people sign in with."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from valet.aws.dynamodb.providers import PARTITION, DynamoProviders
from valet.models.providers import Provider
from valet.ports.sealing import PROVIDER_SECRET

from admin.records import discovery
from admin.records.providers import Providers
from admin.terminal.endings import Refused, Unreachable
from tests.parts.admin.audited import Logged
from tests.parts.admin.conftest import Operator
from tests.parts.admin.test_policy import deployment
from tests.support.dpop_client import key_for
from tests.support.providers import OTHER_TENANT, TENANT, p8

ACME = "https://id.acme.example"
KEYS = {"keys": [{**key_for("RS256").as_dict(private=False), "kid": "a"}]}
ADD = ("providers", "add", "acme", "Acme", "--issuer", ACME, "--client-id", "valet", "--secret-stdin")
GITHUB = ("providers", "add", "github", "GitHub", "--kind", "github", "--client-id", "Iv1.0123", "--secret-stdin")


def description(of: str, **changes: Any) -> dict[str, Any]:
    host = "/".join(of.split("/")[:3])
    return {
        "issuer": of,
        "authorization_endpoint": f"{host}/authorize",
        "token_endpoint": f"{host}/token",
        "jwks_uri": f"{host}/keys",
        "userinfo_endpoint": f"{host}/userinfo",
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["plain", "S256"],
        **changes,
    }


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the operator's machine finds by address."""
    pages: dict[str, Any] = {
        f"{ACME}/.well-known/openid-configuration": description(ACME),
        f"{ACME}/keys": KEYS,
    }

    def fetched(url: str, *, is_local: bool) -> Any:
        if url not in pages:
            raise Unreachable(f"{url} does not answer")
        return pages[url]

    monkeypatch.setattr(discovery, "fetched", fetched)
    monkeypatch.setattr("admin.doctor.providers.fetched", fetched)
    return pages


def registered(valet: Operator) -> dict[str, Provider]:
    return {each.provider_id: each for each in DynamoProviders(deployment(valet).registry, lambda: 0).providers()}


def opened(valet: Operator, provider_id: str, about: str = "") -> bytes:
    """The secret, as the function federate opens it."""
    sealed = registered(valet)[provider_id].secret
    return deployment(valet).sealing.open(PROVIDER_SECRET, about or provider_id, sealed)


# -- registering -------------------------------------------------------------------------------------------------------


def test_a_provider_is_registered_with_what_it_says_of_itself(valet: Operator, internet: Mapping[str, Any]) -> None:
    ran = valet(*ADD, "--creates", "--domain", "acme.example", "--links", "verified", typed="s3cret\n")
    redirect_uri = f"{valet.stack.issuer}/federate/acme/callback"
    assert redirect_uri in ran.out
    found = registered(valet)["acme"]
    assert (found.authorization_endpoint, found.token_endpoint) == (f"{ACME}/authorize", f"{ACME}/token")
    assert (found.jwks_uri, found.userinfo_endpoint) == (f"{ACME}/keys", f"{ACME}/userinfo")
    assert (found.algs, found.token_endpoint_auth_method) == (("RS256",), "client_secret_post")
    assert (found.creates, found.links, set(found.domains)) == (True, "verified", {"acme.example"})
    shown = valet.json("providers", "show", "acme")
    assert shown["redirect_uri"] == redirect_uri
    assert [each["id"] for each in valet.json("providers", "list")] == ["acme"]


def test_the_secret_is_sealed_for_this_provider_and_no_command_shows_it(
    valet: Operator, internet: Mapping[str, Any], logged: Logged
) -> None:
    valet(*ADD, typed="s3cret\n")
    valet("providers", "show", "acme")
    valet("providers", "list", "--json")
    assert opened(valet, "acme") == b"s3cret"
    with pytest.raises(Exception, match="try again"):
        opened(valet, "acme", about="another")
    kept = [str(item) for item in deployment(valet).registry.query(PARTITION)]
    for text in (*valet.said, *kept, json.dumps(logged.lines())):
        assert "s3cret" not in text


@pytest.mark.parametrize(
    ("changes", "algs", "method"),
    [
        ({"id_token_signing_alg_values_supported": ["ES256", "EdDSA", "HS256"]}, ("ES256", "EdDSA"), None),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"]}, None,
         "client_secret_basic"),
        ({"token_endpoint_auth_methods_supported": None}, None, "client_secret_basic"),
        ({"code_challenge_methods_supported": None}, None, None),
        ({"authorization_response_iss_parameter_supported": True}, None, None),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_description_says_is_followed(
    valet: Operator, internet: dict[str, Any], changes: dict[str, Any], algs: Any, method: str | None
) -> None:
    said = {name: value for name, value in description(ACME, **changes).items() if value is not None}
    internet[f"{ACME}/.well-known/openid-configuration"] = said
    valet(*ADD, typed="s3cret")
    found = registered(valet)["acme"]
    assert found.algs == (algs or ("RS256",))
    assert found.token_endpoint_auth_method == (method or "client_secret_post")
    assert found.sends_iss is ("authorization_response_iss_parameter_supported" in changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": "https://evil.example"}, "another issuer"),
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "signs ID tokens by none"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "takes none of"),
    ],
)
def test_a_provider_that_valet_cannot_work_with_is_refused(
    refused: Operator, internet: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    internet[f"{ACME}/.well-known/openid-configuration"] = description(ACME, **changes)
    assert reason in refused(*ADD, typed="s3cret", status=3).err
    assert registered(refused) == {}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token_endpoint": "http://id.acme.example/token"}, "token endpoint"),
        ({"token_endpoint": "https://id.acme.example:8443/token"}, "token endpoint"),
        ({"token_endpoint": "https://10.0.0.1/token"}, "token endpoint"),
        ({"jwks_uri": "https://localhost/keys"}, "address of its keys"),
        ({"jwks_uri": ""}, "address of its keys: missing"),
        ({"userinfo_endpoint": "file:///etc/passwd"}, "UserInfo endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "authorization endpoint"),
    ],
)
def test_an_address_that_leads_inside_is_not_pinned(
    refused: Operator, internet: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    internet[f"{ACME}/.well-known/openid-configuration"] = description(ACME, **changes)
    assert reason in refused(*ADD, typed="s3cret", status=2).err
    assert registered(refused) == {}


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        (("providers", "add", "acme", "Acme", "--secret-stdin"), 2, "needs --issuer"),
        (("providers", "add", "Acme", "Acme", *ADD[4:]), 2, "small letters"),
        (("providers", "add", "acme", "", *ADD[4:]), 2, "on a button"),
        (("providers", "add", "acme", "A\u202eB", *ADD[4:]), 2, "printable"),
        ((*ADD, "--links", "verified"), 2, "name the domains"),
        ((*ADD, "--domain", "Acme.example"), 2, "small letters"),
        ((*ADD, "--role", "staff=employee"), 2, "name the claim"),
        ((*ADD, "--roles-claim", "groups", "--role", "employee"), 2, "value=role"),
        ((*ADD, "--acr-value", "gold=phr"), 2, "multi-factor"),
        ((*ADD, "--tenant", TENANT), 2, "only Entra and Google"),
        ((*ADD, "--key-id", "ABCDE12345"), 2, "only Apple's"),
        ((*ADD, "--scope", "email"), 2, "openid is missing"),
        ((*ADD, "--client", "nobody"), 2, "valet clients list"),
        ((*ADD, "--translate", "issuer#de=x"), 2, "translate one of name"),
        ((*ADD, "--secret-expires", "31.12.2027"), 2, "not a day"),
        ((*ADD, "--secret-file", __file__), 2, "not both"),
        (("providers", "add", "x", "X", "--kind", "entra", "--client-id", "c", "--issuer", f"{ACME}/v2.0"), 4,
         "does not answer"),
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_provider_is_refused_before_its_secret_is_kept(
    refused: Operator, internet: Mapping[str, Any], options: tuple[str, ...], status: int, reason: str
) -> None:
    assert reason in refused(*options, typed="s3cret", status=status).err
    assert registered(refused) == {}


@pytest.mark.parametrize("secret", ["", "two words", "\u00e9", "x" * 1025])
def test_a_secret_that_none_can_be_is_refused_and_not_repeated(
    refused: Operator, internet: Mapping[str, Any], secret: str
) -> None:
    ran = refused(*ADD, typed=secret, status=2)
    assert "The secret is not right" in ran.err
    assert not secret or secret not in ran.err
    assert registered(refused) == {}


def test_without_a_terminal_the_secret_has_to_be_given(refused: Operator, internet: Mapping[str, Any]) -> None:
    assert "pass --secret-stdin or --secret-file" in refused(*ADD[:-1], typed="s3cret", status=2).err


def test_an_id_is_taken_once(valet: Operator, internet: Mapping[str, Any]) -> None:
    valet(*ADD, typed="first")
    assert "already" in valet(*ADD, typed="second", status=3).err
    assert opened(valet, "acme") == b"first"


def test_without_federation_nothing_is_registered_nor_asked(refused: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.records.deployment.Deployment.outputs", {"Issuer": "x", "RegistryTable": "y"})
    assert "deploy it with Federation=on" in refused(*GITHUB, typed="s3cret", status=3).err


# -- the kinds ---------------------------------------------------------------------------------------------------------


def test_google_is_known(valet: Operator, internet: dict[str, Any]) -> None:
    google = "https://accounts.google.com"
    internet[f"{google}/.well-known/openid-configuration"] = description(
        google, authorization_response_iss_parameter_supported=True
    )
    valet("providers", "add", "google", "Google", "--kind", "google", "--client-id", "x.apps.googleusercontent.com",
          "--tenant", "acme.example", "--links", "verified", "--secret-stdin", typed="GOCSPX-1")  # fmt: skip
    found = registered(valet)["google"]
    assert (found.kind, found.issuer, found.userinfo_endpoint, found.sends_iss) == ("google", google, "", True)


@pytest.mark.parametrize(
    ("tenants", "issuer", "asked", "kept"),
    [
        ((TENANT,), TENANT, TENANT, ()),
        ((TENANT, OTHER_TENANT), "{tenantid}", "organizations", (TENANT, OTHER_TENANT)),
        ((TENANT, "9188040d-6c67-4c5b-b112-36a304b66dad"), "{tenantid}", "common",
         (TENANT, "9188040d-6c67-4c5b-b112-36a304b66dad")),
    ],
)  # fmt: skip
def test_entra_is_one_tenants_or_that_of_several(
    valet: Operator,
    internet: dict[str, Any],
    tenants: tuple[str, ...],
    issuer: str,
    asked: str,
    kept: tuple[str, ...],
) -> None:
    base = "https://login.microsoftonline.com"
    url = f"{base}/{asked}/v2.0/.well-known/openid-configuration"
    internet[url] = description(f"{base}/{issuer}/v2.0")
    valet("providers", "add", "entra", "Work", "--kind", "entra", "--client-id", "c", "--tenant", " ".join(tenants),
          "--secret-stdin", typed="s3cret")  # fmt: skip
    found = registered(valet)["entra"]
    assert (found.issuer, set(found.tenants)) == (f"{base}/{issuer}/v2.0", set(kept))


def test_entra_without_a_tenant_would_let_anybody_in(refused: Operator, internet: dict[str, Any]) -> None:
    base = "https://login.microsoftonline.com"
    internet[f"{base}/organizations/v2.0/.well-known/openid-configuration"] = description(f"{base}/{{tenantid}}/v2.0")
    ran = refused("providers", "add", "entra", "Work", "--kind", "entra", "--client-id", "c", "--secret-stdin",
                  typed="s3cret", status=2)  # fmt: skip
    assert "anybody can make one" in ran.err


@pytest.mark.parametrize(
    ("issuer", "token_endpoint", "user"),
    [
        ("", "https://github.com/login/oauth/access_token", "https://api.github.com/user"),
        ("https://octo.ghe.com/login/oauth", "https://octo.ghe.com/login/oauth/access_token",
         "https://api.octo.ghe.com/user"),
        ("https://git.acme.example/login/oauth", "https://git.acme.example/login/oauth/access_token",
         "https://git.acme.example/api/v3/user"),
    ],
)  # fmt: skip
def test_github_needs_no_description(valet: Operator, issuer: str, token_endpoint: str, user: str) -> None:
    valet(*GITHUB, *(["--issuer", issuer] if issuer else []), typed="s3cret")
    found = registered(valet)["github"]
    assert (found.token_endpoint, found.userinfo_endpoint, found.jwks_uri) == (token_endpoint, user, "")
    assert found.scope == ("read:user", "user:email")


def test_apple_has_a_key_instead_of_a_secret(valet: Operator, internet: dict[str, Any], tmp_path: Path) -> None:
    apple = "https://appleid.apple.com"
    internet[f"{apple}/.well-known/openid-configuration"] = description(
        apple, token_endpoint_auth_methods_supported=["client_secret_post"]
    )
    add = ("providers", "add", "apple", "Apple", "--kind", "apple", "--client-id", "com.acme.web")
    ids = ("--key-id", "ABCDE12345", "--team-id", "TEAM123456")
    assert "key ID" in valet(*add, "--secret-file", __file__, status=2).err
    assert "the .p8 file" in valet(*add, *ids, status=2).err
    assert "The secret is not right" in valet(*add, *ids, "--secret-file", __file__, status=2).err
    assert registered(valet) == {}
    key = tmp_path / "AuthKey_ABCDE12345.p8"
    key.write_bytes(p8())
    valet(*add, *ids, "--secret-file", str(key))
    assert opened(valet, "apple") == p8().strip()
    assert registered(valet)["apple"].scope == ("openid", "email", "name")


# -- changing ----------------------------------------------------------------------------------------------------------


def test_a_provider_is_changed_member_by_member(valet: Operator, internet: Mapping[str, Any], logged: Logged) -> None:
    valet(*ADD, "--domain", "acme.example", typed="first")
    logged.lines()
    valet("providers", "change", "acme", "--name", "Acme Inc.", "--roles-claim", "groups", "--role", "a b=x")
    valet("providers", "change", "acme", "--reset", "domain role")
    found = registered(valet)["acme"]
    assert (found.name, found.roles_claim) == ("Acme Inc.", "groups")
    assert found.domains == found.roles == frozenset()
    assert opened(valet, "acme") == b"first"
    [changed, reset] = logged.lines()
    assert (changed["members"], changed["after"]["roles"]) == ("name roles_claim roles", "a b=x")
    assert reset["members"] == "domains roles"
    for wrong in (("--reset", "domain", "--domain", "x.example"), ("--name", "Acme Inc."), (), ("--links", "verified")):
        valet("providers", "change", "acme", *wrong, status=2)
    valet("providers", "change", "nobody", "--creates", status=3)
    assert logged.lines() == []


def test_a_secret_is_replaced_and_nothing_else(valet: Operator, internet: Mapping[str, Any], logged: Logged) -> None:
    valet(*ADD, typed="first")
    logged.lines()
    valet("providers", "change", "acme", "--secret-stdin", "--secret-expires", "2027-01-31", typed="second")
    assert opened(valet, "acme") == b"second"
    assert logged.deeds() == ["provider.changed secret.rotated acme"]
    assert valet.json("providers", "show", "acme")["secret_expires"] == "2027-01-31T00:00:00Z"


def test_addresses_are_pinned_until_an_operator_reads_them_again(valet: Operator, internet: dict[str, Any]) -> None:
    valet(*ADD, "--alg", "ES256", "--auth", "client_secret_basic", typed="first")
    internet[f"{ACME}/.well-known/openid-configuration"] = description(ACME, token_endpoint=f"{ACME}/token2")
    valet("providers", "change", "acme", "--creates")
    assert registered(valet)["acme"].token_endpoint == f"{ACME}/token"
    valet("providers", "change", "acme", "--refresh")
    found = registered(valet)["acme"]
    assert found.token_endpoint == f"{ACME}/token2"
    assert (found.algs, found.token_endpoint_auth_method) == (("ES256",), "client_secret_basic")
    internet[f"{ACME}/.well-known/openid-configuration"] = description("https://evil.example")
    valet("providers", "change", "acme", "--refresh", status=3)


def test_two_operators_do_not_overwrite_each_other(valet: Operator, internet: Mapping[str, Any]) -> None:
    valet(*ADD, typed="first")
    providers = Providers(deployment(valet).registry, deployment(valet).audit)
    before = providers.provider("acme")
    valet("providers", "change", "acme", "--name", "Other")
    from dataclasses import replace

    with pytest.raises(Refused, match="another operator"):
        providers.change(before, replace(before, name="Mine"))
    with pytest.raises(Refused, match="another operator"):
        providers.delete(before)
    assert registered(valet)["acme"].name == "Other"


def test_a_deleted_provider_is_gone_after_a_question(valet: Operator, internet: Mapping[str, Any]) -> None:
    valet(*ADD, typed="first")
    valet("providers", "delete", "acme", status=5)
    assert "acme" in registered(valet)
    valet("providers", "delete", "acme", "--yes")
    assert registered(valet) == {}


# -- doctor ------------------------------------------------------------------------------------------------------------


def findings(valet: Operator, only: str = "providers", status: int = 1) -> list[str]:
    return [each["what"] for each in valet.json("doctor", "--only", only, status=status)["findings"]]


def test_doctor_finds_nothing_wrong_with_a_good_provider(valet: Operator, internet: Mapping[str, Any]) -> None:
    valet(*ADD, "--domain", "acme.example", typed="first")
    valet(*GITHUB, typed="first")
    assert findings(valet, status=0) == []


def test_doctor_compares_a_provider_with_what_it_says_today(valet: Operator, internet: dict[str, Any]) -> None:
    valet(*ADD, typed="first")
    said = description(ACME, token_endpoint=f"{ACME}/token2", userinfo_endpoint=f"{ACME}/me")
    internet[f"{ACME}/.well-known/openid-configuration"] = said
    [found] = valet.json("doctor", "--only", "providers", status=0)["findings"]
    assert "another token_endpoint and userinfo_endpoint" in found["what"]
    assert "valet providers change acme --refresh" in found["mend"]
    internet[f"{ACME}/keys"] = {"keys": [{**key_for("ES256").as_dict(private=False), "kid": "a"}]}
    assert any("publishes no key for RS256" in each for each in findings(valet))
    del internet[f"{ACME}/keys"]
    assert any("does not answer" in each for each in findings(valet))
    valet("providers", "change", "acme", "--disable")
    assert findings(valet, status=0) == []


def test_doctor_warns_of_a_secret_that_ends(valet: Operator, internet: Mapping[str, Any]) -> None:
    from datetime import UTC, datetime

    day = datetime.fromtimestamp(valet.clock() + 20 * 86_400, UTC).strftime("%Y-%m-%d")
    valet(*ADD, "--secret-expires", day, typed="first")
    [soon] = findings(valet, status=0)
    assert "ends in" in soon
    valet.advance(21 * 86_400)
    [ended] = findings(valet, only="providers.secrets")
    assert "has ended" in ended


def test_doctor_names_a_domain_of_two_providers_and_one_of_a_disabled_one(
    valet: Operator, internet: Mapping[str, Any]
) -> None:
    valet(*ADD, "--domain", "acme.example", typed="first")
    valet(*GITHUB, "--domain", "acme.example", typed="first")
    [found] = findings(valet)
    assert found == "The providers acme and github both have the domain acme.example"
    valet("providers", "change", "github", "--disable")
    [found] = findings(valet, status=0)
    assert found == "The provider github is disabled, and has the domain acme.example"


def test_doctor_names_a_record_that_no_command_would_store(valet: Operator, internet: Mapping[str, Any]) -> None:
    valet(*ADD, "--client", "web_app_123", typed="first")
    table = deployment(valet).registry
    table.update(PARTITION, "acme", "SET #links = :links, #clients = :clients", {":links": "all", ":clients": ["gone"]})
    broken, client = findings(valet)
    assert "breaks a rule: links all" in broken
    assert "for the client gone, which is not registered" in client


def test_a_client_may_be_for_some_providers_alone_and_doctor_names_one_that_is_gone(
    valet: Operator, internet: Mapping[str, Any]
) -> None:
    valet(*ADD, typed="first")
    assert "valet providers list" in valet("clients", "change", "web_app_123", "--provider", "gone", status=2).err
    valet("clients", "change", "api_service_789", "--provider", "acme", status=2)  # no end-user signs in for it
    valet("clients", "change", "web_app_123", "--provider", "acme local")
    assert valet.json("clients", "show", "web_app_123")["providers"] == ["acme", "local"]
    assert findings(valet, status=0) == []
    valet("providers", "change", "acme", "--disable")
    [warned] = findings(valet, status=0)
    assert warned == "The client web_app_123 is for the provider acme, which is disabled or not registered"
    valet("clients", "change", "spa_demo", "--provider", "local")
    valet("providers", "change", "acme", "--enable")
    valet("clients", "change", "web_app_123", "--provider", "acme")
    valet("providers", "delete", "acme", "--yes")
    assert findings(valet) == [warned]  # an error now: nobody can sign in for it
    valet("clients", "change", "web_app_123", "--provider", "")
    assert findings(valet, status=0) == []


def test_doctor_looks_at_the_key_and_at_federation(
    valet: Operator, internet: Mapping[str, Any], keys_come_back: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    valet(*ADD, typed="first")
    kms = boto3.client("kms", endpoint_url=valet.stack.aws_url)
    kms.disable_key(KeyId=deployment(valet).outputs["PeopleKey"].rpartition("/")[2])
    [found] = findings(valet)
    assert found.endswith("is Disabled")
    monkeypatch.setattr("admin.records.deployment.Deployment.parameters", {"Federation": "off"})
    [found] = findings(valet, only="providers.federation", status=0)
    assert "lets nobody sign in with other providers, and 1 are registered" in found


# -- reading a description ---------------------------------------------------------------------------------------------


@contextmanager
def _server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _answering(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_description_is_read_from_this_machine_in_the_local_stack_alone() -> None:
    with _server(_answering(b'{"issuer": "x"}')) as url:
        assert discovery.fetched(url, is_local=True) == {"issuer": "x"}
        with pytest.raises(Refused, match="not an https address"):
            discovery.fetched(url, is_local=False)


def test_a_redirect_is_not_followed() -> None:
    with _server(_answering(b'{"issuer": "evil"}')) as evil, _server(_answering(b"", 302, Location=evil)) as url:
        with pytest.raises(Unreachable, match="302"):
            discovery.fetched(url, is_local=True)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"\xff"])
def test_what_is_no_description_is_refused(body: bytes) -> None:
    with _server(_answering(body)) as url:
        with pytest.raises(Refused, match="no description"):
            discovery.fetched(url, is_local=True)


def test_a_server_that_does_not_answer_is_told() -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        discovery.fetched("http://127.0.0.1:9/x", is_local=True)
