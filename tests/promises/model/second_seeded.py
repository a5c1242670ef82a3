"""Design faults of the second factor, put into the running code on purpose: the model has to say what each breaks."""

from collections.abc import Callable
from typing import Any

import pytest
from valet import standing
from valet.aws.dynamodb.factors import DynamoFactors
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.front_channel import assurance, interaction, opening, step_up
from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.proofs import Proof
from valet.models.sessions import Session
from valet.people.sessions import is_over

from tests.promises.model.faults import Fault
from tests.promises.model.patches import Patch, weakened

ANOTHER = "a second factor of another session opens one"
NOT_IN_FORCE = "a second factor that is not in force opens a session"
HALF_WAY = "half way, and given a code"


def _on_any_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of the end-user and of the request, and whichever session of theirs the browser has will do."""
    original = step_up.find_base

    def find_base(proof: Proof, session: Session | None, account: Account, now: float) -> Session | None:
        return session and original(replace(proof, on=session.digest), session, account, now)

    monkeypatch.setattr(opening, "find_base", find_base)


def _on_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the session that it was given for is compared, nor the browser's own is the end-user's."""

    def find_base(_proof: Proof, session: Session | None, _account: Account, now: float) -> Session | None:
        return session if session is not None and not is_over(session, now) else None

    monkeypatch.setattr(opening, "find_base", find_base)


def _proof(change: Callable[[Proof, Account], Proof]) -> Patch:
    """What a proof of a second factor says is taken from the account itself."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = assurance.proof_stands

        def stands(kind: str, proof: Proof, account: Account | None) -> bool:
            is_second = kind == "second" and account is not None
            return original(kind, change(proof, account) if is_second and account else proof, account)

        monkeypatch.setattr(opening, "proof_stands", stands)

    return patch


def _no_epoch_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two would do alone: the proof's, and that of the session that it was given for."""
    _proof(lambda proof, account: replace(proof, epoch=account.epoch))(monkeypatch)
    monkeypatch.setattr(step_up, "account_stands", lambda *_: True)


def _counts_a_step(pk: str, sk: str, expression: str) -> bool:
    return pk.startswith("factor#") and expression.startswith("SET #last_step")


def _remembered_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that is remembered stands for a second factor for every client."""
    original = standing.has_reached

    def has_reached(session: Session, required: str, own: str, totp_id: str) -> bool:
        is_remembered = bool(totp_id) and session.remembered == totp_id
        return is_remembered or original(session, required, own, totp_id)

    monkeypatch.setattr(interaction, "has_reached", has_reached)


def _half_way_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assurance, "own_acr", lambda _: "")


def _half_way_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who types a password has taken the computer over."""
    monkeypatch.setattr(opening, "session_stands", lambda session, _: True)


def _opens_without_spending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the proof nor the session that it was given for ends by this attempt."""
    monkeypatch.setattr(DynamoProofs, "spend_proof", lambda *_: True)
    monkeypatch.setattr(opening, "_takes_over", lambda *_: True)


def _whoever_ended_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session that the second factor was given for may have ended meanwhile, by a sign-out."""

    def takes_over(ports: Any, base: Session | None, attempt: bytes, now: float) -> bool:
        if base is not None:
            ports.sessions.end(base.digest, attempt, now)
        return True

    monkeypatch.setattr(opening, "_takes_over", takes_over)


def _code_is_not_accepted_by_a_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read says whether a code was used."""
    original = DynamoFactors.accept_totp

    def accept(self: DynamoFactors, sub: str, totp_id: str, step: int, attempt: bytes) -> bool:
        found = self.find_totp(sub, totp_id)
        if found is None or found.last_step >= step:
            return False
        original(self, sub, totp_id, step, attempt)
        return True

    monkeypatch.setattr(DynamoFactors, "accept_totp", accept)


SECOND_FAULTS = (
    Fault("the session that it was given for is not compared", "second-left", ANOTHER, _on_any_session),
    Fault("no session is compared at all", "second-left", ANOTHER, _on_no_session),
    Fault(
        "the second factor need not be in force",
        "second-replaced",
        NOT_IN_FORCE,
        _proof(lambda proof, account: replace(proof, means=account.totp_id)),
    ),
    Fault(
        "no epoch is compared",
        "second-epoch",
        "a proof of an epoch that is over opens a session",
        _no_epoch_is_compared,
    ),
    Fault(
        "last_step is written without a condition",
        "second-code",
        "a code is accepted that was used before",
        weakened(_counts_a_step, "#last_step < :step"),
    ),
    Fault("a session that is half way is one", "second-twice", HALF_WAY, _half_way_stands),
    Fault("a remembered browser meets what a client requires", "second-remembered", HALF_WAY, _remembered_is_enough),
    Fault(
        "a password alone takes a browser over",
        "second-over-another",
        "a password alone signs somebody else out",
        _half_way_takes_over,
    ),
    Fault(
        "a second factor is spent by nobody",
        "second-twice",
        "a session is answered without a proof of its own",
        _opens_without_spending,
    ),
    Fault(
        "the session that it was given for may have ended",
        "second-back",
        "logged out, and a grant that lives by the session lives on",
        _whoever_ended_it,
    ),
)
