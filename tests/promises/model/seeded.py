"""Design faults to be put into the running code on purpose: each breaks a promise, and the model has to say which.

The first sixteen are those that the design itself was checked against; the rest were real, or nearly.
"""

from valet.grant_types import authorization_code, refresh_token

from tests.promises.model.faults import FALSE_REVOCATION, Fault
from tests.promises.model.patches import (
    answered_before_its_bit,
    any_client_may_refresh,
    bits_first,
    committed_before_signed,
    dead_place_is_forgotten,
    dead_place_is_shared,
    deciding,
    grandparent_is_denied,
    live_forgets_the_one_before,
    logout_leaves_no_tombstone,
    loser_answers_its_own,
    no_grace_and_forgets_itself,
    only_the_last_is_remembered,
    place_is_looked_at_once,
    redemption_forgets_itself,
    resource_is_looked_at_last,
    retry_takes_its_own_index,
    revoked_is_enough,
    rotation_forgets_itself,
    second_use_revokes_at_once,
    session_is_read_once,
    stamped_at_the_start,
    theft_sets_no_bits,
    token_outlives_its_place,
    unknown_is_theft,
    verifier_is_checked_last,
    without,
)

FORK = "fork: one refresh token, two successors"
LOST_BIT = "revocation answered, yet an access token is on no status list"
REFUSED = "a genuine refresh token is refused while the grant lives on"
TWICE = "one code, redeemed twice"
BORN_DEAD = "inherits a dead index: the access token is refused from its birth"


# Either of the two would do: the redemption removes the code's expiry.
_REDEEMED = ("attribute_not_exists(#redeemed_at_ms) AND ", " AND #code_expires_at > :now")
_REVOKED = " AND attribute_not_exists(#revoked_at)"
# Either of these two as well: a rotation changes both.
_CURRENT = ("#refresh_digest = :presented AND ", "#generation = :read AND ")

FAULTS = (
    Fault("no condition on the rotation", "refresh-race", FORK, without(*_CURRENT, step="rotate")),
    Fault(
        "the rotation does not look at revoked_at",
        "revoke-race",
        "resurrected: rotated after revocation",
        without(_REVOKED, step="rotate"),
    ),
    Fault(
        "the redemption does not look at revoked_at",
        "redeem-logout",
        "resurrected: redeemed after revocation",
        without(_REVOKED, step="redeem"),
    ),
    Fault("no condition on the redemption", "redeem-race", TWICE, without(*_REDEEMED, step="redeem")),
    Fault(
        "a loser answers the successor that it computed",
        "refresh-race",
        "answered a refresh token that was never stored",
        loser_answers_its_own,
    ),
    Fault(
        "a retried answer takes an index of its own",
        "revoke-race",
        "an answer's access token has an index of its own",
        retry_takes_its_own_index,
    ),
    Fault(
        "the second try of a redemption is not recognised, and revokes",
        "redeem-race",
        FALSE_REVOCATION,
        no_grace_and_forgets_itself,
    ),
    Fault(
        "the second try of a redemption is not recognised, and the login is lost",
        "redeem-race",
        "the winner of the redemption is told invalid_grant",
        deciding(authorization_code, redemption_forgets_itself),
    ),
    Fault(
        "the second try of a rotation is not recognised",
        "refresh-window-off",
        "the winner of the rotation takes itself for a thief",
        deciding(refresh_token, rotation_forgets_itself),
    ),
    Fault(
        "revocation sets the bits first, the grant second",
        "revoke-race",
        "bits before the grant: an access token was revoked, and its grant lives",
        bits_first,
    ),
    Fault("revoking a revoked grant answers at once", "revoke-again", LOST_BIT, revoked_is_enough),
    Fault("any unknown secret is theft", "stranger", FALSE_REVOCATION, deciding(refresh_token, unknown_is_theft)),
    Fault(
        "only the last token is remembered, older ones are unknown",
        "thief",
        REFUSED,
        deciding(refresh_token, only_the_last_is_remembered),
    ),
    Fault(
        "a grandparent inside the window is merely denied",
        "thief",
        REFUSED,
        deciding(refresh_token, grandparent_is_denied),
    ),
    Fault("a second use of the code revokes at once", "redeem-race", FALSE_REVOCATION, second_use_revokes_at_once),
    Fault(
        "rotated_at is the start of the request",
        "refresh-slow",
        FALSE_REVOCATION,
        stamped_at_the_start("rotate", "rotated_at_ms"),
    ),
    Fault(
        "redeemed_at is the start of the request",
        "redeem-late",
        FALSE_REVOCATION,
        stamped_at_the_start("redeem", "redeemed_at_ms"),
    ),
    Fault(
        "a code's second use counts before its verifier is checked",
        "redeem-late-stranger",
        FALSE_REVOCATION,
        deciding(authorization_code, verifier_is_checked_last),
    ),
    Fault(
        "an old refresh token counts as stolen before its resource is looked at",
        "refresh-two-apis",
        FALSE_REVOCATION,
        deciding(refresh_token, resource_is_looked_at_last),
    ),
    Fault(
        "a refresh token works for any client",
        "stranger",
        FALSE_REVOCATION,
        deciding(refresh_token, any_client_may_refresh),
    ),
    Fault(
        "a logout leaves no tombstone for the grant that is being issued",
        "logout-race",
        "logged out, and a grant that lives by the session lives on",
        logout_leaves_no_tombstone,
    ),
    Fault(
        "a code is issued without a second look at the session",
        "logout-race",
        "logged out, and a grant that lives by the session lives on",
        session_is_read_once,
    ),
    Fault(
        "the code is spent before the answer is signed",
        "redeem-race",
        "answered a refresh token that was never stored",
        committed_before_signed,
    ),
    Fault("a rotation forgets the access token before", "revoke-race", LOST_BIT, live_forgets_the_one_before),
    Fault("a theft ends the grant and no access token", "thief", LOST_BIT, theft_sets_no_bits),
    Fault("a token shares the place of one that is revoked", "revoke-shared-place", BORN_DEAD, dead_place_is_shared),
    Fault(
        "a place is looked at before the request that shares it",
        "revoke-shared-place",
        BORN_DEAD,
        place_is_looked_at_once,
    ),
    Fault(
        "a place is forgotten whose bit no list shows yet",
        "revoke-shared-place-and-grant",
        LOST_BIT,
        dead_place_is_forgotten,
    ),
    Fault(
        "the revocation of an access token is answered before its bit is set",
        "revoke-shared-place",
        "revocation answered, yet the access token is on no status list",
        answered_before_its_bit,
    ),
    Fault(
        "a token outlives the place that it shares",
        "shared-place-later",
        "an answer's access token has an index of its own",
        token_outlives_its_place,
    ),
)
