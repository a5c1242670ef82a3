"""The rotation's rules, one at a time: what `plan` says next, and what a run leaves behind."""

from dataclasses import replace

import pytest
from valet.errors import TemporarilyUnavailable
from valet.keys.plan import ANNOUNCED_FOR, KEPT_FOR, SIGNS_ON, VERIFIER_CACHE
from valet.keys.ring import ANNOUNCED, DROPPED, RETIRED, SIGNING, jwk_set, published_keys, signing_key
from valet.keys.rotation import Rotation
from valet.models.keys import KeyRing
from valet.settings import Settings

from tests.parts.keys.fakes import (
    DAY,
    HOUR,
    ROLES,
    SETTINGS,
    MemoryAudit,
    MemoryKeyMaker,
    MemoryKeyRecords,
    assert_settled,
    in_state,
)

START = 1_800_000_000


class Deployment:
    """A deployment's keys, and a clock to turn."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.now = START
        self.settings = settings
        self.records = MemoryKeyRecords()
        self.maker = MemoryKeyMaker()
        self.audit = MemoryAudit()

    def run(self, *due: str) -> KeyRing:
        return self._rotation().rotate(frozenset(due))

    def drop(self, kid: str) -> KeyRing:
        return self._rotation().drop(kid)

    def pass_time(self, seconds: int) -> None:
        """Time goes by, and the schedule runs every hour of it."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + HOUR)
            self.run()

    def set(self, settings: Settings) -> None:
        self.settings = self.maker.settings = settings

    @property
    def ring(self) -> KeyRing:
        return self.records.ring

    def _rotation(self) -> Rotation:
        return Rotation(self.records, self.maker, self.audit, lambda: self.now, self.settings)


@pytest.fixture
def deployment() -> Deployment:
    deployment = Deployment()
    deployment.run()
    return deployment


def test_the_first_key_signs_at_once_and_a_second_is_announced(deployment: Deployment) -> None:
    assert in_state(deployment.ring, SIGNING) == ["key-1"]
    assert in_state(deployment.ring, ANNOUNCED) == ["key-2"]


def test_a_run_with_nothing_to_do_writes_nothing(deployment: Deployment) -> None:
    before = deployment.ring
    deployment.run()
    assert deployment.ring is before


def test_before_the_first_key_nobody_can_sign() -> None:
    with pytest.raises(TemporarilyUnavailable):
        signing_key(Deployment().ring.keys)


def test_a_key_signs_for_its_period_and_then_the_standby_does(deployment: Deployment) -> None:
    deployment.pass_time(30 * DAY - HOUR)
    assert signing_key(deployment.ring.keys).kid == "key-1"
    deployment.pass_time(HOUR)
    assert signing_key(deployment.ring.keys).kid == "key-2"
    assert in_state(deployment.ring, RETIRED) == ["key-1"]
    assert in_state(deployment.ring, ANNOUNCED) == ["key-3"]


def test_no_key_signs_before_it_was_announced_for_longer_than_any_verifier_caches(deployment: Deployment) -> None:
    deployment.set(replace(SETTINGS, rotation_period=1))
    deployment.now += VERIFIER_CACHE
    deployment.run()
    assert signing_key(deployment.ring.keys).kid == "key-1"
    deployment.now = START + ANNOUNCED_FOR
    deployment.run()
    assert signing_key(deployment.ring.keys).kid == "key-2"


def test_a_retired_key_stays_in_the_jwk_set_until_its_last_token_and_every_cache_are_over(
    deployment: Deployment,
) -> None:
    deployment.pass_time(30 * DAY)
    retired_at = deployment.now
    deployment.now = retired_at + KEPT_FOR - 1
    deployment.run()
    assert "key-1" in [key["kid"] for key in jwk_set(deployment.ring.keys)["keys"]]
    deployment.now = retired_at + KEPT_FOR
    deployment.run()
    assert "key-1" not in [key.kid for key in deployment.ring.keys]
    assert deployment.maker.states["key-1"] == "PendingDeletion"


def test_a_retired_key_can_sign_no_more_once_nobody_asks_it_to(deployment: Deployment) -> None:
    deployment.pass_time(30 * DAY)
    assert deployment.maker.states["key-1"] == "Enabled"
    deployment.now += SIGNS_ON
    deployment.run()
    assert deployment.maker.states["key-1"] == "PendingDeletion"
    assert in_state(deployment.ring, RETIRED) == ["key-1"]


def test_the_key_that_signs_is_the_first_of_the_jwk_set(deployment: Deployment) -> None:
    deployment.pass_time(30 * DAY)
    assert jwk_set(deployment.ring.keys)["keys"][0] == {"kid": "key-2"}


# -- emergency ---------------------------------------------------------------------------------------------------------


