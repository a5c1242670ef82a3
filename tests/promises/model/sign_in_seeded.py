"""Design faults of signing in, put into the running code on purpose: the model has to say what each breaks."""

from collections.abc import Callable
from typing import Any

import pytest
from valet import handles, revocation
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.aws.dynamodb.table import ConditionFailed, item_from_model
from valet.front_channel import assurance, interaction, opening, proving, saved_requests
from valet.front_channel.saved_requests import Saved
from valet.frozen import replace
from valet.models.accounts import Account
from valet.models.proofs import Place, Proof
from valet.models.sessions import Session
from valet.people.cookies import browser_secret

from tests.promises.model.faults import Fault
from tests.promises.model.patches import Patch, without
from tests.support.memory_table import MemoryTable

NOT_PROVEN = "a session is answered without a proof of its own"
OLDER = "an older sign-in takes the place of a newer one"
FOREIGN = "a proof of another browser or request opens a session"


def _proofs_are_put_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    original = MemoryTable.put

    def put(self: MemoryTable, item: Any, condition: str = "", values: Any = None) -> None:
        original(self, item, "" if item["pk"].startswith("proof-") else condition, values)

    monkeypatch.setattr(MemoryTable, "put", put)


def _a_proof_is_new_unless_it_was_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second copy of it is known; a first that is late is not."""

    def put_proof(self: DynamoProofs, place: Place, proof: Proof) -> int:
        item = item_from_model(proof, f"proof-{place.kind}#{place.digest.hex()}", "proof")
        kept = [name for name in item if name not in ("pk", "sk")]
        try:
            self.table.update(
                item["pk"],
                "proof",
                f"SET {', '.join(f'#{name} = :{name}' for name in kept)} REMOVE #spent_by ADD #seen :this",
                {**{f":{name}": item[name] for name in kept}, ":this": {proof.proof_id}},
                "NOT contains(#seen, :proof_id)",
            )
        except ConditionFailed:
            return 0
        return 0

    monkeypatch.setattr(DynamoProofs, "put_proof", put_proof)


def _the_first_of_one_moment_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoProofs.put_proof

    def put_proof(self: DynamoProofs, place: Place, proof: Proof) -> int:
        original(self, place, proof)
        return 0

    monkeypatch.setattr(DynamoProofs, "put_proof", put_proof)


def _standing(change: Callable[[Proof, Account], Proof]) -> Patch:
    """What a proof says is taken from the account itself."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = assurance.proof_stands

        def stands(kind: str, proof: Proof, account: Account | None) -> bool:
            return account is not None and original(kind, change(proof, account), account)

        monkeypatch.setattr(opening, "proof_stands", stands)

    return patch


def _is_spent_whatever_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoProofs.spend_proof

    def spend(self: DynamoProofs, *arguments: Any) -> bool:
        original(self, *arguments)
        return True

    monkeypatch.setattr(DynamoProofs, "spend_proof", spend)


def _opens_without_spending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DynamoProofs, "spend_proof", lambda *_: True)


def _place_is_of_the_request_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the two would do alone: that a request is bound to its browser, and that a proof is."""

    def of_any_browser(handle: str, found: Any, request: Any, cookies: Any, now: float) -> Saved:
        return saved_requests._saved(handle, found, browser_secret(request, cookies) or "")

    monkeypatch.setattr(saved_requests, "_of_this_browser", of_any_browser)
    monkeypatch.setattr(proving, "place_of", lambda handle, _: handles.place_of(handle, ""))


def _place_is_of_the_browser_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "place_of", lambda _, browser: handles.place_of("", browser))


def _former_session_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_end_own", lambda *_: None)


def _former_grants_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocation, "end_grants", lambda *_: 0)


def _continuing(change: Callable[[tuple[Session, ...], Proof], tuple[Session, ...]]) -> Patch:
    """The new session sees other former ones."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = opening._session

        def session(
            ports: Any, saved: Any, proof: Proof, acr: str, digest: bytes, replaced: Any, now: float
        ) -> Session:
            return original(ports, saved, proof, acr, digest, change(replaced, proof), now)

        monkeypatch.setattr(opening, "_session", session)

    return patch


def _any_session_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def needs_login(request: Any, session: Session | None, *_: Any) -> bool:
        return session is None or not interaction._is_meant(request, session)

    monkeypatch.setattr(interaction, "needs_login", needs_login)


def _proofs_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_FRESH", 600)


SIGN_IN_FAULTS = (
    Fault(
        "a spent proof is spent again",
        "sign-in-twice",
        "one proof, spent twice",
        without(" AND attribute_not_exists(#spent_by)", step="spend"),
    ),
    Fault(
        "a session is kept though another spent its proof", "sign-in-twice", NOT_PROVEN, _is_spent_whatever_was_there
    ),
    Fault("a session opens and its proof is not spent", "sign-in-twice", NOT_PROVEN, _opens_without_spending),
    Fault(
        "the proof that was read need not be the one that is spent",
        "sign-in-shared",
        "a session of another than the one who proved it",
        without("#proof_id = :proof AND ", step="spend"),
    ),
    Fault("proofs are put as they come", "sign-in-late", "a spent proof becomes new", _proofs_are_put_as_they_come),
    Fault("a late first try counts as new", "sign-in-back", OLDER, _a_proof_is_new_unless_it_was_here),
    Fault(
        "of two proofs of one moment the first stands",
        "sign-in-late",
        "signed in as the one who proved before",
        _the_first_of_one_moment_stands,
    ),
    Fault(
        "a proof's epoch is not compared",
        "sign-in-epoch",
        "a proof of an epoch that is over opens a session",
        _standing(lambda proof, account: replace(proof, epoch=account.epoch)),
    ),
    Fault(
        "a proof's password need not be in force",
        "sign-in-password",
        "a password that is not in force opens a session",
        _standing(lambda proof, account: replace(proof, means=account.password_id)),
    ),
    Fault("a proof is of its request alone", "sign-in-links", FOREIGN, _place_is_of_the_request_alone),
    Fault("a proof is of its browser alone", "sign-in-links", FOREIGN, _place_is_of_the_browser_alone),
    Fault(
        "the browser's former session lives on",
        "sign-in-again",
        "a new session, and the browser's former one lives on",
        _former_session_lives_on,
    ),
    Fault(
        "the grants of who was signed in before live on",
        "sign-in-over-another",
        "logged out, and a grant that lives by the session lives on",
        _former_grants_live_on,
    ),
    Fault(
        "a new sign-in of the same person has a new sid",
        "sign-in-again",
        "the same person again, and another sid",
        _continuing(lambda _, __: ()),
    ),
    Fault(
        "another person goes on under the sid",
        "sign-in-over-another",
        "a new sign-in has a sid that was there before",
        _continuing(lambda replaced, proof: tuple(replace(each, sub=proof.sub) for each in replaced)),
    ),
    Fault(
        "the session that was there counts as a new sign-in",
        "sign-in-again",
        "a new sign-in was asked for, and there was none",
        _any_session_will_do,
    ),
    Fault(
        "a proof waits in the history",
        "sign-in-slow",
        "a proof opens a session long after it was left",
        _proofs_wait_for_long,
    ),
)
