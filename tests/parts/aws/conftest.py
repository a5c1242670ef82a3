"""The door to AWS, held by the test that asks for it; what has to be closed; an authority for servers on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from valet.aws.authorities import tls_context
from valet.aws.calls import OUTSIDE, Outside

from tests.parts.aws.certificates import Authority
from tests.parts.aws.door import Door
from tests.parts.aws.failing import descriptors


@pytest.fixture
def real_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts go over the network, even if another test has started the emulated AWS in this process."""
    monkeypatch.setattr(OUTSIDE, "send", Outside().send)


@pytest.fixture
def door() -> Iterator[Door]:
    kept = OUTSIDE.send, OUTSIDE.wait
    held = Door()
    OUTSIDE.send, OUTSIDE.wait = held.send, held.pauses.append
    try:
        yield held
    finally:
        OUTSIDE.send, OUTSIDE.wait = kept


@pytest.fixture
def nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the test opens must be closed at its end. No pause is made between two attempts."""
    monkeypatch.setattr(OUTSIDE, "wait", lambda seconds: None)
    before = descriptors()
    yield
    assert descriptors() <= before


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "ours")


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """The authority that AWS_CA_BUNDLE names."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    tls_context.cache_clear()
    yield authority
    tls_context.cache_clear()
