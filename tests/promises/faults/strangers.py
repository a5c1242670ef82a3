"""What must hold after a fault for clients that no operator registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from valet.aws.dynamodb.dynamic_clients import DynamoInvites

from tests.promises.counts.strangers import INVITE, ask_host
from tests.promises.faults.injection import Fault
from tests.support.strangers import answering

if TYPE_CHECKING:
    from tests.promises.faults.aftermath import Run

_HOLDS_OTHERS_UP = 6  # seconds; a fetch that was begun holds up the next one for five


def after_document(run: Run) -> None:
    """On to the consent page and to the code, by a document that was kept whole."""
    from tests.promises.faults.aftermath import after_step_to_the_next_page

    if run.fault is Fault.LATE:
        with answering(run.world.deployment, ask_host):
            run.land()
    run.world.deployment.clock.advance(_HOLDS_OTHERS_UP)
    after_step_to_the_next_page(run)


def after_registration(run: Run) -> None:
    """A client that is there. One whose answer was lost ends by itself."""
    answer = run.settled()
    assert answer.status == 201, answer
    found = run.world.deployment.server.registry.find_client(answer.json()["client_id"])
    assert found is not None
    assert found.is_unknown


def after_invited_registration(run: Run) -> None:
    """An invite loses no more than the one use of a registration that was never answered."""
    after_registration(run)
    invite = DynamoInvites(run.world.deployment.table("Grants")).find_invite(INVITE)
    assert invite is not None
    is_lost = run.is_open
    assert len(invite.spent) <= (2 if is_lost else 1)


def after_refusal(run: Run) -> None:
    assert run.settled().status == 400


STRANGERS: dict[str, Callable[[Run], None]] = {
    "authorize_document": after_document,
    "authorize_known_document": after_document,
    "register": after_registration,
    "register_invited": after_invited_registration,
    "register_refused": after_refusal,
}
