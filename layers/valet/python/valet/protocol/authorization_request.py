"""The authorization request, in two phases (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2, RFC 9207).

Phase one finds the client and its redirect URI, and its errors are a page. Only a `Destination` can redirect, and only
phase one makes one, so no error can be redirected to an address that was not checked. Phase two's errors go back to the
client, with `state` and `iss`.
"""

import re
from collections.abc import Mapping

from valet.errors import (
    InvalidRequest,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnmetAuthenticationRequirements,
    UnsupportedResponseType,
    quoted,
)
from valet.frozen import Frozen, replace
from valet.http import Parameters, Response, add_to_query, page, redirect
from valet.models.clients import Client
from valet.models.saved_requests import AuthorizationRequest
from valet.pages import form_post
from valet.pages.words import Sentence, Variants, variants
from valet.ports.clients import Registry
from valet.protocol import joining, pkce
from valet.protocol.claims import ClaimsRequest, parse_claims
from valet.protocol.redirect_uri import destination as destination_in_words
from valet.protocol.redirect_uri import is_registered, leaves_port_open, takes_a_form
from valet.protocol.resource import requested
from valet.protocol.scope import OPENID
from valet.protocol.supported import ACR_VALUES, CREATE, FORM_POST, PROMPTS, QUERY, RESPONSE_MODES, RESPONSE_TYPES
from valet.protocol.unregistered import refusal

PUSHED = "urn:ietf:params:oauth:request_uri:"  # how the request_uri of a pushed request begins (RFC 9126 §2.2)

# At the token endpoint, the libraries register again by themselves.
_ENDED = " A client that registered itself ends if it is not used: remove the connection in the app, and add it again."
_MAXIMUM_KEPT = 2048  # bytes of state or nonce: we keep them for the client
_MAX_AGE = re.compile(r"[0-9]{1,9}")
_LANGUAGE_TAG = re.compile(r"[A-Za-z0-9-]{1,35}")  # RFC 5646 §4.4.1
_MOST_LOCALES = 10
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")  # SHA-256 in base64url, without spare bits


class Destination(Frozen):
    """A client, the redirect URI, registered for it, that answers go to, and the response mode that they go by."""

    client: Client
    redirect_uri: str
    state: str | None
    issuer: str
    response_mode: str = QUERY
    ui_locales: str = ""  # for a page that carries the answer
    # The account page or the device page: it takes no answer, the browser goes to it, and a refusal is a page.
    is_account_page: bool = False
    title: str = "account.title"  # what that page is called

    @property
    def name(self) -> Sentence | Variants:
        """What an end-user signs in for, in their language."""
        return Sentence(self.title) if self.is_account_page else variants(self.client, "client_name")

    def answer(self, parameters: Mapping[str, str | None]) -> Response:
        """Send the browser to the client with `parameters`, its `state` and our `iss` (RFC 9207 §2)."""
        parameters = {**parameters, "state": self.state, "iss": self.issuer}
        if self.response_mode == FORM_POST:
            return self._post({name: value for name, value in parameters.items() if value is not None})
        return redirect(add_to_query(self.redirect_uri, parameters))

    def refuse(self, error: OAuthError) -> Response:
        """Send the browser to the client with an error (RFC 6749 §4.1.2.1)."""
        return self.answer({"error": error.error, "error_description": error.description})

    def _post(self, parameters: Mapping[str, str]) -> Response:
        """A page whose form posts `parameters` to the client (OAuth 2.0 Form Post Response Mode §2)."""
        shown = form_post.page(
            redirect_uri=self.redirect_uri,
            client_name=variants(self.client, "client_name"),
            answer_host=destination_in_words(self.redirect_uri),
            parameters=parameters,
            ui_locales=self.ui_locales,
        )
        # With no-referrer, browsers send "Origin: null" with a form (Fetch), and no client could see whose form it is.
        return page(200, shown, {"Referrer-Policy": "strict-origin"})


def pushed_request_uri(parameters: Parameters) -> str | None:
    """The `request_uri` of a pushed request, if the parameters have one (RFC 9126 §4). Any other is refused later."""
    try:
        request_uri = parameters.get("request_uri", "")
    except InvalidRequest:  # it is repeated, for example
        return None
    return request_uri if request_uri.startswith(PUSHED) else None


def find_destination(parameters: Parameters, registry: Registry, issuer: str) -> Destination:
    """Phase one. Raises InvalidRequest, for a page: never a redirect."""
    return destination_for(find_client(parameters, registry), parameters, issuer)


