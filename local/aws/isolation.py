"""The environment without anything that could lead to a real AWS account."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from urllib.parse import urlsplit

from local.aws.backends import REGION
from local.aws.signature import ACCESS_KEY_ID, SECRET_ACCESS_KEY

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_OTHER_EMULATION = ("MOTO_", "TEST_SERVER_MODE", "TEST_PROXY_MODE", "BOTO_CONFIG")


class RealAwsError(Exception):
    """A request or an environment variable names an AWS that is not emulated."""


def isolate(environ: MutableMapping[str, str]) -> None:
    """Remove from the environment every variable that could lead to a real account, and add made-up credentials."""
    for name, value in sorted(environ.items()):
        if name.startswith("AWS_ENDPOINT_URL") and value and urlsplit(value).hostname not in LOOPBACK:
            raise RealAwsError(f"{name} is {value}, but the local stack uses emulated AWS only. Unset {name}.")
    for name in [name for name in environ if name.startswith(("AWS_", *_OTHER_EMULATION))]:
        del environ[name]
    environ.update(
        AWS_ACCESS_KEY_ID=ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY=SECRET_ACCESS_KEY,
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
