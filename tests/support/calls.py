"""The calls that functions make to AWS, for tests that make them themselves."""

import os

from valet.aws.calls import AwsCalls

from local.aws.aws import emulated


def calls(service: str, endpoint_url: str = "") -> AwsCalls:
    """To the emulated AWS of this process, or to the one at `endpoint_url`."""
    emulated()
    return AwsCalls(service, {**os.environ, "AWS_ENDPOINT_URL": endpoint_url})
