"""The settings of a deployment, read from its environment."""

import pytest
from valet.protocol.supported import SIGNING_ALGS
from valet.settings import Settings, SettingsError, read

from local.template import load
from tests.parts.template.cloudformation import TEMPLATE


def test_an_empty_environment_has_every_default_and_an_empty_variable_counts_as_absent() -> None:
    assert read({}) == Settings()
    assert read({"ISSUER_URL": "", "AWS_ENDPOINT_URL": "", "RETRY_WINDOW": ""}) == Settings()


@pytest.mark.parametrize(
    "issuer", ["https://id.example.com", "https://id.example.com:8443", "http://127.0.0.1:3000", "http://[::1]:3000"]
)
def test_an_issuer_is_https_or_plain_http_on_a_loopback_address(issuer: str) -> None:
    assert read({"ISSUER_URL": issuer}).issuer_url == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example.com",
        "http://127.0.0.1.evil.test",
        "http://localhost.evil.test",
        "https://id.example.com/",
        "https://id.example.com/tenant",
        "https://id.example.com?x",
        "https://user@id.example.com",
        "https://ID.example.com",
        "id.example.com",
        "ftp://id.example.com",
    ],
)
def test_any_other_issuer_is_refused(issuer: str) -> None:
    with pytest.raises(SettingsError, match="ISSUER_URL"):
        read({"ISSUER_URL": issuer})


def test_all_that_is_wrong_is_said_in_one_message() -> None:
    wrong = {"SIGNING_ALG": "HS256", "SIGNER": "file", "RETRY_WINDOW": "-1", "ACCESS_TOKEN_LIFETIME": "1", "X": "y"}
    with pytest.raises(SettingsError) as caught:
        read(wrong)
    for name in ("SIGNING_ALG", "SIGNER", "RETRY_WINDOW", "ACCESS_TOKEN_LIFETIME"):
        assert name in str(caught.value)


def test_a_deployment_signs_with_one_algorithm_or_with_two() -> None:
    allowed = load(TEMPLATE)["Parameters"]["SigningAlgorithm"]["AllowedValues"]
    assert [read({"SIGNING_ALG": value}).signing_algs for value in allowed] == [
        ("RS256",),
        ("ES256",),
        ("PS256",),
        ("RS256", "PS256"),
        ("RS256", "ES256"),
    ]
    assert {alg for value in allowed for alg in value.split("+")} == {*SIGNING_ALGS}
    assert read({}).signing_algs == ("RS256",)
    for value in ("PS256+RS256", "RS256+RS256", "RS256,PS256", "EdDSA", "none"):
        with pytest.raises(SettingsError, match="SIGNING_ALG"):
            read({"SIGNING_ALG": value})


@pytest.mark.parametrize(
    ("name", "field", "least", "most"),
    [
        ("ACCESS_TOKEN_LIFETIME", "access_token_lifetime", 60, 86_400),
        ("ID_TOKEN_LIFETIME", "id_token_lifetime", 60, 86_400),
        ("SESSION_IDLE_LIFETIME", "session_idle_lifetime", 600, 2_592_000),
        ("SESSION_LIFETIME", "session_absolute_lifetime", 600, 2_592_000),
    ],
)
def test_a_lifetime_is_within_its_bounds(name: str, field: str, least: int, most: int) -> None:
    for seconds in (least, most):
        assert getattr(read({name: str(seconds)}), field) == seconds
    for seconds in (0, least - 1, most + 1):
        with pytest.raises(SettingsError, match=name):
            read({name: str(seconds)})


@pytest.mark.parametrize(("value", "is_taken"), [("5", True), ("599", True), ("4", False), ("600", False)])
def test_a_pushed_request_lives_less_than_ten_minutes(value: str, is_taken: bool) -> None:
    """FAPI 2.0 Security Profile §5.3.2.2: a request_uri lives less than 600 seconds."""
    if is_taken:
        assert read({"PUSHED_REQUEST_LIFETIME": value}).pushed_request_lifetime == int(value)
        return
    with pytest.raises(SettingsError, match="PUSHED_REQUEST_LIFETIME"):
        read({"PUSHED_REQUEST_LIFETIME": value})


def test_the_retry_window_can_be_turned_off() -> None:
    assert read({"RETRY_WINDOW": "0"}).retry_window == 0


def test_a_proxy_is_there_only_if_somebody_says_so() -> None:
    assert read({"BEHIND_PROXY": "true"}).is_behind_proxy
    for env in ({}, {"BEHIND_PROXY": ""}, {"BEHIND_PROXY": "false"}, {"ISSUER_URL": "https://id.example.com"}):
        assert not read(env).is_behind_proxy
    with pytest.raises(SettingsError, match="BEHIND_PROXY is 'yes', and must be true or false"):
        read({"BEHIND_PROXY": "yes"})


def test_only_a_loopback_issuer_is_plain_http() -> None:
    assert read({"ISSUER_URL": "http://127.0.0.1:3000"}).is_plain_http
    assert not read({"ISSUER_URL": "https://id.example.com"}).is_plain_http
    assert not read({}).is_plain_http


@pytest.mark.parametrize(
    ("issuer_url", "passkey_domain", "rp_id"),
    [
        ("", "", ""),  # the API's own domain name is not kept
        ("https://id.example.com", "", "id.example.com"),
        ("https://id.example.com:8443", "", "id.example.com"),
        ("https://id.example.com", "example.com", "example.com"),
        ("https://1.example.com", "", "1.example.com"),
        ("http://localhost:3000", "", "localhost"),
        ("http://localhost", "", "localhost"),
        ("http://127.0.0.1:3000", "", ""),  # browsers let passkeys work on a name only
        ("http://[::1]:3000", "", ""),
        ("http://[::1]", "", ""),
    ],
)
def test_passkeys_belong_to_a_domain_that_stays(issuer_url: str, passkey_domain: str, rp_id: str) -> None:
    assert read({"ISSUER_URL": issuer_url, "PASSKEY_DOMAIN": passkey_domain}).rp_id == rp_id


@pytest.mark.parametrize("domain", ["https://example.com", "Example.com", "example.com/", ".example.com", "a..b", "-a"])
def test_a_passkey_domain_that_is_none_is_refused(domain: str) -> None:
    with pytest.raises(SettingsError, match="PASSKEY_DOMAIN"):
        read({"PASSKEY_DOMAIN": domain})
