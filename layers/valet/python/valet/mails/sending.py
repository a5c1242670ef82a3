"""A letter, sent: read what it is about, choose, keep what the mail can be used by, then hand it to the mailer.

May be done again at any time. A second copy has secrets of its own; those of both work until one is used.
"""

from typing import Protocol

from valet.frozen import replace
from valet.handles import digest, new_handle
from valet.mails.choosing import CODE_LIFETIME, Choice, Known, choose, is_too_old, shows
from valet.mails.composing import Reader, Secrets, compose
from valet.models.accounts import Account
from valet.models.mails import ADDRESS, JOIN, NOTICE, RECOVER, Letter, MailCode
from valet.pages.words import find_language, offered
from valet.people.identifiers import TAKEN_AGAIN_AFTER, is_address, is_found_by, normal_address
from valet.people.mail_codes import hmac_of_code, new_code, place_of_code
from valet.people.mail_throttling import NoticePorts, may_tell
from valet.ports.accounts import HasAccounts, HasIdentifiers
from valet.ports.clients import HasRegistry
from valet.ports.mails import HasLetters, HasMailer, HasMails
from valet.ports.runtime import HasRandom

AGAIN = 30  # seconds until the second look at a change, longer than any function runs that makes one
_LOOKS = 2


class Ports(
    NoticePorts, HasAccounts, HasIdentifiers, HasRegistry, HasMails, HasLetters, HasMailer, HasRandom, Protocol
):
    """The ports that a letter is sent through."""


def send(ports: Ports, letter: Letter, now: float) -> None:
    """Send the mails of the letter. Raises TemporarilyUnavailable, and then the letter has to come again."""
    if is_too_old(letter, now):
        _failed(ports, letter, "asked for more than an hour ago")
        return
    known = _known(ports, letter, now)
    if letter.purpose == NOTICE and not shows(letter, known.subject):
        if letter.look < _LOOKS and ports.letters is not None:
            ports.letters.send(replace(letter, look=letter.look + 1), AGAIN)
        return
    chosen = choose(letter, known, now)
    if not chosen or (letter.purpose == NOTICE and not may_tell(ports, letter.sub, letter.what, now)):
        return
    reader = _reader(ports, letter, known)
    for choice in chosen:
        _send_one(ports, replace(letter, locale=reader.language), choice, reader, now)


def _send_one(ports: Ports, letter: Letter, choice: Choice, reader: Reader, now: float) -> None:
    if not is_address(choice.to):  # an operator may have registered any
        _failed(ports, letter, "not an address that SES sends to")
        return
    secrets = Secrets()
    if choice.mail is not None:
        token = new_handle(ports.random)
        ports.mails.put_mail(digest(token), replace(choice.mail, locale=letter.locale))
        secrets = Secrets(token if choice.has_link else "", new_code(ports.random) if choice.has_code else "")
        if secrets.code and not _keep_code(ports, letter, token, secrets.code, now):
            return  # the same browser has asked for a newer mail
    refusal = ports.mailer.send(compose(letter, choice, reader, secrets))
    if refusal:
        _failed(ports, letter, refusal)
    else:
        ports.audit.record("mail.sent", purpose=letter.purpose, what=letter.what, sub=_sub(choice))


def _keep_code(ports: Ports, letter: Letter, token: str, code: str, now: float) -> bool:
    key = bytes.fromhex(letter.key)
    kept = MailCode(digest(token).hex(), letter.asked_ms, hmac_of_code(key, code), int(now) + CODE_LIFETIME)
    return ports.mails.put_code(place_of_code(key), kept)


def _known(ports: Ports, letter: Letter, now: float) -> Known:
    subject = ports.accounts.find_account(letter.sub) if letter.sub else None
    if letter.purpose not in (JOIN, RECOVER, ADDRESS):
        return Known(subject=subject)
    name = normal_address(letter.address)
    identifier = ports.identifiers.find_identifier(name)
    if identifier is None:
        return Known(subject=subject)
    found = subject if identifier.sub == letter.sub else ports.accounts.find_account(identifier.sub)
    if found is not None and is_found_by(found, name, identifier) and _has_proven(found, name):
        return Known(found, subject=subject)
    is_free = 0 < identifier.released_at < now - TAKEN_AGAIN_AFTER or identifier.sub == letter.sub
    return Known(is_reserved=not is_free, subject=subject)


def _has_proven(account: Account, name: str) -> bool:
    """Whether the name is the account's own proven address. Its username may look like one. A deleted one has none."""
    return account.email_verified and normal_address(account.email) == name and not account.deleted_at


def _reader(ports: Ports, letter: Letter, known: Known) -> Reader:
    policy = ports.registry.policy()
    account = known.holder or known.subject
    wanted = tuple(each for each in (letter.locale, account.locale if account else "") if each)
    language = find_language(wanted, offered(policy.languages)) or policy.default_language
    return Reader(language, policy, ports.registry.find_client(letter.client_id) if letter.client_id else None)


def _failed(ports: Ports, letter: Letter, detail: str) -> None:
    ports.audit.record("mail.failed", purpose=letter.purpose, what=letter.what, sub=letter.sub, detail=detail)


def _sub(choice: Choice) -> str:
    return choice.mail.sub if choice.mail else ""
