"""What stands at the door to AWS instead of AWS: it keeps each attempt and gives the answers that the test names."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from valet.aws.calls import Attempt
from valet.aws.connection import NoAnswer
from valet.aws.reply import Reply

SIGNED = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalr/EXAMPLE+KEY",
}


class Door:
    """The attempts that came, and the pauses between them. `answer` is asked once for each attempt."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.pauses: list[float] = []
        self.answer: Callable[[Attempt], Reply] = lambda attempt: answered({})

    def send(self, attempt: Attempt) -> Reply:
        self.attempts.append(attempt)
        return self.answer(attempt)

    def answers(self, *replies: Reply | NoAnswer) -> None:
        """Give these, one after the other."""
        left = iter(replies)

        def next_one(_: Attempt) -> Reply:
            reply = next(left)
            if isinstance(reply, NoAnswer):
                raise reply
            return reply

        self.answer = next_one


def answered(answer: Mapping[str, Any]) -> Reply:
    return Reply(200, {}, json.dumps(answer).encode())


def refused(code: str, status: int = 400, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps({"__type": f"com.amazonaws#{code}", "message": "no"}).encode())
