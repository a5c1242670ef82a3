"""docs/keys.md says what the code does."""

import re
from pathlib import Path

from valet.keys.plan import ANNOUNCED_FOR, KEPT_FOR, MARGIN, SIGNS_ON, VERIFIER_CACHE
from valet.resource_server.keys import KEYS_REFRESHED
from valet.settings import LONGEST_ACCESS_TOKEN, Settings, SettingsError, read

from functions.jwks.app import _CACHE

PROJECT = Path(__file__).parent.parent.parent.parent
DOCS = (PROJECT / "docs" / "keys.md").read_text()
VALET = PROJECT / "layers" / "valet" / "python" / "valet"


def test_the_times_are_those_of_the_code() -> None:
    assert ANNOUNCED_FOR == (2 * 60 + 15) * 60
    assert "2 h 15 min" in DOCS
    assert KEPT_FOR == (26 * 60 + 15) * 60
    assert "26 h 15 min" in DOCS
    assert SIGNS_ON == 15 * 60
    assert "15 minutes" in DOCS
    assert Settings().rotation_period == 30 * 86_400
    assert "30 days" in DOCS


def test_the_margin_covers_the_caches_on_the_way() -> None:
    (max_age,) = map(int, re.findall(r"max-age=(\d+)", _CACHE["Cache-Control"]))
    assert f"max-age={max_age}" in DOCS
    assert max_age + 10 < MARGIN / 2
    assert KEYS_REFRESHED < VERIFIER_CACHE
    assert f"every {KEYS_REFRESHED:.0f} s" in DOCS


def test_no_setting_makes_a_token_outlive_its_key() -> None:
    read({"ACCESS_TOKEN_LIFETIME": str(LONGEST_ACCESS_TOKEN)})
    try:
        read({"ACCESS_TOKEN_LIFETIME": str(LONGEST_ACCESS_TOKEN + 1)})
    except SettingsError:
        return
    raise AssertionError("an access token may live longer than the key set keeps its key")


def test_every_event_is_described() -> None:
    sources = [*(VALET / "keys").glob("*.py"), PROJECT / "functions" / "rotate_keys" / "app.py"]
    events = {event for path in sources for event in re.findall(r'"((?:key|rotate_keys)\.[a-z_]+)"', path.read_text())}
    assert len(events) == 9
    for event in events:
        assert f"| `{event}` |" in DOCS
