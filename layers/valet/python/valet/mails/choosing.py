"""Which mail a letter becomes, and to whom it goes: a pure rule over what the tables know.

Only the reader of a mailbox learns whether an account has its address. The person who asked is told nothing, and a mail
tells a stranger nothing but that somebody asked.
"""

from collections.abc import Callable, Mapping

from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.mails import ADDRESS, FIRST_MEANS, JOIN, NOTICE, RECOVER, UNDO, Letter, Mail
from valet.people.identifiers import proven_addresses
from valet.people.notices import DELETED, NOTICES

_HOUR, _DAY = 3600, 86_400
OLDEST = _HOUR  # seconds after which nobody waits for a mail that they asked for
CODE_LIFETIME = 600  # seconds: as long as the saved request that the code goes on with
# Seconds that the mail's link works, or what its code was exchanged for.
LIFETIMES: Mapping[str, int] = {
    JOIN: _DAY,
    RECOVER: 30 * 60,
    ADDRESS: 20 * 60,
    FIRST_MEANS: 20 * 60,
    UNDO: 7 * _DAY,
}


class Known(Frozen):
    """What the tables know of a letter."""

    holder: Account | None = None  # the account that has the letter's address
    is_reserved: bool = False  # no account has it, and none may take it yet
    subject: Account | None = None  # the account that the letter names


class Choice(Frozen):
    """One mail to be made: where it goes, what its words are about, and what is kept of it."""

    to: str
    words: str  # whose sentences it has: mail.<words>.subject and mail.<words>.text
    mail: Mail | None = None  # None: it has no secret at all
    has_link: bool = False
    has_code: bool = False


def choose(letter: Letter, known: Known, now: float) -> tuple[Choice, ...]:
    """The mails to send; none if nobody is to be told anything."""
    return _CHOICES[letter.purpose](letter, known, now)


def is_too_old(letter: Letter, now: float) -> bool:
    """Whether the end-user who asked has long stopped waiting. A notice is never too old."""
    return letter.purpose != NOTICE and letter.asked_ms / 1000 + OLDEST < now


def shows(letter: Letter, account: Account | None) -> bool:
    """Whether the account shows the change that the notice is about."""
    return account is not None and NOTICES[letter.what](account, letter.mark)


def _join(letter: Letter, known: Known, now: float) -> tuple[Choice, ...]:
    if known.holder is not None:
        # To the address as the account has it: the one that was typed may only look like it.
        return (Choice(known.holder.email, "have_account"),)
    if known.is_reserved:
        return (Choice(letter.address, "reserved"),)
    return (_asked(letter, letter.address, "join", None, now),)


def _recover(letter: Letter, known: Known, now: float) -> tuple[Choice, ...]:
    account = known.holder
    if account is None or account.is_disabled or account.deleted_at:
        return ()
    return (_asked(letter, account.email, "recover", account, now),)


def _address(letter: Letter, known: Known, now: float) -> tuple[Choice, ...]:
    account, holder = known.subject, known.holder
    if account is None or not _may_ask(account, letter):
        return ()
    if holder is not None and holder.sub != account.sub:
        return (Choice(holder.email, "address_taken"),)
    if known.is_reserved:
        return (Choice(letter.address, "reserved"),)
    return (_asked(letter, letter.address, "address", account, now),)


def _first_means(letter: Letter, known: Known, now: float) -> tuple[Choice, ...]:
    account = known.subject
    if account is None or not _may_ask(account, letter):
        return ()
    # The last one: the former address, while it can undo the change. A thief who changed the address gets no code.
    return tuple(
        _asked(letter, address, "first_means", account, now) for address in proven_addresses(account, now)[-1:]
    )


def _may_ask(account: Account, letter: Letter) -> bool:
    """Whether the session that asked still counts, because everything that an account has opened ends with its epoch.
    Such a mail is nothing but its code.
    """
    return bool(letter.key) and not account.is_disabled and not account.deleted_at and account.epoch == letter.epoch


def _asked(letter: Letter, to: str, words: str, account: Account | None, now: float) -> Choice:
    """A mail with a link, a code, or both: a link for what may be finished in any browser."""
    mail = Mail(
        letter.purpose,
        to,
        int(now) + LIFETIMES[letter.purpose],
        sub=account.sub if account else "",
        epoch=account.epoch if account else 0,
        place=letter.place,
        client_id=letter.client_id,
        locale=letter.locale,
    )
    return Choice(to, words, mail, has_link=letter.purpose in (JOIN, RECOVER), has_code=bool(letter.key))


def _notice(letter: Letter, known: Known, now: float) -> tuple[Choice, ...]:
    account = known.subject
    if account is None or not shows(letter, account):
        return ()
    words = letter.what.replace(".", "_")
    if letter.what == DELETED:
        return (Choice(letter.address, words),)  # there is nothing to undo
    if account.deleted_at:
        return ()
    return tuple(_undoable(letter, address, words, account, now) for address in proven_addresses(account, now))


def _undoable(letter: Letter, to: str, words: str, account: Account, now: float) -> Choice:
    mail = Mail(UNDO, to, int(now) + LIFETIMES[UNDO], sub=account.sub, epoch=account.epoch, locale=letter.locale)
    return Choice(to, words, mail, has_link=True)


_CHOICES: Mapping[str, Callable[[Letter, Known, float], tuple[Choice, ...]]] = {
    JOIN: _join,
    RECOVER: _recover,
    ADDRESS: _address,
    FIRST_MEANS: _first_means,
    NOTICE: _notice,
}
