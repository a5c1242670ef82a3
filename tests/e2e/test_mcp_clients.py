"""MCP's own client libraries at docs/examples/mcp-server.yaml, which the local stack plays under /tools."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page
from valet.frozen import replace
from valet.handles import digest
from valet.models.clients import Client

from local.beside import MCP_PACKAGE, McpServer
from local.stack import ROOT, LocalStack
from tests.e2e.document_host import Host
from tests.e2e.landing import Landing
from tests.e2e.visiting import Visit
from tests.support.dpop_client import key_for
from tests.support.missing import is_missing

pytestmark = pytest.mark.xdist_group("browser")

HERE = Path(__file__).parent
REDIRECT_URI = "http://127.0.0.1:33418/callback"  # the port of this day; it is registered without one
BOTH = "tools.read tools.write"


def in_its_own_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """What the coroutine returns. The thread of the tests has the event loop of the browser."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture(scope="module", autouse=True)
def _server() -> None:
    import importlib.util

    if importlib.util.find_spec(MCP_PACKAGE) is None:
        is_missing(f"the Python package {MCP_PACKAGE} is not there: `make .venv/.dev`")


@pytest.fixture(scope="module", params=["all", "least"])
def scopes(request: pytest.FixtureRequest, stack: LocalStack) -> Iterator[str]:
    """The parameter Scopes of the server's stack. One process of the server serves all tests, so each deletes an item
    of its own.
    """
    which: str = request.param
    played = McpServer(ROOT, stack.url, lambda crash: None, which)
    before = stack.gateway._rest
    stack.gateway._rest = (*(each for each in before if not isinstance(each, McpServer)), played)
    yield which
    stack.gateway._rest = before
    played.stop()


@pytest.fixture
def visit(fresh_stack: LocalStack) -> Iterator[Visit]:
    visit = Visit(fresh_stack.issuer)
    yield visit
    visit.close()


def asked(visit: Visit) -> list[dict[str, list[str]]]:
    """The parameters of every authorization request."""
    return [parse_qs(urlsplit(url).query) for url in visit.seen]


def held(visit: Visit, url: str, scopes: list[str], client_id: str = "mcp_demo") -> None:
    """Every request named the server, and asked for these scopes one after the other."""
    requests = asked(visit)
    assert [each["resource"] for each in requests] == [[url]] * len(requests)
    assert [" ".join(sorted(each["scope"][0].split())) for each in requests] == scopes
    assert {each["client_id"][0] for each in requests} == {client_id}


# -- Python ------------------------------------------------------------------------------------------------------------


class Storage:
    """What an application keeps: its registration and its tokens."""

    def __init__(self) -> None:
        self.tokens: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        from mcp.shared.auth import OAuthClientInformationFull

        return OAuthClientInformationFull.model_validate({**METADATA, "client_id": "mcp_demo"})

    async def set_client_info(self, client_info: Any) -> None:
        raise AssertionError("it has registered itself")


METADATA = {
    "redirect_uris": [REDIRECT_URI],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
}


def person(url: str, visit: Visit, storage: Storage, document: str = "") -> Any:
    """The library's way to a token of the person who visits."""
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

    answers: list[str] = []

    async def redirect(address: str) -> None:
        answers.append(await asyncio.to_thread(visit.at_issuer, address))

    async def callback() -> AuthorizationCodeResult:
        answer = parse_qs(urlsplit(answers[-1]).query)
        return AuthorizationCodeResult(code=answer["code"][0], state=answer["state"][0], iss=answer["iss"][0])

    metadata = OAuthClientMetadata.model_validate(METADATA)
    return OAuthClientProvider(url, metadata, storage, redirect, callback, client_metadata_url=document or None)


