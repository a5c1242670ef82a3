"""What a person is shown of a browser: a name they know, at most 40 characters, and nothing that was made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from valet.people.agents import agent_of

CHROME = "Mozilla/5.0 (%s) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
NAMES = {
    *(
        "",
        "Edge",
        "Opera",
        "Samsung Internet",
        "Vivaldi",
        "Yandex Browser",
        "DuckDuckGo",
        "Firefox",
        "Chrome",
        "Safari",
    ),
    *("Windows", "Android", "iPhone", "iPad", "macOS", "ChromeOS", "Linux"),
}


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        (CHROME % "Windows NT 10.0; Win64; x64", "Chrome, Windows"),
        (CHROME % "X11; CrOS x86_64 14541.0.0", "Chrome, ChromeOS"),
        (CHROME % "Linux; Android 10; K", "Chrome, Android"),
        (f"{CHROME} Edg/140.0.0.0" % "Windows NT 10.0; Win64; x64", "Edge, Windows"),
        (f"{CHROME} OPR/120.0.0.0" % "X11; Linux x86_64", "Opera, Linux"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox, Linux"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
            " Safari/605.1.15",
            "Safari, macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " FxiOS/140.0 Mobile/15E148 Safari/605.1.15",
            "Firefox, iPhone",
        ),
        ("curl/8.5.0", ""),
        ("Windows", "Windows"),
        ("", ""),
        ("x" * 1_024 + "Firefox/140.0", ""),
    ],
)
def test_a_browser_is_named_as_its_user_knows_it(user_agent: str, agent: str) -> None:
    assert agent_of(user_agent) == agent


@given(st.text() | st.sampled_from(sorted(NAMES)))
def test_nothing_that_a_browser_says_is_repeated(user_agent: str) -> None:
    agent = agent_of(user_agent)
    assert set(agent.split(", ")) <= NAMES
    assert len(agent) <= 40
