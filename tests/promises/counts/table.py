"""Which AWS calls each kind of request makes, in their order: warm, and in an execution environment that knows nothing.

Written down here, so that a call more or a call elsewhere is a change that somebody has to mean.
"""

from tests.promises.counts import devices, mail_requests, reference_tokens, requests, strangers, upstream
from tests.promises.counts.row import Row

TABLE = (
    Row(
        requests.client_credentials,
        200,
        "Sign",
        "GetItem client, Query scopes, Query apis, Query keys, UpdateItem status, PutItem lease, Sign",
    ),
    Row(
        requests.code,
        200,
        "GetItem grant, GetItem account, Sign, Sign, PutItem sub, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, "
        "UpdateItem status, PutItem lease, Query keys, Sign, Sign, PutItem sub, UpdateItem grant",
    ),
    Row(
        requests.code_without_openid,
        200,
        "GetItem grant, GetItem account, Sign, PutItem sub, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, "
        "UpdateItem status, PutItem lease, Query keys, Sign, PutItem sub, UpdateItem grant",
    ),
    Row(
        requests.code_with_claims,
        200,
        "GetItem grant, GetItem account, Sign, Sign, PutItem sub, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, "
        "UpdateItem status, PutItem lease, Query keys, Sign, Sign, PutItem sub, UpdateItem grant",
    ),
    Row(
        requests.code_replayed,
        400,
        "GetItem grant, GetItem account, UpdateItem grant, UpdateItem status, UpdateItem status",
        "GetItem client, GetItem grant, GetItem account, UpdateItem grant, UpdateItem status, UpdateItem status",
    ),
    Row(
        requests.refresh,
        200,
        "GetItem grant, GetItem account, Sign, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, UpdateItem grant",
    ),
    Row(
        requests.client_credentials_with_proof,
        200,
        "Sign, PutItem once",
        "GetItem client, Query scopes, Query apis, Query keys, UpdateItem status, PutItem lease, Sign, PutItem once",
    ),
    Row(
        requests.code_with_proof,
        200,
        "GetItem grant, GetItem account, Sign, Sign, PutItem once, PutItem sub, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, PutItem lease, "
        "Query keys, Sign, Sign, PutItem once, PutItem sub, UpdateItem grant",
    ),
    Row(
        requests.refresh_with_proof,
        200,
        "GetItem grant, GetItem account, Sign, PutItem once, UpdateItem grant",
        "GetItem client, GenerateMac, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, PutItem once, UpdateItem grant",
    ),
    Row(
        requests.userinfo_with_proof,
        200,
        "GetItem grant, GetItem account, GetItem status, GetItem status, PutItem once",
        "Query keys, GetItem client, GetItem grant, GetItem account, GetItem status, GetItem status, PutItem once",
    ),
    Row(
        requests.refresh_without_window,
        200,
        "GetItem grant, GetItem account, Sign, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, UpdateItem grant",
    ),
    Row(
        requests.refresh_retried,
        200,
        "GetItem grant, GetItem account, Sign",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, Query keys, Sign",
    ),
    Row(
        requests.renew,
        200,
        "GetItem grant, GetItem account, Sign, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, UpdateItem grant",
    ),
    Row(
        requests.renew_race_lost,
        200,
        "GetItem grant, GetItem account, Sign, UpdateItem grant, Sign",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, UpdateItem grant, Sign",
    ),
    Row(
        requests.refresh_race_lost,
        200,
        "GetItem grant, GetItem account, Sign, UpdateItem grant, Sign",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, UpdateItem grant, Sign",
    ),
    Row(
        requests.refresh_stolen,
        400,
        "GetItem grant, GetItem account, UpdateItem grant, "
        "UpdateItem status, UpdateItem status, UpdateItem status, UpdateItem status",
        "GetItem client, GetItem grant, GetItem account, UpdateItem grant, "
        "UpdateItem status, UpdateItem status, UpdateItem status, UpdateItem status",
    ),
    Row(
        requests.refresh_soon,
        200,
        "GetItem grant, GetItem account, GetItem status, GetItem status, Sign, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, GetItem status, GetItem status, "
        "Query keys, Sign, UpdateItem grant",
    ),
    Row(
        requests.refresh_too_often,
        429,
        "GetItem grant, GetItem account",
        "GetItem client, GetItem grant, GetItem account",
    ),
    Row(
        requests.client_credentials_with_assertion,
        200,
        "Sign, PutItem once",
        "GetItem client, Query scopes, Query apis, Query keys, UpdateItem status, PutItem lease, Sign, PutItem once",
    ),
    Row(
        requests.client_credentials_with_published_keys,
        200,
        "GetItem client_keys, Sign, PutItem once",
        "GetItem client, GetItem client_keys, Query scopes, Query apis, Query keys, UpdateItem status, PutItem lease, "
        "Sign, PutItem once",
    ),
    Row(
        requests.code_with_assertion,
        200,
        "GetItem grant, GetItem account, Sign, Sign, PutItem once, PutItem sub, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, PutItem lease, "
        "Query keys, Sign, Sign, PutItem once, PutItem sub, UpdateItem grant",
    ),
    Row(
        requests.refresh_with_assertion,
        200,
        "GetItem grant, GetItem account, Sign, PutItem once, UpdateItem grant",
        "GetItem client, GetItem grant, GetItem account, Query scopes, Query apis, UpdateItem status, "
        "PutItem lease, Query keys, Sign, PutItem once, UpdateItem grant",
    ),
    Row(
        requests.revoke_with_assertion,
        200,
        "PutItem once, UpdateItem status, UpdateItem status",
        "GetItem client, Query keys, PutItem once, UpdateItem status, UpdateItem status",
    ),
    Row(
        requests.introspect_with_assertion,
        200,
        "GetItem grant, GetItem account, PutItem once",
        "GetItem client, GetItem grant, GetItem account, PutItem once",
    ),
    Row(
        requests.revoke_refresh_token,
        200,
        "GetItem grant, UpdateItem grant, UpdateItem status, UpdateItem status, UpdateItem status, UpdateItem status",
        "GetItem client, GetItem grant, UpdateItem grant, "
        "UpdateItem status, UpdateItem status, UpdateItem status, UpdateItem status",
    ),
    Row(
        requests.revoke_access_token,
        200,
        "UpdateItem status, UpdateItem status",
        "GetItem client, Query keys, UpdateItem status, UpdateItem status",
    ),
    Row(
        requests.introspect_access_token,
        200,
        "GetItem grant, GetItem account, GetItem status, GetItem status",
        "GetItem client, Query keys, GetItem client, GetItem grant, GetItem account, GetItem status, GetItem status",
    ),
    Row(
        requests.introspect_clients_own_token,
        200,
        "GetItem status, GetItem status, GetItem status",
        "GetItem client, Query keys, GetItem status, GetItem status, GetItem status",
    ),
    Row(
        requests.introspect_refresh_token,
        200,
        "GetItem grant, GetItem account",
        "GetItem client, GetItem grant, GetItem account",
    ),
    Row(
        requests.userinfo,
        200,
        "GetItem grant, GetItem account, GetItem status, GetItem status",
        "Query keys, GetItem client, GetItem grant, GetItem account, GetItem status, GetItem status",
    ),
    Row(
        requests.userinfo_with_claims,
        200,
        "GetItem grant, GetItem account, GetItem status, GetItem status",
        "Query keys, GetItem client, GetItem grant, GetItem account, GetItem status, GetItem status, "
        "Query scopes, Query apis",
    ),
    Row(
        requests.authorize_stranger,
        303,
        "PutItem request",
        "GetItem client, Query scopes, Query apis, PutItem request",
    ),
    Row(
        requests.authorize_by_post,
        303,
        "PutItem request",
        "GetItem client, Query scopes, Query apis, PutItem request",
    ),
    Row(
        requests.authorize_to_consent,
        303,
        "GetItem session, GetItem account, GetItem consent, PutItem request",
        "GetItem client, Query scopes, Query apis, GetItem session, GetItem account, GetItem people, "
        "GetItem consent, PutItem request",
    ),
    Row(
        requests.authorize_remembered,
        303,
        "GetItem session, GetItem account, GetItem consent, UpdateItem throttle, PutItem sub, PutItem grant",
        "GetItem client, Query scopes, Query apis, GetItem session, GetItem account, GetItem people, "
        "GetItem consent, UpdateItem throttle, PutItem sub, PutItem grant",
    ),
    Row(
        requests.authorize_resumed,
        303,
        "GetItem request, GetItem proof-password, GetItem account, GetItem session, PutItem sessions, "
        "PutItem session, UpdateItem proof-password, UpdateItem session, DeleteItem sessions, GetItem "
        "consent, UpdateItem throttle, PutItem sub, PutItem grant",
        "GetItem request, GetItem proof-password, GetItem account, GetItem session, PutItem sessions, "
        "PutItem session, UpdateItem proof-password, UpdateItem session, DeleteItem sessions, GetItem "
        "client, GetItem people, GetItem consent, Query scopes, Query apis, UpdateItem throttle, PutItem "
        "sub, PutItem grant",
    ),
    Row(
        requests.authorize_pushed,
        303,
        "GetItem pushed, GetItem grant, PutItem request",
        "GetItem client, GetItem pushed, GetItem grant, PutItem request",
    ),
    Row(
        requests.authorize_pushed_remembered,
        303,
        "GetItem pushed, GetItem grant, PutItem request, GetItem session, GetItem account, GetItem "
        "consent, UpdateItem throttle, PutItem sub, PutItem grant",
        "GetItem client, GetItem pushed, GetItem grant, PutItem request, GetItem session, GetItem "
        "account, GetItem people, GetItem consent, Query scopes, Query apis, UpdateItem throttle, PutItem "
        "sub, PutItem grant",
    ),
    Row(
        requests.authorize_pushed_by_post,
        303,
        "",
        "GetItem client",
    ),
    Row(
        requests.authorize_pushed_again,
        400,
        "GetItem pushed, GetItem grant",
        "GetItem client, GetItem pushed, GetItem grant, GetItem people",
    ),
    Row(
        requests.push,
        201,
        "PutItem pushed",
        "GetItem client, Query scopes, Query apis, PutItem pushed",
    ),
    Row(
        requests.push_with_assertion,
        201,
        "PutItem once, PutItem pushed",
        "GetItem client, Query scopes, Query apis, PutItem once, PutItem pushed",
    ),
    Row(
        requests.push_with_proof,
        201,
        "PutItem once, PutItem pushed",
        "GetItem client, Query scopes, Query apis, PutItem once, PutItem pushed",
    ),
    Row(
        requests.push_hinted,
        201,
        "PutItem pushed",
        "GetItem client, Query scopes, Query apis, Query keys, PutItem pushed",
    ),
    Row(
        requests.login_page,
        200,
        "GetItem request",
        "GetItem request, GetItem client, GetItem people",
    ),
    Row(
        requests.login,
        303,
        "GetItem request, Query credential, GetItem identifier, GetItem account, GetItem throttle, "
        "UpdateItem throttle, UpdateItem throttle, GetItem password, UpdateItem throttle, UpdateItem throttle, "
        "PutItem throttle, PutItem proof-password",
        "GetItem request, GetItem people, Query credential, GetItem identifier, GetItem account, GetItem throttle, "
        "UpdateItem throttle, UpdateItem throttle, GetItem password, UpdateItem throttle, UpdateItem throttle, "
        "PutItem throttle, PutItem proof-password",
    ),
    Row(
        requests.passkey,
        303,
        "GetItem request, GetItem passkey, GetItem account, UpdateItem passkey, PutItem proof-passkey",
        "GetItem request, GetItem passkey, GetItem account, UpdateItem passkey, PutItem proof-passkey",
    ),
    Row(
        requests.passkey_refused,
        401,
        "GetItem request, GetItem passkey, GetItem account",
        "GetItem request, GetItem passkey, GetItem account, GetItem client, GetItem people",
    ),
    Row(
        requests.password_page,
        200,
        "GetItem session, GetItem account",
        "GetItem session, GetItem account, GetItem people",
    ),
    Row(
        requests.password_changed,
        200,
        "GetItem session, GetItem account, PutItem password, SendMessage, UpdateItem account, DeleteItem password",
        "GetItem session, GetItem account, GetItem people, PutItem password, SendMessage, UpdateItem account, "
        "DeleteItem password",
    ),
    Row(
        requests.password_refused,
        400,
        "GetItem session, GetItem account",
        "GetItem session, GetItem account, GetItem people",
    ),
    Row(
        requests.email_page,
        200,
        "GetItem session, GetItem account, GetItem identifier",
        "GetItem session, GetItem account, GetItem people, GetItem identifier",
    ),
    Row(
        requests.email_code_sent,
        200,
        "GetItem session, GetItem account, UpdateItem throttle, UpdateItem throttle, UpdateItem throttle, SendMessage",
        "GetItem session, GetItem account, GetItem people, UpdateItem throttle, UpdateItem throttle, "
        "UpdateItem throttle, SendMessage",
    ),
    Row(
        requests.email_changed,
        200,
        "GetItem session, GetItem account, UpdateItem code, GetItem mail, PutItem identifier, SendMessage, "
        "UpdateItem account, UpdateItem identifier, UpdateItem identifier",
        "GetItem session, GetItem account, GetItem people, UpdateItem code, GetItem mail, PutItem identifier, "
        "SendMessage, UpdateItem account, UpdateItem identifier, UpdateItem identifier",
    ),
    Row(
        requests.email_proven,
        200,
        "GetItem session, GetItem account, UpdateItem code, GetItem mail, PutItem identifier, UpdateItem "
        "account, UpdateItem identifier",
        "GetItem session, GetItem account, GetItem people, UpdateItem code, GetItem mail, PutItem identifier, "
        "UpdateItem account, UpdateItem identifier",
    ),
    Row(
        requests.first_means_sent,
        200,
        "GetItem session, GetItem account, UpdateItem throttle, UpdateItem throttle, UpdateItem throttle, SendMessage",
        "GetItem session, GetItem account, GetItem people, UpdateItem throttle, UpdateItem throttle, "
        "UpdateItem throttle, SendMessage",
    ),
    Row(
        requests.first_means_proven,
        200,
        "GetItem session, GetItem account, UpdateItem code, GetItem mail, PutItem mail, GetItem mail",
        "GetItem session, GetItem account, GetItem people, UpdateItem code, GetItem mail, PutItem mail, GetItem mail",
    ),
    Row(
        requests.first_passkey_added,
        200,
        "GetItem session, GetItem account, GetItem mail, UpdateItem passkeys, PutItem passkey, SendMessage, "
        "UpdateItem account, PutItem factor, UpdateItem account",
        "GetItem session, GetItem account, GetItem people, GetItem mail, UpdateItem passkeys, PutItem "
        "passkey, SendMessage, UpdateItem account, PutItem factor, UpdateItem account",
    ),
    Row(
        requests.undo_page,
        200,
        "GetItem mail, GetItem account",
        "GetItem mail, GetItem account, GetItem people",
    ),
    Row(
        requests.undo,
        200,
        "GetItem mail, GetItem account, SendMessage, UpdateItem account",
        "GetItem mail, GetItem account, SendMessage, UpdateItem account, GetItem people",
    ),
    Row(
        requests.undo_of_address,
        200,
        "GetItem mail, GetItem account, PutItem identifier, UpdateItem identifier, UpdateItem identifier, "
        "SendMessage, UpdateItem account",
        "GetItem mail, GetItem account, PutItem identifier, UpdateItem identifier, UpdateItem identifier, "
        "SendMessage, UpdateItem account, GetItem people",
    ),
    Row(
        requests.passkeys_page,
        200,
        "GetItem session, GetItem account, GetItem passkey",
        "GetItem session, GetItem account, GetItem people, GetItem passkey",
    ),
    Row(
        requests.passkey_added,
        200,
        "GetItem session, GetItem account, UpdateItem passkeys, PutItem passkey, UpdateItem account, PutItem "
        "factor, UpdateItem account",
        "GetItem session, GetItem account, GetItem people, UpdateItem passkeys, PutItem passkey, UpdateItem "
        "account, PutItem factor, UpdateItem account",
    ),
    Row(
        requests.passkey_removed,
        303,
        "GetItem session, GetItem account, UpdateItem account, DeleteItem passkey",
        "GetItem session, GetItem account, GetItem people, UpdateItem account, DeleteItem passkey",
    ),
    Row(
        requests.second_page,
        200,
        "GetItem request, GetItem session, GetItem account",
        "GetItem request, GetItem session, GetItem account, GetItem client, GetItem people",
    ),
    Row(
        requests.second,
        303,
        "GetItem request, GetItem session, GetItem account, GetItem throttle, UpdateItem throttle, UpdateItem "
        "factor, Decrypt, UpdateItem factor, UpdateItem throttle, PutItem throttle, PutItem proof-second",
        "GetItem request, GetItem session, GetItem account, GetItem throttle, UpdateItem throttle, UpdateItem "
        "factor, Decrypt, UpdateItem factor, UpdateItem throttle, PutItem throttle, PutItem proof-second",
    ),
    Row(
        requests.second_wrong,
        401,
        "GetItem request, GetItem session, GetItem account, GetItem throttle, UpdateItem throttle, UpdateItem "
        "factor, Decrypt",
        "GetItem request, GetItem session, GetItem account, GetItem throttle, UpdateItem throttle, UpdateItem "
        "factor, Decrypt, GetItem client, GetItem people",
    ),
    Row(
        requests.second_recovery,
        303,
        "GetItem request, GetItem session, GetItem account, GetItem factor, UpdateItem factor, PutItem proof-second",
        "GetItem request, GetItem session, GetItem account, GetItem factor, UpdateItem factor, PutItem proof-second",
    ),
    Row(
        requests.authorize_half_way,
        303,
        "GetItem request, GetItem proof-password, GetItem account, PutItem sessions, PutItem session, "
        "UpdateItem proof-password, GetItem consent",
        "GetItem request, GetItem proof-password, GetItem account, GetItem people, PutItem sessions, PutItem "
        "session, UpdateItem proof-password, GetItem client, GetItem consent",
    ),
    Row(
        requests.authorize_stepped_up,
        303,
        "GetItem request, GetItem proof-second, GetItem account, GetItem session, PutItem sessions, PutItem "
        "session, UpdateItem proof-second, UpdateItem session, DeleteItem sessions, GetItem consent, "
        "UpdateItem throttle, PutItem sub, PutItem grant",
        "GetItem request, GetItem proof-second, GetItem account, GetItem session, PutItem sessions, PutItem "
        "session, UpdateItem proof-second, UpdateItem session, DeleteItem sessions, GetItem client, GetItem "
        "people, GetItem consent, Query scopes, Query apis, UpdateItem throttle, PutItem sub, PutItem grant",
    ),
    Row(
        requests.second_section,
        200,
        "GetItem session, GetItem account",
        "GetItem session, GetItem account, GetItem people",
    ),
    Row(
        requests.second_added,
        200,
        "GetItem session, GetItem account, Encrypt, PutItem factor, UpdateItem account, PutItem factor, "
        "UpdateItem account",
        "GetItem session, GetItem account, GetItem people, Encrypt, PutItem factor, UpdateItem account, "
        "PutItem factor, UpdateItem account",
    ),
    Row(
        requests.second_removed,
        303,
        "GetItem session, GetItem account, UpdateItem account, DeleteItem factor",
        "GetItem session, GetItem account, GetItem people, UpdateItem account, DeleteItem factor",
    ),
    Row(
        requests.recovery_section,
        200,
        "GetItem session, GetItem account, GetItem factor",
        "GetItem session, GetItem account, GetItem people, GetItem factor",
    ),
    Row(
        requests.recovery_made,
        200,
        "GetItem session, GetItem account, PutItem factor, UpdateItem account, DeleteItem factor",
        "GetItem session, GetItem account, GetItem people, PutItem factor, UpdateItem account, DeleteItem factor",
    ),
    Row(
        requests.login_again,
        303,
        "GetItem request, Query credential, GetItem identifier, GetItem account, GetItem throttle, "
        "UpdateItem throttle, GetItem password, DeleteItem throttle, PutItem throttle, PutItem proof-password",
        "GetItem request, GetItem people, Query credential, GetItem identifier, GetItem account, GetItem throttle, "
        "UpdateItem throttle, GetItem password, DeleteItem throttle, PutItem throttle, PutItem proof-password",
    ),
    Row(
        requests.login_wrong,
        401,
        "GetItem request, Query credential, GetItem identifier, GetItem account, GetItem throttle, "
        "UpdateItem throttle, UpdateItem throttle, GetItem password",
        "GetItem request, GetItem people, Query credential, GetItem identifier, GetItem account, GetItem "
        "throttle, UpdateItem throttle, UpdateItem throttle, GetItem password, GetItem client",
    ),
    Row(
        requests.consent_page,
        200,
        "GetItem request, GetItem session, GetItem account",
        "GetItem request, GetItem client, GetItem session, GetItem account, GetItem people, Query scopes, Query apis",
    ),
    Row(
        requests.consent,
        303,
        "GetItem request, GetItem session, GetItem account, UpdateItem throttle, PutItem sub, PutItem "
        "grant, UpdateItem consent",
        "GetItem request, GetItem client, GetItem session, GetItem account, GetItem people, Query scopes, "
        "Query apis, UpdateItem throttle, PutItem sub, PutItem grant, UpdateItem consent",
    ),
    Row(
        requests.consent_until_logout,
        303,
        "GetItem request, GetItem session, GetItem account, UpdateItem throttle, PutItem sub, GetItem "
        "session, PutItem grant, UpdateItem consent",
        "GetItem request, GetItem client, GetItem session, GetItem account, GetItem people, Query scopes, "
        "Query apis, UpdateItem throttle, PutItem sub, GetItem session, PutItem grant, UpdateItem consent",
    ),
    Row(
        requests.consent_not_remembered,
        303,
        "GetItem request, GetItem session, GetItem account, UpdateItem throttle, PutItem sub, PutItem grant",
        "GetItem request, GetItem client, GetItem session, GetItem account, GetItem people, Query scopes, "
        "Query apis, UpdateItem throttle, PutItem sub, PutItem grant",
    ),
    Row(
        requests.consent_denied,
        303,
        "GetItem request, GetItem session, GetItem account",
        "GetItem request, GetItem client, GetItem session, GetItem account, GetItem people, Query scopes, Query apis",
    ),
    Row(
        requests.logout,
        200,
        "GetItem session, SendMessage, UpdateItem session, DeleteItem sessions, Query sub, UpdateItem grant, "
        "UpdateItem grant, UpdateItem status, UpdateItem status",
        "Query keys, GetItem client, GetItem session, SendMessage, UpdateItem session, DeleteItem sessions, Query "
        "sub, UpdateItem grant, UpdateItem grant, UpdateItem status, UpdateItem status, GetItem people",
    ),
    Row(
        requests.account_stranger,
        303,
        "PutItem request",
        "PutItem request",
    ),
    Row(
        requests.account_overview,
        200,
        "GetItem session, GetItem account",
        "GetItem session, GetItem account, GetItem people",
    ),
    Row(
        requests.account_sessions,
        200,
        "GetItem session, GetItem account, Query sessions, GetItem session",
        "GetItem session, GetItem account, GetItem people, Query sessions, GetItem session",
    ),
    Row(
        requests.account_apps,
        200,
        "GetItem session, GetItem account, Query consent, Query sub, GetItem grant",
        "GetItem session, GetItem account, GetItem people, Query scopes, Query apis, Query consent, Query "
        "sub, GetItem grant, GetItem client",
    ),
    Row(
        requests.account_profile,
        303,
        "GetItem session, GetItem account, UpdateItem account",
        "GetItem session, GetItem account, GetItem people, UpdateItem account",
    ),
    Row(
        requests.account_end_session,
        303,
        "GetItem session, GetItem account, Query sessions, GetItem session, SendMessage, UpdateItem session, "
        "DeleteItem sessions, Query sub, UpdateItem grant, UpdateItem grant, UpdateItem status, UpdateItem "
        "status",
        "GetItem session, GetItem account, GetItem people, Query sessions, GetItem session, SendMessage, "
        "UpdateItem session, DeleteItem sessions, Query sub, UpdateItem grant, UpdateItem grant, UpdateItem "
        "status, UpdateItem status",
    ),
    Row(
        requests.account_sign_out_everywhere,
        303,
        "GetItem session, GetItem account, SendMessage, UpdateItem account, Query sessions, GetItem session, "
        "UpdateItem session, DeleteItem sessions, Query sub, GetItem grant, UpdateItem grant, UpdateItem "
        "status, UpdateItem status",
        "GetItem session, GetItem account, GetItem people, SendMessage, UpdateItem account, Query sessions, "
        "GetItem session, UpdateItem session, DeleteItem sessions, Query sub, GetItem grant, UpdateItem "
        "grant, UpdateItem status, UpdateItem status",
    ),
    Row(
        requests.account_revoke,
        303,
        "GetItem session, GetItem account, DeleteItem consent, Query sub, GetItem grant, UpdateItem grant, "
        "UpdateItem status, UpdateItem status",
        "GetItem session, GetItem account, GetItem people, DeleteItem consent, Query sub, GetItem grant, "
        "UpdateItem grant, UpdateItem status, UpdateItem status",
    ),
    Row(
        requests.account_download,
        200,
        "GetItem session, GetItem account, Query sessions, GetItem session, Query consent, Query sub, GetItem grant",
        "GetItem session, GetItem account, GetItem people, Query sessions, GetItem session, Query consent, "
        "Query sub, GetItem grant",
    ),
    Row(
        requests.account_delete,
        303,
        "GetItem session, GetItem account, SendMessage, UpdateItem account, Query sessions, GetItem session, "
        "UpdateItem session, DeleteItem sessions, Query sub, GetItem grant, UpdateItem grant, UpdateItem "
        "status, UpdateItem status, Query consent, DeleteItem consent",
        "GetItem session, GetItem account, GetItem people, SendMessage, UpdateItem account, Query sessions, "
        "GetItem session, UpdateItem session, DeleteItem sessions, Query sub, GetItem grant, UpdateItem "
        "grant, UpdateItem status, UpdateItem status, Query consent, DeleteItem consent",
    ),
    Row(
        requests.account_deleted,
        200,
        "GetItem session, GetItem session, GetItem account, Query sessions, Query sub, GetItem grant, UpdateItem "
        "grant, UpdateItem status, UpdateItem status, UpdateItem status, Query consent",
        "GetItem session, GetItem session, GetItem account, Query sessions, Query sub, GetItem grant, UpdateItem "
        "grant, UpdateItem status, UpdateItem status, UpdateItem status, Query consent, GetItem people",
    ),
    Row(
        requests.jwks,
        200,
        "",
        "Query keys",
    ),
    Row(
        requests.metadata,
        200,
        "",
        "Query keys, GetItem people, Query scopes, Query apis",
    ),
    Row(
        requests.status_list,
        200,
        "Query status, Sign",
        "Query keys, Query status, Sign",
    ),
    Row(
        requests.status_lists,
        200,
        "",
        "Query scopes, Query apis",
    ),
    Row(mail_requests.join_begun, 303, "PutItem request", "PutItem request"),
    Row(mail_requests.join_page, 200, "GetItem request", "GetItem request, GetItem client, GetItem people"),
    Row(
        mail_requests.join_asked,
        200,
        "GetItem request, UpdateItem throttle, UpdateItem throttle, UpdateItem throttle, SendMessage",
        "GetItem request, GetItem client, GetItem people, UpdateItem throttle, UpdateItem throttle, "
        "UpdateItem throttle, SendMessage",
    ),
    Row(
        mail_requests.recover_asked,
        200,
        "GetItem request, UpdateItem throttle, UpdateItem throttle, UpdateItem throttle, SendMessage",
        "GetItem request, GetItem client, GetItem people, UpdateItem throttle, UpdateItem throttle, "
        "UpdateItem throttle, SendMessage",
    ),
    Row(
        mail_requests.join_throttled,
        200,
        "GetItem request, UpdateItem throttle, UpdateItem throttle",
        "GetItem request, GetItem client, GetItem people, UpdateItem throttle, UpdateItem throttle",
    ),
    Row(
        mail_requests.join_code,
        303,
        "GetItem request, UpdateItem code, GetItem mail, PutItem mail",
        "GetItem request, UpdateItem code, GetItem mail, PutItem mail",
    ),
    Row(
        mail_requests.join_code_wrong,
        400,
        "GetItem request, UpdateItem code",
        "GetItem request, UpdateItem code, GetItem people",
    ),
    Row(
        mail_requests.join_link,
        200,
        "GetItem mail, GetItem identifier",
        "GetItem mail, GetItem people, GetItem client, GetItem identifier",
    ),
    Row(
        mail_requests.joined,
        303,
        "GetItem mail, GetItem request, PutItem password, PutItem account, PutItem identifier, PutItem proof-joined",
        "GetItem mail, GetItem people, GetItem client, GetItem request, PutItem password, PutItem account, "
        "PutItem identifier, PutItem proof-joined",
    ),
    Row(
        mail_requests.joined_elsewhere,
        200,
        "GetItem mail, GetItem request, PutItem password, PutItem account, PutItem identifier",
        "GetItem mail, GetItem people, GetItem client, GetItem request, PutItem password, PutItem account, "
        "PutItem identifier",
    ),
    Row(
        mail_requests.joined_by_passkey,
        303,
        "GetItem mail, GetItem request, UpdateItem passkeys, PutItem passkey, PutItem account, PutItem identifier, "
        "PutItem proof-joined",
        "GetItem mail, GetItem people, GetItem client, GetItem request, UpdateItem passkeys, PutItem passkey, "
        "PutItem account, PutItem identifier, PutItem proof-joined",
    ),
    Row(
        mail_requests.joined_too_late,
        303,
        "GetItem mail, GetItem request, PutItem password, PutItem account, PutItem identifier, DeleteItem account, "
        "DeleteItem password, GetItem identifier",
        "GetItem mail, GetItem people, GetItem client, GetItem request, PutItem password, PutItem account, "
        "PutItem identifier, DeleteItem account, DeleteItem password, GetItem identifier",
    ),
    Row(
        mail_requests.recover_link,
        200,
        "GetItem mail, GetItem account",
        "GetItem mail, GetItem account, GetItem people",
    ),
    Row(
        mail_requests.recovered,
        303,
        "GetItem mail, GetItem account, GetItem request, SendMessage, SendMessage, PutItem password, "
        "UpdateItem account, DeleteItem password",
        "GetItem mail, GetItem account, GetItem client, GetItem people, GetItem request, SendMessage, SendMessage, "
        "PutItem password, UpdateItem account, DeleteItem password",
    ),
    Row(
        mail_requests.recovered_without_password,
        303,
        "GetItem mail, GetItem account, PutItem request, PutItem proof-mail",
        "GetItem mail, GetItem account, PutItem request, PutItem proof-mail",
    ),
    *upstream.ROWS,
    *devices.ROWS,
    *reference_tokens.ROWS,
    *strangers.STRANGERS,
)
