"""The growth of Valet's time from a hundred to a hundred thousand clients, users and grants in the store (B10).

Times are measured on the store in memory, which adds little to Valet's own work. In each population, a hundred clients
make the requests. tests/promises/counts counts the requests to DynamoDB: they read single items by key, and their price
and time do not depend on the size of the table.
"""

import gc
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.measure import Deed, Sample, interleaved
from bench.valet_in_memory import ValetInMemory, handler

POPULATIONS = (100, 10_000, 100_000)
# The larger table no longer fits the processor's cache, so some growth is expected. A step that walked through the
# whole store would grow a thousandfold.
TOLERANCE = 1.5


@dataclass(frozen=True)
class Growth:
    """Microseconds by kind of request and population."""

    micros: Mapping[str, Mapping[int, Sample]]

    def worst(self) -> tuple[str, float]:
        """The kind whose time grew most, and its growth from the smallest population to the largest."""
        factors = {kind: each[POPULATIONS[-1]].over(each[POPULATIONS[0]]) for kind, each in self.micros.items()}
        kind = max(factors, key=lambda name: factors[name])
        return kind, factors[kind]


def measure(rounds: int = 300, on_progress: Callable[[], None] = lambda: None) -> Growth:
    deeds: dict[str, Callable[[], Deed]] = {}
    for population in POPULATIONS:
        deeds |= {f"{kind} {population}": make for kind, make in _deeds(population).items()}
        on_progress()
    gc.collect()
    gc.freeze()  # the collector must not walk the benchmark's own hundred thousand grants
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
