"""Status lists: which access tokens are revoked, signed and compressed (Token Status List, §4 and §5)."""

import gzip
import hashlib
import re
import zlib
from threading import Lock

from valet.frozen import Frozen
from valet.handles import base64url
from valet.models.status_lists import StatusListContent
from valet.ports.keys import Signer
from valet.ports.runtime import Clock
from valet.ports.status_lists import NOTHING, StatusLists
from valet.settings import LEEWAY, LONGEST_ACCESS_TOKEN
from valet.tokens import jws
from valet.tokens.status_index import LIST_SPAN, list_ends_at, list_id_at

TYPE = "statuslist+jwt"
TTL = 2  # seconds that a verifier may keep a list before it asks again
LIFETIME = 600  # seconds that a signature is good for, should nobody be able to ask

_COPY_AGE = 1  # seconds that this process answers from its own copy
# A list has room for a million tokens before the first is leased: its length tells nobody how many there are, and a
# fresh index is never beyond the end of a list that somebody fetched a moment ago.
_LEAST_LENGTH = 1 << 20
_LIST_ID = re.compile(r"[0-9a-z]{1,13}")  # int() would also read a sign or spaces, which are in no window's number


class SignedList(Frozen):
    """A list as it is served. `etag` is its content, and changes before the signature is half over."""

    token: str
    packed: bytes  # the token in gzip
    etag: str


class _Copy(Frozen):
    read_at: float
    content: StatusListContent
    lst: str
    signed: SignedList


class StatusListPublisher:
    """Reads each list at most once a second, and signs it when its content changed or half its lifetime is gone.

    After the first time, a read is only of what was set since: what a process holds of a list, it keeps.
    """

    def __init__(self, lists: StatusLists) -> None:
        self._lists = lists
        self._copies: dict[tuple[str, str], _Copy] = {}  # by issuer: one function may serve two names
        self._lock = Lock()

    def publish(self, list_id: str, uri: str, issuer: str, signer: Signer, clock: Clock) -> SignedList:
        """The list, signed. A copy's age counts from before it was read, its `iat` from after.

        So the process that reads last does not stamp earlier because it was asked earlier.
        """
        with self._lock:
            copy = self._copies.get((issuer, list_id))
            asked_at = clock()
            if copy is None or not 0 <= asked_at - copy.read_at < _COPY_AGE:
                content = self._lists.find_list(list_id, copy.content if copy is not None else NOTHING)
                now = clock()
                is_known = copy is not None and _says_the_same(copy.content, content)
                lst = copy.lst if copy is not None and is_known else compressed(content)
                etag = _etag(lst, signer.kid, uri, now)
                signed = copy.signed if copy else None
                if signed is None or signed.etag != etag:
                    token = _sign(lst, uri, issuer, signer, now)
                    signed = SignedList(token, gzip.compress(token.encode(), mtime=0), etag)
                copy = _Copy(asked_at, content, lst, signed)
                self._copies = {kept: self._copies[kept] for kept in self._copies if is_served(kept[1], now)}
                self._copies[issuer, list_id] = copy
            return copy.signed


def is_served(list_id: str, now: float) -> bool:
    """Whether a token that is alive, or was a moment ago, can be in that list."""
    if not _LIST_ID.fullmatch(list_id):
        return False
    ends_at = list_ends_at(list_id)
    is_canonical = list_id_at(ends_at - 1) == list_id
    return is_canonical and now - LEEWAY < ends_at <= list_ends_at(list_id_at(int(now) + LONGEST_ACCESS_TOKEN))


def served_lists(now: float, longest_lifetime: int) -> tuple[str, ...]:
    """The ids of the lists that tokens issued until now can be in."""
    first, last = int(list_id_at(int(now)), 36), int(list_id_at(int(now) + longest_lifetime), 36)
    return tuple(list_id_at(number * LIST_SPAN) for number in range(first, last + 1))


def compressed(content: StatusListContent) -> str:
    """The `lst` member: one bit a token, the least significant first, DEFLATE in a zlib wrapper, base64url (§4.1).

    A list has runs of one byte, and bytes that are frequent: Z_RLE looks for nothing else. The default strategy looks
    for other repetitions, which are chance here: it takes up to a hundred times as long, and the result is longer.
    """
    compressor = zlib.compressobj(memLevel=9, strategy=zlib.Z_RLE)
    data = content.bits.ljust(_length(content) // 8, b"\0")
    return base64url(compressor.compress(data) + compressor.flush())


def _length(content: StatusListContent) -> int:
    length = _LEAST_LENGTH
    while length < 2 * content.leased:
        length *= 2
    return length


def _says_the_same(one: StatusListContent, other: StatusListContent) -> bool:
    """Whether their lists are the same; compressing a long one costs many times this."""
    return _length(one) == _length(other) and one.bits == other.bits


def _sign(lst: str, uri: str, issuer: str, signer: Signer, now: float) -> str:
    claims = {
        "iss": issuer,
        "sub": uri,
        "iat": int(now),
        "exp": int(now) + LIFETIME,
        "ttl": TTL,
        "status_list": {"bits": 1, "lst": lst},
    }
    return jws.sign(claims, TYPE, signer)


def _etag(lst: str, kid: str, uri: str, now: float) -> str:
    """Equal in every process that sees this content, and another value in the next half lifetime."""
    period = int(now) // (LIFETIME // 2)
    return '"' + base64url(hashlib.sha256(f"{uri} {kid} {period} {lst}".encode()).digest()[:16]) + '"'
