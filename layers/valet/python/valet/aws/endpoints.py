"""Where a service of AWS answers, as the variables that all of AWS's tools know say it."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from valet.aws.connection import Address
from valet.settings import SettingsError

# How the Regions of a partition begin, and the domains of its endpoints: the usual one, and the one for both IPv4 and
# IPv6. The first that fits counts; every other Region is of the partition `aws`.
_PARTITIONS = (
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("", "amazonaws.com", "api.aws"),
)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def region(environment: Mapping[str, str]) -> str:
    """The Region. Raises SettingsError if no variable names one that can be a part of a host's name."""
    name = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    if not name or not name.replace("-", "").isalnum() or not name.isascii():
        raise SettingsError(f"AWS_REGION is {name!r}: it has to name a Region of AWS")
    return name


def address(service: str, environment: Mapping[str, str]) -> Address:
    """Where `service`, dynamodb or kms, answers.

    AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL_KMS names it, else AWS_ENDPOINT_URL, else the Region, with
    AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. Raises SettingsError.
    """
    if not _is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", environment):
        for name in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
            if url := environment.get(name):
                return _named(name, url)
    return Address(_host(service, environment), 443, is_tls=True)


def _host(service: str, environment: Mapping[str, str]) -> str:
    name, is_fips = region(environment), _is_true("AWS_USE_FIPS_ENDPOINT", environment)
    usual, dual = next((usual, dual) for start, usual, dual in _PARTITIONS if name.startswith(start))
    if _is_true("AWS_USE_DUALSTACK_ENDPOINT", environment):
        return f"{service}{'-fips' if is_fips else ''}.{name}.{dual}"
    if is_fips and service == "dynamodb" and name.startswith("us-gov-"):
        return f"{service}.{name}.{usual}"  # these endpoints have always been FIPS's
    return f"{service}{'-fips' if is_fips else ''}.{name}.{usual}"


def _named(variable: str, url: str) -> Address:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or parts.path.strip("/") or parts.query or parts.username:
        raise SettingsError(f"{variable} is {url!r}: it has to be https://host or http://host, perhaps with a port")
    is_tls = parts.scheme == "https"
    return Address(host, port or (443 if is_tls else 80), is_tls)


def is_loopback(host: str) -> bool:
    return host in _LOOPBACK or host.startswith("127.")


def _is_true(variable: str, environment: Mapping[str, str]) -> bool:
    return environment.get(variable, "").lower() == "true"
