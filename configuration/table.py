"""What a configuration file may say of a client, an API, a scope, a person and the policy: one row a key.

Reader, writer, JSON Schema and comparison go by these rows. A member without a row is in not_in_file.py, with the
reason.
"""

from dataclasses import dataclass
from typing import Any

from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.policy import Policy
from valet.pages.words import LANGUAGES
from valet.people.identifiers import SIGN_IN_WITH
from valet.protocol.joining import OFF, REGISTRATION
from valet.protocol.supported import (
    ACR_VALUES,
    ASSERTION_SIGNING_ALGS,
    CLAIMS_OF_SCOPE,
    DEVICE_NETWORKS,
    GRANT_TYPES,
    PKCE,
    PROFILES,
    REGISTERED_AUTH_METHODS,
    SIGNING_ALGS,
    TOKEN_FORMATS,
)
from valet.registration.policy import SECOND_FACTOR
from valet.registration.rules import APPLICATION_TYPES

from configuration.kinds import (
    ADDRESS,
    COUNT,
    DIGESTS,
    FLAG,
    KEYS,
    LOGO,
    REFERENCE,
    SPAN,
    TEXT,
    TEXTS,
    TRANSLATIONS,
    WORDS,
    Kind,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A key of the file, and the member of the model that it sets."""

    key: str
    member: str
    kind: Kind
    says: str  # for editors and for docs/configuration.md
    choices: tuple[str, ...] = ()
    is_required: bool = False
    is_fixed: bool = False  # cannot be changed once it is registered
    shapes: bool = False  # the defaults of other keys depend on it
    stays: bool = False  # where the file does not name it, the registered value stays


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the file: its entries by what identifies them."""

    name: str  # in the file: clients
    one: str  # an entry, in messages: client
    model: type[Any]
    identifier: str  # the member that the entry's key is; empty: the section is the one entry
    says: str
    rows: tuple[Row, ...]
    beyond: tuple[Row, ...] = ()  # credentials and the like, which are no member to compare

    def called(self, name: str) -> str:
        """An entry of that name, in messages."""
        return self.one if self.is_single else f"{self.one} {name}"

    @property
    def is_single(self) -> bool:
        return not self.identifier

    @property
    def keys(self) -> list[str]:
        return [row.key for row in (*self.rows, *self.beyond)]


_DISABLED = "Refuse it from now on. Where the file does not say it, an entry that an operator disabled stays disabled."

SCOPES = Section(
    "scopes", "scope", Scope, "name", "The scopes that clients can ask for, by name.",
    (
        Row("description", "description", TEXT, "The sentence on the consent page.", is_required=True),
        Row("includes", "includes", WORDS, "The scopes that it includes."),
        Row("translations", "translations", TRANSLATIONS, "Its sentence in other languages, such as description#de."),
    ),
)  # fmt: skip

APIS = Section(
    "apis", "API", ProtectedApi, "audience", "The protected APIs, by audience.",
    (
        Row("name", "name", TEXT, "What the API is called.", is_required=True),
        Row("scopes", "scopes", WORDS, "The scopes that belong to it."),
        Row("open_scopes", "open_scopes", WORDS, "Those of its scopes that clients may have that nobody registered."),
        Row("roles", "roles", WORDS, "The end-users' roles that its tokens tell it."),
        Row("access_token_lifetime", "access_token_lifetime", SPAN, "How long its tokens live (default: as all)."),
        Row("access_token_signing_alg", "access_token_signing_alg", TEXT,
            "The algorithm of its access tokens' signatures (default: the deployment's first one).", SIGNING_ALGS),
        Row("tokens", "access_token_format", TEXT, "The form of its access tokens (default: jwt).", TOKEN_FORMATS),
    ),
)  # fmt: skip

CLIENTS = Section(
    "clients", "client", Client, "client_id", "The clients, by client_id.",
    (
        Row("name", "client_name", TEXT, "What the consent page calls it.", is_required=True),
        Row("owner", "owner", TEXT, "The organisation that runs it, as the consent page names it."),
        Row("type", "application_type", TEXT,
            "web keeps a secret on a server; native and browser keep none (default: web).", APPLICATION_TYPES,
            is_fixed=True, shapes=True),
        Row("authentication", "token_endpoint_auth_method", TEXT,
            "How it authenticates at /token (default: for web either secret method, none for the others).",
            REGISTERED_AUTH_METHODS),
        Row("jwks", "jwks", KEYS, "Its public keys for private_key_jwt: a JWK Set, with its member keys."),
        Row("jwks_uri", "jwks_uri", TEXT, "The https address at which it publishes its keys, instead of jwks."),
        Row("auth_alg", "token_endpoint_auth_signing_alg", TEXT,
            "The one algorithm that signs its assertions (default: any that is supported).", ASSERTION_SIGNING_ALGS),
        Row("grant_types", "grant_types", WORDS,
            "How it gets tokens (default with redirect_uris: authorization_code and refresh_token).",
            tuple(GRANT_TYPES)),
        Row("redirect_uris", "redirect_uris", TEXTS, "Where answers go.", shapes=True),
        Row("post_logout_redirect_uris", "post_logout_redirect_uris", TEXTS, "Where people go after signing out."),
        Row("backchannel_logout_uri", "backchannel_logout_uri", TEXT,
            "Where it is told that a browser session has ended (OpenID Connect Back-Channel Logout)."),
        Row("backchannel_logout_session_required", "backchannel_logout_session_required", FLAG,
            "It needs the session's sid in logout tokens, each of which has it."),
        Row("logo", "logo", LOGO, "Its logo, on the sign-in page and the consent page: PNG or WebP of at most 8 KB."),
        Row("client_uri", "client_uri", TEXT, "Its home page, which error pages lead back to."),
        Row("tos_uri", "tos_uri", TEXT, "Its terms of service, which the consent page links: https."),
        Row("policy_uri", "policy_uri", TEXT, "Its privacy policy, which the consent page links: https."),
        Row("translations", "translations", TRANSLATIONS,
            "Its name and links in other languages, such as client_name#de (RFC 7591 §2.2)."),
        Row("origins", "origins", WORDS,
            "Whose scripts may read our answers (CORS; default for browser: the origins of its redirect_uris)."),
        Row("scope", "scope", WORDS, "The scopes that it may ask for."),
        Row("default_scope", "default_scope", WORDS, "The scopes that it gets where it asks for none."),
        Row("introspects", "introspects", WORDS, "The audiences whose tokens it may introspect."),
        Row("first_party", "first_party", FLAG, "Vouch for it: people are not asked."),
        Row("id_token_on_refresh", "id_token_on_refresh", FLAG, "A refresh gives an ID token."),
        Row("id_token_signed_response_alg", "id_token_signed_response_alg", TEXT,
            "The algorithm of its ID tokens' signatures (default: the deployment's first one).", SIGNING_ALGS),
        Row("id_token_claims", "id_token_claims", WORDS,
            "The granted scopes whose claims its ID tokens have.", tuple(CLAIMS_OF_SCOPE)),
        Row("roles", "roles", WORDS, "The end-users' roles that the scope roles tells it, next to those of its APIs."),
        Row("roles_claim", "roles_claim", TEXT, "The claim that tells it the roles (default: roles)."),
        Row("retry_window", "retry_window", SPAN, "How long a lost refresh may be tried again; 0 for never."),
        Row("refresh_token_rotation", "refresh_token_rotation", FLAG,
            "Each refresh gives a new refresh token; false only for a confidential client, which keeps the one that it "
            "has (default: true)."),
        Row("refresh_idle", "refresh_idle_lifetime", SPAN,
            "Refresh tokens end when unused so long (default: 30d, for browser 8h)."),
        Row("refresh_absolute", "refresh_absolute_lifetime", SPAN,
            "Refresh tokens end after so long anyway (default: 90d, for browser 1d)."),
        Row("pkce", "pkce", TEXT, "required, or optional for a confidential client (default: required).", PKCE),
        Row("dpop_bound_access_tokens", "dpop_bound_access_tokens", FLAG,
            "Every token request needs a DPoP proof, which binds its access tokens to a key (RFC 9449 §5.2)."),
        Row("require_pushed", "require_pushed_authorization_requests", FLAG,
            "Refuse its authorization requests unless it has pushed them (PAR, RFC 9126)."),
        Row("profile", "profile", TEXT,
            "plain, or fapi2 for the FAPI 2.0 Security Profile, which the other keys have to keep (default: plain).",
            PROFILES),
        Row("device_network", "device_network", TEXT, "same: as the person's (default: any).", DEVICE_NETWORKS),
        Row("required_acr", "required_acr", TEXT, "The least level of a sign-in for it (default: any).", ACR_VALUES),
        Row("registration", "registration", TEXT,
            "off: people make no account on their way to it, whatever the policy says (default: as it says).", (OFF,)),
        Row("providers", "providers", WORDS,
            "How people sign in for it: the IDs of other providers, and local for a password or a passkey here "
            "(default: all)."),
        Row("disabled", "is_disabled", FLAG, _DISABLED, stays=True),
    ),
    (
        Row("secret", "", REFERENCE,
            "Where its secret is: an environment variable, or a file relative to this one. Without it, a secret is "
            "generated and shown once."),
        Row("secret_digests", "secret_digests", DIGESTS,
            "Digests of its secrets, from another deployment; used where the client is not registered yet."),
    ),
)  # fmt: skip

PEOPLE = Section(
    "people", "person", Account, "username", "The end-users, by username.",
    (
        Row("name", "name", TEXT, "The display name."),
        Row("email", "email", TEXT, "The email address."),
        Row("email_verified", "email_verified", FLAG, "You know that the address is theirs."),
        Row("roles", "roles", WORDS, "Their roles."),
        Row("given_name", "given_name", TEXT, "The given name."),
        Row("family_name", "family_name", TEXT, "The family name."),
        Row("middle_name", "middle_name", TEXT, "The middle name."),
        Row("nickname", "nickname", TEXT, "The nickname."),
        Row("profile", "profile", TEXT, "The web address of their profile page."),
        Row("picture", "picture", TEXT, "The web address of their picture."),
        Row("website", "website", TEXT, "The web address of their web site."),
        Row("gender", "gender", TEXT, "The gender."),
        Row("birthdate", "birthdate", TEXT, "The birthday: YYYY-MM-DD, YYYY, or 0000-MM-DD without the year."),
        Row("zoneinfo", "zoneinfo", TEXT, "The time zone, such as Europe/Paris."),
        Row("locale", "locale", TEXT, "The language, such as en-US."),
        Row("phone_number", "phone_number", TEXT, "The phone number in E.164 form."),
        Row("phone_number_verified", "phone_number_verified", FLAG, "You know that the number is theirs."),
        Row("address", "address", ADDRESS, "The postal address: a text, or its parts."),
        Row("required_acr", "required_acr", TEXT, "The least level of their sessions (default: any).", ACR_VALUES),
        Row("disabled", "is_disabled", FLAG, _DISABLED, stays=True),
    ),
    (
        Row("sub", "sub", TEXT,
            "Their identifier in tokens, from another deployment, by which applications know them (default: drawn)."),
        Row("password_hash", "", TEXT,
            "An Argon2id hash, from another deployment; used where the person is not registered yet. Without it, a "
            "password is generated and shown once."),
    ),
)  # fmt: skip

# `valet people set` takes an option for each of these rows too: to let operators set a member, add its row.
POLICY = Section(
    "policy", "policy", Policy, "",
    "The policy for people: how they sign in, also those with a role, the languages of the pages, and how they look.",
    (
        Row("languages", "languages", WORDS, "The languages that the pages are offered in (default: all of them).",
            tuple(LANGUAGES)),
        Row("sign_in_with", "sign_in_with", TEXT,
            "What people sign in with, next to their password (default: username). An address has to be proven.",
            tuple(SIGN_IN_WITH)),
        Row("registration", "registration", TEXT,
            "Whether people may make their own accounts: off, on, or domains for addresses of registration_domains "
            "alone (default: off). The deployment needs MailFrom.", REGISTRATION),
        Row("registration_domains", "registration_domains", WORDS,
            "The domains of the addresses that people may join with, such as example.com."),
        Row("password_minimum", "password_minimum", COUNT, "The least characters of a new password (default: 15)."),
        Row("breached_passwords", "breached_passwords", FLAG,
            "Ask Pwned Passwords, by five digits of a hash, whether a new password was stolen (default: false)."),
        Row("default_language", "default_language", TEXT,
            "The language for a reader whose languages are not offered (default: en).", tuple(LANGUAGES)),
        Row("role_required_acr", "role_required_acr", WORDS,
            "The least levels of the sign-ins of people with a role, such as admin=phr (default: none)."),
        Row("second_factor", "second_factor", TEXT,
            "Whether everybody has to have a second factor or a passkey (default: optional).", SECOND_FACTOR),
        Row("remember_device", "remember_device", COUNT,
            "The days for which a browser may be remembered that gave a second factor (default: 0, at most 30)."),
        Row("mail_per_hour", "mail_per_hour", COUNT,
            "The mails that people may ask for in an hour, in all (default: 1000). Notices do not count."),
        Row("name", "brand_name", TEXT, "The name on every page (default: Valet)."),
        Row("colour", "brand_colour", TEXT, "The colour of the pages, as #rrggbb (default: the pages' own green)."),
        Row("logo", "brand_logo", LOGO, "The logo on every page: PNG or WebP of at most 8 KB."),
        Row("support_uri", "support_uri", TEXT, "The page where people get help, which every page links: https."),
        Row("tos_uri", "tos_uri", TEXT, "The terms of service, which every page links: https."),
        Row("policy_uri", "policy_uri", TEXT, "The privacy policy, which every page links: https."),
        Row("translations", "translations", TRANSLATIONS,
            "The name and the links in other languages, such as tos_uri#de."),
    ),
)  # fmt: skip

SECTIONS = (POLICY, SCOPES, APIS, CLIENTS, PEOPLE)


def key_of(section: Section, member: str) -> str:
    """The key of the file that sets the member."""
    return next((row.key for row in (*section.rows, *section.beyond) if row.member == member), member)
