"""The variables that name an endpoint: botocore's client calls the same one in the same environment."""

import os
from urllib.parse import urlsplit

import pytest
from valet.aws.calls import AwsCalls
from valet.aws.endpoints import address
from valet.settings import SettingsError

from tests.parts.aws import oracle
from tests.parts.aws.door import SIGNED, Door

pytestmark = pytest.mark.slow

OPERATIONS = {"dynamodb": "ListTables", "kms": "ListKeys"}
ANY, OF_DYNAMODB, OF_KMS = "http://127.0.0.1:4001", "https://dynamodb.example:8443/", "HTTP://[::1]:4002"
NAMED: dict[str, dict[str, str]] = {
    "none": {"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_DYNAMODB": "", "AWS_ENDPOINT_URL_KMS": ""},
    "one for all": {"AWS_ENDPOINT_URL": ANY},
    "one for each": {"AWS_ENDPOINT_URL_DYNAMODB": OF_DYNAMODB, "AWS_ENDPOINT_URL_KMS": OF_KMS},
    "one for all and one for KMS": {"AWS_ENDPOINT_URL": ANY, "AWS_ENDPOINT_URL_KMS": OF_KMS},
    "one for another service": {"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": ANY},
}
SWITCHES = ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
SWITCHED = [("", "", ""), ("True", "", ""), ("yes", "TRUE", ""), ("true", "1", "true"), ("1", "true", "True")]


@pytest.mark.parametrize("service", OPERATIONS)
@pytest.mark.parametrize("named", NAMED)
def test_the_endpoint_is_the_one_that_botocore_calls(service: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for switched in SWITCHED:
        environment = {**NAMED[named], **dict(zip(SWITCHES, switched, strict=True)), "AWS_REGION": oracle.REGION}
        for name, value in {"AWS_CONFIG_FILE": os.devnull, **environment}.items():
            monkeypatch.setenv(name, value)
        theirs = oracle.Client(service, oracle.new_session())
        theirs.call(OPERATIONS[service], {})
        url = urlsplit(theirs.sent[0].url)
        where = address(service, environment)
        assert (where.is_tls, where.authority) == (url.scheme == "https", url.netloc)


MALFORMED = (
    *("127.0.0.1:4001", "//127.0.0.1:4001", "ftp://127.0.0.1", "http://", "http:///", "https://:443", "http://h:"),
    *("http://h:0", "http://h:65536", "http://h:99999", "http://h:-1", "http://h:+1", "http://h:٨٠", "http://h:8a"),
    *("http://h/path", "http://h//", "http://h?a=b", "http://h/?a", "http://h#a", "http://user@h", "http://user:pw@h"),
    *("http://:pw@h", "http://h x", " http://h", "http://h\n", "http://h\r\nX-Evil: 1", "http://[::1", "http://::1"),
    *(
        "http://[::1%25eth0]",
        "http://[evil]",
        "http://ü.example",
        "http://\u212a.example",
        "http://h\\@evil.example",
        "http://%68",
        "local",
        "http",
    ),
)


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("dynamodb", "AWS_ENDPOINT_URL"),
        ("kms", "AWS_ENDPOINT_URL"),
        ("dynamodb", "AWS_ENDPOINT_URL_DYNAMODB"),
        ("kms", "AWS_ENDPOINT_URL_KMS"),
    ],
)
def test_a_malformed_url_is_refused_and_its_variable_named(service: str, variable: str, door: Door) -> None:
    for url in MALFORMED:
        with pytest.raises(SettingsError, match=f"^{variable} has to be https://host or http://host") as refused:
            AwsCalls(service, {**SIGNED, variable: url})("GetItem", {})
        assert "pw" not in str(refused.value)
    assert door.attempts == []


@pytest.mark.parametrize("service", OPERATIONS)
def test_the_variable_of_another_service_may_be_malformed(service: str) -> None:
    other = {"dynamodb": "AWS_ENDPOINT_URL_KMS", "kms": "AWS_ENDPOINT_URL_DYNAMODB"}[service]
    assert address(service, {"AWS_REGION": "us-east-1", other: "?"}).is_tls


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://127.0.0.1", "127.0.0.1"),
        ("http://127.0.0.1:80", "127.0.0.1"),
        ("https://host:443/", "host"),
        ("https://host:80", "host:80"),
        ("http://host:443", "host:443"),
        ("http://[::1]:4001", "[::1]:4001"),
        ("http://HOST.Docker.internal:1", "host.docker.internal:1"),
        ("http://aws_emulator:4566", "aws_emulator:4566"),
    ],
)
def test_the_header_host_has_the_port_only_if_it_is_not_the_schemes(url: str, authority: str) -> None:
    assert address("kms", {"AWS_ENDPOINT_URL": url}).authority == authority
