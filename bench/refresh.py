"""A refresh by a warm token function, with its calls to AWS made by Valet and made by boto3 (B19).

The whole handler, from event to answer, log line included. AWS answers at once over loopback, in another process. It
gives the answers of the first refresh again and again, so each refresh finds the grant as it was before.
"""

import io
import time
from collections.abc import Callable

import valet.server
from valet.server import Server
from valet.settings import read

from bench import aws_calls
from bench.at_once import answering
from bench.local_stack import environment, recorded
from bench.measure import Deed, Sample, interleaved
from bench.valet_in_memory import handler, log_to

CALLERS = {aws_calls.VALET: aws_calls.valet, aws_calls.BOTO3: aws_calls.with_boto3}


def measure(rounds: int = 200) -> dict[str, Sample]:
    """Microseconds of processor time for a refresh, by the caller of AWS."""
    known, tokens, before = recorded("refresh_token", _later), handler("token"), valet.server.SERVER
    with answering(known.answers) as url:
        servers = {}
        for caller, to in CALLERS.items():
            servers[caller] = server = Server()
            server.settings = read(environment("token", url))
            server.dynamodb, server.kms, server.clock = to("dynamodb", url), to("kms", url), _later

        def refresh(caller: str) -> Deed:
            valet.server.SERVER = servers[caller]
            log_to(io.StringIO())
            return lambda: _answered(tokens(known.event, None))

        def prepared(caller: str) -> Callable[[], Deed]:
            return lambda: refresh(caller)

        try:
            return interleaved({caller: prepared(caller) for caller in servers}, rounds)
        finally:
            valet.server.SERVER = before


def _later() -> float:
    """Two minutes from now, when the token that is refreshed no longer shares its place in a status list."""
    return time.time() + 120


def _answered(answer: dict[str, object]) -> None:
    assert answer["statusCode"] == 200, answer
