"""`python -m local`, which is `make run`: starts the local stack and serves until stopped."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "layers" / "valet" / "python"))

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local.console import Console
    from local.function_logs import FunctionLogs
    from local.own.choices import Choices
    from local.seeded import Seeded
    from local.stack import Ports


def main() -> int:
    """Exit status 0 when stopped by Ctrl-C or SIGTERM, 1 when it could not start."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    arguments = _arguments()
    try:
        # Read these before any AWS module is imported: isolate() drops every AWS_* variable, and AWS_PORT is ours.
        port, aws_port, host = _port("PORT"), _port("AWS_PORT"), _host()
        return _serve(port, aws_port, host, arguments, _configuration())
    except _Refused as refused:
        print(refused, file=sys.stderr)
        return 1


class _Refused(Exception):
    """The stack cannot start; the message says why and what to do."""


def _serve(
    port: int | None, aws_port: int | None, host: str, arguments: argparse.Namespace, configuration: Path | None
) -> int:
    from local.aws.isolation import RealAwsError, isolate
    from local.console import Console
    from local.function_logs import FunctionLogs
    from local.own.choices import ChoiceError, choices_from_environment
    from local.server import PortTaken
    from local.stack import DEFAULT_PORT, Ports

    try:
        choices = choices_from_environment(os.environ)
        isolate(os.environ)
        ports = Ports.open(DEFAULT_PORT if port is None else port, aws_port)
    except (ChoiceError, PortTaken, RealAwsError) as error:
        raise _Refused(str(error)) from None
    function_logs = FunctionLogs()
    console = Console(function_logs)
    with console.logs():
        return _run(console, function_logs, ports, host, arguments, choices, configuration)


def _run(
    console: Console,
    function_logs: FunctionLogs,
    ports: Ports,
    host: str,
    arguments: argparse.Namespace,
    choices: Choices,
    configuration: Path | None,
) -> int:
    from local.front_door import Seldom
    from local.own_console import OwnConsole
    from local.server import PortTaken
    from local.stack import start
    from local.template import TemplateError

    try:
        console.starting()
        stack = start(
            ports,
            dict(arguments.parameter),
            seed=_from_file(configuration) if configuration else None,
            on_served=console.served if not arguments.quiet else lambda served: None,
            on_crash=console.crashed,
            function_logs=function_logs,
            say=Seldom(console.say),
            host=host,
        )
    except TemplateError as error:
        raise _Refused(f"template.yaml: {error}") from None
    own = OwnConsole(console, stack, choices, is_quiet=arguments.quiet)
    try:
        try:
            own.start()
        except (TemplateError, PortTaken) as error:
            raise _Refused(f"API: {error}") from None
        stack.delivery.start()
        console.ready(stack)
        own.ready()
        if arguments.ready_file:
            facts = {"url": stack.url, "aws_url": stack.aws_url, "apis": own.urls(), "pid": os.getpid()}
            _announce(arguments.ready_file, facts)
        threading.Event().wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the stopping
        own.stop()
        stack.stop()
        console.stopped()
    return 0


def _from_file(path: Path) -> Callable[[str, Mapping[str, str]], Seeded]:
    """What seeds the stack with a configuration file, whose mistakes are told without a traceback."""

    def seed(issuer: str, tables: Mapping[str, str]) -> Seeded:
        from configuration.document import Malformed  # imports the layer, which is on the path only now
        from local.config_data import seed as seed_from
        from local.kept_secrets import NotKept

        try:
            return seed_from(path, issuer, tables, os.environ)
        except Malformed as error:
            raise _Refused("\n".join(f"{path}: {problem}" for problem in error.problems)) from None
        except NotKept as error:
            raise _Refused(str(error)) from None

    return seed


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _announce(path: Path, facts: dict[str, object]) -> None:
    """Write the file, then rename it into place: a waiting process may read it as soon as it exists."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(facts), encoding="utf-8")
    unfinished.replace(path)


def _port(variable: str) -> int | None:
    value = os.environ.pop(variable, "")
    if not value:
        return None
    if not value.isascii() or not value.isdecimal() or int(value) > 65535:
        raise _Refused(f"{variable} is {value!r}, but must be a port: set it to 0 (any free port) up to 65535.")
    return int(value)


def _host() -> str:
    """The issuer's name for this machine. Some shells set HOST to something else, which counts for nothing."""
    return "localhost" if os.environ.pop("HOST", "") == "localhost" else "127.0.0.1"


def _configuration() -> Path | None:
    value = os.environ.pop("CONFIG", "")
    path = Path(value).expanduser()
    if value and not path.is_file():
        raise _Refused(f"CONFIG is {value!r}, and there is no such file.")
    return path if value else None


def _parameter(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} has no '=': write NAME=VALUE")
    return name, value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Serve Valet and everything around it, with AWS emulated in memory. "
        "Environment variables: PORT, the port of the front door (default: 3000; 0 takes any free port), "
        "HOST, the name that it has: 127.0.0.1 or localhost, where passkeys work (default: 127.0.0.1), "
        "AWS_PORT, the port of emulated AWS (default: the next one), CONFIG, a configuration file that replaces the "
        "demo data, API, templates of your own APIs, and API_STAGE, API_PARAMETERS, API_ENV and API_PYTHON, how to "
        "play them (docs/local-api.md).",
    )
    parser.add_argument(
        "--parameter",
        type=_parameter,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="Set a parameter of template.yaml (repeatable).",
    )
    parser.add_argument(
        "--ready-file", type=Path, metavar="PATH", help="Write the addresses to PATH as JSON when the stack answers."
    )
    parser.add_argument("--quiet", action="store_true", help="Print no line for each request.")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
