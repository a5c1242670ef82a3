"""How many places in status lists a grant takes, and what is left of a token that shares one."""

from hypothesis import given
from hypothesis import strategies as st
from valet.models.grants import LiveToken
from valet.tokens.access_token import place_to_share, still_live

NOW = 1_800_000_000
PLACES = 15


def refreshed(live: tuple[LiveToken, ...], lifetime: int, now: float, idx: int) -> tuple[LiveToken, ...]:
    """As the refresh token grant does it, where no bit is set."""
    live = still_live(live, now)
    shared = place_to_share(live, lifetime, now)
    newest = shared if shared is not None else LiveToken(int(now) + lifetime, "list", idx)
    return (*(token for token in live if token != shared), newest)


@given(
    st.integers(60, 86_400),
    st.lists(st.floats(0, 1.2), min_size=1, max_size=120),
)
def test_with_one_lifetime_no_more_than_fifteen_are_alive_and_a_token_keeps_nearly_all_of_it(
    lifetime: int, pauses: list[float]
) -> None:
    live: tuple[LiveToken, ...] = ()
    now = float(NOW)
    for idx, pause in enumerate(pauses):
        now += pause * lifetime / PLACES
        live = refreshed(live, lifetime, now, idx)
        assert len(live) <= PLACES
        assert live[-1].exp - int(now) > lifetime * 14 // 15
        assert live[-1].exp == max(token.exp for token in live)


@given(
    st.lists(st.integers(60, 86_400), min_size=2, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1.2)), min_size=1, max_size=200),
)
def test_with_several_lifetimes_too_and_a_token_lives_nearly_as_long_as_the_shortest(
    lifetimes: list[int], steps: list[tuple[int, float]]
) -> None:
    live: tuple[LiveToken, ...] = ()
    now = float(NOW)
    for idx, (which, pause) in enumerate(steps):
        lifetime = lifetimes[which % len(lifetimes)]
        now += pause * lifetime / PLACES
        live = refreshed(live, lifetime, now, idx)
        assert len(live) <= PLACES
        assert live[-1].exp - int(now) >= min(lifetimes) * 14 // 15


def test_the_place_that_lasts_longest_is_shared_while_fourteen_fifteenths_are_left_to_it() -> None:
    live = (LiveToken(NOW + 841, "list", 1), LiveToken(NOW + 300, "list", 2))
    assert place_to_share(live, 900, NOW) == live[0]
    assert place_to_share(live, 900, NOW + 1) is None
    assert place_to_share(live, 300, NOW + 500) == live[0]
    assert place_to_share((), 900, NOW) is None


def test_a_short_token_shares_the_place_of_a_longer_one_for_as_long_as_that_covers_it() -> None:
    """Revoking a token of a minute may end another API's token of a day: docs/decisions/shared-places.md."""
    of_a_day = (LiveToken(NOW + 86_400, "list", 1),)
    assert place_to_share(of_a_day, 60, NOW + 86_400 - 57) == of_a_day[0]
    assert place_to_share(of_a_day, 60, NOW + 86_400 - 56) is None
