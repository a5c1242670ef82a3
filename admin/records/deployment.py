"""A deployed Valet, found by its stack and read with the operator's own AWS credentials."""

from collections.abc import Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from valet.aws.dynamodb.grants import DynamoGrants
from valet.aws.dynamodb.key_records import DynamoKeyRecords
from valet.aws.dynamodb.sessions import DynamoSessions
from valet.aws.dynamodb.status_lists import DynamoStatusLists
from valet.aws.sealing import KmsSealing
from valet.aws.sqs import Queue
from valet.ports.runtime import Clock, Random

from admin.records.audit import OperatorAudit
from admin.records.boto_calls import BotoCalls
from admin.records.scans import ScannedTable
from admin.terminal.endings import Refused
from admin.terminal.spelling import LOCAL_CREDENTIAL, LOCAL_REGION, Where

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LOCAL_STACK = "valet-local"
# Longer than a function may wait, because scans take time. A rotation of keys waits a minute until IAM is consistent,
# and must not be invoked twice.
_PATIENT = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 4, "mode": "standard"})
_INVOCATION = Config(connect_timeout=5, read_timeout=130, retries={"total_max_attempts": 1})


class Deployment:
    """A stack, its outputs, and the stores behind them."""

    def __init__(self, where: Where, random: Random, clock: Clock) -> None:
        self.where = where
        self.random = random
        self.clock = clock
        self.audit = OperatorAudit(self, clock)
        self._session = _session(where)

    @property
    def stack_name(self) -> str:
        return LOCAL_STACK if self.where.is_local else self.where.stack

    @property
    def region(self) -> str:
        return self._session.region_name or ""

    def client(self, service: Any) -> Any:
        """boto3's client of the service."""
        config = _INVOCATION if service == "lambda" else _PATIENT
        return self._session.client(service, endpoint_url=self.where.aws_url, config=config)

    @cached_property
    def stack(self) -> Mapping[str, Any]:
        """The stack as CloudFormation describes it."""
        try:
            stacks: list[Mapping[str, Any]] = self.client("cloudformation").describe_stacks(StackName=self.stack_name)[
                "Stacks"
            ]
        except ClientError as error:
            if "does not exist" in str(error):
                where = f"in {self.region}" if self.region else "in this Region"
                raise Refused(
                    f"There is no stack {self.stack_name} {where}: check --stack, --region and --profile."
                ) from None
            raise
        return stacks[0]

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack.get("Outputs", ())}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in self.stack.get("Parameters", ())}

    @cached_property
    def resources(self) -> tuple[tuple[str, str, str], ...]:
        """Each resource's type, logical and physical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack_name)
        return tuple(
            (each["ResourceType"], each["LogicalResourceId"], each.get("PhysicalResourceId", ""))
            for page in pages
            for each in page["StackResourceSummaries"]
        )

    def named(self, type_: str) -> tuple[str, ...]:
        """The physical ids of the stack's resources of one type."""
        return tuple(physical for of, _, physical in self.resources if of == type_ and physical)

    def output(self, name: str) -> str:
        try:
            return self.outputs[name]
        except KeyError:
            raise Refused(
                f"The stack {self.stack_name} has no output {name}: check that it is a Valet stack."
            ) from None

    @property
    def issuer(self) -> str:
        return self.output("Issuer")

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @cached_property
    def registry(self) -> ScannedTable:
        return self._table("RegistryTable")

    @cached_property
    def users(self) -> ScannedTable:
        return self._table("UsersTable")

    @cached_property
    def grants_table(self) -> ScannedTable:
        return self._table("GrantsTable")

    @cached_property
    def grants(self) -> DynamoGrants:
        return DynamoGrants(self.grants_table)

    @cached_property
    def sessions(self) -> DynamoSessions:
        return DynamoSessions(self.grants_table)

    @cached_property
    def status_lists(self) -> DynamoStatusLists:
        return DynamoStatusLists(self.grants_table)

    @cached_property
    def sign_outs(self) -> Queue:
        # A stack of the release before has no such queue. What ends there ends all the same, and no client is told.
        return Queue(BotoCalls(self.client("sqs")), self.outputs.get("SignOutsQueue", ""))

    @cached_property
    def letters(self) -> Queue | None:
        queue = self.outputs.get("MailQueue", "")  # a stack that sends no mail has none
        return Queue(BotoCalls(self.client("sqs")), queue) if queue else None

    @property
    def sealing(self) -> KmsSealing:
        """What seals providers' secrets. Raises Refused if the stack has no federation."""
        key = self.outputs.get("PeopleKey")
        if key is None or self.parameters.get("Federation") != "on":
            raise Refused(
                f"The stack {self.stack_name} lets nobody sign in with other providers: deploy it with Federation=on."
            )
        return KmsSealing(BotoCalls(self.client("kms")), key)

    @cached_property
    def key_records(self) -> DynamoKeyRecords:
        return DynamoKeyRecords(self.registry, self.random)

    def _table(self, output: str) -> ScannedTable:
        return ScannedTable(self.dynamodb, self.output(output), self.audit.open)


@cache
def _session(where: Where) -> boto3.Session:
    if where.is_local:
        # Fixed values: the operator's own credentials must not go to a local port, which refuses them.
        return boto3.Session(
            aws_access_key_id=LOCAL_CREDENTIAL, aws_secret_access_key=LOCAL_CREDENTIAL, region_name=LOCAL_REGION
        )
    return boto3.Session(profile_name=where.profile, region_name=where.region)
