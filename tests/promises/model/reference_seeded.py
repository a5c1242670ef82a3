"""Design faults of reference tokens: the model has to say what each breaks."""

from contextlib import suppress

import pytest
from valet.aws.dynamodb.reference_tokens import DynamoReferenceTokens
from valet.aws.dynamodb.table import item_from_model
from valet.errors import TemporarilyUnavailable
from valet.models.reference_tokens import ReferenceToken
from valet.ports.reference_tokens import ReferenceTokens
from valet.tokens import reference

from tests.promises.model.faults import Fault


def _answered_whether_kept_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    original = reference.keep

    def keep(token: ReferenceToken, tokens: ReferenceTokens) -> None:
        with suppress(TemporarilyUnavailable):
            original(token, tokens)

    monkeypatch.setattr(reference, "keep", keep)


def _put_over_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def put_token(self: DynamoReferenceTokens, token: ReferenceToken) -> bool:
        self.table.put(item_from_model(token, f"reference#{token.token_id}", "reference"))
        return True

    monkeypatch.setattr(DynamoReferenceTokens, "put_token", put_token)


REFERENCE_FAULTS = (
    Fault(
        "a reference token is answered whether it is kept or not",
        "reference-redeem",
        "answered an access token that nobody can look up",
        _answered_whether_kept_or_not,
    ),
    Fault(
        "a reference token is put over what is there",
        "reference-redeem",
        "a reference token was changed",
        _put_over_what_is_there,
    ),
)