async def by_python(url: str, auth: Any, tool: Callable[[Any], Any]) -> Any:
    """What `tool` makes of the official library's client, connected."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(auth=auth, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        return await tool(client)


async def _both_tools(client: Any) -> list[Any]:
    tools = await client.list_tools()
    listed = await client.call_tool("list_items", {})
    deleted = await client.call_tool("delete_item", {"item_id": "1"})
    return [sorted(tool.name for tool in tools.tools), listed.structured_content, deleted.content[0].text]


def test_python_signs_in_and_calls_both_tools(fresh_stack: LocalStack, visit: Visit, scopes: str) -> None:
    url = f"{fresh_stack.url}/tools/mcp"
    tools, listed, deleted = in_its_own_loop(by_python(url, person(url, visit, Storage()), _both_tools))
    assert tools == ["delete_item", "list_items"]
    assert listed["1"] == "Tea"
    assert deleted == "demo-john deleted the item 1."
    every = f"offline_access {BOTH}"
    held(visit, url, [every] if scopes == "all" else ["offline_access tools.read", every])


# The answer of a tool that was reached, and found nothing to delete.
NO_ITEM = "Error executing tool delete_item: There is no item 9."


async def _both_tools_in_vain(client: Any) -> Any:
    assert (await client.call_tool("list_items", {})).structured_content
    return (await client.call_tool("delete_item", {"item_id": "9"})).content[0].text


class EmptyStorage(Storage):
    """Of an agent that nobody has registered."""

    def __init__(self) -> None:
        super().__init__()
        self.client: Any = None

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


def test_python_names_itself_by_its_document(
    fresh_stack: LocalStack, visit: Visit, document_host: Host, scopes: str
) -> None:
    document_host.publish(client_name="Agent", **METADATA)
    url, storage = f"{fresh_stack.url}/tools/mcp", EmptyStorage()
    auth = person(url, visit, storage, document_host.url)
    assert in_its_own_loop(by_python(url, auth, _both_tools_in_vain)) == NO_ITEM
    assert {each["client_id"][0] for each in asked(visit)} == {document_host.url}
    assert storage.tokens.scope == f"offline_access {BOTH}"


def test_python_registers_itself(fresh_stack: LocalStack, visit: Visit, scopes: str) -> None:
    url, storage = f"{fresh_stack.url}/tools/mcp", EmptyStorage()
    auth = person(url, visit, storage)
    assert in_its_own_loop(by_python(url, auth, _both_tools_in_vain)) == NO_ITEM
    assert storage.client.client_id.startswith("dyn-")
    assert {each["client_id"][0] for each in asked(visit)} == {storage.client.client_id}
    assert storage.tokens.scope == f"offline_access {BOTH}"


async def _listed(client: Any) -> Any:
    return (await client.call_tool("list_items", {})).structured_content


def test_a_client_that_may_not_have_offline_access_signs_in_all_the_same(
    fresh_stack: LocalStack, visit: Visit, scopes: str, register: Callable[[Client], None]
) -> None:
    """Both libraries add it to what they ask for, because the issuer's metadata has it (OIDC Core §11)."""
    (demo,) = (client for client in fresh_stack.seeded.clients if client.client_id == "mcp_demo")
    register(replace(demo, scope=frozenset({"tools.read", "tools.write"})))
    url, storage = f"{fresh_stack.url}/tools/mcp", Storage()
    assert in_its_own_loop(by_python(url, person(url, visit, storage), _listed))
    assert "offline_access" in asked(visit)[0]["scope"][0]
    assert storage.tokens.scope == (BOTH if scopes == "all" else "tools.read")


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_a_service_calls_the_tools_in_its_own_name(
    fresh_stack: LocalStack, scopes: str, register: Callable[[Client], None], method: str
) -> None:
    from mcp.client.auth.extensions.client_credentials import (
        ClientCredentialsOAuthProvider,
        PrivateKeyJWTOAuthProvider,
        SignedJWTParameters,
    )

    url, issuer, key = f"{fresh_stack.url}/tools/mcp", fresh_stack.issuer, key_for("ES256")
    client = Client(
        "machine",
        "Machine",
        token_endpoint_auth_method=method,
        grant_types=frozenset({"client_credentials"}),
        scope=frozenset({"tools.read", "tools.write"}),
        secret_digests=(digest("machine_secret"),) if method != "private_key_jwt" else (),
        jwks=json.dumps({"keys": [key.as_dict(private=False)]}) if method == "private_key_jwt" else "",
    )
    register(client)
    fresh_stack.forget()
    storage = Storage()
    auth: Any = ClientCredentialsOAuthProvider(url, storage, "machine", "machine_secret", issuer=issuer)
    if method == "private_key_jwt":
        pem = key.as_pem(private=True).decode()
        signed = SignedJWTParameters(issuer="machine", subject="machine", signing_algorithm="ES256", signing_key=pem)
        auth = PrivateKeyJWTOAuthProvider(url, storage, "machine", signed.create_assertion_provider(), issuer=issuer)
    assert in_its_own_loop(by_python(url, auth, _listed))
    assert storage.tokens.scope == (BOTH if scopes == "all" else "tools.read")


async def _says_another_tool(client: Any) -> Any:
    """A client that says one tool in the header, and calls the other in the body."""
    from mcp.client import session

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "encode_header_value", lambda name: "list_items")
        return await client.call_tool("delete_item", {"item_id": "3"})


def test_a_body_that_calls_another_tool_than_the_header_says_calls_none(
    fresh_stack: LocalStack, visit: Visit, scopes: str
) -> None:
    from mcp.shared.exceptions import MCPError

    url = f"{fresh_stack.url}/tools/mcp"
    auth = person(url, visit, Storage())

    async def tried(client: Any) -> Any:
        with pytest.raises(MCPError, match="header does not match"):
            await _says_another_tool(client)
        return (await client.call_tool("list_items", {})).structured_content

    assert in_its_own_loop(by_python(url, auth, tried))["3"] == "Rice"
    assert len(visit.seen) == 1


