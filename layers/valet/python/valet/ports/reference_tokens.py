"""Access tokens whose claims are kept here, and not in the token."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from valet.models.reference_tokens import ReferenceToken


class ReferenceTokens(Protocol):
    def put_token(self, token: "ReferenceToken") -> bool:
        """Keep the token; False, and nothing has changed, if another one has its id."""

    def find_token(self, token_id: str) -> "ReferenceToken | None":
        """Strongly consistent: the token may be used at once. It may have expired."""


class HasReferenceTokens(Protocol):
    @property
    def reference_tokens(self) -> ReferenceTokens: ...
