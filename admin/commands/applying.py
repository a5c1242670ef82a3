"""The steps of `valet apply`, made one after the other; after an error the operator is told which were."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import click
from botocore.exceptions import BotoCoreError, ClientError
from valet.aws.dynamodb.accounts import DynamoUsers
from valet.errors import TemporarilyUnavailable
from valet.models.accounts import Account
from valet.models.clients import Client
from valet.people.passwords import hash_password

from admin.commands.accounts import end_and_delete
from admin.commands.clients import ended_and_deleted
from admin.commands.grants import end_everything
from admin.desk import Desk
from admin.records import people, register, revocation
from admin.records.plan import Step
from admin.terminal.endings import Refused, Unfinished
from configuration.table import APIS, CLIENTS, PEOPLE, POLICY, SCOPES

_MOST_LISTED = 20
_FAILURES = (click.ClickException, TemporarilyUnavailable, ClientError, BotoCoreError, KeyboardInterrupt)


@dataclass
class Applying:
    """Makes the steps. `done` has those that were made, whatever happens."""

    desk: Desk
    done: list[Step] = field(default_factory=list)
    with_other_roles: list[Account] = field(default_factory=list)

    def make(self, steps: Sequence[Step]) -> None:
        """Raises Unfinished if a step failed after others were made; the first one's error if none was."""
        try:
            for step in self._made(steps):
                self.done.append(step)
            self._look_again()
        except _FAILURES as error:
            if not self.done:
                raise
            raise Unfinished(self._told(steps, error)) from None

    def _made(self, steps: Sequence[Step]) -> Iterator[Step]:
        """Make the steps in their order. What holds grants is deleted together, because ending those takes time."""
        together = {
            section.name: [step for step in steps if step.section is section and step.action == "delete"]
            for section in (CLIENTS, PEOPLE)
        }
        for step in steps:
            batch = together.get(step.section.name, []) if step.action == "delete" else []
            if not batch:
                _HOW[step.section.name, step.action](self, step)
                yield step
            elif step is batch[0]:
                yield from self._deleted(batch)

    def _deleted(self, steps: Sequence[Step]) -> Iterator[Step]:
        is_clients = steps[0].section is CLIENTS
        find = self.desk.register.find_client if is_clients else self.desk.people.find
        for step in steps:
            _refuse_changed(step, find(step.name))
        before = [step.before for step in steps]
        if not is_clients:
            end_and_delete(self.desk, before)
            yield from steps
            return
        for step, _ in zip(steps, ended_and_deleted(self.desk, before), strict=True):
            yield step

    def add_client(self, step: Step) -> None:
        # Another client may have had this client_id in another deployment's time: nothing that it was allowed counts.
        self.desk.register.add_client(register.revoked(step.after, self.desk.clock()))

    def add_person(self, step: Step) -> None:
        if DynamoUsers(self.desk.people.table).find_account(step.after.sub) is not None:
            raise Refused(f"There is a user with the sub {step.after.sub} already.")
        # A sub from a file may have been a deleted account's. No session or grant of that one has this epoch, so none
        # comes back to life.
        now = self.desk.clock()
        account = replace(people.revoked(step.after, now), epoch=int(now))
        if not self.desk.people.add(account, step.password_hash or hash_password(step.generated), "imported"):
            raise Refused(f"There is a user {account.username} already.")

    def change_person(self, step: Step) -> None:
        before, after = step.before, step.after
        if after.is_disabled and not before.is_disabled:
            after = replace(people.revoked(after, self.desk.clock()), is_disabled=True)
            revocation.announce_end(self.desk.deployment, before)
            self.desk.people.change(before, after)
            end_everything(self.desk, after, keep_consents=True)
            return
        self.desk.people.change(before, after)
        if after.roles != before.roles:
            revocation.refuse_live_tokens(self.desk.deployment, after, self.desk.clock())
            self.with_other_roles.append(after)

    def _look_again(self) -> None:
        """A request that read an account just before its roles changed may still sign the old ones into a token."""
        if not self.with_other_roles:
            return
        self.desk.watch(f"Looking again in {revocation.FUNCTION_TIMEOUT} seconds for access tokens with old roles …")
        self.desk.sleep(revocation.FUNCTION_TIMEOUT)
        for account in self.with_other_roles:
            revocation.refuse_live_tokens(self.desk.deployment, account, self.desk.clock())

    def _told(self, steps: Sequence[Step], error: BaseException) -> str:
        reason = error.format_message() if isinstance(error, click.ClickException) else _reason(error)
        left = steps[len(self.done) :]
        told = f"{reason.rstrip('.')}. Done: {listed(self.done)}."
        if left:
            told += f" Not done: {listed(left)}."
        if left and left[0].section is PEOPLE and left[0].action == "change":
            told += (
                f" If {left[0].name} was changed in part, access tokens that they hold may be accepted until they "
                f"expire: `valet grants revoke --user {left[0].name}` ends them."
            )
        return f"{told} The same command completes the rest."


def listed(steps: Sequence[Step]) -> str:
    """The steps in words; of many, the first ones."""
    shown = ", ".join(f"{step.action} {step}" for step in steps[:_MOST_LISTED])
    return shown + (f", and {len(steps) - _MOST_LISTED} more" if len(steps) > _MOST_LISTED else "")


def _refuse_changed(step: Step, found: Client | Account | None) -> None:
    """Raises Refused if what is to be deleted is no longer what the operator was shown."""
    if found != step.before:
        raise Refused(f"The {step} was changed by another operator at this moment. Look at it and try again.")


def _reason(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "Stopped"
    return getattr(error, "detail", "") or str(error) or type(error).__name__


def _register(method: str) -> Callable[[Applying, Step], None]:
    """A step that is one method of the register: of what is added, of both when it changes, of what is deleted."""

    def make(applying: Applying, step: Step) -> None:
        models = [model for model in (step.before, step.after) if model is not None]
        getattr(applying.desk.register, method)(*models)

    return make


_HOW: Mapping[tuple[str, str], Callable[[Applying, Step], None]] = {
    **{(SCOPES.name, action): _register(f"{action}_scope") for action in ("add", "change", "delete")},
    **{(APIS.name, action): _register(f"{action}_api") for action in ("add", "change", "delete")},
    (POLICY.name, "change"): _register("change_policy"),
    (CLIENTS.name, "add"): Applying.add_client,
    (CLIENTS.name, "change"): _register("change_client"),
    (PEOPLE.name, "add"): Applying.add_person,
    (PEOPLE.name, "change"): Applying.change_person,
}
