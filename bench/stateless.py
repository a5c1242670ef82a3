"""The ways for an API to check an access token: verify the JWT itself, or ask a database or the issuer."""

import time
from collections.abc import Callable

import boto3
import jwt

from bench import load
from bench.aws_calls import ITEM, READ, aws, with_boto3
from bench.aws_calls import valet as valet_calls
from bench.measure import Deed, Sample, interleaved, sample
from bench.servers import Server, introspection, serving
from tests.parts.authorizer.issuer import AUDIENCE, ISSUER, Stand, http_2
from tests.support.calls import calls

TABLE = "bench-sessions"


def measure(rounds: int = 400) -> dict[str, Sample]:
    """Microseconds a check: processor time if the check stays in the process, wall-clock time otherwise."""
    stand = Stand("RS256")
    stand.clock.wall = float(int(time.time()))
    tokens = iter(stand.issuer.token(jti=f"jti-{number}") for number in range(5 * rounds + 50))
    public = stand.issuer.keys["key-1"].public_key()
    stand.ask(next(tokens))
    seen = http_2(next(tokens))
    stand.answer(seen)

    def unseen(token: str) -> Deed:
        event = http_2(token)
        return lambda: stand.answer(event)

    def signature_and_claims(token: str) -> Deed:
        return lambda: jwt.decode(token, public, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)

    deeds: dict[str, Callable[[], Deed]] = {
        "JWT, signature and claims (PyJWT)": lambda: signature_and_claims(next(tokens)),
        "JWT, with status list and route (authorizer)": lambda: unseen(next(tokens)),
        "the same JWT again (authorizer)": lambda: lambda: stand.answer(seen),
        "DynamoDB read, the call alone (at once)": lambda: lambda: dynamodb("GetItem", READ),
        "… made by boto3": lambda: lambda: boto3_dynamodb("GetItem", READ),
    }
    with aws() as url:
        dynamodb, boto3_dynamodb = valet_calls("dynamodb", url), with_boto3("dynamodb", url)
        found = interleaved(deeds, rounds)
    return found | _over_loopback(rounds)


def _over_loopback(rounds: int) -> dict[str, Sample]:
    with serving("Valet") as servers:
        server: Server = servers["Valet"]
        introspected = load.latencies(server.port, [introspection(server)] * (rounds + 20))[20:]
    return {
        "DynamoDB read, emulated": sample(_emulated_reads(rounds)),
        "introspection over loopback": sample(introspected),
    }


def _emulated_reads(rounds: int) -> list[float]:
    """Reads from moto, which replaces the network and DynamoDB and takes another time than they do."""
    dynamodb = calls("dynamodb")
    tables = boto3.client("dynamodb", region_name="us-east-1")
    tables.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    dynamodb("PutItem", {"TableName": TABLE, "Item": {**ITEM, "refresh_digest": {"B": b"c" * 32}}})
    found = []
    for _ in range(rounds):
        started = time.perf_counter_ns()
        dynamodb("GetItem", {**READ, "TableName": TABLE})
        found.append((time.perf_counter_ns() - started) / 1000)
    tables.delete_table(TableName=TABLE)
    return found
