"""A device that polls, and people who answer it: one answer, one redemption (RFC 8628; M1)."""

from collections.abc import Callable

from tests.promises.model import acts, devices
from tests.promises.model.acts import Act
from tests.promises.model.processes import Fate
from tests.promises.model.run import Run, Scenario, Sender
from tests.promises.model.stage import SESSION, SESSION_OF_JANE, Stage
from tests.promises.model.world import installed

_JOHN, _JANE = "end-user", "another end-user"
_SESSIONS = {_JOHN: SESSION, _JANE: SESSION_OF_JANE}
# A person's request, and a poll, meet a fault at a write; the others are walked for codes.
_FATES = (Fate.KILLED, Fate.RESENT, Fate.DELAYED, Fate.UNKNOWN, Fate.LATE)


# Who sends what.


def device_polls(run: Run) -> Act | None:
    return devices.poll(run.stage.device) if run.stage.device and not run.held else None


def device_polls_again(run: Run) -> Act | None:
    return devices.poll(run.stage.device) if run.stage.device else None


def says(decision: str, who: str = _JOHN) -> Callable[[Run], Act | None]:
    def act(run: Run) -> Act | None:
        assert run.stage.device
        return devices.answers(run.stage.device, _SESSIONS[who], decision, actor=who)

    return act


def signs_out(run: Run) -> Act | None:
    return acts.log_out(devices.BROWSER, SESSION, actor=_JOHN)


# Where it begins.


def asking() -> Stage:
    return Stage.empty("tv").asking()


def asking_for_a_session() -> Stage:
    """What it asks for ends with the person's session."""
    return Stage.empty("tv", "openid items").asking()


def allowed() -> Stage:
    """John has said yes."""
    stage = asking()
    assert stage.device
    with installed(stage.world):
        stage.answer(devices.answers(stage.device, SESSION, "allow", actor=_JOHN))
    return stage


def about_to_expire() -> Stage:
    stage = asking()
    stage.world.now += 590
    return stage


_SEEN = ("device_code",)


def device_is_told(run: Run) -> None:
    """When nobody answers any more, the device is told what was answered first; the ledger knows what that was."""
    run.world.now += 6
    assert run.stage.device
    process = run.world.begin(devices.poll(run.stage.device), sandbox=99, number=999)
    while process.waiting is not None:
        run.world.resume(process, Fate.RUN)
    run.ledger.answered(process)
    run.ledger.check()


DEVICE_SCENARIOS = (
    Scenario(
        "device-answers",
        "a person says yes and no to a device, and another says yes",
        asking,
        (
            Sender("yes", 1, says("allow")),
            Sender("no", 1, says("deny")),
            Sender("another's yes", 1, says("allow", _JANE)),
        ),
        seen=_SEEN,
        after=device_is_told,
    ),
    Scenario(
        "device-faults",
        "a person says yes, and a device polls, with a fault",
        asking,
        (Sender("yes", 1, says("allow")), Sender("device", 1, device_polls)),
        faults=1,
        fates=_FATES,
        seen=_SEEN,
        after=device_is_told,
    ),
    Scenario(
        "device-no",
        "a person says no, and another yes, with a fault",
        asking,
        (Sender("no", 1, says("deny")), Sender("yes", 1, says("allow", _JANE))),
        faults=1,
        fates=_FATES,
        seen=_SEEN,
        after=device_is_told,
    ),
    Scenario(
        "device-polls",
        "a device that was allowed polls twice, at once or later, and once more when it has its tokens",
        allowed,
        (Sender("device", 2, device_polls_again),),
        ticks=(6.0,),
        seen=_SEEN,
        after=device_is_told,
    ),
    Scenario(
        "device-expires",
        "a person says yes in the last seconds, and a device polls until after the end",
        about_to_expire,
        (Sender("yes", 1, says("allow")), Sender("device", 1, device_polls)),
        ticks=(11.0,),
        seen=_SEEN,
        after=device_is_told,
    ),
    Scenario(
        "device-logout",
        "a person says yes to what ends with the session, and signs out",
        asking_for_a_session,
        (
            Sender("yes", 1, says("allow")),
            Sender("logout", 1, signs_out),
            Sender("device", 1, device_polls),
        ),
        seen=_SEEN,
    ),
)
DEEP_DEVICE_SCENARIOS = (
    Scenario(
        "deep-device",
        "two people answer a device, one of them twice, while it polls, with a fault",
        asking,
        (
            Sender("yes", 2, says("allow")),
            Sender("another's no", 1, says("deny", _JANE)),
            Sender("device", 3, device_polls_again),
        ),
        faults=1,
        fates=_FATES,
        ticks=(6.0, 6.0),
        seen=_SEEN,
    ),
)
