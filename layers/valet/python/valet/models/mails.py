"""Mails: what the function mailer is asked to send, and what is kept of a mail until it is used."""

from valet.frozen import Frozen

JOIN, RECOVER, ADDRESS, FIRST_MEANS, UNDO, NOTICE = "join", "recover", "address", "first_means", "undo", "notice"


class Letter(Frozen):
    """A mail to be sent: its purpose and facts, and none of its words. It waits in the queue Mail.

    A function that sends one learns nothing: the mailer alone looks whether an account has the address.
    """

    purpose: str  # JOIN | RECOVER | ADDRESS | FIRST_MEANS | NOTICE
    issuer: str  # of the links: the mailer has no request that would say it
    asked_ms: int
    # Where to, as it was typed; empty: the account's own proven addresses. Of the notice of a deletion: where to.
    address: str = ""
    sub: str = ""  # whose account it is about; empty: the mailer looks by the address
    epoch: int = 0  # the account's, as the sender read it
    client_id: str = ""  # the app that the end-user came from
    handle: str = ""  # of the saved request that the link goes on with
    place: str = ""  # of that request in the browser that asked (handles.place_of), in hex
    key: str = ""  # what the code is kept under (mail_codes.code_key), in hex; empty: the mail has no code
    locale: str = ""  # the language of the page that asked; empty: the account's
    what: str = ""  # of a notice: what happened (people/notices.py)
    mark: str = ""  # of a notice: by what the account shows that it happened
    look: int = 1

    def __repr__(self) -> str:
        return f"Letter({self.purpose!r}, {self.what!r})"  # the key is a secret, and no log has an address


class ComposedMail(Frozen):
    """A mail in words, to one address."""

    to: str
    sender: str  # the name next to the address that it comes from
    subject: str  # one line
    text: str
    html: str

    def __repr__(self) -> str:
        return "ComposedMail()"  # it may hold secrets, and no log has an address


class Mail(Frozen):
    """A mail that was sent, by the digest of the secret in its link.

    It counts only in the account's epoch, and only while the account has the address that it went to.
    """

    purpose: str  # JOIN | RECOVER | ADDRESS | FIRST_MEANS | UNDO
    address: str  # as it was typed
    expires_at: int
    sub: str = ""  # of the account; empty: there was none
    epoch: int = 0
    place: str = ""
    client_id: str = ""
    locale: str = ""

    def __repr__(self) -> str:
        return f"Mail({self.purpose!r}, sub={self.sub!r})"


class MailCode(Frozen):
    """The code of a mail, for the browser that asked for it: kept under a key that this browser alone can compute."""

    mail: str  # the digest of the mail's secret, in hex
    asked_ms: int
    code_hmac: bytes  # HMAC-SHA-256 of the code under the key: a reader of the tables cannot try all codes
    expires_at: int
    tries: int = 0
