"""The one entry of client authentication (RFC 6749 §2.3, RFC 7521 §4.2), for every endpoint that clients call."""

from typing import Protocol

from valet.client_authentication import secret
from valet.errors import InvalidRequest, quoted
from valet.frozen import Frozen
from valet.http import Parameters, Request, parse_parameters
from valet.models.clients import Client
from valet.models.once import OneTimeValue
from valet.ports.clients import HasRegistry
from valet.ports.runtime import HasClock
from valet.protocol.supported import BODY_PARAMETERS

# RFC 9110 §15.5.2 wants a challenge with each 401. Basic is the one method that is an HTTP authentication scheme.
CHALLENGE = secret.CHALLENGE


class Ports(HasRegistry, HasClock, Protocol):
    """The ports that authentication may use."""


class Authenticated(Frozen):
    """The client that sent a request. An `assertion` is good once: the endpoint spends it, by OneUse, before it changes
    or answers anything.
    """

    client: Client
    assertion: OneTimeValue | None = None


def form_of(request: Request) -> Parameters:
    """The form of a request that authenticates a client. Raises InvalidRequest for parameters in the query.

    The query comes first. A request that has everything in its query often has no form, and its developer has to learn
    that the secret was exposed.
    """
    if request.query_string:
        _check_query(request)
    return request.form()


def authenticate(request: Request, form: Parameters, ports: Ports) -> Authenticated:
    """The client that sent the request, by a method that it is registered for. `form` comes from form_of.

    Raises InvalidClient (401, with a challenge), with one wording whatever is wrong with an assertion or a secret, and
    InvalidRequest for two methods at once. Raises UnauthorizedClient if the client's record breaks its profile.
    """
    found = _authenticated(request, form, ports)
    if found.client.is_fapi2:
        # Few clients have a profile: its rules are imported for those only.
        from valet.protocol.profile import check_record

        check_record(found.client)
    return found


def _authenticated(request: Request, form: Parameters, ports: Ports) -> Authenticated:
    if "client_assertion" in form or "client_assertion_type" in form:
        # Imported here: a client with a secret does not pay for the verification of signatures.
        from valet.client_authentication import assertion

        return Authenticated(*assertion.authenticate(request, form, ports))
    return Authenticated(secret.authenticate(request, form, ports.registry))


def _check_query(request: Request) -> None:
    """Raises InvalidRequest for one of the request's own parameters in the query, because servers and proxies log
    queries (RFC 6749 §2.3.1). Other parameters there are ignored (§3.2).
    """
    own = sorted(set(parse_parameters(request.query_string)) & BODY_PARAMETERS)
    if own:
        raise InvalidRequest(
            f"Send {quoted(*own)} in the request's body, not in its query. Queries are logged on their way:"
            " if a value was a secret, replace it."
        )
