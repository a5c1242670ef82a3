"""The account's own APIs that take this issuer's tokens: what lets a bound token pass without its key (RFC 9449 §7.1).

Only the Region of the stack is looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from valet.models.clients import Client
from valet.protocol.scope import OPENID, closure

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.fapi import held
from admin.doctor.findings import CannotLook, Finding
from admin.terminal.spelling import command

_REST_DEFAULT = 300  # seconds that a REST API keeps an answer if its authorizer does not say


class Authorizer(NamedTuple):
    """An authorizer of an HTTP, WebSocket or REST API. `function`: the name or ARN of its function; empty for none."""

    api: str  # as findings name it
    api_id: str
    authorizer_id: str
    is_rest: bool
    function: str
    seconds: int  # that the gateway keeps its answers
    jwt: Mapping[str, Any]  # the configuration of API Gateway's own JWT authorizer; empty for another


def look_jwt_authorizers(evidence: Evidence) -> Iterator[Finding]:
    """Finds API Gateway's own JWT authorizers that take tokens of clients whose tokens are bound."""
    bound = _bound(evidence)
    if not bound:
        return
    taken = _audiences(evidence, bound)
    for each in http_authorizers(evidence):
        if each.jwt.get("Issuer", "").rstrip("/") != evidence.deployment.issuer:
            continue
        if shared := sorted(taken.intersection(each.jwt.get("Audience", ()))):
            yield Finding(
                f"API Gateway's own JWT authorizer {each.authorizer_id} of {each.api} takes tokens for {shared[0]}",
                "It ignores cnf, so it takes a stolen token that is bound to a key without a proof of that key.",
                "Put Valet's authorizer in front of the routes (docs/authorizer.md), then "
                + command("aws apigatewayv2 delete-authorizer", *_named(each)),
            )


def look_caches(evidence: Evidence) -> Iterator[Finding]:
    """Finds authorizers that trust this issuer, and whose answers the gateway keeps."""
    if not _bound(evidence):
        return
    for each, _ in trusting(evidence, (each for each in all_authorizers(evidence) if each.seconds)):
        yield Finding(
            f"{each.api} keeps the answers of its authorizer {each.authorizer_id} for {each.seconds} s",
            f"A kept answer asks for no proof: a stolen token that is bound to a key is good for {each.seconds} s.",
            without_cache(each),
        )


def _bound(evidence: Evidence) -> list[Client]:
    """The clients all of whose access tokens are bound to a key."""
    fapi2 = {client.client_id for client in held(evidence)}
    return [
        client
        for client in evidence.clients
        if not client.is_disabled and (client.dpop_bound_access_tokens or client.client_id in fapi2)
    ]


def _audiences(evidence: Evidence, clients: Iterable[Client]) -> frozenset[str]:
    """What API Gateway may compare with its authorizer's audiences: `aud` and `client_id` of the clients' tokens."""
    found: set[str] = set()
    for client in clients:
        scope = set(closure(client.scope, evidence.scopes))
        found.add(client.client_id)
        found.update(api.audience for api in evidence.scopes.apis.values() if api.scopes & scope)
        if OPENID in scope:
            found.add(evidence.deployment.issuer)
    return frozenset(found)


def http_authorizers(evidence: Evidence) -> Iterator[Authorizer]:
    evidence.only_on_aws("other APIs")
    gateway = evidence.deployment.client("apigatewayv2")
    for api in listed(gateway, "get_apis"):
        for each in listed(gateway, "get_authorizers", ApiId=api["ApiId"]):
            yield Authorizer(
                f"the API {api['Name']} ({api['ApiId']})",
                api["ApiId"],
                each["AuthorizerId"],
                is_rest=False,
                function=_function(each.get("AuthorizerUri", "")),
                seconds=each.get("AuthorizerResultTtlInSeconds", 0),
                jwt=each.get("JwtConfiguration", {}),
            )


def rest_authorizers(evidence: Evidence) -> Iterator[Authorizer]:
    evidence.only_on_aws("other APIs")
    gateway = evidence.deployment.client("apigateway")
    for api in listed(gateway, "get_rest_apis"):
        for each in listed(gateway, "get_authorizers", restApiId=api["id"]):
            yield Authorizer(
                f"the REST API {api['name']} ({api['id']})",
                api["id"],
                each["id"],
                is_rest=True,
                function=_function(each.get("authorizerUri", "")),
                seconds=each.get("authorizerResultTtlInSeconds", _REST_DEFAULT),
                jwt={},
            )


def listed(gateway: Any, operation: str, **asked: str) -> Iterator[Mapping[str, Any]]:
    """Every item of an operation of API Gateway that answers in pages."""
    for page in gateway.get_paginator(operation).paginate(**asked):
        yield from page.get("Items", page.get("items", ()))


def _function(uri: str) -> str:
    """The function that an authorizer's URI names: its ARN, between /functions/ and /invocations."""
    return uri.partition("/functions/")[2].removesuffix("/invocations")


def all_authorizers(evidence: Evidence) -> Iterator[Authorizer]:
    """Those of the account's HTTP APIs, and then those of its REST APIs."""
    yield from http_authorizers(evidence)
    yield from rest_authorizers(evidence)


def trusting(evidence: Evidence, authorizers: Iterable[Authorizer]) -> Iterator[tuple[Authorizer, Mapping[str, str]]]:
    """Those whose function trusts this issuer, each with the function's environment.

    Raises CannotLook after the last one if AWS does not show some of the functions.
    """
    unseen = set()
    for each in authorizers:
        if not each.function:
            continue
        try:
            environment = environment_of(evidence, each.function)
        except ClientError as error:
            unseen.add(f"{each.function} ({error.response['Error']['Code']})")
            continue
        if issuer_of(environment) == evidence.deployment.issuer:
            yield each, environment
    if unseen:
        raise CannotLook(f"AWS does not show the functions of these authorizers: {', '.join(sorted(unseen))}")


def environment_of(evidence: Evidence, function: str) -> Mapping[str, str]:
    """The environment of a function of the account. Raises ClientError if AWS does not show it."""
    configuration = evidence.deployment.client("lambda").get_function_configuration(FunctionName=function)
    found: Mapping[str, str] = configuration.get("Environment", {}).get("Variables", {})
    return found


def issuer_of(environment: Mapping[str, str]) -> str:
    """The issuer that a function with this environment trusts, if it is Valet's authorizer; empty for another."""
    return environment.get("ISSUER", "").rstrip("/")


def _named(each: Authorizer) -> tuple[str, ...]:
    api = "--rest-api-id" if each.is_rest else "--api-id"
    return (api, each.api_id, "--authorizer-id", each.authorizer_id)


def without_cache(each: Authorizer) -> str:
    """The command that lets the gateway keep no answers of this authorizer."""
    service, change = "apigatewayv2", ("--authorizer-result-ttl-in-seconds", "0")
    if each.is_rest:
        service, change = "apigateway", ("--patch-operations", "op=replace,path=/authorizerResultTtlInSeconds,value=0")
    return command(f"aws {service} update-authorizer", *_named(each), *change)


CHECKS = (Check("gateways.jwt-authorizers", look_jwt_authorizers), Check("gateways.cache", look_caches))
