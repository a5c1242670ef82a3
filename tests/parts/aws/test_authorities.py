"""Connections to AWS believe its own authorities, and the machine's others only where those are not enough."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import botocore
import pytest
from valet.aws import authorities
from valet.aws.authorities import BELIEVED, prepare, tls_context
from valet.aws.calls import OUTSIDE, AwsCalls, CallFailed
from valet.server import Server

from tests.parts.aws.certificates import Authority
from tests.parts.aws.scripted import Peer, answer, server

pytestmark = pytest.mark.usefixtures("real_door")

HOST = "dynamodb.us-east-1.amazonaws.com"
FOREIGN = "dynamodb.example.com"
DIGESTS = authorities._AWS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authorities")


@pytest.fixture(scope="module")
def aws(folder: Path) -> Authority:
    """The authority that plays AWS's."""
    return Authority(folder, "aws")


@pytest.fixture(scope="module")
def other(folder: Path) -> Authority:
    """Another authority of the machine."""
    return Authority(folder, "other")


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    """An authority that the machine does not know."""
    return Authority(folder, "stranger")


@pytest.fixture(autouse=True)
def machine(folder: Path, aws: Authority, other: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the machine's authorities. Every name leads to this machine, and no pause is made."""
    file = folder / "machine.pem"
    file.write_bytes(b"# a comment\n" + other.file.read_bytes() + aws.file.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setattr(authorities, "_AWS", {digest(aws)})
    monkeypatch.setattr(BELIEVED, "is_aws_enough", True)
    monkeypatch.setattr(OUTSIDE, "wait", lambda seconds: None)
    look_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **kinds: look_up("127.0.0.1", port, **kinds))
    tls_context.cache_clear()
    yield file
    tls_context.cache_clear()


def digest(authority: Authority) -> str:
    return sha256(ssl.PEM_cert_to_DER_cert(authority.file.read_text())).hexdigest()


def believed(*, is_only_aws: bool = True) -> set[str]:
    """The names of the authorities that are loaded."""
    loaded: list[Any] = tls_context(is_only_aws=is_only_aws).get_ca_certs()
    return {certificate["subject"][-1][0][1] for certificate in loaded}


def empty(peer: Peer) -> None:
    peer.body()
    peer.send(answer(b"{}"))


def call(host: str, port: int) -> Any:
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"https://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    return AwsCalls("dynamodb", environment)("GetItem", {})


def test_a_connection_to_aws_loads_its_authorities_only(aws: Authority) -> None:
    with server(empty, aws.server(HOST)) as running:
        assert call(HOST, running.port) == {}
    assert running.connections == 1
    assert believed() == {"aws"}
    assert BELIEVED.is_aws_enough


def test_if_aws_uses_another_authority_of_the_machine_the_second_attempt_succeeds(other: Authority) -> None:
    with server(empty, other.server(HOST)) as running:
        assert call(HOST, running.port) == {}
        assert running.connections == 2
        assert call(HOST, running.port) == {}  # from now on at once
        assert running.connections == 3
    assert believed(is_only_aws=BELIEVED.only_aws(HOST)) == {"aws", "other"}


@pytest.mark.parametrize("host", [HOST, FOREIGN])
def test_an_authority_that_the_machine_does_not_believe_is_refused_every_time(host: str, stranger: Authority) -> None:
    with server(empty, stranger.server(host)) as running:
        for _ in range(2):
            with pytest.raises(CallFailed, match="SSLCertVerificationError"):
                call(host, running.port)
    assert running.connections == 4
    assert running.requests == []


def test_a_certificate_of_another_name_is_refused_every_time(aws: Authority) -> None:
    with server(empty, aws.server("dynamodb.us-west-2.amazonaws.com")) as running:
        for _ in range(2):
            with pytest.raises(CallFailed, match="SSLCertVerificationError"):
                call(HOST, running.port)
    assert running.requests == []


def test_another_host_is_believed_by_all_of_the_machines_authorities_at_once(other: Authority) -> None:
    with server(empty, other.server(FOREIGN)) as running:
        assert call(FOREIGN, running.port) == {}
    assert running.connections == 1


def test_aws_ca_bundle_names_all_that_is_believed(
    aws: Authority, stranger: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(stranger.file))
    with server(empty, stranger.server(HOST)) as running:
        assert call(HOST, running.port) == {}
    with server(empty, aws.server(HOST)) as running, pytest.raises(CallFailed, match="SSLCertVerificationError"):
        call(HOST, running.port)
    assert running.requests == []


def test_without_aws_authorities_all_of_the_machines_are_believed(machine: Path, other: Authority) -> None:
    machine.write_bytes(other.file.read_bytes())
    assert believed() == {"other"}


def test_a_machine_without_a_file_of_authorities_believes_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    context = tls_context(is_only_aws=True)
    assert context.get_ca_certs() == []  # they are read when they are met
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_digests_are_of_certificates_of_amazon_trust_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore brings the authorities that Mozilla believes, AWS's among them."""
    monkeypatch.setattr(authorities, "_AWS", DIGESTS)
    monkeypatch.setenv("SSL_CERT_FILE", str(Path(botocore.__file__).with_name("cacert.pem")))
    assert believed() == {
        *(f"Amazon Root CA {number}" for number in range(1, 5)),
        "Starfield Services Root Certificate Authority - G2",
    }


@pytest.mark.parametrize(
    ("environment", "is_made"),
    [
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_ENDPOINT_URL": ""}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency"}, True),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_ENDPOINT_URL": "http://127.0.0.1:4001"}, False),
        ({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}, False),
        ({}, False),
    ],
)
def test_a_function_makes_the_context_at_its_start_but_not_for_a_snapshot(
    environment: dict[str, str], is_made: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    monkeypatch.setattr(ssl, "create_default_context", partial(note, made, ssl.create_default_context))
    for name in ("AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    Server().prepare()
    assert len(made) == is_made


def note(made: list[object], make: Callable[..., ssl.SSLContext], **values: Any) -> ssl.SSLContext:
    made.append(values)
    return make(**values)


def test_a_bundle_that_cannot_be_read_does_not_fail_the_start(
    aws: Authority, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(folder / "none.pem"))
    prepare({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"})
    with server(empty, aws.server(HOST)) as running, pytest.raises(CallFailed, match=r"AWS_CA_BUNDLE is .*none.pem"):
        call(HOST, running.port)
    assert running.requests == []
