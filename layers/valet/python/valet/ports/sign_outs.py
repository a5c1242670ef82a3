"""The queues of signing out. A message may come more than once, and late."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from valet.models.sign_outs import LogoutNotice, SignOut


class SignOuts(Protocol):
    """What is about to end, for the function that finishes it."""

    def send(self, sign_out: "SignOut", /, delay: int = 0) -> None:
        """Send the message, which arrives after `delay` seconds at the earliest. Raises TemporarilyUnavailable."""


class LogoutNotices(Protocol):
    """The clients to be told, for the function that tells them."""

    def send(self, notice: "LogoutNotice", /) -> None:
        """Raises TemporarilyUnavailable."""


class HasSignOuts(Protocol):
    @property
    def sign_outs(self) -> SignOuts: ...


class HasLogoutNotices(Protocol):
    @property
    def logout_notices(self) -> LogoutNotices | None:
        """None where the deployment tells no client."""
