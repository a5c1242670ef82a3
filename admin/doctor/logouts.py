"""Whether clients that want to be told of logouts are told (OpenID Connect Back-Channel Logout)."""

from collections.abc import Iterator

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning


def look_logouts(evidence: Evidence) -> Iterator[Finding]:
    deployment = evidence.deployment
    waiting = sorted(client.client_id for client in evidence.clients if client.backchannel_logout_uri)
    if waiting and deployment.parameters.get("BackChannelLogout") != "on":
        yield warning(
            f"The deployment tells no client of logouts, and {len(waiting)} registered for it, such as {waiting[0]}",
            "Their end-users stay signed in there after they have signed out here.",
            "Deploy with BackChannelLogout=on: `make deploy`",
        )
    url = deployment.outputs.get("DeadLettersQueue")
    if url is None:
        return  # a stack of the release before
    asked = {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]}
    letters = int(deployment.client("sqs").get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])
    if letters:
        yield Finding(
            f"The dead-letter queue has {letters} message{'s' if letters > 1 else ''}",
            "A sign-out could not be finished, a client not be told of one for a day, or a mail not be sent.",
            f"Read it: `aws sqs receive-message --queue-url {url}`; docs/operations.md, Alarms, DeadLetters",
        )


CHECKS = (Check("clients.logouts", look_logouts),)
