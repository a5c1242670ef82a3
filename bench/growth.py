"""The same requests with a hundred and with a hundred thousand clients, users and grants in the store (B10).

Time is measured on the store in memory, where nothing hides what Valet itself does, and a hundred clients of whatever
population make the requests. What DynamoDB is asked is counted by tests/promises/counts: single items by their key,
whose price and time do not depend on what else is in the table.
"""

import gc
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.measure import Deed, Sample, interleaved
from bench.valet_in_memory import ValetInMemory, handler

POPULATIONS = (100, 10_000, 100_000)
# More grows by this, from a table that fits a processor's cache to one that does not; a step that walked through
# what is in the store would grow a thousandfold.
TOLERANCE = 1.5


@dataclass(frozen=True)
class Growth:
    """µs by kind of request and population."""

    micros: Mapping[str, Mapping[int, Sample]]

    def worst(self) -> tuple[str, float]:
        """The kind that grew most, from the smallest to the largest."""
        factors = {kind: each[POPULATIONS[-1]].over(each[POPULATIONS[0]]) for kind, each in self.micros.items()}
        kind = max(factors, key=lambda name: factors[name])
        return kind, factors[kind]


def measure(rounds: int = 300, on_progress: Callable[[], None] = lambda: None) -> Growth:
    deeds: dict[str, Callable[[], Deed]] = {}
    for population in POPULATIONS:
        deeds |= {f"{kind} {population}": make for kind, make in _deeds(population).items()}
        on_progress()
    gc.collect()
    gc.freeze()  # a hundred thousand grants of ours are not what Valet's collector would find
    found = interleaved(deeds, rounds)
    gc.unfreeze()
    kinds = list(dict.fromkeys(name.rpartition(" ")[0] for name in found))
    return Growth({kind: {many: found[f"{kind} {many}"] for many in POPULATIONS} for kind in kinds})


def _deeds(population: int) -> dict[str, Callable[[], Deed]]:
    valet = ValetInMemory(population=population)
    for number in range(population):
        valet.issue(number=number)
    tokens, introspect = handler("token"), handler("introspect")
    draw = random.Random(0)
    active = draw.sample(range(population), POPULATIONS[0])  # the same requests, by as many clients

    def anybody() -> int:
        valet.take_over()
        valet.forget_log()
        return draw.choice(active)

    def redeemed(number: int) -> dict[str, str]:
        return valet.tokens(valet.redemption(valet.issue(number=number), number))

    def client_credentials() -> Deed:
        made = valet.client_credentials(anybody())
        return lambda: tokens(made, None)

    def code() -> Deed:
        number = anybody()
        made = valet.redemption(valet.issue(number=number), number)
        return lambda: tokens(made, None)

    def refresh() -> Deed:
        number = anybody()
        made = valet.refresh(redeemed(number)["refresh_token"], number)
        return lambda: tokens(made, None)

    def introspection() -> Deed:
        number = anybody()
        made = valet.introspection(redeemed(number)["access_token"], number)
        return lambda: introspect(made, None)

    return {
        "client_credentials": client_credentials,
        "code": code,
        "refresh": refresh,
        "introspection": introspection,
    }
