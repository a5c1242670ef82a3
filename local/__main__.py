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

if TYPE_CHECKING:
    from local.console import Console
    from local.function_logs import FunctionLogs
    from local.stack import Ports


def main() -> int:
    """Exit status 0 when stopped by Ctrl-C or SIGTERM, 1 when it could not start."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    arguments = _arguments()
    try:
        # Read these before any AWS module is imported: isolate() drops every AWS_* variable, and AWS_PORT is ours.
        port, aws_port = _port("PORT"), _port("AWS_PORT")
        return _serve(port, aws_port, arguments)
    except _Refused as refused:
        print(refused, file=sys.stderr)
        return 1


class _Refused(Exception):
    """The stack cannot start; the message says why and what to do."""


def _serve(port: int | None, aws_port: int | None, arguments: argparse.Namespace) -> int:
    from local.aws.aws import RealAwsError, isolate
    from local.console import Console
    from local.function_logs import FunctionLogs
    from local.server import PortTaken
    from local.stack import DEFAULT_PORT, Ports

    try:
        isolate(os.environ)
        ports = Ports.open(DEFAULT_PORT if port is None else port, aws_port)
    except (PortTaken, RealAwsError) as error:
        raise _Refused(str(error)) from None
    function_logs = FunctionLogs()
    console = Console(function_logs)
    with console.logs():
        return _run(console, function_logs, ports, arguments)


def _run(console: Console, function_logs: FunctionLogs, ports: Ports, arguments: argparse.Namespace) -> int:
    from local.stack import start
    from local.template import TemplateError

    try:
        console.starting()
        stack = start(
            ports,
            dict(arguments.parameter),
            on_served=console.served if not arguments.quiet else lambda served: None,
            on_crash=console.crashed,
            function_logs=function_logs,
        )
    except TemplateError as error:
        raise _Refused(f"template.yaml: {error}") from None
    try:
        console.ready(stack)
        if arguments.ready_file:
            _announce(arguments.ready_file, {"url": stack.url, "aws_url": stack.aws_url, "pid": os.getpid()})
        threading.Event().wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the stopping
        stack.stop()
        console.stopped()
    return 0


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
        "and AWS_PORT, the port of emulated AWS (default: the next one).",
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
