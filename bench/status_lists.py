"""The size and cost of a status list, by its tokens and how many are revoked; the table of docs/status-lists.md.

    python -m bench.status_lists [--no-write]

This is computation without a network. The server's own code builds, compresses and signs each list, and the
authorizer's own parser verifies and inflates it. Revoked tokens are scattered at random, which compresses worst. A read
of the table is counted as DynamoDB does: pages of 1 MB, and units of 4 KB at the price of eu-west-1 and us-east-1.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "valet" / "python")]

from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: E402
from valet.aws.dynamodb.status_lists import DynamoStatusLists  # noqa: E402
from valet.aws.dynamodb.table import Table  # noqa: E402
from valet.models.status_lists import StatusListContent  # noqa: E402
from valet.resource_server.keys import Keys  # noqa: E402
from valet.resource_server.status_list import status_list_from_jwt  # noqa: E402
from valet.tokens import status_list  # noqa: E402

from tests.parts.authorizer.issuer import ISSUER, LIST, NOW, FakeClock, FakeIssuer  # noqa: E402

PAGE = ROOT / "docs" / "status-lists.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"
TOKENS = (10**3, 10**4, 10**5, 10**6, 10**7)
SHARES = (0.0001, 0.001, 0.01, 0.1)
_PAGE_SIZE = 2**20
_UNIT, _PRICE = 4096, 0.125e-6  # bytes of a strongly consistent read unit, and its dollars on demand
_MONTH = 30 * 86_400


class Row(NamedTuple):
    """One list, in bytes and seconds. One read has `pages` of 1 MB; one read a second costs `dollars` a month."""

    tokens: int
    share: float
    revoked: int
    signed: int
    wire: int
    read: float
    build: float
    gzip: float
    verify: float
    pages: int
    dollars: float


class PublishedKey:
    """The port Signer with a key in memory: KMS would add its own time."""

    def __init__(self, issuer: FakeIssuer) -> None:
        self.alg, self.kid, key = "RS256", issuer.kid, issuer.keys[issuer.kid]
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())


class Items:
    """DynamoDB's answers to a query, in pages, to time their reading in this process."""

    def __init__(self, revoked: frozenset[int]) -> None:
        items = [{"sk": {"S": f"set#{idx}"}} for idx in revoked]  # only the attributes that the query projects
        self.item = 42  # bytes that DynamoDB counts: pk, sk and expires_at, names and values
        per_page = _PAGE_SIZE // self.item
        self.pages = [json.dumps(items[at : at + per_page]) for at in range(0, len(items), per_page)] or ["[]"]

    def query(self, ExclusiveStartKey: int = 0, **_: Any) -> dict[str, Any]:  # noqa: N803  botocore's
        is_last = ExclusiveStartKey + 1 >= len(self.pages)
        found = {"Items": json.loads(self.pages[ExclusiveStartKey])}
        return found if is_last else {**found, "LastEvaluatedKey": ExclusiveStartKey + 1}


def rows() -> Iterator[Row]:
    """A row for every list; small lists are measured several times."""
    clock = FakeClock()
    issuer = FakeIssuer(clock)
    keys = Keys(ISSUER, issuer.fetch, clock, lambda: 0.0, 300)
    for tokens in TOKENS:
        for share in SHARES:
            if tokens * share >= 1:
                yield _row(tokens, share, issuer, keys, clock)


def _row(tokens: int, share: float, issuer: FakeIssuer, keys: Keys, clock: FakeClock) -> Row:
    revoked = frozenset(random.Random(tokens).sample(range(tokens), round(tokens * share)))
    content, signer = StatusListContent(tokens, revoked), PublishedKey(issuer)
    items: Any = Items(revoked)
    lists = DynamoStatusLists(Table(items, "Grants"))
    token = status_list._sign(status_list.compressed(content), LIST, ISSUER, signer, NOW).encode()
    found = status_list_from_jwt(token, LIST, ISSUER, keys, clock())
    assert all(found.status(idx) for idx in list(revoked)[:1000])
    packed = gzip.compress(token, mtime=0)
    units = max(1, -(-len(revoked) * items.item // _UNIT))
    return Row(
        tokens=tokens,
        share=share,
        revoked=len(revoked),
        signed=len(token),
        wire=len(packed),
        read=_seconds(lambda: lists.find_list("bvk0")),
        build=_seconds(lambda: status_list._sign(status_list.compressed(content), LIST, ISSUER, signer, NOW)),
        gzip=_seconds(lambda: gzip.compress(token, mtime=0)),
        verify=_seconds(lambda: status_list_from_jwt(token, LIST, ISSUER, keys, clock())),
        pages=max(1, -(-len(revoked) * items.item // _PAGE_SIZE)),
        dollars=units * _PRICE * _MONTH,
    )


def _seconds(deed: Callable[[], object]) -> float:
    """The median of up to nine runs within two seconds."""
    taken: list[float] = []
    while len(taken) < 9 and sum(taken) < 2:
        started = time.perf_counter()
        deed()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


HEAD = (
    "| tokens in the list | revoked | list, signed | on the wire, gzip | server: read | build and sign | gzip "
    "| authorizer: verify and inflate | DynamoDB: pages | $ a month |\n"
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


def line(row: Row) -> str:
    """The row as a line of the Markdown table."""
    revoked = f"{row.revoked:,} ({row.share:.2%})".replace(".00%", " %").replace("%)", " %)").replace("  ", " ")
    times = (_ms(seconds) for seconds in (row.read, row.build, row.gzip, row.verify))
    cells = (
        f"{row.tokens:,}",
        revoked,
        _kb(row.signed),
        _kb(row.wire),
        *times,
        f"{row.pages:,}",
        f"{row.dollars:,.2f}",
    )
    return f"| {' | '.join(cells)} |\n"


def _kb(size: int) -> str:
    return f"{size / 1000:,.1f} KB"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.1f} ms" if seconds < 0.1 else f"{1000 * seconds:,.0f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the size and cost of status lists.")
    parser.add_argument(
        "--no-write", action="store_true", help="Print the table and do not change docs/status-lists.md."
    )
    arguments = parser.parse_args()
    table = HEAD
    print(HEAD, end="")
    for row in rows():
        print(line(row), end="", flush=True)
        table += line(row)
    if not arguments.no_write:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
