"""What must hold after a fault of a request by which people join or set a forgotten password.

Once they have tried again, there is one account for an address, which its owner can sign in to, and one password in
force.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from valet.models.accounts import Account

from tests.promises.counts.mail_requests import ADDRESS, JOHN, NEW
from tests.promises.faults.aftermath import Run
from tests.promises.faults.injection import Fault
from tests.support.browser import form_of, forms_of
from tests.support.deployment import queue_arn
from tests.support.joining import ADA, PASSWORD, Person, signs_in
from tests.support.mailbox import Mailbox
from tests.support.wire import Answer
from tests.support.world import World


def _account_of(world: World, address: str = ADA) -> Account | None:
    identifier = world.deployment.users().find_identifier(address.lower())
    return world.deployment.users().find_account(identifier.sub) if identifier else None


def _letters(world: World) -> int:
    return len(world.deployment.aws.queues.named(queue_arn("Mail")).messages)


def _signs_in(world: World, name: str, password: str) -> bool:
    return signs_in(world.deployment, world.web_app, name, password)


def after_begun(run: Run) -> None:
    answer = run.settled()
    assert urlsplit(answer.location).path == "/join"
    assert "address" in form_of(run.world.browser.follow(answer)).names


def after_page(run: Run) -> None:
    assert forms_of(run.settled())


def after_asking(run: Run) -> None:
    """A mail is on its way: at least one."""
    assert "is on its way" in run.settled().body
    assert _letters(run.world) >= 1


def after_code(run: Run) -> None:
    """On to the page of the link, where the account can be made."""
    world, answer = run.world, run.settled()
    assert urlsplit(answer.location).path == "/join/confirm"
    _assert_joins(world, world.browser.get(answer.location))


def after_wrong_code(run: Run) -> None:
    """Tries are counted, at worst one too many. The mail's link works all the same."""
    assert run.settled().status == 400
    assert _account_of(run.world) is None


def after_joining(run: Run) -> None:
    """One account has the address. Its owner is at the app, or signs in with what they have just chosen."""
    world, answer = run.world, run.settled()
    assert answer.status == 303
    account = _account_of(world)
    assert account is not None
    assert (account.name, account.email) == ("Ada", ADA)
    page = world.browser.follow(answer)
    if "new_password" not in page.body and 'name="password"' in page.body:
        page = world.browser.sign_in(page, ADA, PASSWORD)
    assert "code" in (world.browser.decide(page) if page.is_page else page).answered
    assert _signs_in(world, ADA, PASSWORD)


def after_joining_by_passkey(run: Run) -> None:
    """The account has the passkey; or none was made, and the link still makes one."""
    world, answer = run.world, run.settled()
    account = _account_of(world)
    if account is None:
        assert answer.status == 400, "no account, and the page does not say so"
        assert run.call in ("PutItem passkey", "PutItem account", "PutItem identifier")
        _assert_joins(world, answer)
        return
    # The last write of the first try may land after the second one was told that there is no account.
    assert answer.status == 303 or run.fault is Fault.LATER
    assert (len(account.passkeys), account.has_no_password) == (1, True)
    (digest,) = account.passkeys
    passkey = world.deployment.server.passkeys.find_passkey(digest)
    assert passkey is not None
    assert passkey.sub == account.sub


def _assert_joins(world: World, page: Answer) -> None:
    person = Person(world.deployment, Mailbox(world.deployment), world.web_app, world.browser, world.web_app.ask())
    world.browser.follow(person.joins(page))
    assert _signs_in(world, ADA, PASSWORD)


def after_reset(run: Run) -> None:
    """The new password is in force and the old one is not, by one write, however often it was tried."""
    world, answer = run.world, run.settled()
    assert answer.status == 303 or run.may_be_spent_by("UpdateItem account", "DeleteItem password")
    account = world.deployment.users().find_account(JOHN)
    assert account is not None
    assert account.epoch == 1
    assert _signs_in(world, ADDRESS, NEW)
    assert not _signs_in(world, "john", "password123")


def after_first_of_two_proofs(run: Run) -> None:
    answer = run.settled()
    assert urlsplit(answer.location).path == "/authorize"
    kinds = [item["pk"]["S"].partition("#")[0] for item in run.world.deployment.everything()]
    assert "proof-mail" in kinds
    assert "session" not in kinds


MAIL_AFTERMATH: dict[str, Callable[[Run], None]] = {
    "join_begun": after_begun,
    "join_page": after_page,
    "join_asked": after_asking,
    "join_code": after_code,
    "join_code_wrong": after_wrong_code,
    "join_link": after_page,
    "joined": after_joining,
    "joined_by_passkey": after_joining_by_passkey,
    "recover_link": after_page,
    "recovered": after_reset,
    "recovered_without_password": after_first_of_two_proofs,
}
