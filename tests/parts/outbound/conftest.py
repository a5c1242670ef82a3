"""An internet on this machine."""

from collections.abc import Iterator

import pytest

from tests.parts.aws.certificates import Authority
from tests.parts.outbound.internet import FakeInternet


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "everybodys")


@pytest.fixture
def internet(authority: Authority) -> Iterator[FakeInternet]:
    found = FakeInternet(authority)
    yield found
    found.stop()
