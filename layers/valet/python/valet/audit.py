"""Every event that Valet logs: its fields, what it counts in, what it means (docs/operations.md, "Events").

An event that is not in this table does not exist: the type checker refuses its name, and a test refuses a field that is
not named here. Fields that every line may have, where they are known, are in EVERYWHERE.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from valet.frozen import Frozen

EventName = Literal[
    "account.changed",
    "account.created",
    "account.deleted",
    "account.downloaded",
    "address.changed",
    "address.proven",
    "api.changed",
    "change.undone",
    "client.changed",
    "client.registered",
    "client_keys.failed",
    "client_keys.fetched",
    "code.issued",
    "code.repeated",
    "code.replayed",
    "code.resubmitted",
    "code.throttled",
    "consent.denied",
    "consent.granted",
    "device.approved",
    "device.asked",
    "device.denied",
    "device.guessed",
    "document.fetched",
    "document.refused",
    "enrolment.required",
    "grant.revoked",
    "hosts.changed",
    "invite.made",
    "key.announced",
    "key.deleted",
    "key.dropped",
    "key.ended",
    "key.left",
    "key.made",
    "key.rotated",
    "key.withdrawn",
    "keys.checked",
    "lane.changed",
    "link.added",
    "link.removed",
    "login.begun",
    "login.failed",
    "login.succeeded",
    "login.throttled",
    "logout.refused",
    "logout.told",
    "logout.unannounced",
    "mail.failed",
    "mail.sent",
    "mail.throttled",
    "nonce.failed",
    "passkey.added",
    "passkey.refused",
    "passkey.removed",
    "password.changed",
    "password.reset",
    "password.unchecked",
    "policy.changed",
    "provider.changed",
    "recovery.made",
    "recovery.used",
    "refresh.retried",
    "refresh.reused",
    "refresh.throttled",
    "request.failed",
    "request.pushed",
    "request.refused",
    "request.replayed",
    "resource.refused",
    "rotate_keys.by_hand",
    "scope.changed",
    "scope.refused",
    "second.added",
    "second.failed",
    "second.removed",
    "second.throttled",
    "session.ended",
    "signing.failed",
    "token.issued",
    "token.refreshed",
    "token.revoked",
    "upstream.refused",
    "user.changed",
]

Metric = Literal[
    "KeyOverdue",
    "KeysMovedByHand",
    "LoginsFailed",
    "LoginsSucceeded",
    "LoginsThrottled",
    "ReplaysDetected",
    "ScopesRefused",
    "SigningsFailed",
    "TokensIssued",
    "TokensRefreshed",
]

# These fields identify a request, its client and its end-user. Every line has `event`, and the others if known.
EVERYWHERE = frozenset({"event", "request_id", "source_ip", "client_id", "sub", "grant_id"})


class Event(Frozen):
    """One kind of line in the log."""

    meaning: str
    fields: frozenset[str] = frozenset()  # in addition to EVERYWHERE
    metric: Metric | None = None
    measured: str = ""  # the field that holds the metric's value; empty: the line counts as one


def _event(meaning: str, fields: str = "", metric: Metric | None = None, measured: str = "") -> Event:
    return Event(meaning, frozenset(fields.split()), metric, measured)


# An operator's operation, their ARN, the members that changed, and the values before and after.
_CHANGE = "deed operator members before after"

# A step of the rotation: the key and its algorithm, the reason, and the key that signs in its place or by default.
_STEP = "kid alg reason signing"

EVENTS: Mapping[EventName, Event] = MappingProxyType(
    {
        "account.changed": _event("An end-user changed claims about themselves: the field names them.", "members"),
        "account.created": _event(
            "An account was made, by its end-user's address or by another provider's word.", "provider"
        ),
        "account.deleted": _event("An end-user deleted their account."),
        "account.downloaded": _event("An end-user downloaded what is kept about them."),
        "address.changed": _event("An end-user changed their email address."),
        "address.proven": _event("An end-user proved that an email address is theirs."),
        "api.changed": _event("An operator changed a protected API.", f"{_CHANGE} audience"),
        "change.undone": _event(
            "An end-user undid a change by mail: the address is theirs again, and the password is void."
        ),
        "client.changed": _event("An operator changed a client.", _CHANGE),
        "client.registered": _event(
            "A client registered itself: where its answers go, and by which invite, if it needed one.", "host by"
        ),
        "client_keys.failed": _event(
            "The keys at a client's jwks_uri could not be fetched, for more than an hour or never; age is that of the "
            "kept keys, in seconds.",
            "detail age",
        ),
        "client_keys.fetched": _event("Other keys than before were fetched from a client's jwks_uri.", "keys"),
        "code.issued": _event("An authorization code went to a client."),
        "code.repeated": _event("A browser sent its request again within ten seconds, and was answered the same code."),
        "code.replayed": _event("A used code came again: the grant is revoked.", metric="ReplaysDetected"),
        "code.resubmitted": _event("A code came twice within ten seconds; the second was refused, nothing else."),
        "code.throttled": _event(
            "A client asked for too many codes for one person in a quarter of an hour: refused, nothing is spent."
        ),
        "consent.denied": _event("An end-user said no."),
        "consent.granted": _event("An end-user allowed a client a scope.", "scope"),
        "device.approved": _event(
            "A person said yes to a device: from this address, of a device at that one, in one network or not.",
            "device_ip same_network scope",
        ),
        "device.asked": _event("A device asks for a person's yes, and has its codes.", "scope"),
        "device.denied": _event("A person said no to a device.", "device_ip same_network"),
        "device.guessed": _event("A user code that no device waits with; the person may try a few times more."),
        "document.fetched": _event("The document of a client was fetched, and is new or says something else.", "host"),
        "document.refused": _event(
            "The document of a client could not be fetched, or breaks a rule. Nothing of it is kept.", "host reason"
        ),
        "enrolment.required": _event(
            "An end-user lacks the means for the level that is required, and was sent to make them.", "acr"
        ),
        "grant.revoked": _event("A grant ended before its time.", "revoked_for operator"),
        "hosts.changed": _event("An operator trusted or refused a host of clients that nobody registered.", _CHANGE),
        "invite.made": _event(
            "An operator made an initial access token, by which clients register themselves.", _CHANGE
        ),
        "key.announced": _event("A new signing key is in the JWK Set.", "kid key_id"),
        "key.deleted": _event("The record of a key that is no longer needed was deleted.", _STEP),
        "key.dropped": _event("An emergency took a key out of the JWK Set.", _STEP),
        "key.ended": _event("This key cannot sign any more.", "kid key_id"),
        "key.left": _event("This stack may not end the key: an administrator has to.", "kid key_id"),
        "key.made": _event("A signing key was made.", "kid key_id"),
        "key.rotated": _event("Another key signs from now on.", _STEP),
        "key.withdrawn": _event("A standby that the settings no longer ask for was removed.", _STEP),
        "keys.checked": _event(
            "The hourly run is done; how far a signing key is over its period, in days.",
            "kid overdue_days",
            "KeyOverdue",
            "overdue_days",
        ),
        "lane.changed": _event("An algorithm's keys begin to sign, sign by default from now on, or have ended.", _STEP),
        "link.added": _event("An end-user linked an identity at another provider to their account.", "provider"),
        "link.removed": _event(
            "A link to an identity at another provider was removed, by its end-user or by an operator.",
            "provider operator",
        ),
        "login.begun": _event(
            "An end-user has shown one factor, by these methods, and their account asks for another: nobody is signed "
            "in yet.",
            "amr",
        ),
        "login.failed": _event("A wrong password, or no such account.", metric="LoginsFailed"),
        "login.succeeded": _event(
            "An end-user signed in, by these methods (RFC 8176), or by the word of this other provider.",
            "amr provider",
            metric="LoginsSucceeded",
        ),
        "login.throttled": _event("Too many wrong passwords: the password was not checked.", metric="LoginsThrottled"),
        "logout.refused": _event(
            "A client was not told of a logout at this try: when comes the next one, in seconds; without one, the "
            "message is in the dead-letter queue.",
            "sid detail age next_in",
        ),
        "logout.told": _event("A client was told that a session has ended; how long ago, in seconds.", "sid age"),
        "logout.unannounced": _event(
            "The queue of sign-outs was out of reach: what was signed out ends all the same, but no client is told.",
            "sid detail",
        ),
        "mail.failed": _event(
            "A mail was not sent and will not be: SES refused it, it waited too long, or its queue was out of reach.",
            "purpose what detail",
        ),
        "mail.sent": _event("A mail was sent; no line has the address.", "purpose what"),
        "mail.throttled": _event(
            "Too many mails were asked for, for one address, from one network or in all, or there are too many notices"
            " of one kind for one account: none is sent.",
            "purpose bound",
        ),
        "nonce.failed": _event(
            "KMS made no nonce (throttled, disabled, denied). The DPoP proof needed none, and was judged by its time.",
            "detail",
        ),
        "password.changed": _event("An end-user changed their password."),
        "password.reset": _event("An end-user set a new password by a mail."),
        "password.unchecked": _event(
            "Pwned Passwords gave no answer about a new password, which was accepted without it.", "detail"
        ),
        "policy.changed": _event("An operator changed the policy for people.", _CHANGE),
        "provider.changed": _event(
            "An operator changed another provider that people sign in with.", f"{_CHANGE} provider"
        ),
        "passkey.added": _event("An end-user added a passkey."),
        "passkey.refused": _event("What a passkey signed was refused; nothing is spent.", "detail"),
        "passkey.removed": _event("A passkey was removed, by its end-user or by an operator.", "operator"),
        "recovery.made": _event("An end-user made new recovery codes."),
        "recovery.used": _event("An end-user used a recovery code; how many are left.", "left"),
        "refresh.retried": _event("A client that lost an answer got it again.", "user_agent"),
        "refresh.reused": _event("An old refresh token came: the grant is revoked.", metric="ReplaysDetected"),
        "refresh.throttled": _event("A grant was refreshed too often: refused, the token stays good.", "user_agent"),
        "request.failed": _event("A defect of Valet, answered as 500.", "failure at"),
        "request.pushed": _event("A client pushed an authorization request."),
        "request.refused": _event(
            "A refusal that a person saw as a page, or whose reason the client does not learn.", "error detail"
        ),
        "request.replayed": _event(
            "A client assertion, DPoP proof or used request_uri came again: refused, nothing changes.",
            "kind",
            "ReplaysDetected",
        ),
        "resource.refused": _event(
            "A client named an API by `resource` that it, or its grant, may not have: the field names it.", "resource"
        ),
        "rotate_keys.by_hand": _event("An operator invoked rotate_keys by hand.", "deed kid", "KeysMovedByHand"),
        "scope.changed": _event("An operator changed a scope.", f"{_CHANGE} scope"),
        "scope.refused": _event(
            "A client asked for scopes that it may not have: the field names them.", "scope", "ScopesRefused"
        ),
        "second.added": _event("An end-user added a second factor."),
        "second.failed": _event("A wrong code of a second factor, or one that was used before."),
        "second.removed": _event("A second factor was removed, by its end-user or by an operator.", "operator"),
        "second.throttled": _event("Too many wrong codes of a second factor: the code was not checked."),
        "session.ended": _event("An end-user signed out, or an operator signed them out.", "operator"),
        "signing.failed": _event(
            "KMS did not sign (throttled, disabled, denied), or no key has the algorithm.",
            "error detail",
            "SigningsFailed",
        ),
        "token.issued": _event("A client got its first tokens of a grant.", "grant_type scope", "TokensIssued"),
        "token.refreshed": _event("A refresh token was rotated.", "user_agent", "TokensRefreshed"),
        "token.revoked": _event("One access token is refused from now on.", "jti"),
        "upstream.refused": _event("A sign-in by another provider was refused; nothing is spent.", "provider detail"),
        "user.changed": _event(
            "An operator changed an account; of its values, only the roles and the required level are logged.", _CHANGE
        ),
    }
)
