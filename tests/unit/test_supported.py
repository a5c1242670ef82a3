"""What is supported is said once: each row names what is there, and nothing from a request becomes a module's name."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest
from valet import grant_types
from valet.binding import proof
from valet.errors import UnauthorizedClient, UnsupportedGrantType
from valet.grant_types.request import TokenRequest
from valet.models.clients import Client
from valet.models.grants import Tokens
from valet.protocol.supported import (
    AUTH_METHODS,
    CONFIDENTIAL_METHODS,
    DPOP_ALGORITHMS,
    EITHER_SECRET_METHOD,
    GRANT_TYPES,
    PKCE,
    REGISTERED_AUTH_METHODS,
    SECRET_METHODS,
)
from valet.protocol.supported import grant_types as supported_grant_types
from valet.settings import Settings

LAYER = Path(__file__).resolve().parents[2] / "layers" / "valet" / "python"
ALL_ON = Settings(device_authorization="on")
EVERY = Client("app", "App", grant_types=frozenset(GRANT_TYPES))


@pytest.mark.parametrize("grant_type", GRANT_TYPES)
def test_the_module_of_a_row_redeems(grant_type: str) -> None:
    """A dynamic import hides the function from mypy, so its types are compared here."""
    redeem = grant_types.named(grant_type, EVERY, ALL_ON)
    assert redeem is import_module(GRANT_TYPES[grant_type].module).redeem
    of_any = get_type_hints(import_module("valet.grant_types.refresh_token").redeem)
    assert get_type_hints(redeem) == of_any
    assert (of_any["request"], of_any["return"]) == (TokenRequest, Tokens)


def test_every_file_that_redeems_has_a_row() -> None:
    package = Path(grant_types.__file__).parent
    names = [f"valet.grant_types.{path.stem}" for path in package.glob("*.py") if path.stem != "__init__"]
    redeeming = {name for name in names if hasattr(import_module(name), "redeem")}
    assert redeeming == {row.module for row in GRANT_TYPES.values()}
    assert all(row.name == name for name, row in GRANT_TYPES.items())


@pytest.mark.parametrize(
    "grant_type",
    ["password", "implicit", "pace", "valet.grant_types.refresh_token", "Refresh_token", "this", ".", "../x", "\0"],
)
def test_another_grant_type_is_refused_and_no_module_is_imported(grant_type: str) -> None:
    before = set(sys.modules)
    with pytest.raises(UnsupportedGrantType, match="authorization_code, client_credentials, refresh_token"):
        grant_types.named(grant_type, Client("app", "App", grant_types=frozenset({grant_type})), Settings())
    assert set(sys.modules) == before
    assert "this" not in sys.modules


@pytest.mark.parametrize("grant_type", [row.name for row in GRANT_TYPES.values() if row.needs])
def test_a_grant_type_that_the_deployment_does_not_have_is_refused_whatever_is_registered(grant_type: str) -> None:
    client = Client("app", "App", grant_types=frozenset({grant_type}))
    with pytest.raises(UnsupportedGrantType) as refused:
        grant_types.named(grant_type, client, Settings())
    assert grant_type not in refused.value.description.partition("Supported")[2]
    assert grant_type not in supported_grant_types(frozenset())
    assert grant_type in supported_grant_types({GRANT_TYPES[grant_type].needs})


@pytest.mark.parametrize("grant_type", GRANT_TYPES)
def test_a_client_that_is_not_registered_for_it_is_refused(grant_type: str) -> None:
    client = Client("app", "App", grant_types=frozenset(GRANT_TYPES) - {grant_type})
    with pytest.raises(UnauthorizedClient):
        grant_types.named(grant_type, client, ALL_ON)


@pytest.mark.parametrize("grant_type", GRANT_TYPES)
def test_a_token_request_imports_its_own_grant_type_alone(grant_type: str) -> None:
    code = f"""
import sys
from valet import grant_types
from valet.models.clients import Client
from valet.settings import Settings
assert not any(row.module in sys.modules for row in grant_types.GRANT_TYPES.values())
client = Client("app", "App", grant_types=frozenset([{grant_type!r}]))
grant_types.named({grant_type!r}, client, Settings(device_authorization="on"))
print(*(name for name, row in grant_types.GRANT_TYPES.items() if row.module in sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(LAYER)}, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == (f"{grant_type}\n", "")


def test_the_methods_of_confidential_clients_and_those_with_a_secret_are_the_models() -> None:
    """`Client` decides; what introspection announces may not differ from it."""
    clients = [Client("a", "A", token_endpoint_auth_method=name) for name in AUTH_METHODS]
    confidential = [each.token_endpoint_auth_method for each in clients if each.is_confidential]
    assert confidential == list(CONFIDENTIAL_METHODS)
    with_secret = [each.token_endpoint_auth_method for each in clients if each.has_secret]
    assert with_secret == list(SECRET_METHODS)
    assert Client("a", "A", token_endpoint_auth_method=EITHER_SECRET_METHOD).has_secret


def test_the_word_for_either_secret_method_is_registered_but_never_announced() -> None:
    assert EITHER_SECRET_METHOD not in AUTH_METHODS
    assert set(REGISTERED_AUTH_METHODS) == {EITHER_SECRET_METHOD, *AUTH_METHODS}
    assert Client("a", "A").token_endpoint_auth_method == EITHER_SECRET_METHOD
    assert Client("a", "A").pkce == PKCE[0] == "required"


def test_the_algorithms_of_proofs_that_are_announced_are_those_that_are_accepted() -> None:
    """They stand twice, because the metadata's start must not load what verifies proofs."""
    assert DPOP_ALGORITHMS == proof.ALGORITHMS
