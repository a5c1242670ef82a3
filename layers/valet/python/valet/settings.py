"""The settings of one deployment, read once from the environment."""

import re
from collections.abc import Callable, Mapping

from valet.frozen import Frozen

# Seconds. A token's key and its place in a status list are kept for this long.
LONGEST_ACCESS_TOKEN = 86_400

# Seconds that a verifier's clock may be behind: a token that has just expired by this clock may be good by that one. An
# operator's clock may be ahead by as much, because AWS accepts its signatures.
LEEWAY = 300


class SettingsError(Exception):
    """All that is wrong with the environment, in one message."""


class Settings(Frozen):
    """One deployment's settings. Lifetimes and windows are seconds."""

    registry_table: str = "Registry"
    users_table: str = "Users"
    grants_table: str = "Grants"
    issuer_url: str = ""  # empty: https:// and the API's own domain name, from each event
    passkey_domain: str = ""  # the RP ID of passkeys; empty: the issuer's host
    is_behind_proxy: bool = False  # the last entry of X-Forwarded-For is a proxy's, and the one before it the client's
    signing_algs: tuple[str, ...] = ("RS256",)  # the lanes of the key ring; the first one signs by default
    signer: str = "kms"
    code_lifetime: int = 60
    saved_request_lifetime: int = 600
    pushed_request_lifetime: int = 90
    session_idle_lifetime: int = 3600
    session_absolute_lifetime: int = 12 * 3600
    session_cookie: str = "persistent"  # or browser: it ends when the browser is closed
    access_token_lifetime: int = 900
    id_token_lifetime: int = 900
    retry_window: int = 60
    login_throttle_window: int = 900
    profile: str = "plain"  # | fapi2: every client has this profile, whatever is registered
    dpop_nonces: str = "off"  # | public | all: the clients whose proofs need a nonce of ours
    nonce_key: str = ""  # the HMAC key that makes the nonces
    back_channel_logout: str = "off"  # | on: clients that registered for it are told of logouts
    mail: str = "off"  # | on: the deployment sends mails to people
    mail_from: str = ""  # the address that they come from; only the mailer has it
    second_factor: str = "off"  # | on: people may have a second factor next to a password
    federation: str = "off"  # | on: people may sign in with other providers
    device_authorization: str = "off"  # | on: devices without a browser may ask for a person's yes (RFC 8628)
    client_id_metadata: str = "off"  # | listed | open: the hosts whose documents may name clients
    client_registration: str = "off"  # | token | open: who may register a client at /register
    fetch_function: str = ""  # the name of the function that fetches documents, where a function may invoke it
    people_key: str = ""  # the key that seals second factors and providers' secrets
    # URLs of queues, where a function uses them.
    mail_queue: str = ""
    sign_outs_queue: str = ""
    logout_tokens_queue: str = ""
    dead_letters_queue: str = ""
    own_role_arn: str = ""  # of a function that signs only with keys that name it
    # Only rotate_keys has these.
    signing_role_arns: frozenset[str] = frozenset()
    waiting_role_arns: frozenset[str] = frozenset()  # may sign as well, and can wait until a key names them
    rotate_role_arn: str = ""
    account_root_arn: str = ""
    wrapping_key: str = ""
    rotation_period: int = 30 * 86_400

    @property
    def rp_id(self) -> str:
        """The domain that passkeys belong to (WebAuthn Level 3 §4, "RP ID"). Empty: there are none. The API's own
        domain name is not kept, and all passkeys would go with it; and browsers take no address (§5.1.2).
        """
        host = _host(self.issuer_url)
        is_address = host.startswith("[") or host.replace(".", "").isdigit()
        return self.passkey_domain or ("" if is_address else host)

    @property
    def features(self) -> frozenset[str]:
        """What the deployment has of what can be switched off: passkeys, mail, second_factor, providers, devices; and
        recovery_codes, for who lost a passkey or a second factor.
        """
        has = {
            "passkeys": bool(self.rp_id),
            "mail": self.mail == "on",
            "second_factor": self.second_factor == "on",
            "providers": self.federation == "on",
            "devices": self.device_authorization == "on",
            "recovery_codes": bool(self.rp_id) or self.second_factor == "on",
        }
        return frozenset(name for name, is_on in has.items() if is_on)

    @property
    def has_unknown_clients(self) -> bool:
        """Whether a client may come that no operator registered."""
        return (self.client_id_metadata, self.client_registration) != ("off", "off")

    @property
    def key_roles(self) -> frozenset[str]:
        """The roles that the policy of a new signing key lets sign."""
        return self.signing_role_arns | self.waiting_role_arns

    @property
    def is_plain_http(self) -> bool:
        """The local stack's issuer is plain http on a loopback address; nothing else may be."""
        return self.issuer_url.startswith("http://")


_LOOPBACK_ISSUER = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")
_DOMAIN = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"  # compiled where it is asked for
_HTTPS_ISSUER = re.compile(r"https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number of seconds from {low} to {high}")
        return int(value)

    return parse


