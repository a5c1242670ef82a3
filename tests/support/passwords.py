"""Passwords in the tests: the same password is compared with the same hash once, because Argon2id is slow by design."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from valet.people import passwords


class RememberingHasher:
    """Argon2id, which remembers what it found. Hashing costs what it costs in production."""

    def __init__(self, hasher: Any) -> None:
        self._hasher = hasher
        self.hash = hasher.hash
        self._mismatches: dict[tuple[str, str], Exception | None] = {}

    def verify(self, password_hash: str, password: str) -> bool:
        from argon2.exceptions import VerificationError

        compared = (password_hash, password)
        if compared not in self._mismatches:
            try:
                self._hasher.verify(password_hash, password)
                self._mismatches[compared] = None
            except VerificationError as error:
                self._mismatches[compared] = error
        if (mismatch := self._mismatches[compared]) is not None:
            raise mismatch.with_traceback(None)
        return True


@pytest.fixture(scope="session", autouse=True)
def passwords_compared_once() -> Iterator[None]:
    slow = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", cache(lambda: RememberingHasher(slow())))
        yield
