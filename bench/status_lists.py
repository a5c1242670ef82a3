"""The size and cost of a status list, by its tokens and how many are revoked; the table of docs/status-lists.md.

    python -m bench.status_lists [--no-write]

This is computation without a network. The server's own code builds, compresses and signs each list, and the
authorizer's own parser verifies and inflates it. Revoked tokens are scattered at random, which compresses worst. The
first read of the table is counted as DynamoDB does: answers of 1 MB, and units of 4 KB.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import struct
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "valet" / "python")]

from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: E402
from valet.aws.dynamodb.status_lists import PAGE, DynamoStatusLists  # noqa: E402
from valet.aws.dynamodb.table import Table  # noqa: E402
from valet.resource_server.keys import Keys  # noqa: E402
from valet.resource_server.status_list import status_list_from_jwt  # noqa: E402
from valet.tokens import status_list  # noqa: E402

from tests.parts.authorizer.issuer import ISSUER, LIST, NOW, FakeClock, FakeIssuer  # noqa: E402

DOCUMENT = ROOT / "docs" / "status-lists.md"
BEGIN, END = "<!-- measured -->\n", "<!-- /measured -->\n"
TOKENS = (10**3, 10**4, 10**5, 10**6, 10**7)
SHARES = (0.0001, 0.001, 0.01, 0.1)
_ANSWER, _UNIT = 2**20, 4096  # bytes of one answer to a query, and of a strongly consistent read unit


class Row(NamedTuple):
    """One list, in bytes and seconds. The first read takes `units` in `answers`; the next reads only what is new."""

    tokens: int
    share: float
    revoked: int
    signed: int
    wire: int
    read: float
    again: float
    build: float
    gzip: float
    verify: float
    answers: int
    units: int


class PublishedKey:
    """The port Signer with a key in memory: KMS would add its own time."""

    def __init__(self, issuer: FakeIssuer) -> None:
        self.alg, self.kid, key = "RS256", issuer.kid, issuer.keys[issuer.kid]
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())


class Items:
    """DynamoDB's answers to queries for the journal, to time their reading in this process."""

    def __init__(self, revoked: Sequence[int]) -> None:
        journal = [revoked[at : at + PAGE] for at in range(0, len(revoked), PAGE)]
        self.item = 570  # bytes that DynamoDB counts: names and values of pk, sk, indices and expires_at
        items = [_item(number, indices) for number, indices in enumerate(journal)]
        per_answer = _ANSWER // self.item
        self.answers = [json.dumps(items[at : at + per_answer]) for at in range(0, len(items), per_answer)]
        self.pages = len(items)
        self._open = {"sk": {"S": "open"}, "number": {"N": str(len(items))}, "indices": {"NS": ["5"]}}

    def __call__(self, operation: str, asked: Mapping[str, Any], /) -> dict[str, Any]:
        at = asked.get("ExclusiveStartKey", 0)
        is_first = asked["ExpressionAttributeValues"][":since"]["S"] == "journal#00000000"
        found: list[Any] = json.loads(self.answers[at]) if is_first else []
        if is_first and at + 1 < len(self.answers):
            return {"Items": found, "LastEvaluatedKey": at + 1}
        return {"Items": [*found, self._open]}


def _item(number: int, indices: Sequence[int]) -> dict[str, Any]:
    packed = struct.pack(f">{len(indices)}I", *indices)
    return {"sk": {"S": f"journal#{number:08}"}, "indices": {"B": b64encode(packed).decode()}}


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
    revoked = random.Random(tokens).sample(range(tokens), round(tokens * share))
    items = Items(revoked)
    lists, signer = DynamoStatusLists(Table(items, "Grants")), PublishedKey(issuer)
    content = replace(lists.find_list("bvk0"), leased=tokens)
    token = status_list._sign(status_list.compressed(content), LIST, ISSUER, signer, NOW).encode()
    found = status_list_from_jwt(token, LIST, ISSUER, keys, clock())
    assert all(found.status(idx) for idx in revoked[:1000])
    packed = gzip.compress(token, mtime=0)
    return Row(
        tokens=tokens,
        share=share,
        revoked=len(revoked),
        signed=len(token),
        wire=len(packed),
        read=_seconds(lambda: lists.find_list("bvk0")),
        again=_seconds(lambda: lists.find_list("bvk0", content)),
        build=_seconds(lambda: status_list._sign(status_list.compressed(content), LIST, ISSUER, signer, NOW)),
        gzip=_seconds(lambda: gzip.compress(token, mtime=0)),
        verify=_seconds(lambda: status_list_from_jwt(token, LIST, ISSUER, keys, clock())),
        answers=len(items.answers),
        units=-(-items.pages * items.item // _UNIT),
    )


def _seconds(deed: Callable[[], object]) -> float:
    """The median of up to nine runs within two seconds of processor time."""
    taken: list[float] = []
    while len(taken) < 9 and sum(taken) < 2:
        started = time.thread_time()
        deed()
        taken.append(time.thread_time() - started)
    return statistics.median(taken)


HEAD = (
    "| tokens in the list | revoked | list, signed | on the wire, gzip "
    "| server: first read | next read | build and sign | gzip | authorizer: verify and inflate "
    "| first read: answers | units |\n"
    "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


def line(row: Row) -> str:
    """The row as a line of the Markdown table."""
    revoked = f"{row.revoked:,} ({row.share:.2%})".replace(".00%", " %").replace("%)", " %)").replace("  ", " ")
    times = (_ms(seconds) for seconds in (row.read, row.again, row.build, row.gzip, row.verify))
    cells = (
        f"{row.tokens:,}",
        revoked,
        _kb(row.signed),
        _kb(row.wire),
        *times,
        f"{row.answers:,}",
        f"{row.units:,}",
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
        before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        DOCUMENT.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
