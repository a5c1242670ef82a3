"""Mails and their codes in the Grants table. Both end by themselves."""

from valet.aws.dynamodb.table import ConditionFailed, Table, item_from_model, model_from_item
from valet.frozen import Frozen
from valet.models.mails import Mail, MailCode
from valet.ports.mails import MOST_TRIES


class DynamoMails(Frozen):
    """The port Mails."""

    table: Table

    def put_mail(self, digest: bytes, mail: Mail) -> None:
        self.table.put(item_from_model(mail, f"mail#{digest.hex()}", "mail"))

    def find_mail(self, digest: bytes) -> Mail | None:
        item = self.table.get(f"mail#{digest.hex()}", "mail")
        return model_from_item(Mail, item) if item else None

    def put_code(self, digest: bytes, code: MailCode) -> bool:
        try:
            self.table.put(
                item_from_model(code, f"code#{digest.hex()}", "code"),
                # A second copy of the same letter takes the place too: its mail is the newest one.
                "attribute_not_exists(#pk) OR #asked_ms < :next",
                {":next": code.asked_ms + 1},
            )
        except ConditionFailed:
            return False
        return True

    def try_code(self, digest: bytes, now: float) -> MailCode | None:
        try:
            item = self.table.update(
                f"code#{digest.hex()}",
                "code",
                "ADD #tries :one",
                {":one": 1, ":most": MOST_TRIES, ":now": int(now)},
                "#expires_at > :now AND (attribute_not_exists(#tries) OR #tries < :most)",
                returned="ALL_NEW",
            )
        except ConditionFailed:
            return None
        return model_from_item(MailCode, item)
