"""The members of the models that no configuration file sets, each with the reason."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from valet.models.accounts import Account
from valet.models.clients import Client, ProtectedApi, Scope
from valet.models.policy import Policy

# Members that no row sets, with the reason. A change of an entry keeps their values.
NOT_IN_FILE: Mapping[type[Any], Mapping[str, str]] = MappingProxyType(
    {
        Policy: {},
        Scope: {},
        ProtectedApi: {},
        Client: {
            "secret_made_at_ms": "when its newest secret was made",
            "unknown": "how a client came that no operator registered",
            "epoch": "counts revocations of grants, which are not configuration",
            "epoch_raised_at_ms": "when that was",
            "grants_not_before_ms": "when grants were ended",
        },
        Account: {
            "password_id": "names the credential in force in its own deployment",
            "epoch": "counts revocations of what the person holds, which are not configuration",
            "epoch_raised_at_ms": "when that was",
            "sessions_not_before_ms": "when sessions were ended",
            "updated_at": "set when a claim changes",
            "created_at": "set when the account is made",
            "recovered_at": "set when a mail gives back the password",
            "has_short_password": "set when the person chooses a password",
            "deleted_at": "set when the person deletes the account",
            "passkeys": "keys in people's devices, which they enrol themselves",
            "user_handle": "how these keys call the account",
            "has_no_password": "set when the person joins",
            "former_email": "set when the person changes the address",
            "former_until": "until when that can be undone",
            "totp_id": "names the second factor, which the person adds",
            "recovery_id": "names the recovery codes, which the person makes",
            "links": "identities at other providers, which the person links",
        },
    }
)