def find_client(parameters: Parameters, registry: Registry) -> Client:
    """The client that the parameters name. Raises InvalidRequest, and UnauthorizedClient if it breaks its profile."""
    client_id = parameters.require("client_id")
    client = registry.find_client(client_id)
    if client is None or client.is_disabled:
        why = "disabled" if client else "not registered"
        raise InvalidRequest(
            f"The client_id {quoted(client_id)} is not registered at this server, or an operator disabled the client."
            f"{_ENDED * client_id.startswith('dyn-')}",
            detail=f"The client_id is {why}.",
            client_id=client.client_id if client else "",
        )
    if client.is_fapi2:
        # Few clients have a profile: its rules are imported for those only. An error is a page, because a redirect URI
        # may be what breaks a rule.
        from valet.protocol import profile

        profile.check_record(client)
    return client


def destination_for(client: Client, parameters: Parameters, issuer: str) -> Destination:
    """Phase one, for a client that is known already. Raises InvalidRequest."""
    is_native = client.application_type == "native"
    asked = parameters.get("redirect_uri")
    if asked is None and client.is_fapi2:
        why = "The parameter redirect_uri is missing: this client has to send it (FAPI 2.0 Security Profile 5.3.2.2)."
        raise InvalidRequest(why, client_id=client.client_id)
    if asked is None:
        # OAuth 2.1 §4.1.1: it may be left out if only one is registered.
        if len(client.redirect_uris) != 1 or leaves_port_open(client.redirect_uris[0], is_native=is_native):
            why = "The parameter redirect_uri is missing: it may be left out only where there is one address to choose."
            raise InvalidRequest(why, client_id=client.client_id)
        asked = client.redirect_uris[0]
    elif not is_registered(asked, client.redirect_uris, is_native=is_native):
        raise refusal("redirect_uri", asked, client.redirect_uris, client)
    state = parameters.get("state")
    if _is_too_long(state):
        # Without its state the client would not accept an answer, and with this one it would not fit into a header.
        raise InvalidRequest(f"A state has at most {_MAXIMUM_KEPT} bytes.", client_id=client.client_id)
    if client.unknown.registered_at:  # it has no host of its own, and is called by where this answer goes
        client = replace(client, client_name=destination_in_words(asked))
    return Destination(client, asked, state, issuer, _response_mode(parameters, asked))


def not_pushed(client: Client) -> InvalidRequest:
    """The refusal of a request that the client has not pushed, though it is registered to push them (RFC 9126 §6)."""
    why = "This client has to push its authorization requests (RFC 9126): use the PAR endpoint."
    return InvalidRequest(why, client_id=client.client_id)


def destination_of(request: AuthorizationRequest, registry: Registry, issuer: str) -> Destination:
    """The destination of a saved request, looked up again since registrations change. Raises InvalidRequest, also for a
    request that was not pushed if its client has to push its requests since then, and for a visit of a page that is
    not there (own_pages.py).
    """
    if request.section or request.is_device:
        # Most requests are a client's: import what a visit of this server's own pages takes for those only.
        from valet.protocol.own_pages import destination_of_visit

        return destination_of_visit(request, registry, issuer)
    kept = {
        "client_id": request.client_id,
        "redirect_uri": request.redirect_uri,
        "response_mode": request.response_mode,
    }
    found = find_destination(Parameters(kept), registry, issuer)
    if found.client.require_pushed_authorization_requests and not request.is_pushed:
        raise not_pushed(found.client)
    return replace(found, state=request.state, ui_locales=request.ui_locales)


