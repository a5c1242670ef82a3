"""The certificate authorities that connections to AWS believe.

OpenSSL takes 22 ms of processor time to read the 140 authorities of a machine, and AWS has five. So a connection to an
endpoint of AWS believes only those of the machine's authorities that are AWS's. Should AWS ever use another one, the
connection fails, and from then on this process believes all of the machine's: the call's second attempt succeeds.
"""

from binascii import a2b_base64
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from valet.environment import environment

if TYPE_CHECKING:
    import ssl

# SHA-256 of the certificates of Amazon Trust Services (https://www.amazontrust.com/repository/).
_AWS = frozenset(
    (
        "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",  # Amazon Root CA 1
        "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",  # Amazon Root CA 2
        "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",  # Amazon Root CA 3
        "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",  # Amazon Root CA 4
        "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",  # Starfield Services Root CA - G2
    )
)
_DOMAIN = ".amazonaws.com"
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class Believed:
    """Whose authorities this process believes."""

    def __init__(self) -> None:
        self.is_aws_enough = True  # until a certificate of AWS is refused

    def only_aws(self, host: str) -> bool:
        """Whether a connection to `host` believes AWS's authorities only."""
        return self.is_aws_enough and host.endswith(_DOMAIN)


BELIEVED = Believed()


def prepare(environment: Mapping[str, str]) -> None:
    """Make the context while the function starts, if its first call to AWS will need it.

    Not for SnapStart: OpenSSL draws random numbers for a context, and every copy of the snapshot would have the same.
    """
    is_snapshot = environment.get("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start") == "snap-start"
    if not is_snapshot and not environment.get("AWS_ENDPOINT_URL", "").startswith("http://"):
        try:
            tls_context(is_only_aws=True)
        except OSError:
            return  # AWS_CA_BUNDLE cannot be read: the first call says so


@cache
def tls_context(*, is_only_aws: bool) -> "ssl.SSLContext":
    """What decides whom to believe: the machine's authorities, or only AWS's of them, or the file that AWS_CA_BUNDLE
    names. Raises OSError if that file cannot be read.
    """
    import ssl

    bundle = environment().get("AWS_CA_BUNDLE")
    # Without a file the machine has a directory, of which OpenSSL reads only the authorities that it meets.
    machine = ssl.get_default_verify_paths().cafile
    found = _of_aws(machine) if is_only_aws and machine and not bundle else b""
    try:
        return ssl.create_default_context(cafile=bundle or None, cadata=found or None)
    except OSError as error:
        raise OSError(f"AWS_CA_BUNDLE is {bundle!r}: {error.strerror}") from error


def _of_aws(file: str) -> bytes:
    """AWS's authorities among those in the file, as DER; none if the file cannot be read."""
    try:
        with open(file, encoding="utf-8") as opened:
            blocks = opened.read().split(_BEGIN)[1:]
        found = [a2b_base64(block.partition(_END)[0]) for block in blocks]
    except (OSError, ValueError):
        return b""
    return b"".join(der for der in found if sha256(der).hexdigest() in _AWS)
