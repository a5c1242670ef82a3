"""The functions' configuration: routes without a scope, caches that outlive a revocation, logs without audit events."""

from collections.abc import Iterator

from botocore.exceptions import ClientError
from valet.resource_server.api_gateway.configuration import parse
from valet.resource_server.outcomes import ConfigurationError

from admin.doctor.check import Check
from admin.doctor.evidence import Evidence
from admin.doctor.findings import CannotLook, Finding, warning
from admin.terminal.spelling import command

_DEPLOY = "Mend ROUTES under AuthorizerFunction in template.yaml: `make deploy`"
_QUIET = ("WARN", "WARNING", "ERROR", "CRITICAL")


def look_routes(evidence: Evidence) -> Iterator[Finding]:
    environment = evidence.environment("AuthorizerFunction")
    try:
        configuration = parse(environment)
    except ConfigurationError as error:
        yield Finding(f"The authorizer's configuration is wrong: {error}", "It refuses every request.", _DEPLOY)
        return
    for route, rule in sorted(configuration.routes.rules.items()):
        if not rule.scopes:
            roles = f", only a role of {' '.join(sorted(rule.roles))}" if rule.roles else ""
            yield warning(
                f"The route {route} asks for no scope{roles}",
                "Every token for this API may call it, whatever the end-user allowed the client.",
                _DEPLOY,
            )
    if configuration.issuer != evidence.deployment.issuer:
        yield Finding(
            f"The authorizer trusts {configuration.issuer}, but the issuer is {evidence.deployment.issuer}",
            "It refuses every token of this issuer.",
            "Set ISSUER of AuthorizerFunction: `make deploy`",
        )
    if configuration.audience not in evidence.scopes.apis:
        yield warning(
            f"The authorizer's audience {configuration.audience} is not a registered API",
            "Valet issues no token for it.",
            "Register the API with the scopes of its routes, or set AUDIENCE of AuthorizerFunction to one that "
            "`valet apis list` names; `valet apis add --help` tells how.",
        )
    if configuration.is_status_optional:
        yield warning(
            "The authorizer accepts tokens without a status",
            "Such tokens cannot be revoked before they expire.",
            "Remove STATUS_OPTIONAL from AuthorizerFunction: `make deploy`",
        )


def look_authorizer_cache(evidence: Evidence) -> Iterator[Finding]:
    apis = evidence.deployment.named("AWS::ApiGatewayV2::Api")
    if not apis:
        raise CannotLook("the stack has no HTTP API")
    gateway = evidence.deployment.client("apigatewayv2")
    for api_id in apis:
        try:
            authorizers = gateway.get_authorizers(ApiId=api_id)["Items"]
        except ClientError as error:
            raise CannotLook(f"API Gateway: {error}") from None
        for authorizer in authorizers:
            seconds = authorizer.get("AuthorizerResultTtlInSeconds", 0)
            if seconds:
                yield warning(
                    f"API {api_id} caches the authorizer's answers for {seconds} s",
                    f"A revoked token is accepted for up to {5 + seconds} s instead of 5.",
                    command(
                        "aws apigatewayv2 update-authorizer --api-id",
                        api_id,
                        "--authorizer-id",
                        authorizer["AuthorizerId"],
                        "--authorizer-result-ttl-in-seconds",
                        "0",
                    ),
                )


def look_access_tokens(evidence: Evidence) -> Iterator[Finding]:
    seconds = int(evidence.environment("TokenFunction").get("ACCESS_TOKEN_LIFETIME") or 900)
    if seconds > 3600:
        yield warning(
            f"Access tokens live {seconds} s",
            "An API that does not check the status list accepts a stolen one for as long.",
            "Deploy with AccessTokenLifetime=900: `make deploy`",
        )


def look_audit(evidence: Evidence) -> Iterator[Finding]:
    level = evidence.environment("TokenFunction").get("LOG_LEVEL") or "INFO"
    if level.upper() in _QUIET:
        yield Finding(
            f"The functions log from {level} on",
            "Audit events are INFO: revocations, replays and sign-ins are not logged, and no alarm goes off.",
            "Deploy with LogLevel=INFO: `make deploy`",
        )


CHECKS = (
    Check("authorizer.routes", look_routes),
    Check("authorizer.cache", look_authorizer_cache),
    Check("tokens.lifetime", look_access_tokens),
    Check("audit.log-level", look_audit),
)