def test_an_emergency_takes_the_key_out_of_the_jwk_set_and_makes_the_standby_sign_in_one_write(
    deployment: Deployment,
) -> None:
    seen = []
    change_ring = deployment.records.change_ring

    def watch(before: KeyRing, keys: tuple[object, ...]) -> bool:
        done = change_ring(before, keys)  # type: ignore[arg-type]
        seen.append(deployment.ring)
        return done

    deployment.records.change_ring = watch  # type: ignore[method-assign]
    deployment.drop("current")
    assert in_state(seen[0], SIGNING) == ["key-2"]
    assert [key.kid for key in published_keys(seen[0].keys)] == ["key-2"]


def test_an_emergency_ends_the_key_in_kms_and_announces_another(deployment: Deployment) -> None:
    ring = deployment.drop("key-1")
    assert in_state(ring, DROPPED) == ["key-1"]
    assert_settled(ring, deployment.maker.states)
    assert deployment.audit.names()[-4:] == ["key.dropped", "key.ended", "key.made", "key.announced"]


def test_an_emergency_without_a_standby_makes_a_key_first_and_drops_then(deployment: Deployment) -> None:
    deployment.records.ring = replace(deployment.ring, keys=deployment.ring.keys[:1])
    ring = deployment.drop("key-1")
    assert in_state(ring, DROPPED) == ["key-1"]
    assert_settled(ring, deployment.maker.states)


def test_a_standby_can_be_dropped_and_another_is_announced(deployment: Deployment) -> None:
    ring = deployment.drop("key-2")
    assert in_state(ring, SIGNING) == ["key-1"]
    assert in_state(ring, ANNOUNCED) == ["key-3"]
    assert in_state(ring, DROPPED) == ["key-2"]


def test_a_retired_key_can_be_dropped(deployment: Deployment) -> None:
    deployment.pass_time(30 * DAY)
    ring = deployment.drop("key-1")
    assert "key-1" not in [key.kid for key in published_keys(ring.keys)]
    assert_settled(ring, deployment.maker.states)


def test_dropping_a_key_again_changes_nothing(deployment: Deployment) -> None:
    ring = deployment.drop("key-1")
    assert deployment.drop("key-1") is ring


def test_current_said_again_means_the_key_that_was_current_the_first_time(deployment: Deployment) -> None:
    # The first run may have been killed after it dropped the key: an operator who repeats the command must not lose
    # another.
    ring = deployment.drop("current")
    deployment.now += 600
    assert deployment.drop("current") is ring
    deployment.now += 600
    assert in_state(deployment.drop("current"), DROPPED) == ["key-1", "key-2"]


def test_an_unknown_kid_is_refused(deployment: Deployment) -> None:
    with pytest.raises(LookupError):
        deployment.drop("key-9")


def test_a_dropped_key_is_remembered_as_long_as_a_retired_one(deployment: Deployment) -> None:
    deployment.drop("key-1")
    deployment.pass_time(KEPT_FOR - HOUR)
    assert in_state(deployment.ring, DROPPED) == ["key-1"]
    deployment.pass_time(HOUR)
    assert in_state(deployment.ring, DROPPED) == []


# -- changes of the deployment -----------------------------------------------------------------------------------------


def test_the_wrapped_signer_takes_over_as_gently_as_another_algorithm(deployment: Deployment) -> None:
    deployment.set(replace(SETTINGS, signer="wrapped", wrapping_key="arn:aws:kms:eu-west-1:123456789012:key/1"))
    assert not signing_key(deployment.run().keys).wrapping_key
    deployment.now += ANNOUNCED_FOR
    assert signing_key(deployment.run().keys).wrapping_key


def test_a_function_with_a_new_role_gets_a_key_that_it_may_use_at_once(deployment: Deployment) -> None:
    # Its old keys' policies do not name it, and CloudFormation has taken the old role away: nobody could sign.
    roles = ROLES | {"arn:aws:iam::123456789012:role/Renamed"}
    deployment.set(replace(SETTINGS, signing_role_arns=roles))
    ring = deployment.run()
    assert signing_key(ring.keys).signing_roles == roles
    assert in_state(ring, RETIRED) == ["key-1"]  # the tokens that are out stay good
    assert_settled(ring, deployment.maker.states)


def test_a_role_that_is_gone_is_left_out_of_the_next_key_without_haste(deployment: Deployment) -> None:
    deployment.set(replace(SETTINGS, signing_role_arns=frozenset(sorted(ROLES)[:1])))
    assert signing_key(deployment.run().keys).kid == "key-1"
    deployment.now += ANNOUNCED_FOR
    assert signing_key(deployment.run().keys).signing_roles < ROLES


