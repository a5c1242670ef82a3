"""A new grant type is one file and one row: on a copy, everything knows a toy at once, or a test names what lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.parts.structure.copies import VALET, copy_of_the_repository, python

pytestmark = pytest.mark.slow

NAME = "urn:example:grant-type:toy"
ROW = f'        GrantType("{NAME}", "valet.grant_types.toy", confidential_only=True),\n'
FILE = f"{VALET}/grant_types/toy.py"
SUPPORTED = f"{VALET}/protocol/supported.py"

_ASK = f"""
import json
from dataclasses import replace
from valet.registration.rules import wrong_with_client
from admin.cli import valet
from tests.support.application import Application
from tests.support.deployment import afresh

def told(client):
    return [each.reason for each in wrong_with_client(client, deployment.server.registry.scopes())]

with afresh() as deployment:
    service = Application(deployment.send, deployment.issuer, "api_service_789", "api_secret_abc")
    client = deployment.client("api_service_789")
    before = service.token(grant_type="{NAME}").error
    toy = replace(client, grant_types=frozenset(["{NAME}"]), introspects=frozenset())
    deployment.change_client("api_service_789", grant_types=toy.grant_types)
    answer = service.token(grant_type="{NAME}")
    openid = deployment.send("GET", deployment.issuer + "/.well-known/openid-configuration").json()
    (option,) = (each for each in valet.commands["clients"].commands["add"].params if each.name == "grant_types")
    print(json.dumps({{
        "not registered for it": before,
        "registered for it": [answer.status, answer.json().get("token_type")],
        "announced": "{NAME}" in openid["grant_types_supported"],
        "wrong with its registration": told(toy),
        "of a public client": told(replace(toy, application_type="native", token_endpoint_auth_method="none")),
        "said on the command line": "{NAME}" in option.type.choices,
    }}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, with a copy of the client credentials grant as the toy's file, and no row yet."""
    copy = copy_of_the_repository(tmp_path_factory.mktemp("toy") / "valet")
    pattern = (copy / VALET / "grant_types" / "client_credentials.py").read_text(encoding="utf-8")
    (copy / FILE).write_text(pattern.replace('"client_credentials"', f'"{NAME}"'), encoding="utf-8")
    return copy


def _with_row(copy: Path) -> None:
    supported = copy / SUPPORTED
    text = supported.read_text(encoding="utf-8")
    last = '        GrantType("refresh_token", "valet.grant_types.refresh_token"),\n'
    assert (text.count(last), text.count(ROW)) in ((1, 0), (1, 1))
    if ROW not in text:
        supported.write_text(text.replace(last, last + ROW), encoding="utf-8")


def _tests(copy: Path, *tests: str) -> tuple[int, str]:
    ran = python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    return ran.returncode, ran.stdout + ran.stderr


def test_a_file_without_a_row_is_named(copy: Path) -> None:
    (copy / SUPPORTED).write_text((copy / SUPPORTED).read_text(encoding="utf-8").replace(ROW, ""), encoding="utf-8")
    status, output = _tests(copy, "tests/unit/test_supported.py::test_every_file_that_redeems_has_a_row")
    assert status == 1, output
    assert "'valet.grant_types.toy'" in output


def test_a_file_and_a_row_are_known_to_the_token_endpoint_metadata_registration_and_command_line(copy: Path) -> None:
    _with_row(copy)
    ran = python(copy, "-c", _ASK)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == {
        "not registered for it": "unauthorized_client",
        "registered for it": [200, "Bearer"],
        "announced": True,
        "wrong with its registration": [],
        "of a public client": ["only a confidential client may use it, and this one keeps no secret"],
        "said on the command line": True,
    }


def test_the_tests_name_the_event_its_answer_and_the_document_until_they_are_there(copy: Path) -> None:
    _with_row(copy)
    events = "tests/integration/test_events.py::test_every_grant_type_has_an_event_that_gets_tokens"
    document = "tests/parts/docs/test_reference.py::test_the_reference_is_what_the_code_says"
    # These read the row, and have nothing to say against the toy.
    quiet = ("tests/unit/test_supported.py", "tests/unit/test_registration.py")
    status, output = _tests(copy, events, document, *quiet)
    assert status == 1, output
    assert "events that are missing" in output
    assert "token/toy" in output
    assert "it lacks" in output
    assert "2 failed" in output
    event = (copy / "events/token/client_credentials.json").read_text(encoding="utf-8")
    (copy / "events/token/toy.json").write_text(event, encoding="utf-8")
    status, output = _tests(copy, events)
    assert status == 1, output
    assert "event_files.ANSWERS that are missing" in output
    answers = copy / "tests/support/event_files.py"
    row = '    "token/get": '
    text = answers.read_text(encoding="utf-8")
    answers.write_text(text.replace(row, f'    "token/toy": "200",\n{row}'), encoding="utf-8")
    reference = python(copy, "-m", "tests.parts.docs.reference").stdout
    (copy / "docs/reference.md").write_text(reference, encoding="utf-8")
    status, output = _tests(copy, events, document)
    assert status == 0, output
