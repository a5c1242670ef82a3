"""A client with the profile fapi2, in memory: its token requests have an assertion and a DPoP proof (budget B15).

joserfc signs both, outside what is timed.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from valet.models.clients import Client

from bench.valet_in_memory import CODE_VERIFIER, ISSUER, REDIRECT_URI, ValetInMemory, event
from tests.support.dpop_client import DpopClient
from tests.support.key_client import KeyApplication
from tests.support.wire import Answer

CLIENT_ID = "strict_0"


def _send_nothing(method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
    raise AssertionError("its requests are events")


class StrictClient:
    """Registered with the deployment. Its signatures and the deployment's are by ES256."""

    def __init__(self, valet: ValetInMemory) -> None:
        self._valet, self._holder = valet, DpopClient()
        self._application = KeyApplication(_send_nothing, ISSUER, CLIENT_ID, clock=valet.server.clock)
        valet.stores.registry.put_client(
            Client(
                CLIENT_ID,
                "Strict",
                token_endpoint_auth_method="private_key_jwt",
                jwks=self._application.jwks,
                grant_types=frozenset({"authorization_code", "refresh_token"}),
                redirect_uris=(REDIRECT_URI,),
                scope=frozenset({"openid", "profile", "offline_access", "items"}),
                profile="fapi2",
                dpop_bound_access_tokens=True,
                require_pushed_authorization_requests=True,
                refresh_token_rotation=False,
            )
        )

    def redemption(self) -> dict[str, Any]:
        """The event of a token request for a new code, with a new assertion and a new proof."""
        form = {
            "grant_type": "authorization_code",
            "code": self._valet.issue(client_id=CLIENT_ID),
            "code_verifier": CODE_VERIFIER,
            "redirect_uri": REDIRECT_URI,
            **self._application.credentials,
        }
        made = event("token/client_credentials", urlencode(form), CLIENT_ID)
        del made["headers"]["authorization"]
        proof = self._holder.proof("POST", f"{ISSUER}/token", iat=int(self._valet.server.clock()))
        made["headers"]["dpop"] = proof
        return made
