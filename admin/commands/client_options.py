"""The options of `valet clients add` and `valet clients change`: what is registered about a client."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from valet.protocol.supported import CLAIMS_OF_SCOPE, DEVICE_NETWORKS, GRANT_TYPES, PKCE, PROFILES

from admin.commands import client_keys
from admin.options import ACR, ALG, SPAN, Several, image, translating, words

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_BOUND = ("dpop", "no")


def _is_bound(_context: click.Context, _option: click.Parameter, given: str | None) -> bool | None:
    """Whether its access tokens have to be bound; None: the option was not given."""
    return None if given is None else given == "dpop"


def _registration(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    return "" if given == "as-policy" else given


_OPTIONS = (
    click.option("--owner", help="Name the organisation that runs it, for the consent page."),
    click.option("--redirect-uri", "redirect_uris", multiple=True,
                 help="Send answers here (repeat for more). A native client's may be a private scheme, or a loopback "
                 "address, whose port never counts."),
    click.option("--logout-uri", "post_logout_redirect_uris", multiple=True,
                 help="Send people here after they sign out (repeat for more)."),
    click.option("--backchannel-logout-uri",
                 help="Tell it here when an end-user's browser session ends (OpenID Connect Back-Channel Logout): an "
                 "https address with a public name. The deployment needs BackChannelLogout=on. Empty: do not."),
    click.option("--logout-sid/--no-logout-sid", "backchannel_logout_session_required", default=None,
                 help="Register that it needs the session's sid in logout tokens, or not. Each logout token has it."),
    click.option("--logo", type=click.File("rb"), callback=image,
                 help="Show this image on its sign-in page and consent page: PNG or WebP of at most 8 KB. An empty "
                 "file: none."),
    click.option("--client-uri",
                 help="Lead people back to this home page from error pages: https, http on a loopback address, or a "
                 "private scheme."),
    click.option("--tos-uri", help="Link its terms of service from the consent page: https."),
    click.option("--policy-uri", help="Link its privacy policy from the consent page: https."),
    translating("client_name#de=Laden"),
    click.option("--origin", "origins", multiple=True, callback=words,
                 help="Let scripts of this origin read answers, by CORS, such as https://app.example.com or "
                 "capacitor://localhost (default for a new browser client: the origins of its redirect URIs)."),
    # --profile is the AWS profile.
    click.option("--security-profile", "security_profile", type=click.Choice(PROFILES),
                 help="Hold it to the FAPI 2.0 Security Profile, or not (default: plain). fapi2 also sets each option "
                 "that has only one possible value, and says so."),
    client_keys.AUTH,
    *client_keys.OPTIONS,
    click.option("--pkce", type=click.Choice(PKCE),
                 help="Set whether it must send a code_challenge (default: required). Only a web client may have "
                 "optional, for a library that cannot send one."),
    click.option("--bound", "dpop_bound_access_tokens", type=click.Choice(_BOUND), callback=_is_bound,
                 help="Bind its access tokens to a key that it proves to hold in each request; dpop: it must send a "
                 "DPoP proof to /token (default: no, and a proof that it sends still binds)."),
    click.option("--require-pushed/--no-require-pushed", "require_pushed_authorization_requests", default=None,
                 help="Refuse its authorization requests unless it has pushed them (RFC 9126), or take both kinds."),
    click.option("--device-network", type=click.Choice(DEVICE_NETWORKS),
                 help="Let people allow it a device in any network (default), or only one in the same network as "
                 "theirs, of which a stranger cannot be."),
    click.option("--required-acr", type=ACR,
                 help="Let people in only by a sign-in of this level or above: phr for a passkey (default: any)."),
    click.option("--registration", type=click.Choice(("off", "as-policy")), callback=_registration,
                 help="Let people make no account on their way to it (off), or go by the policy (default)."),
    click.option("--provider", "providers", multiple=True, callback=words,
                 help="Let people sign in for it by these other providers only, and by local, which is a password or a "
                 "passkey here (repeat, or separate by spaces; default, or empty: all)."),
    click.option("--grant-type", "grant_types", multiple=True, type=Several(GRANT_TYPES), callback=words,
                 help="Let it get tokens in this way (repeat, or separate by spaces)."),
    click.option("--scope", "scope", multiple=True, callback=words,
                 help="Let it ask for these scopes (repeat, or separate by spaces)."),
    click.option("--default-scope", multiple=True, callback=words,
                 help="Give it these scopes if it asks for none (repeat, or separate by spaces)."),
    click.option("--introspects", multiple=True, callback=words,
                 help="Let it introspect tokens for these audiences (repeat, or separate by spaces)."),
    click.option("--first-party/--third-party", default=None,
                 help="Vouch for it, so that people are not asked for consent. They are still asked if a public "
                 "client's answer goes to a loopback address or a private scheme, which any program can claim."),
    click.option("--id-token-on-refresh/--no-id-token-on-refresh", default=None,
                 help="Give it an ID token at each refresh, or not."),
    click.option("--id-token-alg", "id_token_signed_response_alg", type=ALG,
                 help="Sign its ID tokens with this algorithm, with which a key must sign already (default: the first "
                 "one of the deployment)."),
    click.option("--id-token-claims", multiple=True, type=Several(CLAIMS_OF_SCOPE), callback=words,
                 help="Put the claims of these granted scopes into its ID tokens, for a client that never asks "
                 "/userinfo (repeat, or separate by spaces)."),
    click.option("--role", "roles", multiple=True, callback=words,
                 help="Tell it these roles of end-users by the scope roles, as well as those of the APIs that it may "
                 "call (repeat, or separate by spaces)."),
    click.option("--roles-claim", help="Tell it the roles in the claim of this name, such as groups (default: roles)."),
    click.option("--retry-window", type=SPAN, help="Let it repeat a lost refresh for this long (0: never)."),
    click.option("--rotation/--no-rotation", "refresh_token_rotation", default=None,
                 help="Give it a new refresh token at each refresh (default), or let it keep the one that it has. Only "
                 "a web client may keep it."),
    click.option("--refresh-idle", "refresh_idle_lifetime", type=SPAN,
                 help="End refresh tokens that it does not use for this long."),
    click.option("--refresh-absolute", "refresh_absolute_lifetime", type=SPAN,
                 help="End refresh tokens after this long in any case."),
)  # fmt: skip


# The lists that `change` also adds to and removes from, by option and by member.
LISTS = (
    ("scope", "scope", words, "scopes"),
    ("redirect-uri", "redirect_uris", None, "redirect URIs"),
    ("logout-uri", "post_logout_redirect_uris", None, "URIs after logout"),
    ("origin", "origins", words, "origins"),
)


def adjustable(registered: Decorated) -> Decorated:
    for name, member, callback, meaning in reversed(LISTS):
        for verb, sentence in (("remove", f"Remove these {meaning}."), ("add", f"Add these {meaning}.")):
            option = click.option(f"--{verb}-{name}", f"{verb}_{member}", multiple=True, callback=callback,
                                  help=sentence)  # fmt: skip
            registered = option(registered)
    return registered


def registration(registered: Decorated) -> Decorated:
    for option in reversed(_OPTIONS):
        registered = option(registered)
    return registered
