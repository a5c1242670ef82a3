"""The port Mailer by Amazon SES: SendEmail of its API v2, with a text and an HTML part."""

from base64 import b64encode

from valet.aws.calls import CallFailed, Calls
from valet.errors import TemporarilyUnavailable
from valet.frozen import Frozen
from valet.models.mails import ComposedMail

# What SES refuses because of the mail or of its address, and would refuse again: an address that it cannot read, one
# that sends and is not verified, and any that is not verified while the account is in the sandbox. Everything else is a
# matter of the account or of the moment. The queue brings the letter again, and keeps it in the end where an alarm
# looks.
_FOR_GOOD = frozenset({"BadRequestException", "MessageRejected"})
_MOST_OF_A_WORD = 45  # bytes in base64 within an encoded word of 75 characters (RFC 2047 §2)


class SesMailer(Frozen):
    """The port Mailer."""

    ses: Calls
    address: str  # that mails come from

    def send(self, mail: ComposedMail) -> str | None:
        parts = {"Text": _text(mail.text), "Html": _text(mail.html)}
        request = {
            "FromEmailAddress": f"{_phrase(mail.sender)} <{self.address}>",
            "Destination": {"ToAddresses": [mail.to]},
            "Content": {"Simple": {"Subject": _text(mail.subject), "Body": parts}},
        }
        try:
            self.ses("SendEmail", request)
        except CallFailed as failed:
            if failed.code in _FOR_GOOD:
                return failed.code
            raise TemporarilyUnavailable(detail=f"SES SendEmail: {failed.code}") from failed
        return None


def _text(value: str) -> dict[str, str]:
    return {"Data": value, "Charset": "UTF-8"}


def _phrase(name: str) -> str:
    """The name in the form that a header may have before an address (RFC 5322 §3.2.5, RFC 2047 §5)."""
    if name.isascii() and name.isprintable():
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    words = [b""]
    for letter in name:
        if len(words[-1] + letter.encode()) > _MOST_OF_A_WORD:
            words.append(b"")
        words[-1] += letter.encode()
    return " ".join(f"=?UTF-8?B?{b64encode(word).decode()}?=" for word in words)
