"""The contract of ReferenceTokens: a token is kept once, and can be looked up at once."""

from dataclasses import replace

from valet.models.reference_tokens import ReferenceToken

from tests.contract.conftest import Stores
from tests.contract.facts import NOW, THREADS, at_once

CLAIMS = '{"jti":"AAAAAAAAAAAAAAAAAAAAAA","sub":"jörg \U0001f511","scope":"","aud":["a","b"],"cnf":{"jkt":"x"}}'
TOKEN = ReferenceToken("A" * 22, b"d" * 32, CLAIMS, int(NOW) + 900 + 86_400)


def test_a_token_is_found_as_it_was_kept_and_no_other_is(stores: Stores) -> None:
    assert stores.reference_tokens.put_token(TOKEN)
    assert stores.reference_tokens.find_token("A" * 22) == TOKEN
    for other in ("A" * 21 + "B", "a" * 22, ""):
        assert stores.reference_tokens.find_token(other) is None


def test_a_token_that_was_sent_twice_is_kept_once_and_another_with_its_id_is_not(stores: Stores) -> None:
    assert stores.reference_tokens.put_token(TOKEN)
    assert stores.reference_tokens.put_token(TOKEN)
    other = replace(TOKEN, secret_digest=b"o" * 32, claims="{}")
    assert not stores.reference_tokens.put_token(other)
    assert stores.reference_tokens.find_token("A" * 22) == TOKEN


def test_of_many_with_one_id_one_is_kept(stores: Stores) -> None:
    made = [replace(TOKEN, secret_digest=bytes([number]) * 32) for number in range(THREADS)]
    outcomes = at_once(lambda number: stores.reference_tokens.put_token(made[number]))
    assert sorted(outcomes) == [False] * (THREADS - 1) + [True]
    assert stores.reference_tokens.find_token("A" * 22) == made[outcomes.index(True)]