def test_wrapped_keys_outlive_a_new_role_because_the_wrapping_keys_policy_follows() -> None:
    wrapped = replace(SETTINGS, signer="wrapped", wrapping_key="arn:aws:kms:eu-west-1:123456789012:key/1")
    deployment = Deployment(wrapped)
    deployment.maker.settings = wrapped
    before = deployment.run()
    deployment.set(replace(wrapped, signing_role_arns=ROLES | {"arn:aws:iam::123456789012:role/Renamed"}))
    assert deployment.run() is before
    deployment.set(replace(wrapped, wrapping_key="arn:aws:kms:eu-west-1:123456789012:key/2"))
    assert signing_key(deployment.run().keys).wrapping_key.endswith("key/2")


def test_a_key_that_somebody_disabled_in_kms_is_replaced_at_once(deployment: Deployment) -> None:
    deployment.maker.states["key-1"] = "Disabled"
    ring = deployment.run()
    assert in_state(ring, SIGNING) == ["key-2"]
    assert_settled(ring, deployment.maker.states)


def test_a_standby_that_somebody_disabled_in_kms_is_replaced(deployment: Deployment) -> None:
    deployment.maker.states["key-2"] = "Disabled"
    assert_settled(deployment.run(), deployment.maker.states)


def test_both_keys_disabled_in_kms_is_mended_in_one_run(deployment: Deployment) -> None:
    deployment.maker.states.update({"key-1": "Disabled", "key-2": "Disabled"})
    assert_settled(deployment.run(), deployment.maker.states)


def test_a_rotation_can_be_asked_for_before_its_time_but_not_before_the_standby_is_known(
    deployment: Deployment,
) -> None:
    assert signing_key(deployment.run("RS256").keys).kid == "key-1"
    deployment.now += ANNOUNCED_FOR
    assert signing_key(deployment.run("RS256").keys).kid == "key-2"
    assert signing_key(deployment.run("RS256").keys).kid == "key-2"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_ours_to_end_is_named_in_the_log_and_holds_up_nothing(deployment: Deployment) -> None:
    deployment.maker.end_key = lambda key: False  # type: ignore[method-assign]
    ring = deployment.drop("key-1")
    assert ("key.left", {"kid": "key-1", "key_id": "key-1"}) in deployment.audit.events
    assert in_state(ring, ANNOUNCED) == ["key-3"]


def test_a_key_whose_announcement_is_lost_to_another_run_is_ended(deployment: Deployment) -> None:
    deployment.records.ring = replace(deployment.ring, keys=deployment.ring.keys[:1])
    make_key = deployment.maker.make_key

    def overtaken(alg: str, now: float) -> object:
        deployment.maker.make_key = make_key  # type: ignore[method-assign]
        key = make_key(alg, now)
        deployment.run()
        return key

    deployment.maker.make_key = overtaken  # type: ignore[method-assign, assignment]
    ring = deployment.run()
    assert in_state(ring, ANNOUNCED) == ["key-4"]
    assert deployment.maker.states["key-3"] == "PendingDeletion"


def test_a_key_that_may_be_in_the_ring_is_never_ended(deployment: Deployment) -> None:
    # The write's answer is lost for good: it may have taken effect, and then this key is the standby.
    deployment.records.ring = replace(deployment.ring, keys=deployment.ring.keys[:1])
    change_ring = deployment.records.change_ring

    def lost(before: KeyRing, keys: tuple[object, ...]) -> bool:
        change_ring(before, keys)  # type: ignore[arg-type]
        deployment.records.change_ring = change_ring  # type: ignore[method-assign]
        raise TemporarilyUnavailable(detail="no answer")

    deployment.records.change_ring = lost  # type: ignore[method-assign]
    with pytest.raises(TemporarilyUnavailable):
        deployment.run()
    assert_settled(deployment.run(), deployment.maker.states)
    assert in_state(deployment.ring, ANNOUNCED) == ["key-3"]


def test_a_role_that_can_wait_is_named_by_the_next_key_and_no_verifier_meets_a_key_that_it_does_not_know() -> None:
    """The key that signs cannot be used by the new role. It signs on all the same until the standby is known: a
    verifier may keep the JWK Set for two hours.
    """
    deployment = Deployment()
    before = signing_key(deployment.run().keys)
    waiting = frozenset({"arn:aws:iam::123456789012:role/NotifyClients"})
    deployment.set(replace(SETTINGS, waiting_role_arns=waiting))
    ring = deployment.run()
    assert signing_key(ring.keys) == before, "not replaced at once"
    assert any(key.signing_roles == ROLES | waiting for key in ring.keys if key.state == ANNOUNCED)
    deployment.pass_time(2 * HOUR)
    assert signing_key(deployment.ring.keys) == before
    deployment.pass_time(HOUR)
    after = signing_key(deployment.ring.keys)
    assert after.signing_roles == ROLES | waiting
    assert next(key for key in deployment.ring.keys if key.kid == before.kid).state == RETIRED
    deployment.pass_time(DAY)
    assert_settled(deployment.ring, deployment.maker.states)
