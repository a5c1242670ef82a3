"""Which passwords people may choose (NIST SP 800-63B-4 §3.1.1.2)."""

import pytest
from valet.people.password_rules import _LIST, Refused, refusal

NAMES = ("john", "John.Doe@mail.example.com", "The App")


@pytest.mark.parametrize(
    ("password", "minimum", "reason"),
    [
        ("p" * 14 + "q", 16, Refused.TOO_SHORT),
        ("\u00bd" * 5, 16, Refused.TOO_SHORT),  # each is three characters once normal, as the hash sees it
        ("ab" * 600, 15, Refused.TOO_LONG),
        ("aaaaaaaaaaaaaaa", 15, Refused.REPEATED),
        ("abcabcabcabcabc", 15, Refused.REPEATED),
        ("aBcAbCabcabcabc", 15, Refused.REPEATED),
        ("john.doe@mail.example.com", 15, Refused.NAME),
        ("JOHN.DOE", 8, Refused.NAME),
        ("mail.example.com", 8, Refused.NAME),
        ("The App", 7, Refused.NAME),
        ("password", 8, Refused.COMMON),
        ("PASSWORD", 8, Refused.COMMON),
        ("1qaz2wsx", 8, Refused.COMMON),
        ("qwertyuiop", 8, Refused.COMMON),
    ],
)
def test_what_attackers_try_first_is_refused_with_the_reason(password: str, minimum: int, reason: Refused) -> None:
    assert refusal(password, minimum, NAMES) is reason


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "password of mine, a long one",  # a common word within a longer password is no reason
        "john went to the sea",
        "\u30d1\u30b9\u30ef\u30fc\u30c9\u306f\u9577\u3044\u307b\u3069\u826f\u3044\u3067\u3059\u306d\u3047",
        "               x",
        "x" * 1023 + "y",
    ],
)
def test_any_other_password_is_taken_whatever_its_characters(password: str) -> None:
    assert refusal(password, 15, NAMES) is None


def test_the_list_is_sorted_so_that_a_search_finds_every_entry() -> None:
    kept = _LIST.read_bytes()
    digests = [kept[start : start + 8] for start in range(0, len(kept), 8)]
    assert digests == sorted(set(digests))
    assert len(digests) > 11_000
