"""The developer's own APIs on the terminal: their addresses and routes, and the list of what is not played."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from local.console import operator_command
from local.own.serving import Events, OwnStack, OwnStacks
from local.stack import ROOT, LocalStack

if TYPE_CHECKING:
    from local.console import Console
    from local.own.choices import Choices
    from local.own.plan import Plan


class OwnConsole:
    """Starts them, and says what it did; nothing at all if API names no template."""

    def __init__(self, console: Console, stack: LocalStack, choices: Choices, *, is_quiet: bool = False) -> None:
        from local.own.registration import Registration  # imports the layer, which is on the path only now

        self._console, self._stack = console, stack
        self._registration = Registration(stack.url, stack.tables)
        self._registered: dict[Path, list[str]] = {}
        aws_port = int(stack.aws_url.rpartition(":")[2])
        is_any = int(stack.url.rpartition(":")[2]) != aws_port - 1
        events = Events(
            on_served=(lambda served: None) if is_quiet else console.served,
            on_line=console.own_line,
            on_crash=console.crashed,
            on_read=self._read_again,
            on_wrong=self._wrong,
        )
        self._stacks = OwnStacks(choices, ROOT, stack.url, 0 if is_any else aws_port + 1, events)

    def start(self) -> None:
        """Raises TemplateError or PortTaken."""
        self._stacks.start(self._register)

    def ready(self) -> None:
        for stack in self._stacks.stacks:
            self._show(stack)

    def urls(self) -> dict[str, str]:
        """By the APIs' logical ids."""
        return {name: url for stack in self._stacks.stacks for name, url in stack.urls.items()}

    def stop(self) -> None:
        self._stacks.stop()

    def _register(self, plan: Plan) -> None:
        self._registered[plan.path] = self._registration.register(_name(plan.path), plan.valets.values())
        self._stack.forget()  # the functions remember clients for ten seconds

    def _show(self, stack: OwnStack) -> None:
        plan = stack.plan
        for rest in plan.system.rest_apis:
            url = f"{stack.urls[plan.titles[rest.api_id]]}/{rest.stage}"
            self._show_api(stack, rest.api_id, url)
        for api in plan.system.apis:
            self._show_api(stack, api.api_id, stack.urls[api.logical_id])
        if lines := self._registered.get(plan.path):
            self._console.section("Its registration with Valet", [(line,) for line in lines])
        if tokens := self._tokens(plan):
            self._console.section("Get a person's token for it", [(line,) for line in tokens])
        if plan.notices:
            rows = [(f"- {notice}",) for notice in plan.notices]
            self._console.section(f"Not played of {plan.path}, and what happens instead", rows, "bold yellow")

    def _show_api(self, stack: OwnStack, api_id: str, url: str) -> None:
        plan = stack.plan
        width = max((len(route) for route, _ in plan.routes[api_id]), default=0)
        rows = [(f"{route:<{width}}", asked) for route, asked in plan.routes[api_id]] or [("it has no routes", "")]
        self._console.section(f"Your API {plan.titles[api_id]} is ready on {url}  ({plan.path})", rows, "bold green")

    def _tokens(self, plan: Plan) -> list[str]:
        """Where a person's token is to be had, and what gives a person a role that the API asks for."""
        seeded, lines = self._stack.seeded, []
        for valet in plan.valets.values():
            if seeded.is_demo and valet.scopes:
                lines.append(f"{self._stack.url}/demo/#scope={quote_plus(' '.join(sorted(valet.scopes)))}")
            held = {role for _, _, roles in seeded.people for role in roles.split()}
            for role in sorted(valet.roles - held) if seeded.people else ():
                command = operator_command(self._stack, f"users roles {seeded.people[0][0]} --add {role}")
                lines.append(f"to give a person the role {role}: {command}")
        return lines

    def _read_again(self, stack: OwnStack) -> None:
        self._register(stack.plan)
        self._console.section(f"{stack.plan.path} has changed: read again", [])
        self._show(stack)

    def _wrong(self, path: Path, error: str) -> None:
        self._console.section(
            f"{path} has changed, and is wrong: {error}", [("The version before is played on.",)], "red"
        )


def _name(path: Path) -> str:
    """What the consent page calls the API."""
    return path.parent.name or "Your API"
