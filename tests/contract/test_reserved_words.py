"""Many of the specifications' words (scope, state, status) are reserved in DynamoDB, which emulators let pass: so in
expressions every attribute is written `#name`."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from valet.aws.dynamodb.table import item_from_model
from valet.frozen import replace
from valet.models.accounts import Account, Consent
from valet.models.keys import KeyRing
from valet.models.once import OneTimeValue
from valet.models.pushed_requests import PushedRequest
from valet.models.saved_requests import AuthorizationRequest, SavedRequest
from valet.models.unknown_clients import Document, DynamicClient, Invite

from local.aws.aws import emulated
from tests.contract import test_device_codes, test_front_channel, test_registry
from tests.contract.conftest import Stores
from tests.contract.facts import NOW, issue, live, new_grant, redemption, renewal_of, revocation, rotation_of

_EXPRESSIONS = ("UpdateExpression", "ConditionExpression", "KeyConditionExpression", "ProjectionExpression")
_OPERATORS = frozenset({"SET", "ADD", "REMOVE", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"})
_FUNCTIONS = frozenset({"attribute_exists", "attribute_not_exists", "if_not_exists", "begins_with", "contains", "size"})
_KEYS = frozenset({"pk", "sk"})


def bare_words(request: Mapping[str, Any]) -> frozenset[str]:
    """What a request's expressions name without a placeholder; our keys' own names are not reserved."""
    text = " ".join(str(request.get(name, "")) for name in _EXPRESSIONS)
    return frozenset(re.findall(r"(?<![#:\w])[A-Za-z_]\w*", text)) - _OPERATORS - _FUNCTIONS - _KEYS


def walk(stores: Stores) -> None:
    """Everything that the stores can do, once."""
    grant, first = new_grant(nonce="n"), redemption()
    rotation = rotation_of(first.refresh_digest)
    issue(stores.grants, grant)
    stores.grants.redeem(grant, first, NOW)
    stores.documents.claim("https://claude.ai/a", b"attempt", NOW)
    stores.documents.keep(Document("https://claude.ai/a", "{}", fetched_at=int(NOW)), b"attempt")
    stores.dynamic_clients.add(DynamicClient("dyn-a", "{}", int(NOW), int(NOW) + 9))
    stores.dynamic_clients.prolong("dyn-a", int(NOW) + 99, NOW)
    invite = Invite("a", b"digest", 2, int(NOW) + 9)
    stores.invites.table.put(item_from_model(invite, "invite#a", "invite"))
    stores.invites.spend_invite(invite, "dyn-a", NOW)
    stores.grants.rotate(grant, rotation, NOW)
    stores.grants.renew(grant, renewal_of(rotation.refresh_digest), NOW)
    stores.grants.revoke(grant.grant_id, revocation())
    stores.grants.bury(grant.grant_id, grant.sub, revocation())
    stores.grants.bury("A" * 22, "sub", revocation())
    stores.grants.pointers(grant.sub, grant.sid)
    stores.status_lists.lease("web_app_123", "aost", 16, int(NOW))
    stores.status_lists.put_bits((live(1),))
    stores.status_lists.find_list("aost")
    session = test_front_channel.new_session()
    stores.sessions.open(session)
    stores.sessions.prolong(session.digest, session.idle_expires_at + 1)
    stores.sessions.end(session.digest, b"a" * 16, NOW)
    request = AuthorizationRequest("web_app_123", "https://webapp.example.com/callback", ("openid",), "challenge")
    stores.saved_requests.save(SavedRequest(b"d" * 32, request, b"", 1, 2))
    stores.pushed_requests.push(PushedRequest(b"d" * 32, request, 1, 2))
    stores.grants.exists(grant.grant_id)
    stores.grants.deny("D" * 22, "sub", revocation())
    stores.device_codes.keep(test_device_codes.DEVICE, NOW)
    stores.device_codes.poll(test_device_codes.poll())
    account = Account("sub", "john")
    for named in ("", "another"):
        stores.factors.name_totp(replace(account, totp_id=named), "app")
        stores.factors.name_recovery_codes(replace(account, recovery_id=named), "codes")
    stores.factors.drop_totp(replace(account, totp_id="app"))
    stores.factors.try_totp("sub", "app")
    stores.factors.accept_totp("sub", "app", 1, b"a" * 16)
    stores.factors.spend_recovery_code("sub", "codes", 1, b"a" * 16)
    stores.once.spend(OneTimeValue("proof", "key", "jti", int(NOW)), b"a" * 16)
    stores.throttles.count("account#john", int(NOW))
    stores.throttles.count_share("account#john", "home", 10, 100, int(NOW))
    stores.throttles.forget_share("account#john", "home")
    stores.throttles.forget("account#john")
    stores.throttles.remember_browser(b"b" * 32, "sub", int(NOW))
    stores.users.add_user(Account("sub", "john"), "hash", NOW)
    stores.users.release_identifier("john", "sub", NOW)
    stores.consents.remember_consent(Consent("sub", "web_app_123", frozenset({"openid"}), 1))
    stores.registrar.put_client(test_registry.FULL)
    stores.registrar.put_client(test_registry.FULL)
    stores.registry.scopes()
    stores.registry.signing_keys()
    stores.key_records.change_ring(KeyRing(), (test_registry.key("kid"),))
    stores.key_records.change_ring(stores.key_records.key_ring(), ())


@pytest.mark.parametrize("stores", ["moto"], indirect=True)
def test_no_attribute_is_named_but_by_a_placeholder(stores: Stores) -> None:
    with emulated().recorded() as calls:
        walk(stores)
    assert len(calls) > 25
    bare = {f"{call.action} {call.partition_key}": bare_words(call.parameters) for call in calls}
    assert {call: words for call, words in bare.items() if words} == {}
