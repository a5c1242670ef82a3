"""Operators and devices (RFC 8628): who may ask, what people allowed to one, and what doctor says of it."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import pytest
from valet.protocol.supported import DEVICE_CODE

from admin.doctor import CHECKS, examine
from admin.doctor.evidence import Evidence
from admin.records.deployment import Deployment
from admin.terminal.spelling import Where
from tests.parts.admin.conftest import Operator
from tests.support.application import Application
from tests.support.browser import Browser, filled_in
from tests.support.wire import over_http

NEW = ("clients", "add", "My TV", "--id", "my_tv", "--type", "native", "--grant-type", DEVICE_CODE)


def look(valet: Operator, **parameters: str) -> list[str]:
    """What the check finds, in a deployment with these parameters."""
    port = urlsplit(valet.stack.aws_url).port
    assert port is not None
    deployment = Deployment(Where(is_local=True, aws_port=port), os.urandom, valet.clock)
    deployment.parameters = {**deployment.parameters, **parameters}
    findings, _ = examine(Evidence(deployment, 0), [each for each in CHECKS if each.name == "devices.clients"])
    assert not any(each.is_error for each in findings)
    return [each.what for each in findings]


def test_a_client_of_devices_needs_no_address(valet: Operator) -> None:
    assert valet.json(*NEW, "--scope", "openid profile")["device_network"] == "any"
    change = ("clients", "change", "my_tv", "--device-network")
    assert valet.json(*change, "same")["device_network"] == "same"
    assert valet.json(*change, "any")["device_network"] == "any"
    valet(*change, "near", status=2)
    asked = Application(over_http, valet.stack.issuer, "my_tv").post("/device_authorization", scope="openid")
    assert asked.status == 200


def test_what_was_allowed_to_a_device_is_marked_and_ended_as_any_grant(valet: Operator) -> None:
    tv, john = Application(over_http, valet.stack.issuer, "tv_demo"), Browser(over_http, valet.stack.issuer)
    codes = tv.post("/device_authorization").json()
    page = john.sign_in(john.open("/device"))
    asked = john.post(*filled_in(page, user_code=codes["user_code"]))
    assert john.post(*filled_in(asked, "decision", "allow")).status == 200
    tokens = tv.token(grant_type=DEVICE_CODE, device_code=codes["device_code"]).json()
    [row] = valet.json("grants", "list", "--user", "john")
    assert (row["client_id"], row["device"], row["state"]) == ("tv_demo", True, "live")
    valet("grants", "revoke", "--user", "john", "--yes")
    assert tv.refresh(tokens["refresh_token"]).error == "invalid_grant"


def test_a_device_belongs_to_the_person_who_answered_first(valet: Operator) -> None:
    """Jane says yes too, later. What an operator changes about her leaves John's device alone."""
    tv = Application(over_http, valet.stack.issuer, "tv_demo")
    codes = tv.post("/device_authorization").json()
    pages = []
    for name in ("john", "jane"):
        browser = Browser(over_http, valet.stack.issuer)
        page = browser.sign_in(browser.open("/device"), name)
        pages.append((browser, browser.post(*filled_in(page, user_code=codes["user_code"]))))
    assert [browser.post(*filled_in(page, "decision", "allow")).status for browser, page in pages] == [200, 400]
    tokens = tv.token(grant_type=DEVICE_CODE, device_code=codes["device_code"]).json()
    assert valet.json("grants", "list", "--user", "jane") == []
    assert valet.json("grants", "revoke", "--user", "jane", "--dry-run")["would_end"] == 0
    assert valet.json("users", "roles", "jane", "--add", "auditor")["access_tokens_refused"] == 0
    assert tv.userinfo(tokens["access_token"]).status == 200


def test_doctor_names_public_clients_whose_devices_may_be_anywhere(valet: Operator) -> None:
    assert look(valet) == ["Anybody can ask people for items in the name of the public client tv_demo"]
    valet(*NEW, "--scope", "openid profile email offline_access")
    valet("clients", "change", "tv_demo", "--device-network", "same")
    assert look(valet) == []


@pytest.mark.parametrize("able", [True, False])
def test_doctor_tells_of_clients_without_devices_and_of_devices_without_clients(valet: Operator, able: bool) -> None:
    if able:
        assert look(valet, DeviceAuthorization="off") == [
            "The client tv_demo may use devices, and the deployment has none"
        ]
    else:
        valet("clients", "disable", "tv_demo", "--yes")
        assert look(valet) == ["The deployment has devices, and no client may use them"]
