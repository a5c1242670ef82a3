"""The arguments of every grant type: the token request, and the ports that it may use."""

from typing import Protocol

from valet.client_authentication.one_use import OneUse
from valet.frozen import Frozen
from valet.http import Parameters
from valet.models.clients import Client
from valet.ports.accounts import HasAccounts
from valet.ports.clients import HasRegistry
from valet.ports.device_codes import HasDeviceCodes
from valet.ports.grants import HasGrants
from valet.ports.keys import HasSigners
from valet.ports.once import HasOnce
from valet.ports.reference_tokens import HasReferenceTokens
from valet.ports.runtime import HasAudit, HasClock, HasRandom, HasSettings
from valet.ports.status_lists import HasStatusLists
from valet.tokens.status_index import HasStatusIndices


class Ports(
    HasSettings,
    HasClock,
    HasRandom,
    HasRegistry,
    HasAccounts,
    HasGrants,
    HasDeviceCodes,
    HasStatusLists,
    HasStatusIndices,
    HasSigners,
    HasReferenceTokens,
    HasOnce,
    HasAudit,
    Protocol,
):
    """The ports that a grant type may use."""


class TokenRequest(Frozen):
    """One token request, after its client was authenticated."""

    client: Client
    form: Parameters
    issuer: str
    now: float
    one_use: OneUse  # each grant type spends it after signing and before the commit
    jkt: str = ""  # the thumbprint of the key that signed its DPoP proof; empty: it has no proof
    source_ip: str = ""
    user_agent: str = ""
