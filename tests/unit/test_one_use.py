"""OneUse: a request spends its value once, and a value that another request has spent refuses it."""

import os

import pytest
from valet.aws.dynamodb.once import DynamoOnce
from valet.client_authentication.one_use import OneUse
from valet.errors import InvalidClient, InvalidDpopProof, OAuthError
from valet.models.once import OneTimeValue
from valet.server import Server

from tests.support.memory_stores import new_table

PROOF = OneTimeValue("proof", "thumbprint", "jti", 2_000_000_000)
ASSERTION = OneTimeValue("assertion", "client", "jti", 2_000_000_000)


@pytest.fixture
def server() -> Server:
    made = Server()
    made.once, made.random = DynamoOnce(new_table()), os.urandom
    return made


@pytest.mark.parametrize(("value", "refusal"), [(PROOF, InvalidDpopProof), (ASSERTION, InvalidClient)])
def test_a_value_that_another_request_spent_is_refused(
    server: Server, value: OneTimeValue, refusal: type[OAuthError]
) -> None:
    OneUse(value, server).spend()
    with pytest.raises(refusal, match="was used before"):
        OneUse(value, server).spend()


def test_one_request_may_come_to_its_spending_twice(server: Server) -> None:
    request = OneUse(PROOF, server)
    request.spend()
    request.spend()


def test_a_value_that_was_never_spent_stays_good(server: Server) -> None:
    OneUse(PROOF, server)
    OneUse(PROOF, server).spend()


def test_without_assertion_and_proof_nothing_is_written_or_drawn() -> None:
    OneUse(None, Server()).spend()  # any port would need settings
