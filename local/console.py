"""What the local stack says on the terminal: what to do next, a line for each request, a crash in full."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, redirect_stdout
from typing import Any

from rich import console as rich_console
from rich.table import Table
from rich.text import Text

from local.function_logs import FunctionLogs
from local.functions import Crash
from local.gateway import Served
from local.log_lines import LogLines, summary
from local.stack import LocalStack

_STATUS_STYLES = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}


class Console:
    """Plain text where nobody looks: colours and the spinner are a terminal's."""

    def __init__(self, function_logs: FunctionLogs) -> None:
        self._function_logs = function_logs
        self._out = rich_console.Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
        self._is_ready = False
        self._err = rich_console.Console(highlight=False, markup=False, emoji=False, stderr=True)

    def starting(self) -> None:
        """A line for somebody who watches: no spinner, as Rich's would take standard output from `logs`."""
        if self._out.is_terminal:
            self._out.print("Starting the local stack …", style="dim")

    def logs(self) -> AbstractContextManager[object]:
        """While it lasts, what functions print comes out readable; this console still writes where it did."""
        return redirect_stdout(LogLines(self._logged, lambda line: self._out.print(f"    {line}", soft_wrap=True)))

    def _logged(self, record: Mapping[str, Any], line: str) -> None:
        self._function_logs.take(line)
        if not self._is_ready:  # the first keys are everybody's; what matters then is what comes after "ready"
            return
        style = "dim" if record.get("level", "INFO") in ("DEBUG", "INFO") else "yellow"
        self._out.print(f"    {summary(record)}", style=style, soft_wrap=True)

    def ready(self, stack: LocalStack) -> None:
        """The addresses, the accounts, and lines to copy."""
        from local.demo_data import CLIENTS, SECRETS, USERS

        self._out.print(Text(f"Valet is ready on {stack.url}", style="bold green"))
        addresses = Table.grid(padding=(0, 2))
        addresses.add_row("click through", f"{stack.url}/demo/")
        addresses.add_row("metadata", f"{stack.url}/.well-known/openid-configuration")
        if stack.rest:
            addresses.add_row("a REST API", f"{stack.url}/v1/reports  (docs/examples/rest-api.yaml)")
        addresses.add_row("AWS, emulated", f"{stack.aws_url}  (for sam local and the valet command)")
        self._out.print(addresses, soft_wrap=True)
        self._out.print()
        people = Table("sign in as", "password", "roles", box=None, header_style="bold", padding=(0, 2, 0, 0))
        for user in USERS:
            people.add_row(user.username, user.password, " ".join(sorted(user.roles)))
        self._out.print(people)
        self._out.print()
        clients = Table("client", "secret", "authentication", box=None, header_style="bold", padding=(0, 2, 0, 0))
        for client in CLIENTS:
            method = client.token_endpoint_auth_method
            clients.add_row(client.client_id, SECRETS.get(client.client_id, "–"), method)
        self._out.print(clients)
        self._out.print()
        self._command("Get a token", _token_command(stack))
        self._command("Call the protected API with it", f'curl -H "Authorization: Bearer $TOKEN" {stack.url}/api/admin')
        self._out.print("Ctrl-C stops it; everything is forgotten then.", style="dim")
        self._is_ready = True

    def _command(self, title: str, line: str) -> None:
        self._out.print(title, style="bold")
        self._out.print(f"  {line}", soft_wrap=True)  # never broken, so that it can be copied
        self._out.print()

    def served(self, served: Served) -> None:
        """One line. The path alone: codes travel in queries, tokens in headers and bodies."""
        status = served.response.status
        line = Text.assemble(
            (time.strftime("%H:%M:%S "), "dim"),
            (f"{status} ", _STATUS_STYLES.get(status // 100, "")),
            f"{served.request.method} {_visible(served.request.path)}",
            (f"  {1000 * served.seconds:.0f} ms  {served.function or ''}".rstrip(), "dim"),
        )
        self._out.print(line, soft_wrap=True)

    def crashed(self, crash: Crash) -> None:
        """A function raised: nothing of Valet's should, so all of it is shown."""
        self._err.print(f"{crash.function} crashed\n{crash.text}", style="red", soft_wrap=True)

    def stopped(self) -> None:
        self._out.print("Stopped.", style="dim")


def _token_command(stack: LocalStack) -> str:
    read = 'import json, sys; print(json.load(sys.stdin)["access_token"])'
    request = f"-u api_service_789:api_secret_abc -d grant_type=client_credentials -d scope=admin {stack.url}/token"
    return f"TOKEN=$(curl -s {request} | python3 -c '{read}')"


def _visible(path: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in path)[:200]
