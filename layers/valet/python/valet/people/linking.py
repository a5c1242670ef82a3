"""Whose account an identity at another provider is: one rule, which reads and writes nothing (docs/providers.md).

An identity is the provider's issuer and the subject there. An address never signs anybody in, and links nothing by
itself except by the operator's word, between two addresses that are proven.
"""

import hashlib
from enum import Enum

from valet.frozen import Frozen
from valet.models.accounts import Account
from valet.models.providers import Identity, Link, Provider
from valet.people.identifiers import EMAIL, names_of, normal_address

VERIFIED = "verified"  # a provider's `links`: an account with the same proven address is linked without being asked


class Case(Enum):
    """What follows from a provider's word."""

    SIGN_IN = "the account names the identity"
    ASK = "the end-user began at their account page, and is asked there"
    LINK = "the provider alone gives out the address, and an account has proven it"
    HAS_ACCOUNT = "an account has the address: its end-user signs in to it first"
    CREATE = "nobody has the identity or the address"
    REFUSE = "nothing can be done"


class Why(Enum):
    """Why nothing can be done."""

    NO_ACCOUNT = "no account has the identity, and the provider makes none"
    DISABLED = "the account is disabled"
    OTHERS = "another account has the identity"
    OWN = "the account has the identity already"
    CHANGED = "the account was changed meanwhile"


class Known(Frozen):
    """What is known of an identity that came back from its provider."""

    provider: Provider
    identity: Identity
    link: Link | None = None  # as it is kept of the identity
    linked: Account | None = None  # that the link names
    found: Account | None = None  # that has proven the told address
    is_address_free: bool = True  # nobody has the told address, nor gave it up lately
    links_to: Account | None = None  # of the account page at which the trip began; None: it is a sign-in
    may_create: bool = True  # the client and the policy let people make accounts on the way to it


class Decision(Frozen):
    case: Case
    account: Account | None = None
    why: Why | None = None
    address: str = ""  # that a new account has


def link_name(provider_id: str, identity: Identity) -> str:
    """What an account calls the identity, and the key of its link: the provider, and a digest of who it is there."""
    whole = hashlib.sha256(identity.issuer.encode() + b"\0" + identity.subject.encode())
    return f"{provider_id}#{whole.hexdigest()}"


def provider_of(link: str) -> str:
    """The provider of the identity that an account calls so; empty for an empty one."""
    return link.partition("#")[0]


def names_link(account: Account | None, name: str, link: Link | None) -> bool:
    """Whether the link is in force: it is this account's, which still names it."""
    if account is None or link is None or account.deleted_at:
        return False
    return account.sub == link.sub and name in account.links


def has_proven(account: Account, address: str) -> bool:
    """Whether the account has this address as a name."""
    return bool(address) and names_of(account).get(normal_address(address)) == EMAIL


def decide(known: Known, now: float) -> Decision:
    """The rows of the table in docs/providers.md, in their order."""
    provider, identity = known.provider, known.identity
    name = link_name(provider.provider_id, identity)
    linked = known.linked if names_link(known.linked, name, known.link) else None
    if known.links_to is not None:
        if linked is None:
            return Decision(Case.ASK, known.links_to)
        return Decision(Case.REFUSE, linked, Why.OWN if linked.sub == known.links_to.sub else Why.OTHERS)
    if linked is not None:
        return _unless_disabled(Decision(Case.SIGN_IN, linked))
    if known.found is not None and has_proven(known.found, identity.email):
        case = Case.LINK if _may_link(provider, identity, known.found, now) else Case.HAS_ACCOUNT
        return _unless_disabled(Decision(case, known.found))
    if provider.creates and known.may_create:
        return Decision(Case.CREATE, address=identity.email if known.is_address_free else "")
    return Decision(Case.REFUSE, why=Why.NO_ACCOUNT)


def _may_link(provider: Provider, identity: Identity, account: Account, now: float) -> bool:
    """Whether the operator's word and the two proven addresses are enough. Not for an account with a passkey or a
    second factor, which a mailbox alone does not open; nor for one that is another identity's, whose provider may have
    been wrong about the address, or whose address this provider has given to another person since; nor while its
    address may still be given back to another.
    """
    is_protected = bool(account.passkeys or account.totp_id)
    is_anothers = bool(account.links)
    is_contested = bool(account.former_email) and account.former_until > now
    is_by_the_operators_word = provider.links == VERIFIED and identity.is_authoritative
    return is_by_the_operators_word and not is_protected and not is_anothers and not is_contested


def _unless_disabled(decision: Decision) -> Decision:
    account = decision.account
    return Decision(Case.REFUSE, account, Why.DISABLED) if account is not None and account.is_disabled else decision