def test_an_agent_that_would_wait_for_changes_is_told_at_once_that_there_are_none(
    fresh_stack: LocalStack, visit: Visit
) -> None:
    """Its call would last until the function's timeout, and MCP Inspector lists no tools before the answer."""
    from mcp.shared.exceptions import MCPError

    async def waited(client: Any) -> Any:
        with pytest.raises(MCPError, match="Method not found"):
            await client.listen(tools_list_changed=True).__aenter__()
        return client.server_capabilities.tools.list_changed

    url = f"{fresh_stack.url}/tools/mcp"
    assert in_its_own_loop(by_python(url, person(url, visit, Storage()), waited)) is False


# -- TypeScript --------------------------------------------------------------------------------------------------------

CLIENT, OLD = "@modelcontextprotocol/client", "@modelcontextprotocol/sdk"


@pytest.fixture
def libraries() -> None:
    missing = [name for name in (CLIENT, OLD) if not (HERE / "node_modules" / name).exists()]
    if missing or not shutil.which("node"):
        is_missing(f"{', '.join(missing) or 'node'} is not there: (cd tests/e2e && npm ci)")


def by_typescript(
    library: str,
    url: str,
    visit: Visit,
    item: str,
    client_id: str = "mcp_demo",
    secret: str = "",
    document: str = "",
) -> Any:
    """What the library's client has got from both tools."""
    words: list[str | Path] = [
        "node",
        HERE / "clients" / "mcp.mjs",
        library,
        url,
        REDIRECT_URI,
        client_id,
        secret,
        item,
        document,
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            word, _, address = line.strip().partition(" ")
            if word != "open":
                return json.loads(line)
            process.stdin.write(f"{visit.at_issuer(address)}\n")
            process.stdin.flush()
        raise AssertionError(process.stderr.read())


@pytest.mark.usefixtures("libraries")
def test_typescript_signs_in_and_calls_both_tools(fresh_stack: LocalStack, visit: Visit, scopes: str) -> None:
    url = f"{fresh_stack.url}/tools/mcp"
    got = by_typescript(CLIENT, url, visit, "2")
    assert got["tools"] == ["delete_item", "list_items"]
    assert got["deleted"] == "demo-john deleted the item 2."
    every = f"offline_access {BOTH}"
    assert got["scope"] == every
    held(visit, url, [every] if scopes == "all" else ["offline_access tools.read", every])


@pytest.mark.usefixtures("libraries")
def test_typescript_names_itself_by_its_document(
    fresh_stack: LocalStack, visit: Visit, document_host: Host, scopes: str
) -> None:
    document_host.publish(client_name="Agent", **METADATA)
    url = f"{fresh_stack.url}/tools/mcp"
    got = by_typescript(CLIENT, url, visit, "9", client_id="", document=document_host.url)
    assert got["deleted"] == NO_ITEM
    assert {each["client_id"][0] for each in asked(visit)} == {document_host.url}
    assert got["scope"] == f"offline_access {BOTH}"


@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("library", [CLIENT, OLD])
def test_typescript_registers_itself(fresh_stack: LocalStack, visit: Visit, scopes: str, library: str) -> None:
    got = by_typescript(library, f"{fresh_stack.url}/tools/mcp", visit, "9", client_id="")
    assert got["tools"] == ["delete_item", "list_items"]
    (client_id,) = {each["client_id"][0] for each in asked(visit)}
    assert client_id.startswith("dyn-")


@pytest.mark.usefixtures("libraries")
def test_a_client_of_an_older_revision_gets_the_tools_own_refusal_in_words(
    fresh_stack: LocalStack, visit: Visit, scopes: str
) -> None:
    """It sends no Mcp-Name, so the authorizer cannot know the tool: the server behind checks the scope."""
    got = by_typescript(OLD, f"{fresh_stack.url}/tools/mcp", visit, "3")
    assert got["tools"] == ["delete_item", "list_items"]
    if scopes == "all":
        assert got["deleted"] == "demo-john deleted the item 3."
    else:
        assert "This needs the scope tools.write" in got["deleted"]
    assert len(visit.seen) == 1


# -- a page ------------------------------------------------------------------------------------------------------------

IN_A_PAGE = """async (url) => {
  const headers = {"mcp-protocol-version": "2026-07-28"};
  const call = {...headers, "content-type": "application/json", "mcp-method": "tools/list", authorization: "Bearer x"};
  const refused = await fetch(url, {method: "POST", headers: call, body: "{}"});
  const [, address] = /resource_metadata="([^"]+)"/.exec(refused.headers.get("www-authenticate"));
  const api = await (await fetch(address, {headers})).json();
  const [issuer] = api.authorization_servers;
  const server = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`, {headers})).json();
  return [refused.status, api.resource, server.issuer];
}"""


def test_a_page_of_another_origin_finds_out_where_to_sign_in(page: Page, stack: LocalStack, landing: Landing) -> None:
    """As MCP Inspector 1 does: by cross-origin requests with headers of MCP, which take preflights."""
    url = f"{stack.url}/tools/mcp"
    page.goto(f"http://127.0.0.1:{landing.port}/")
    assert page.evaluate(IN_A_PAGE, url) == [401, url, stack.issuer]
