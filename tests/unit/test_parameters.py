"""Query and form parameters, parsed once at the door (RFC 6749 §3.1, §3.2)."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from valet.errors import InvalidRequest, TooLarge
from valet.http import MAXIMUM_BODY, MAXIMUM_PARAMETERS, Parameters, Request, add_to_query, parse_parameters

FORM = "application/x-www-form-urlencoded"
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)


@given(values=st.dictionaries(TEXT, TEXT, max_size=20))
def test_what_was_encoded_is_what_is_read(values: dict[str, str]) -> None:
    assert dict(parse_parameters(urlencode(values))) == values
    assert dict(parse_parameters(urlencode(values).encode())) == values


@given(encoded=st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_whatever_is_sent_is_read_or_refused(encoded: str | bytes) -> None:
    try:
        values = list(parse_parameters(encoded).values())
    except InvalidRequest:
        return
    assert all(values)


PIECES = st.sampled_from([*"ab=&+:é", "%3A", "%2F", "%3a", "%25", "%26", "%C3%A9", "%C3", "%00"])


@given(pieces=st.lists(PIECES, max_size=30))
@example(pieces=["%253A=%252F", "%25ab%3A+%2f"])
def test_what_is_read_is_what_urllib_reads(pieces: list[str]) -> None:
    encoded = "".join(pieces)
    try:
        wanted = parse_qsl(encoded, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(InvalidRequest, match="UTF-8"):
            parse_parameters(encoded)
        return
    names = [name for name, _ in wanted]
    parameters = parse_parameters(encoded)
    for name, value in wanted:
        if names.count(name) == 1 and (name + value).isprintable():
            assert parameters.get(name, "") == value
    assert set(parameters) <= set(names)


def test_the_most_parameters() -> None:
    most = "&".join(f"p{number}=1" for number in range(MAXIMUM_PARAMETERS))
    assert len(parse_parameters(most)) == MAXIMUM_PARAMETERS
    with pytest.raises(InvalidRequest, match="too many"):
        parse_parameters(f"{most}&more=1")


def test_a_malformed_parameter_is_refused_to_those_who_ask_whether_it_is_there() -> None:
    parameters = parse_parameters("a=1&a=2&b=3")
    assert "b" in parameters
    assert "c" not in parameters
    with pytest.raises(InvalidRequest, match="repeated"):
        assert "a" in parameters


@pytest.mark.parametrize("encoded", ["a=1&a=2", "a=1&a=1", "a=1&a=", "a=&a=", "a&a=1", "%61=1&a=2"])
def test_a_repeated_parameter_is_refused(encoded: str) -> None:
    with pytest.raises(InvalidRequest, match="repeated"):
        Request("GET", "/", "https://id.example.com", query_string=encoded).query()
    with pytest.raises(InvalidRequest, match="repeated"):
        parse_parameters(encoded)["a"]
    with pytest.raises(InvalidRequest, match="repeated"):
        parse_parameters(encoded).get("a")


def test_what_is_malformed_is_no_business_of_whoever_asks_for_something_else() -> None:
    parameters = Request("GET", "/", "https://id.example.com", query_string="a=1&a=2&b=3&c=%00").query(
        tolerates_malformed=True
    )
    assert parameters.require("b") == "3"
    with pytest.raises(InvalidRequest, match="control"):
        parameters.get("c")
    with pytest.raises(InvalidRequest, match="repeated"):
        parameters.refuse_malformed()


@pytest.mark.parametrize("encoded", ["a=", "a", "&", "", "a=&b="])
def test_an_empty_parameter_counts_as_omitted(encoded: str) -> None:
    assert dict(parse_parameters(encoded)) == {}


@pytest.mark.parametrize(
    "encoded",
    [
        b"a=\xff",
        b"\xc3\xa4=1",
        "a=%ff",
        "a=%c3",
        "a=%C0%80",
        "a=%c3%28",
        "a=%C0%AF",
        "a=%ed%a0%80",
        "a=%ed%b0%80",
        "%ff=1",
        "a=\ud800",
    ],
)
def test_what_is_not_utf_8_is_refused(encoded: str | bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_parameters(encoded)


@pytest.mark.parametrize("encoded", ["a=%", "a=%1", "a=%g0", "a=%%", "%=1", "a=%u0041"])
def test_broken_percent_encoding_is_refused(encoded: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_parameters(encoded)


@pytest.mark.parametrize("encoded", ["a=%00", "a=%0a", "a=%0d%0a", "%09=1", "a=%1f"])
def test_control_characters_are_refused(encoded: str) -> None:
    with pytest.raises(InvalidRequest):
        Request("GET", "/", "https://id.example.com", query_string=encoded).query()


def test_a_hundred_parameters_are_read_and_one_more_is_refused() -> None:
    hundred = "&".join(f"p{number}=x" for number in range(100))
    assert len(parse_parameters(hundred)) == 100
    with pytest.raises(InvalidRequest):
        parse_parameters(f"{hundred}&more=x")


def test_a_semicolon_separates_nothing() -> None:
    assert dict(parse_parameters("a=1;b=2")) == {"a": "1;b=2"}


def test_what_is_required_is_there_or_the_request_refused() -> None:
    assert Parameters({"code": "x"}).require("code") == "x"
    with pytest.raises(InvalidRequest, match="code"):
        parse_parameters("code=").require("code")


def test_the_names_alone_are_shown() -> None:
    assert "s3cret" not in repr(Parameters({"client_secret": "s3cret"}))


def form_request(body: bytes, content_type: str | None) -> Request:
    headers = {"content-type": content_type} if content_type is not None else {}
    return Request("POST", "/token", "https://id.example.com", headers=headers, body=body)


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/json", "text/plain", "multipart/form-data", "application/xml", f"{FORM}-not"],
)
def test_a_form_says_that_it_is_one(content_type: str | None) -> None:
    with pytest.raises(InvalidRequest):
        form_request(b"a=1", content_type).form()


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded ; charset=utf-8"]
)
def test_a_form_has_a_bound(content_type: str) -> None:
    assert form_request(b"a=1", content_type).form()["a"] == "1"
    assert form_request(b"a=" + b"x" * (MAXIMUM_BODY - 2), content_type).form()
    with pytest.raises(TooLarge):
        form_request(b"a=" + b"x" * (MAXIMUM_BODY - 1), content_type).form()


def test_an_answer_is_added_to_a_redirect_uri_that_stays_as_it_was_registered() -> None:
    answer = {"code": "a b&c", "state": None, "iss": "https://id.example.com"}
    added = "code=a+b%26c&iss=https%3A%2F%2Fid.example.com"
    assert add_to_query("https://app.example.com/%7Ex?y=%20", answer) == f"https://app.example.com/%7Ex?y=%20&{added}"
    assert add_to_query("com.example.app:/callback", answer) == f"com.example.app:/callback?{added}"
    assert add_to_query("https://app.example.com/", {"state": None}) == "https://app.example.com/"


@pytest.mark.parametrize(
    ("encoded", "values"),
    [
        ("", ()),
        ("resource=", ()),
        ("resource=a:b", ("a:b",)),
        ("resource=a:b&resource=c:d&x=1", ("a:b", "c:d")),
        ("resource=&resource=a:b&resource=", ("a:b",)),
        ("resource=a:b&resource=a:b", ("a:b", "a:b")),
    ],
)
def test_the_resource_may_be_repeated(encoded: str, values: tuple[str, ...]) -> None:
    parameters = Request("GET", "/", "https://id.example.com", query_string=encoded).query()
    assert parameters.every("resource") == values
    assert ("resource" in set(parameters)) == bool(values)


def test_a_reader_of_one_value_is_not_given_any_of_several() -> None:
    parameters = parse_parameters("resource=a:b&resource=c:d")
    parameters.refuse_malformed()
    with pytest.raises(InvalidRequest, match="repeated"):
        parameters["resource"]
    assert parse_parameters("resource=a:b")["resource"] == "a:b"
    assert Parameters({"resource": "a:b"}).every("resource") == ("a:b",)


@pytest.mark.parametrize("encoded", ["resource=%00", "resource=a:b&resource=%0a", "resource=%0a&resource=a:b"])
def test_a_control_character_is_refused_in_a_repeated_resource_too(encoded: str) -> None:
    parameters = parse_parameters(encoded)
    with pytest.raises(InvalidRequest, match="control"):
        parameters.refuse_malformed()
    with pytest.raises(InvalidRequest, match="control"):
        parameters.every("resource")