def parse_authorization_request(
    parameters: Parameters, destination: Destination, ports: joining.Ports
) -> AuthorizationRequest:
    """Phase two. Raises OAuthErrors, which go back to the client by `destination.refuse`."""
    client, known = destination.client, ports.registry.scopes()
    parameters.refuse_malformed()
    if "request" in parameters:
        raise RequestNotSupported("Request objects are not supported.")
    if "request_uri" in parameters:
        raise RequestUriNotSupported("The parameter request_uri is not supported.")
    if "registration" in parameters:
        raise RegistrationNotSupported("The parameter registration is not supported.")
    response_type = parameters.require("response_type")
    if response_type not in RESPONSE_TYPES:
        raise UnsupportedResponseType(
            f"The response_type {quoted(response_type)} is not supported. Supported: {', '.join(RESPONSE_TYPES)}."
        )
    _refuse_other_response_mode(parameters, destination)
    if "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("This client is not registered for the grant type authorization_code.")
    code_challenge = pkce.parse_challenge(parameters, is_optional=client.may_omit_pkce)
    nonce = parameters.get("nonce")
    if _is_too_long(nonce):
        raise InvalidRequest(f"A nonce has at most {_MAXIMUM_KEPT} bytes.")
    scope, resource = requested(parameters, client, known)
    # The parameter is OpenID Connect's: a request of OAuth alone ignores it, as it ignores any that it does not know.
    has_claims = OPENID in scope and "claims" in parameters
    claims = parse_claims(parameters["claims"], client, known) if has_claims else ClaimsRequest()
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=destination.redirect_uri,
        scope=scope,
        code_challenge=code_challenge,
        state=destination.state,
        nonce=nonce,
        prompt=_parse_prompt(parameters, client, ports),
        max_age=_parse_max_age(parameters),
        login_hint=parameters.get("login_hint", "")[:256] or None,
        userinfo_claims=claims.userinfo,
        id_token_claims=claims.id_token,
        subs=claims.subs,
        acr_values=claims.acr_values,
        preferred_acr_values=_parse_acr_values(parameters),
        response_mode=destination.response_mode,
        resource=resource,
        dpop_jkt=_parse_dpop_jkt(parameters),
        ui_locales=_parse_ui_locales(parameters),
    )


def _response_mode(parameters: Parameters, redirect_uri: str) -> str:
    """The response mode of the answer, also of a refusal: the default where the one that was asked for cannot be used,
    which phase two then refuses.
    """
    try:
        asked = parameters.get("response_mode", QUERY)
    except InvalidRequest:  # it is repeated, for example
        return QUERY
    return FORM_POST if asked == FORM_POST and takes_a_form(redirect_uri) else QUERY


def _refuse_other_response_mode(parameters: Parameters, destination: Destination) -> None:
    """Raises InvalidRequest if the answer cannot go by the response mode that was asked for."""
    asked = parameters.get("response_mode", destination.response_mode)
    if asked not in RESPONSE_MODES:
        raise InvalidRequest(
            f"The response_mode {quoted(asked)} is not supported. Supported: {', '.join(RESPONSE_MODES)}."
        )
    if asked != destination.response_mode:
        raise InvalidRequest(f"The response_mode {asked} needs a redirect_uri of https or http: use {QUERY}.")


def _is_too_long(kept: str | None) -> bool:
    return kept is not None and len(kept.encode()) > _MAXIMUM_KEPT


def _parse_prompt(parameters: Parameters, client: Client, ports: joining.Ports) -> frozenset[str]:
    prompts = frozenset(parameters.get("prompt", "").split())
    # OpenID Connect Prompt Create §4.1
    supported = (*PROMPTS, CREATE) if CREATE in prompts and joining.may_join(ports, client) else PROMPTS
    unknown = sorted(prompts - set(supported))
    if unknown:
        raise InvalidRequest(f"The prompt {quoted(*unknown)} is not supported. Supported: {', '.join(supported)}.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequest("prompt=none cannot be combined with other values.")
    return prompts


def _parse_acr_values(parameters: Parameters) -> tuple[str, ...]:
    """The levels that the client prefers, in its order (OpenID Connect Core §3.1.2.1). Raises
    UnmetAuthenticationRequirements if this server knows none of them (RFC 9470 §5).
    """
    asked = parameters.get("acr_values", "").split()
    known = tuple(acr for acr in asked if acr in ACR_VALUES)
    if asked and not known:
        raise UnmetAuthenticationRequirements(
            f"No sign-in at this server has an acr of {quoted(*asked)}. Supported: {', '.join(ACR_VALUES)}."
        )
    return tuple(dict.fromkeys(known))


def _parse_dpop_jkt(parameters: Parameters) -> str:
    """The thumbprint of the key that has to redeem the code (RFC 9449 §10)."""
    value = parameters.get("dpop_jkt", "")
    if value and not _THUMBPRINT.fullmatch(value):
        raise InvalidRequest("The dpop_jkt must be a SHA-256 thumbprint of a JWK, in base64url (RFC 7638).")
    return value


def _parse_ui_locales(parameters: Parameters) -> str:
    """The language tags, without what is none: a locale that is not supported is no error (OpenID Connect Core
    §3.1.2.1).
    """
    tags = [tag for tag in parameters.get("ui_locales", "").split() if _LANGUAGE_TAG.fullmatch(tag)]
    return " ".join(tags[:_MOST_LOCALES])


def _parse_max_age(parameters: Parameters) -> int | None:
    value = parameters.get("max_age")
    if value is None:
        return None
    if not _MAX_AGE.fullmatch(value):
        raise InvalidRequest("The max_age must be a whole number of seconds.")
    return int(value)
