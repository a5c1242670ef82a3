"""Calls through a client of boto3, which has the operator's profile, single sign-on and roles."""

from collections.abc import Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from valet.aws.calls import Answer, CallFailed


class BotoCalls:
    """The port Calls over a client of boto3."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, operation: str, parameters: Mapping[str, Any], /) -> Answer:
        try:
            answer: Answer = getattr(self._client, xform_name(operation))(**parameters)
        except ClientError as error:
            answered: Mapping[str, Any] = error.response
            raise CallFailed(answered.get("Error", {}).get("Code", ""), answered.get("Item")) from error
        except BotoCoreError as error:
            raise CallFailed(type(error).__name__) from error
        return answer
