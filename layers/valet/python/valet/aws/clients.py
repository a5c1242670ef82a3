"""The AWS clients, made on first use and shared; one Config bounds how long any call may take."""

import logging
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

from valet.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

# botocore waits 60 s for an answer by default, longer than any of the functions runs. Two attempts of three seconds at
# most, and a pause between them, end below the functions' timeout, so that a slow AWS becomes a 503 and not a kill.
CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})

# If the function's log level is DEBUG, Lambda sets the root logger to it, and botocore then logs AWS's answers
# unchanged: password hashes, the plaintext of a private key that KMS has unwrapped. So these loggers stay at INFO.
for _name in ("boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.INFO)

_making = RLock()  # boto3's default session is not safe to make clients from several threads


@overload
def client(service: Literal["dynamodb"], settings: Settings) -> "DynamoDBClient": ...
@overload
def client(service: Literal["kms"], settings: Settings) -> "KMSClient": ...
def client(service: Literal["dynamodb", "kms"], settings: Settings) -> Any:
    """The client of `service`; every caller gets the same one."""
    with _making:
        return _client(service, settings.aws_endpoint_url or None)


@cache
def _client(service: Literal["dynamodb", "kms"], endpoint_url: str | None) -> Any:
    # An endpoint is named only where AWS is emulated. Under sam local the environment holds the developer's own
    # credentials. They are not used: the local stack accepts only this pair.
    made_up = "local" if endpoint_url else None
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        aws_access_key_id=made_up,
        aws_secret_access_key=made_up,
        config=CONFIG,
    )
