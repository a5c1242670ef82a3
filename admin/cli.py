"""`valet`: the commands, and the one place that turns errors into a line and an exit status."""

from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from valet import __version__
from valet.errors import TemporarilyUnavailable

from admin.commands import (
    accounts,
    apis,
    client_keys,
    client_secrets,
    clients,
    configuration,
    grants,
    imports,
    keys,
    policy,
    providers,
    recovery,
    scopes,
    strangers,
    tail,
    users,
)
from admin.commands import doctor as doctor_command
from admin.desk import Desk
from admin.options import for_deployment, refuse_swallowed
from admin.terminal.endings import NotConfirmed, Stopped, Unreachable


class _Operator(click.Group):
    """Report every error as one line, without a traceback: a traceback may hold a secret."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:  # as the shell's completion parses
            refuse_swallowed(self, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except click.ClickException as error:
            error.message = ctx.ensure_object(Desk).in_full(error.message)  # type: ignore[misc]  # click has not printed it yet
            raise

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TemporarilyUnavailable as error:
            raise Unreachable(_explained(error.detail or str(error))) from None
        except ClientError as error:
            raise Unreachable(_explained(str(error))) from None
        except BotoCoreError as error:
            raise Unreachable(_explained(str(error))) from None
        except click.Abort:
            click.echo(err=True)
            raise NotConfirmed from None
        except KeyboardInterrupt:
            click.echo(err=True)
            raise Stopped from None


_LOCAL = "Is the local stack running? `make run` starts it. If it runs, pass its --aws-port, which `make run` printed."
_HINTS = {
    "AccessDenied": "These AWS credentials are not allowed to do this.",
    "ExpiredToken": "The AWS credentials have expired: sign in again.",
    "UnrecognizedClient": "AWS does not know these credentials.",
    "Unable to locate credentials": "Sign in to AWS first, or pass --profile.",
    "You must specify a region": "Pass --region, the Region that the stack is in.",
    "http://127.0.0.1": _LOCAL,
    "EndpointConnectionError": f"{_LOCAL} Otherwise check the network.",
    "ResourceNotFound": "A table that the stack names does not exist.",
}


def _explained(reason: str) -> str:
    hint = next((hint for sign, hint in _HINTS.items() if sign in reason), "")
    return f"{reason.rstrip('.')}. {hint}".rstrip()


@click.group(cls=_Operator, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, "--version", message="Valet %(version)s", help="Show the version and exit.")
@click.pass_context
def valet(ctx: click.Context) -> None:
    """Operate a Valet: its clients, users, protected APIs, keys and grants.

    The command uses your own AWS credentials (--profile). It operates a CloudFormation stack (--stack, --region) or the
    local stack (--local). `valet doctor` lists what is wrong with it.

    \b
    Exit status: 0 done, 1 doctor found something wrong, 2 wrong usage, 3 refused,
    4 AWS or the issuer out of reach, 5 not confirmed, 6 apply stopped half-way, 130 stopped.
    After 2, 3 and 5 nothing was changed.
    """
    ctx.ensure_object(Desk).name = ctx.info_name or "valet"


def _give_options(group: click.Group) -> None:
    for command in group.commands.values():
        if isinstance(command, click.Group):
            _give_options(command)
        else:
            for_deployment(command)


for each in (*accounts.COMMANDS, *recovery.COMMANDS, imports.import_):
    users.users.add_command(each)
for each in (*client_secrets.COMMANDS, *client_keys.COMMANDS, *strangers.COMMANDS):
    clients.clients.add_command(each)
for each in (
    clients.clients,
    users.users,
    apis.apis,
    scopes.scopes,
    keys.keys,
    grants.grants,
    policy.people,
    providers.providers,
):
    valet.add_command(each)
for each_of_file in (configuration.apply, configuration.export):
    valet.add_command(each_of_file)
valet.add_command(tail.tail)
valet.add_command(doctor_command.doctor)

_give_options(valet)
for_deployment(valet)


@valet.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a completion script for SHELL.

    \b
    bash: valet completion bash >> ~/.bashrc
    zsh:  valet completion zsh >> ~/.zshrc
    fish: valet completion fish > ~/.config/fish/completions/valet.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"There is no completion for the shell {shell}: choose bash, zsh or fish.")
    click.echo(found(valet, {}, "valet", "_VALET_COMPLETE").source())
