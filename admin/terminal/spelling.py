"""Commands as messages print them: with the name that valet was called by, and for the deployment in question.

Messages write commands in backticks, and this module alone adds the options. So a command that the operator pastes
cannot go to another deployment than the one that the message is about.
"""

import re
import shlex
from dataclasses import dataclass

DEFAULT_STACK, DEFAULT_AWS_PORT = "valet", 3001
LOCAL_REGION = "us-east-1"
LOCAL_CREDENTIAL = "local"  # key id and secret: the local stack accepts no others, and they are no secret

_LOCAL_CREDENTIALS = f"AWS_ACCESS_KEY_ID={LOCAL_CREDENTIAL} AWS_SECRET_ACCESS_KEY={LOCAL_CREDENTIAL} "

# A quoted word may hold a backtick.
_COMMAND = re.compile(r"""`(valet|aws|make)( (?:'[^']*'|"[^"]*"|[^`'"])+)`""")


@dataclass(frozen=True)
class Where:
    """The deployment that the options choose."""

    stack: str = DEFAULT_STACK
    profile: str | None = None
    region: str | None = None
    is_local: bool = False
    aws_port: int = DEFAULT_AWS_PORT

    def __str__(self) -> str:
        return "the local stack" if self.is_local else f"the stack {self.stack}"

    @property
    def aws_url(self) -> str | None:
        """The address of the local stack's AWS; None for AWS itself."""
        return f"http://127.0.0.1:{self.aws_port}" if self.is_local else None

    def _of_valet(self) -> list[str]:
        if self.is_local:
            port = ["--aws-port", str(self.aws_port)] if self.aws_port != DEFAULT_AWS_PORT else []
            return ["--local", *port]
        return [*(["--stack", self.stack] if self.stack != DEFAULT_STACK else []), *self._of_account()]

    def _of_account(self) -> list[str]:
        named = (("--profile", self.profile), ("--region", self.region))
        return [word for option, value in named if value for word in (option, value)]

    def options_of(self, program: str) -> list[str]:
        """The options that make valet, or the AWS CLI, use this deployment."""
        if program == "valet":
            return self._of_valet()
        if self.aws_url is not None:
            return ["--endpoint-url", self.aws_url, "--region", LOCAL_REGION]
        return self._of_account()


def command(line: str, *words: str) -> str:
    """A command for use in a message. The words are quoted, because clients chose them and a shell will read them."""
    return f"`{shlex.join([*line.split(), *words])}`"


def in_full(text: str, where: Where, name: str) -> str:
    """The text, with its commands spelled so that the operator can paste them."""

    def spelled(found: re.Match[str]) -> str:
        program, words = found[1], found[2]
        if program == "make":
            is_other = words == " deploy" and not where.is_local and where != Where()
            return found[0] + (f" with the samconfig.toml of {where}" if is_other else "")
        options = shlex.join(where.options_of(program))
        called = shlex.quote(name) if program == "valet" else program
        prefix = _LOCAL_CREDENTIALS if program == "aws" and where.is_local else ""
        return f"`{prefix}{called}{words}{' ' if options else ''}{options}`"

    return _COMMAND.sub(spelled, text)
