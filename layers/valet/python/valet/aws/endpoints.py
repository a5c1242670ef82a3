"""Where a service of AWS answers, as the variables that all of AWS's tools know say it."""

import re
from collections.abc import Mapping

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
# Where the host's name begins with another word than the service, and the variables have the name of its newer version.
_HOSTS = {"ses": "email"}
_VARIABLES = {"ses": "SESV2"}
_REGION = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
_URL = re.compile(
    r"(?P<scheme>https?)://(\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<host>[a-z0-9._-]+))(:(?P<port>[0-9]{1,5}))?/?", re.I | re.A
)


def region(environment: Mapping[str, str]) -> str:
    """The Region. Raises SettingsError if no variable names one that can be a part of a host's name."""
    variable = "AWS_REGION" if environment.get("AWS_REGION") else "AWS_DEFAULT_REGION"
    name = environment.get(variable)
    if not name:
        raise SettingsError("AWS_REGION is not set: it has to name a Region of AWS")
    if not _REGION.fullmatch(name):
        raise SettingsError(f"{variable} is {name!r}: it has to name a Region of AWS")
    return name


def address(service: str, environment: Mapping[str, str]) -> Address:
    """Where `service`, dynamodb, kms, sqs, ses or lambda, answers.

    AWS_ENDPOINT_URL_DYNAMODB, for instance, names it, else AWS_ENDPOINT_URL, else the Region, with
    AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. Raises SettingsError.
    """
    if not _is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", environment):
        for name in (f"AWS_ENDPOINT_URL_{_VARIABLES.get(service, service.upper())}", "AWS_ENDPOINT_URL"):
            if url := environment.get(name):
                return _named(name, url)
    return Address(_host(service, environment), 443, is_tls=True)


def _host(service: str, environment: Mapping[str, str]) -> str:
    word = _HOSTS.get(service, service)
    name, is_fips = region(environment), _is_true("AWS_USE_FIPS_ENDPOINT", environment)
    usual, dual = next((usual, dual) for start, usual, dual in _PARTITIONS if name.startswith(start))
    if _is_true("AWS_USE_DUALSTACK_ENDPOINT", environment):
        return f"{word}{'-fips' if is_fips else ''}.{name}.{dual}"
    if is_fips and service in ("dynamodb", "sqs") and name.startswith("us-gov-"):
        return f"{service}.{name}.{usual}"  # these endpoints have always been FIPS's
    return f"{word}{'-fips' if is_fips else ''}.{name}.{usual}"


def _named(variable: str, url: str) -> Address:
    # The message leaves the value out, because a URL may hold a password.
    malformed = SettingsError(f"{variable} has to be https://host or http://host, perhaps with a port")
    if not (found := _URL.fullmatch(url)):
        raise malformed
    is_tls = found["scheme"].lower() == "https"
    port = int(found["port"] or (443 if is_tls else 80))
    if not 0 < port < 65_536:
        raise malformed
    return Address((found["ipv6"] or found["host"]).lower(), port, is_tls)


def _is_true(variable: str, environment: Mapping[str, str]) -> bool:
    return environment.get(variable, "").lower() == "true"
