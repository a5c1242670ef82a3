"""Where DynamoDB, KMS, SQS and SES answer: in every Region that botocore knows, the host that botocore would call."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from botocore.endpoint_provider import EndpointProvider
from valet.aws.endpoints import address, region
from valet.settings import SettingsError

from tests.parts.aws import oracle

SERVICES = ("dynamodb", "kms", "sqs", "ses", "lambda")
BOTOCORES = {"ses": "sesv2"}  # the names that botocore has for services


@cache
def rules(service: str) -> EndpointProvider:
    loader = oracle.session().get_component("data_loader")
    return EndpointProvider(
        loader.load_service_model(BOTOCORES.get(service, service), "endpoint-rule-set-1"),
        loader.load_data("partitions"),
    )


def expected(service: str, name: str, is_fips: bool, is_dual: bool) -> str:
    disabled: dict[str, Any] = {"AccountIdEndpointMode": "disabled"} if service == "dynamodb" else {}
    found = rules(service).resolve_endpoint(Region=name, UseFIPS=is_fips, UseDualStack=is_dual, **disabled)
    return str(found.url)


def ours(service: str, name: str, is_fips: bool = False, is_dual: bool = False) -> str:
    environment = {"AWS_REGION": name}
    if is_fips:
        environment["AWS_USE_FIPS_ENDPOINT"] = "true"
    if is_dual:
        environment["AWS_USE_DUALSTACK_ENDPOINT"] = "true"
    where = address(service, environment)
    assert where.is_tls
    return f"https://{where.authority}"


def regions() -> list[str]:
    """All Regions, those of isolated partitions and those without the services included."""
    session = oracle.session()
    partitions = session.get_component("data_loader").load_data("partitions")["partitions"]
    named = {name for partition in partitions for name in partition["regions"] if not name.endswith("-global")}
    for partition, service in product(session.get_available_partitions(), SERVICES):
        named.update(session.get_available_regions(BOTOCORES.get(service, service), partition))
    return sorted(named)


@pytest.mark.parametrize("service", SERVICES)
def test_the_host_is_botocores_in_every_region(service: str) -> None:
    assert len(regions()) > 40
    for name, is_fips, is_dual in product(regions(), (False, True), (False, True)):
        assert ours(service, name, is_fips, is_dual) == expected(service, name, is_fips, is_dual)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "name",
    [
        *("us-north-9", "eu-central-9", "mx-south-2", "us-gov-north-1", "cn-south-1", "us-iso-north-1"),
        *("us-isob-north-1", "us-isof-north-1", "eu-isoe-north-1", "eusc-de-west-9"),
    ],
)
def test_a_region_that_is_not_there_yet_gets_its_partitions_host(service: str, name: str) -> None:
    for is_fips, is_dual in product((False, True), (False, True)):
        theirs = expected(service, name, is_fips, is_dual)
        if (service, name, is_fips, is_dual) == ("dynamodb", "us-gov-north-1", True, False):
            # botocore names the two GovCloud Regions whose usual endpoints are FIPS's. A third is taken for like them.
            theirs = theirs.replace("-fips", "")
        assert ours(service, name, is_fips, is_dual) == theirs


@pytest.mark.parametrize("name", ["local", "us-east-1-fips", "fips-us-east-1"])
def test_a_name_that_only_botocore_takes_for_a_region_leads_neither_to_a_region_nor_to_plain_http(name: str) -> None:
    """botocore calls http://localhost:8000 for the first, and us-east-1 with FIPS for the others.

    Here only AWS_ENDPOINT_URL and AWS_USE_FIPS_ENDPOINT say so. Lambda gives none of these names. The host below does
    not exist, so the call fails.
    """
    assert ours("dynamodb", name) == f"https://dynamodb.{name}.amazonaws.com"


REGIONS = {
    "us-east-1": {"AWS_REGION": "us-east-1"},
    "us-east-2": {"AWS_DEFAULT_REGION": "us-east-2"},
    "us-west-1": {"AWS_REGION": "us-west-1", "AWS_DEFAULT_REGION": "us-east-2"},
    "us-west-2": {"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"},
}


@pytest.mark.parametrize("name", REGIONS)
def test_the_region_is_lambdas_before_the_default(name: str) -> None:
    assert region(REGIONS[name]) == name


MALFORMED = (
    "-us-east-1",
    "us-east-1-",
    "us east 1",
    "us-east-1.evil.example/",
    "us-east-1\n",
    "a" * 64,
    "üs-east-1",
    "-",
    "*",
)


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_region_is_refused_and_the_variable_named(variable: str, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} is "):
        address("kms", {variable: name})


def test_no_region_is_refused() -> None:
    with pytest.raises(SettingsError, match="AWS_REGION is not set"):
        address("kms", {})
