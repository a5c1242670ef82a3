"""What is switched off is absent (M12): without DeviceAuthorization there is no route, no function and no role."""

from __future__ import annotations

import pytest

from local.aws.resources import PSEUDO_PARAMETERS, Resources
from local.system import system_from_template
from local.template import Template, load
from tests.endpoints import ENDPOINTS, FUNCTIONS
from tests.parts.template.cloudformation import ROOT, SAM_PYTHON
from tests.promises.privileges.grants import deployed, table_arn
from tests.support.missing import is_missing

PATHS = {each.path for each in ENDPOINTS if each.function in ("device", "device_authorization")}


@pytest.mark.parametrize(("value", "is_there"), [("off", False), ("on", True)])
def test_the_routes_are_there_on_request(value: str, is_there: bool) -> None:
    document = load(ROOT / "template.yaml")
    given = {"IssuerUrl": "https://id.example.com", "DeviceAuthorization": value}
    system = system_from_template(Template(document, given, PSEUDO_PARAMETERS, Resources(document)), ROOT)
    paths = {route.path for api in system.apis for route in api.routes}
    assert paths & PATHS == (PATHS if is_there else set())
    assert ("DeviceFunction" in system.functions) is is_there
    assert system.functions["TokenFunction"].environment["DEVICE_AUTHORIZATION"] == value


def test_without_it_no_role_knows_devices() -> None:
    if not SAM_PYTHON.exists():
        is_missing("the environment of SAM is not there: make .venv-sam")
    poll = ("dynamodb:UpdateItem", table_arn("valet-local-Grants"), "device_code#1")
    for value, able in (("on", {"token"}), ("off", set())):
        found, _ = deployed(FUNCTIONS, DeviceAuthorization=value)
        assert {name for name in found.roles if found.may(name, *poll, attributes=("poll",))} == able
        assert {"device", "device_authorization"} & found.roles.keys() == (
            {"device", "device_authorization"} if able else set()
        )
