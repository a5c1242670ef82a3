"""What every grant type is given: the token request, and the ports that it may use."""

from dataclasses import dataclass
from typing import Protocol

from valet.http import Parameters
from valet.models.clients import Client
from valet.ports.accounts import Accounts
from valet.ports.clients import Registry
from valet.ports.grants import Grants
from valet.ports.keys import Signers
from valet.ports.runtime import Audit, Clock, Random
from valet.ports.status_lists import StatusLists
from valet.settings import Settings
from valet.tokens.status_index import StatusIndices


class Outside(Protocol):
    """The ports that a grant type may use."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def random(self) -> Random: ...
    @property
    def registry(self) -> Registry: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def status_lists(self) -> StatusLists: ...
    @property
    def status_indices(self) -> StatusIndices: ...
    @property
    def signers(self) -> Signers: ...
    @property
    def audit(self) -> Audit: ...


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One token request, after its client was authenticated."""

    client: Client
    form: Parameters
    issuer: str
    now: float
    source_ip: str = ""
    user_agent: str = ""
