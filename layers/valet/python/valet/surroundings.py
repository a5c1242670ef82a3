"""What every server has around it: settings, the time, chance, the audit log and the services of AWS."""

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING

from valet import settings as settings_module
from valet.aws import observability
from valet.aws.calls import AwsCalls, Calls
from valet.aws.dynamodb.table import Table
from valet.environment import environment
from valet.settings import Settings

if TYPE_CHECKING:
    from valet.ports.runtime import Audit, Clock, Random


class Surroundings:
    """Each is built on first use. A test gives a server other ones by assigning them."""

    @cached_property
    def settings(self) -> Settings:
        return settings_module.read(environment())

    @cached_property
    def clock(self) -> "Clock":
        return time.time

    @cached_property
    def random(self) -> "Random":
        return os.urandom

    @cached_property
    def dynamodb(self) -> Calls:
        return AwsCalls("dynamodb", environment())

    @cached_property
    def kms(self) -> Calls:
        return AwsCalls("kms", environment())

    @cached_property
    def sqs(self) -> Calls:
        return AwsCalls("sqs", environment())

    @cached_property
    def ses(self) -> Calls:
        return AwsCalls("ses", environment())

    @cached_property
    def functions(self) -> Calls:
        return AwsCalls("lambda", environment())

    @cached_property
    def audit(self) -> "Audit":
        return observability.LoggedAudit()

    def _table(self, name: str) -> Table:
        return Table(self.dynamodb, name)
