"""Clients that no operator registered: whether they can come, and whether they can get anything."""

from collections.abc import Iterator

from valet.models.unknown_clients import LISTED, OFF, OPEN, Hosts
from valet.protocol.scope import closure
from valet.registration.apis import wrong_with_api

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import Finding, warning
from admin.records.strangers import Strangers
from admin.terminal.spelling import command

_HELP = "docs/agents.md"


def modes(evidence: Evidence) -> tuple[str, str]:
    """The parameters ClientIdMetadata and ClientRegistration. A stack of the release before has neither."""
    parameters = evidence.deployment.parameters
    return parameters.get("ClientIdMetadata", OFF), parameters.get("ClientRegistration", OFF)


def look_open_scopes(evidence: Evidence) -> Iterator[Finding]:
    opening = [api for api in evidence.scopes.apis.values() if api.open_scopes]
    if modes(evidence) != (OFF, OFF) and not opening:
        yield warning(
            "Clients that nobody registered may come, and no API opens a scope",
            "Each of their requests is refused as invalid_target.",
            f"Open some with `valet apis change AUDIENCE --open-scope SCOPE`, or switch them off ({_HELP})",
        )
    for api in opening:
        wrong = [each for each in wrong_with_api(api, evidence.scopes, "") if each.member == "open_scopes"]
        for each in wrong:
            included = " ".join(closure((each.value or "",), evidence.scopes))
            yield Finding(
                f"{api.audience} opens {each.value}: {each.reason}",
                "Clients that nobody registered do not get it.",
                command("valet apis change", api.audience, "--open-scope", included),
            )


def look_hosts(evidence: Evidence) -> Iterator[Finding]:
    documents, registration = modes(evidence)
    if (documents, registration) == (OFF, OFF):
        return
    hosts = _hosts(evidence)
    if documents == LISTED and not hosts.trusted:
        yield warning(
            "ClientIdMetadata is listed, and no host is named",
            "No client of a document can come.",
            f"Name some with `valet clients hosts add HOST` ({_HELP})",
        )
    if evidence.deployment.parameters.get("Profile", "plain") != "plain":
        yield warning(
            "Clients that nobody registered are switched on, and every client has the profile fapi2",
            "They break its rules, and each of their requests is refused.",
            "Deploy with ClientIdMetadata=off and ClientRegistration=off: `make deploy`",
        )


def look_open_registration(evidence: Evidence) -> Iterator[Finding]:
    if modes(evidence)[1] != OPEN:
        return
    evidence.only_on_aws("strangers")
    yield warning(
        "Anybody may register clients",
        "Strangers can use up the 1,000 registrations of a day, and keep new clients out until the next one.",
        f"Deploy with ClientRegistration=token and make invites ({_HELP}): `make deploy`",
    )


def _hosts(evidence: Evidence) -> Hosts:
    return Strangers(evidence.deployment, evidence.deployment.audit).hosts()


CHECKS = (
    Check("clients.open-scopes", look_open_scopes),
    Check("clients.hosts", look_hosts),
    Check("clients.open-registration", look_open_registration),
)
