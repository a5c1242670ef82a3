"""Operators at work: the real commands, on the world's tables. Each AWS call of theirs is a point to stop at as well.

What a command waits for is a call like any other: `Run` lets it return when no request is under way that an operator
need not reckon with any more.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from valet.aws.dynamodb.factors import DynamoFactors
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.sessions import DynamoSessions
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.errors import TemporarilyUnavailable
from valet.front_channel import joining, recovering
from valet.models.factors import Totp
from valet.people import passwords

from admin.commands import users as users_commands
from admin.commands.grants import revoke_clients
from admin.desk import Desk
from admin.records import revocation
from admin.records.people import People
from admin.records.register import Register
from admin.terminal.endings import Refused
from tests.promises.model.acts import ISSUER, Act
from tests.promises.model.processes import Answer
from tests.support.memory_table import Call

if TYPE_CHECKING:
    from tests.promises.model.world import World

WAIT = "wait"
# The commands as they are called once click has read the command line.
_set_password: Callable[..., None] = cast(Any, users_commands.set_password.callback).__wrapped__
_disable: Callable[..., None] = cast(Any, users_commands.disable.callback).__wrapped__
_sign_out: Callable[..., None] = cast(Any, users_commands.sign_out.callback).__wrapped__


@dataclass(frozen=True)
class Operator:
    """Stands where a function's handler does."""

    world: "World"
    act: Act

    def __call__(self, _event: Mapping[str, Any], _context: Any) -> Answer:
        try:
            self._do()
        except Refused as refused:
            return {"statusCode": 409, "body": refused.message, "headers": {}}
        except TemporarilyUnavailable:
            return {"statusCode": 503, "body": "", "headers": {}}
        return {"statusCode": 200, "body": "", "headers": {}}

    def _do(self) -> None:
        desk, act = self._desk(), self.act
        if act.kind == "set-password":
            _set_password(desk, act.username, is_stdin=False, is_generated=True, revoke=act.revokes)
        elif act.kind == "disable":
            _disable(desk, act.username)
        elif act.kind == "replace-second":
            factors, account = DynamoFactors(self.world.users), desk.people.account(act.username)
            factors.put_totp(account.sub, "another app", Totp(sealed_seed=b"another seed".ljust(20), last_step=0))
            assert factors.name_totp(account, "another app")
        elif act.kind == "sign-out":
            _sign_out(desk, act.username, revoke=True)
        else:
            revoke_clients(desk, [desk.register.client(act.client_id)])

    def _desk(self) -> Desk:
        world = self.world
        deployment = SimpleNamespace(
            issuer=ISSUER,
            sign_outs=_SignOuts(world),
            clock=lambda: world.now,
            random=world.draw,
            audit=world,
            registry=world.clients,
            users=world.users,
            grants_table=world.grants,
            grants=DynamoGrants(world.grants),
            sessions=DynamoSessions(world.grants),
            status_lists=DynamoStatusLists(world.grants),
        )
        desk = SimpleNamespace(
            deployment=deployment,
            people=People(world.users, cast(Any, world), lambda: world.now),
            register=Register.of(cast(Any, deployment)),
            clock=lambda: world.now,
            sleep=self._sleep,
            random=world.draw,
            confirm=_say_nothing,
            watch=_say_nothing,
            done=_say_nothing,
        )
        return cast(Desk, desk)

    def _sleep(self, seconds: float) -> None:
        self.world.wire(Call(WAIT, WAIT, str(seconds), False), lambda: None)


@dataclass(frozen=True)
class _SignOuts:
    """A queue whose messages come so late that nothing here may lean on them; sending one may fail."""

    world: "World"

    def send(self, _sign_out: Any, /, delay: int = 0) -> None:
        self.world.wire(Call("send", f"message#{delay}", "", False), lambda: None)


def _say_nothing(*_: Any, **__: Any) -> None:
    """To nobody."""


def _one_by_one(do: Callable[[Any], Any], each: Any) -> list[Any]:
    return [do(one) for one in each]


def kept_hash(password: str) -> str:
    """What is kept of a password here: Argon2id is slow by design, and tested elsewhere."""
    return sha256(password.encode()).hexdigest()


def _is_kept(kept: str, password: str) -> bool:
    return kept == kept_hash(password)


@contextmanager
def installed_commands(world: "World") -> Iterator[None]:
    """What the commands must not do here: hash for long, type, or start threads."""
    replaced: tuple[tuple[ModuleType, str, Any], ...] = (
        (passwords, "_is_password", _is_kept),
        (users_commands, "hash_password", kept_hash),
        (joining, "hash_password", kept_hash),
        (recovering, "hash_password", kept_hash),
        (users_commands, "read_password", lambda **_: world.typed()),
        (revocation, "_at_once", _one_by_one),
    )
    before = [getattr(module, name) for module, name, _ in replaced]
    for module, name, value in replaced:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(replaced, before, strict=True):
            setattr(module, name, value)
