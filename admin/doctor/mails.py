"""Whether people's mails go out: the identity in SES, the sandbox, and what waits in the queue."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning
from admin.terminal.spelling import command

_MANY = 50  # letters that wait at once
_SETUP = "docs/people.md, Mails"


def look_wanted(evidence: Evidence) -> Iterator[Finding]:
    if evidence.register.policy().registration != "off" and not _mail_from(evidence):
        yield Finding(
            "The policy lets people join, and the deployment sends no mail",
            "An account begins with a mail to its address, so no one can join.",
            f"Deploy with MailFrom ({_SETUP}): `make deploy`",
        )


def look_strangers(evidence: Evidence) -> Iterator[Finding]:
    policy = evidence.register.policy()
    if policy.registration == "off" or not _mail_from(evidence):
        return
    evidence.only_on_aws("proxy in front of its API")
    if evidence.deployment.parameters.get("BehindProxy") != "on":
        yield warning(
            "People can join, and no firewall stands in front of the API",
            f"Strangers can have up to {policy.mail_per_hour} mails sent in an hour. Then nobody gets one who forgot a "
            "password, either.",
            "Put CloudFront with AWS WAF in front of it (docs/operations.md, Behind CloudFront)",
        )


def look_identity(evidence: Evidence) -> Iterator[Finding]:
    address = _mail_from(evidence)
    if not address:
        return
    evidence.only_on_aws("identities of SES")
    named, domain = evidence.deployment.parameters.get("MailIdentity", ""), address.partition("@")[2]
    identity = named or domain
    if identity != address and identity != domain and not domain.endswith(f".{identity}"):
        yield Finding(
            f"MailIdentity is {identity}, which is neither {address} nor a domain of it",
            "The function mailer may send from no other identity, so no mail goes out.",
            "Deploy with MailIdentity empty, or with the identity that SES has verified: `make deploy`",
        )
        return
    found = _identity(evidence, identity)
    if found is None or not found.get("VerifiedForSendingStatus"):
        yield Finding(
            f"SES has not verified {identity} in this Region",
            "It refuses every mail.",
            f"{command('aws sesv2 create-email-identity --email-identity', identity)}, then {_SETUP}",
        )
        return
    if found.get("DkimAttributes", {}).get("Status") != "SUCCESS":
        yield warning(
            f"Mails of {identity} are not signed (DKIM)",
            "Many mailboxes take them for spam, or refuse them.",
            f"{command('aws sesv2 get-email-identity --email-identity', identity)} names the records that DNS lacks.",
        )
    if configuration := found.get("ConfigurationSetName"):
        yield Finding(
            f"{identity} has the default configuration set {configuration}",
            "SES asks IAM about it too, and the function mailer may send from the identity alone: no mail goes out.",
            command("aws sesv2 put-email-identity-configuration-set-attributes --email-identity", identity),
        )
    if identity != address and _identity(evidence, address) is not None:
        yield Finding(
            f"SES has an identity {address} next to {identity}",
            "It sends from the closest one, and the function mailer may send from the other alone: no mail goes out.",
            f"Deploy with MailIdentity={address}: `make deploy`",
        )


def look_account(evidence: Evidence) -> Iterator[Finding]:
    if not _mail_from(evidence):
        return
    evidence.only_on_aws("account at SES")
    found = evidence.deployment.client("sesv2").get_account()
    if not found.get("ProductionAccessEnabled"):
        yield Finding(
            "The account is in the sandbox of SES in this Region",
            "Mails go to verified addresses alone, 200 in a day.",
            f"Ask for production access in the console of SES ({_SETUP}).",
        )
    if not found.get("SendingEnabled"):
        yield Finding(
            "SES sends no mail of this account now",
            "AWS or an operator has paused it, often because of bounces and complaints.",
            "`aws sesv2 get-account` says more.",
        )
    quota = found.get("SendQuota", {})
    sent, most = quota.get("SentLast24Hours", 0), quota.get("Max24HourSend", -1)
    if found.get("ProductionAccessEnabled") and 0 < most <= sent / 0.8:
        yield warning(
            f"The account has sent {sent:.0f} of {most:.0f} mails that it may send in a day",
            "SES refuses those beyond, and other applications use the same quota.",
            "Ask for a higher quota: `aws service-quotas list-service-quotas --service-code ses`",
        )


def look_queue(evidence: Evidence) -> Iterator[Finding]:
    url = evidence.deployment.outputs.get("MailQueue")
    if url is None:
        return
    asked = {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]}
    answer = evidence.deployment.client("sqs").get_queue_attributes(**asked)
    waiting = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    if waiting > _MANY:
        yield warning(
            f"{waiting} mails wait to be sent",
            "The function mailer fails, or SES is slower than what people ask for. What waits for an hour is not sent.",
            "See why: `valet tail --since 1h --event request.refused --no-follow`",
        )


def _mail_from(evidence: Evidence) -> str:
    return evidence.deployment.parameters.get("MailFrom", "")


def _identity(evidence: Evidence, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = evidence.deployment.client("sesv2").get_email_identity(EmailIdentity=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotFoundException":
            return None
        raise
    return found


CHECKS = (
    Check("mails.wanted", look_wanted),
    Check("mails.strangers", look_strangers),
    Check("mails.identity", look_identity),
    Check("mails.account", look_account),
    Check("mails.queue", look_queue),
)
