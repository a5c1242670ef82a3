"""The local stack's output on the terminal: what to do next, a line for each request, a crash in full."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, redirect_stdout
from typing import TYPE_CHECKING, Any

from rich import console as rich_console
from rich.text import Text

from local.function_logs import FunctionLogs
from local.functions import Crash
from local.gateway.gateway import Served
from local.log_lines import LogLines, summary
from local.refusals import refusal, unasked
from local.seeded import Seeded
from local.stack import DEFAULT_PORT, LocalStack

if TYPE_CHECKING:
    from valet.models.clients import Client

_STATUS_STYLES = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}


class Console:
    """Prints in colour on a terminal, and plain text elsewhere."""

    def __init__(self, function_logs: FunctionLogs) -> None:
        self._function_logs = function_logs
        self._out = rich_console.Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        self._is_ready = False
        self._err = rich_console.Console(highlight=False, markup=False, emoji=False, stderr=True)

    def starting(self) -> None:
        """Print a line on a terminal. No spinner: Rich's would take standard output away from `logs`."""
        if self._out.is_terminal:
            self._out.print("Starting the local stack …", style="dim")

    def logs(self) -> AbstractContextManager[object]:
        """While the context is open, make the functions' output readable. This console's own output is unchanged."""
        return redirect_stdout(LogLines(self._logged, lambda line: self._out.print(f"    {line}", soft_wrap=True)))

    def _logged(self, record: Mapping[str, Any], line: str) -> None:
        self._function_logs.take(line)
        if not self._is_ready:  # every start makes the first keys, so the developer need not see those lines
            return
        style = "dim" if record.get("level", "INFO") in ("DEBUG", "INFO") else "yellow"
        self._out.print(f"    {summary(record)}", style=style, soft_wrap=True)

    def ready(self, stack: LocalStack) -> None:
        """The addresses, the accounts, the clients, and lines to copy."""
        seeded = stack.seeded
        self._out.print(Text(f"Valet is ready on {stack.url}", style="bold green"))
        addresses = [
            ("metadata", f"{stack.url}/.well-known/openid-configuration"),
            ("AWS, emulated", f"{stack.aws_url}  (for sam local and the valet command)"),
        ]
        if seeded.is_demo:
            addresses.insert(0, ("click through", f"{stack.url}/demo/"))
        if seeded.is_demo and stack.beside:
            addresses.insert(2, ("a REST API", f"{stack.url}/v1/reports  (docs/examples/rest-api.yaml)"))
            addresses.insert(3, ("an MCP server", f"{stack.url}/tools/mcp  (docs/examples/mcp-server.yaml)"))
        self._table(None, addresses)
        self._table(("sign in as", "password", "roles"), seeded.people)
        rows = [row for client in seeded.clients for row in _rows_of(client, seeded.secrets)]
        self._table(("client", "type", "authentication", "secret"), rows)
        for note in seeded.notes:
            self._out.print(note, soft_wrap=True)
        if seeded.is_demo:
            self._command("Get a token", _token_command(stack))
            call = f'curl -H "Authorization: Bearer $TOKEN" {stack.url}/api/admin'
            self._command("Call the protected API with it", call)
        self._command("Operate it, or register an app of your own (README.md)", operator_command(stack, "clients list"))
        self._out.print(_at_the_end(seeded), style="dim", soft_wrap=True)
        self._is_ready = True

    def _table(self, head: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> None:
        """Print columns and a blank line. Indent a row of one cell to the second column; leave no trailing spaces."""
        whole = [row for row in (head or (), *rows) if len(row) > 1]
        widths = [max(len(cell) for cell in column) for column in zip(*whole, strict=True)]
        for row in [head, *rows] if head else rows:
            cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
            line = "  ".join(cells).rstrip() if len(row) > 1 else f"{'':{widths[0]}}  {row[0]}"
            self._out.print(line, style="bold" if row is head else None, soft_wrap=True)
        self._out.print()

    def _command(self, title: str, line: str) -> None:
        self._out.print(title, style="bold")
        self._out.print(f"  {line}", soft_wrap=True)  # never broken, so that it can be copied
        self._out.print()

    def served(self, served: Served) -> None:
        """Print one line, with the path alone: queries hold codes, and headers and bodies hold tokens. A second line
        says why a request was refused.
        """
        status = served.response.status
        line = Text.assemble(
            (time.strftime("%H:%M:%S "), "dim"),
            (f"{status} ", _STATUS_STYLES.get(status // 100, "")),
            f"{served.request.method} {_visible(served.request.path)}",
            (f"  {1000 * served.seconds:.0f} ms  {served.function or ''}".rstrip(), "dim"),
        )
        self._out.print(line, soft_wrap=True)
        refused = refusal(served.response) or (unasked(served.response) if served.function is None else "")
        if refused:
            self._out.print(f"    {refused}", style="yellow", soft_wrap=True)

    def say(self, sentence: str) -> None:
        """Print a sentence for the developer, also with --quiet."""
        self._out.print(sentence, style="yellow", soft_wrap=True)

    def crashed(self, crash: Crash) -> None:
        """Print the whole traceback: no function of Valet should ever raise."""
        self._err.print(f"{crash.function} crashed\n{crash.text}", style="red", soft_wrap=True)

    def own_line(self, function: str, line: str) -> None:
        """A line that a function of the developer's printed: readable, and whose it is."""
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        text = summary(record) if isinstance(record, dict) else line
        self._out.print(f"    {function}: {_visible(text, 4000)}", style="dim", soft_wrap=True)

    def section(self, title: str, rows: Sequence[Sequence[str]], style: str = "bold") -> None:
        """A title and rows below it."""
        self._out.print(title, style=style, soft_wrap=True)
        for row in rows:
            self._out.print(("  " + "  ".join(row)).rstrip(), soft_wrap=True)
        self._out.print()

    def stopped(self) -> None:
        self._out.print("Stopped.", style="dim")


def _at_the_end(seeded: Seeded) -> str:
    if seeded.file is None:
        return "Press Ctrl-C to stop. The stack then forgets everything."
    return (
        f"Press Ctrl-C to stop. The next start has what {seeded.file} says, with the same secrets "
        f"(generated ones are kept in {seeded.kept_in})."
    )


def _rows_of(client: Client, secrets: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """The client, and below it each of its redirect URIs; its grant types if it has none."""
    from valet.protocol.redirect_uri import takes_any_port

    secret = secrets.get(client.client_id, "(its digest is in the file)" if client.has_secret else "–")
    yield client.client_id, client.application_type, client.token_endpoint_auth_method, secret
    for uri in client.redirect_uris:
        port = ", any port" if takes_any_port(uri, is_native=client.application_type == "native") else ""
        yield (f"→ {uri}{port}",)
    if not client.redirect_uris:
        yield (" ".join(sorted(client.grant_types)),)


def operator_command(stack: LocalStack, command: str) -> str:
    """The operator's command for this stack. It names the AWS port only if that is not the command's default."""
    port = stack.aws_url.rpartition(":")[2]
    return f"admin/valet {command} --local" + (f" --aws-port {port}" if port != str(DEFAULT_PORT + 1) else "")


def _token_command(stack: LocalStack) -> str:
    read = 'import json, sys; print(json.load(sys.stdin)["access_token"])'
    request = f"-u api_service_789:api_secret_abc -d grant_type=client_credentials -d scope=admin {stack.url}/token"
    return f"TOKEN=$(curl -s {request} | python3 -c '{read}')"


def _visible(text: str, most: int = 200) -> str:
    return "".join(char if char.isprintable() else "�" for char in text)[:most]