def _one_of(*names: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in names:
            raise ValueError("one of " + ", ".join(names))
        return value

    return parse


def _lanes(*names: str) -> Callable[[str], tuple[str, ...]]:
    parse_name = _one_of(*names)
    return lambda value: tuple(parse_name(value).split("+"))


def _issuer(value: str) -> str:
    if value and not _HTTPS_ISSUER.fullmatch(value) and not _LOOPBACK_ISSUER.fullmatch(value):
        raise ValueError("https://host without a path (plain http for a loopback address only), or empty")
    return value


def _host(url: str) -> str:
    """The host of an issuer, without its port."""
    return url.partition("://")[2].rpartition(":")[0] if url.count(":") > 1 else url.partition("://")[2]


def _domain(value: str) -> str:
    if not re.fullmatch(_DOMAIN, value):
        raise ValueError("a lower-case domain name")
    return value


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("true or false")
    return value == "true"


def _days(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not re.fullmatch(r"\d{1,4}", value) or not low <= int(value) <= high:
            raise ValueError(f"a whole number of days from {low} to {high}")
        return int(value) * 86_400

    return parse


_ARN = re.compile(r"arn:aws[a-z-]*:(iam|kms):[a-z0-9-]*:\d{12}:[\w+=,.@/-]+", re.ASCII)


def _arn(value: str) -> str:
    if not _ARN.fullmatch(value):
        raise ValueError("an ARN of IAM or KMS")
    return value


def _arns(value: str) -> frozenset[str]:
    return frozenset(_arn(arn.strip()) for arn in value.split(","))


def _queue(value: str) -> str:
    if not re.fullmatch(r"https?://[a-z0-9.:-]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}", value):
        raise ValueError("the URL of an SQS queue")
    return value


def _mailbox(value: str) -> str:
    if not re.fullmatch(r"[^@\s<>\"]{1,64}@[A-Za-z0-9.-]{1,253}", value):
        raise ValueError("an email address, such as id@example.com")
    return value


def _function(value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", value):
        raise ValueError("a Lambda function's name")
    return value


def _table(value: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_.-]{3,255}", value):
        raise ValueError("a DynamoDB table's name")
    return value


_Value = str | int | frozenset[str] | tuple[str, ...]
_VARIABLES: dict[str, tuple[str, Callable[[str], _Value]]] = {
    "REGISTRY_TABLE": ("registry_table", _table),
    "USERS_TABLE": ("users_table", _table),
    "GRANTS_TABLE": ("grants_table", _table),
    "ISSUER_URL": ("issuer_url", _issuer),
    "PASSKEY_DOMAIN": ("passkey_domain", _domain),
    "BEHIND_PROXY": ("is_behind_proxy", _flag),
    "SIGNING_ALG": ("signing_algs", _lanes("RS256", "ES256", "PS256", "RS256+PS256", "RS256+ES256")),
    "SIGNER": ("signer", _one_of("kms", "wrapped")),
    "ACCESS_TOKEN_LIFETIME": ("access_token_lifetime", _whole(60, LONGEST_ACCESS_TOKEN)),
    # A key is kept as long as the last token that it signed may live, and no longer.
    "ID_TOKEN_LIFETIME": ("id_token_lifetime", _whole(60, LONGEST_ACCESS_TOKEN)),
    "SESSION_IDLE_LIFETIME": ("session_idle_lifetime", _whole(600, 30 * 86_400)),
    "SESSION_LIFETIME": ("session_absolute_lifetime", _whole(600, 30 * 86_400)),
    "SESSION_COOKIE": ("session_cookie", _one_of("persistent", "browser")),
    "RETRY_WINDOW": ("retry_window", _whole(0, 600)),
    "PROFILE": ("profile", _one_of("plain", "fapi2")),
    "DPOP_NONCES": ("dpop_nonces", _one_of("off", "public", "all")),
    "NONCE_KEY": ("nonce_key", _arn),
    "PUSHED_REQUEST_LIFETIME": ("pushed_request_lifetime", _whole(5, 599)),  # FAPI 2.0 Security Profile §5.3.2.2
    "BACK_CHANNEL_LOGOUT": ("back_channel_logout", _one_of("on", "off")),
    "MAIL": ("mail", _one_of("on", "off")),
    "MAIL_FROM": ("mail_from", _mailbox),
    "SECOND_FACTOR": ("second_factor", _one_of("on", "off")),
    "FEDERATION": ("federation", _one_of("on", "off")),
    "DEVICE_AUTHORIZATION": ("device_authorization", _one_of("on", "off")),
    "CLIENT_ID_METADATA": ("client_id_metadata", _one_of("off", "listed", "open")),
    "CLIENT_REGISTRATION": ("client_registration", _one_of("off", "token", "open")),
    "FETCH_FUNCTION": ("fetch_function", _function),
    "PEOPLE_KEY": ("people_key", _arn),
    "MAIL_QUEUE": ("mail_queue", _queue),
    "SIGN_OUTS_QUEUE": ("sign_outs_queue", _queue),
    "LOGOUT_TOKENS_QUEUE": ("logout_tokens_queue", _queue),
    "DEAD_LETTERS_QUEUE": ("dead_letters_queue", _queue),
    "OWN_ROLE_ARN": ("own_role_arn", _arn),
    "SIGNING_ROLE_ARNS": ("signing_role_arns", _arns),
    "WAITING_ROLE_ARNS": ("waiting_role_arns", _arns),
    "ROTATE_ROLE_ARN": ("rotate_role_arn", _arn),
    "ACCOUNT_ROOT_ARN": ("account_root_arn", _arn),
    "WRAPPING_KEY": ("wrapping_key", _arn),
    "ROTATION_PERIOD": ("rotation_period", _days(1, 3650)),
}


def read(env: Mapping[str, str]) -> Settings:
    """The settings that `env` holds; an absent or empty variable has its default.

    Raises SettingsError, which names every variable that is wrong and what it may be.
    """
    found: dict[str, _Value] = {}
    wrong = []
    for name, (field, parse) in _VARIABLES.items():
        value = env.get(name, "")
        if value == "":
            continue
        try:
            found[field] = parse(value)
        except ValueError as error:
            wrong.append(f"{name} is {value!r}, and must be {error}")
    if wrong:
        raise SettingsError("; ".join(wrong))
    return Settings(**found)  # type: ignore[arg-type]  # _VARIABLES pairs each field with its own type
