"""The credentials that requests to AWS are signed with: the environment's, or a container's, which are renewed.

Lambda gives a function its role's credentials as variables. Under SnapStart they would be a part of the snapshot, so
there a local endpoint gives them, as ECS and EKS do it.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock

from valet.aws.connection import Address, NoAnswer
from valet.aws.reply import Reply
from valet.aws.signature import Credentials

MADE_UP = Credentials("local", "local")  # for an emulated AWS: over plain HTTP nothing is signed with a real secret

_RENEWED_BEFORE = 600  # seconds before the end
_TRIED_AGAIN = 30  # seconds after a renewal that failed
_ECS = "169.254.170.2"
_HOSTS = (_ECS, "169.254.170.23", "fd00:ec2::23")  # of ECS and EKS, which answer over plain HTTP

Get = Callable[[Address, str, list[tuple[str, str]]], Reply]


class NoCredentials(Exception):
    """There are none, or their endpoint does not give them. The text says why, and holds no secret."""


class CredentialSource:
    """This process's credentials."""

    def __init__(self, environment: Mapping[str, str], get: Get) -> None:
        self._environment, self._get = environment, get
        self._credentials: Credentials | None = None
        self._tried_at = 0.0
        self._lock = Lock()

    def __call__(self, now: float) -> Credentials:
        """Credentials that are good at `now`, in epoch seconds. Raises NoCredentials."""
        found = self._credentials
        if found is not None and (found.expires_at is None or now < found.expires_at - _RENEWED_BEFORE):
            return found
        with self._lock:
            return self._renewed(now)

    def _renewed(self, now: float) -> Credentials:
        found = self._credentials
        left = found.expires_at - now if found is not None and found.expires_at is not None else 0.0
        if found is not None and (left > _RENEWED_BEFORE or (left > 0 and 0 <= now - self._tried_at < _TRIED_AGAIN)):
            return found  # renewed by another thread, or tried a moment ago and still good
        self._tried_at = now
        try:
            self._credentials = _from_variables(self._environment) or self._from_container(now)
        except NoCredentials:
            if found is None or left <= 0:
                raise
            return found
        return self._credentials

    def _from_container(self, now: float) -> Credentials:
        address, target = _endpoint(self._environment)
        headers = [("Host", address.authority), ("Accept", "application/json")]
        if token := _authorization(self._environment):
            headers.append(("Authorization", token))
        try:
            reply = self._get(address, target, headers)
        except NoAnswer as failure:
            raise NoCredentials(f"their endpoint: {failure.reason}") from failure
        if reply.status != 200:
            raise NoCredentials(f"their endpoint: HTTP {reply.status}")
        return _credentials_in(reply.body, now)


def _from_variables(environment: Mapping[str, str]) -> Credentials | None:
    key_id, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        return None
    credentials = Credentials(key_id, secret, environment.get("AWS_SESSION_TOKEN", ""))
    if not _is_plain(credentials):
        raise NoCredentials(
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_SESSION_TOKEN has a character that no key has"
        )
    return credentials


def _endpoint(environment: Mapping[str, str]) -> tuple[Address, str]:
    if relative := environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        url = f"http://{_ECS}{relative}"
    elif not (url := environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")):
        raise NoCredentials("neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set")
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NoCredentials("their endpoint is no URL") from None
    is_tls = parts.scheme == "https"
    # The token goes with the request, so an eavesdropper on plain HTTP could take the role.
    if not host or not (is_tls or (parts.scheme == "http" and (host in _HOSTS or _is_loopback(host)))):
        raise NoCredentials("their endpoint is neither on this machine, nor ECS's or EKS's, nor https")
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if not host.isascii() or not target.isascii() or not target.isprintable() or " " in target:
        raise NoCredentials("their endpoint is no URL")
    return Address(host, port or (443 if is_tls else 80), is_tls), target


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"  # a name such as 127.example.com leads anywhere


def _authorization(environment: Mapping[str, str]) -> str:
    """The token for the endpoint. The file counts first, and is read anew each time, because EKS replaces it."""
    token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    if path := environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
        try:
            with open(path, encoding="utf-8") as file:
                token = file.read()
        except (OSError, ValueError) as error:
            raise NoCredentials(f"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {type(error).__name__}") from None
    if not token.isascii() or any(character in token for character in "\r\n\0"):
        raise NoCredentials("the token for their endpoint cannot be sent in a header")
    return token


def _credentials_in(body: bytes, now: float) -> Credentials:
    try:
        answer = json.loads(body)
        expires_at = datetime.fromisoformat(answer["Expiration"]).timestamp()
        credentials = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"], expires_at)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NoCredentials("their endpoint's answer cannot be read") from None
    if not all(isinstance(part, str) and part for part in credentials[:3]) or not _is_plain(credentials):
        raise NoCredentials("their endpoint's answer cannot be read")
    if expires_at <= now:
        raise NoCredentials("their endpoint gave credentials that have expired")
    return credentials


def _is_plain(credentials: Credentials) -> bool:
    """Whether they can be sent in headers."""
    parts = (credentials.access_key_id, credentials.secret_access_key, credentials.token)
    return all(part.isascii() and part.isprintable() for part in parts)
