"""The composition root: what stands behind each port, built on first use."""

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from valet.aws import authorities
from valet.environment import environment
from valet.surroundings import Surroundings

if TYPE_CHECKING:
    from valet.aws.dynamodb.accounts import DynamoUsers
    from valet.people.cookies import Cookies
    from valet.ports.accounts import Accounts, Consents, Credentials, Identifiers
    from valet.ports.breaches import Breaches
    from valet.ports.clients import Registry
    from valet.ports.device_codes import DeviceCodes
    from valet.ports.enrolment import Enrolment
    from valet.ports.factors import Devices, Factors, OwnFactors
    from valet.ports.grants import Grants
    from valet.ports.keys import Signers
    from valet.ports.links import Links
    from valet.ports.mails import Letters, Mailer, Mails
    from valet.ports.newcomers import Newcomers
    from valet.ports.once import Once
    from valet.ports.own_account import OwnAccount
    from valet.ports.own_sign_in import OwnSignIn
    from valet.ports.passkeys import Passkeys
    from valet.ports.proofs import Proofs
    from valet.ports.providers import Providers
    from valet.ports.pushed_requests import PushedRequests
    from valet.ports.reference_tokens import ReferenceTokens
    from valet.ports.saved_requests import SavedRequests
    from valet.ports.sealing import Sealing
    from valet.ports.sessions import Sessions
    from valet.ports.sign_outs import LogoutNotices, SignOuts
    from valet.ports.status_lists import StatusLists
    from valet.ports.throttles import Throttles
    from valet.protocol.nonces import Nonces
    from valet.tokens.status_index import StatusIndices
    from valet.tokens.status_list import StatusListPublisher


class Server(Surroundings):
    """The ports that an endpoint needs. A test gives it other ones by assigning them.

    What stands behind a port is imported where it is built, so that a function imports nothing that it does not use.
    """

    def prepare(self, *surely: Literal["pages", "signatures"]) -> None:
        """Load at the start what the first requests surely use. The start has a whole core, a request only the share
        that the function's memory buys.

        Draw nothing at random here: a snapshot of this process may be started many times (promise P8).
        """
        authorities.prepare(environment())
        if "pages" in surely:
            from valet.front_channel import showing
            from valet.pages import rendering

            del showing
            rendering.jinja()
        if "signatures" in surely:
            from valet.aws import kms

            kms.prepare(environment())

    @cached_property
    def cookies(self) -> "Cookies":
        from valet.people.cookies import Cookies

        is_persistent = self.settings.session_cookie == "persistent"
        lifetime = self.settings.session_absolute_lifetime if is_persistent else None
        return Cookies(self.settings.is_plain_http, lifetime)

    @cached_property
    def registry(self) -> "Registry":
        from valet.aws.dynamodb.registry import DynamoRegistry

        table = self._table(self.settings.registry_table)
        return DynamoRegistry(table, self.clock, self.settings.profile, self._unknown_clients)

    @cached_property
    def providers(self) -> "Providers":
        from valet.aws.dynamodb.providers import DynamoProviders

        is_on = self.settings.federation == "on"
        return DynamoProviders(self._table(self.settings.registry_table) if is_on else None, self.clock)

    @cached_property
    def accounts(self) -> "Accounts":
        return self._users

    @cached_property
    def credentials(self) -> "Credentials":
        return self._users

    @cached_property
    def identifiers(self) -> "Identifiers":
        return self._users

    @cached_property
    def consents(self) -> "Consents":
        return self._users

    @cached_property
    def own_account(self) -> "OwnAccount":
        from valet.aws.dynamodb.own_account import DynamoOwnAccount

        return DynamoOwnAccount(self._table(self.settings.users_table))

    @cached_property
    def own_sign_in(self) -> "OwnSignIn":
        from valet.aws.dynamodb.own_sign_in import DynamoOwnSignIn

        return DynamoOwnSignIn(self._table(self.settings.users_table))

    @cached_property
    def grants(self) -> "Grants":
        from valet.aws.dynamodb.grants import DynamoGrants

        return DynamoGrants(self._table(self.settings.grants_table))

    @cached_property
    def status_lists(self) -> "StatusLists":
        from valet.aws.dynamodb.status_lists import DynamoStatusLists

        return DynamoStatusLists(self._table(self.settings.grants_table))

    @cached_property
    def status_indices(self) -> "StatusIndices":
        from valet.tokens.status_index import StatusIndices

        return StatusIndices(self.status_lists)

    @cached_property
    def status_list_publisher(self) -> "StatusListPublisher":
        from valet.tokens.status_list import StatusListPublisher

        return StatusListPublisher(self.status_lists)

    @cached_property
    def reference_tokens(self) -> "ReferenceTokens":
        from valet.aws.dynamodb.reference_tokens import DynamoReferenceTokens

        return DynamoReferenceTokens(self._table(self.settings.grants_table))

    @cached_property
    def saved_requests(self) -> "SavedRequests":
        from valet.aws.dynamodb.saved_requests import DynamoSavedRequests

        return DynamoSavedRequests(self._table(self.settings.grants_table))

    @cached_property
    def pushed_requests(self) -> "PushedRequests":
        from valet.aws.dynamodb.pushed_requests import DynamoPushedRequests

        return DynamoPushedRequests(self._table(self.settings.grants_table))

    @cached_property
    def device_codes(self) -> "DeviceCodes":
        from valet.aws.dynamodb.device_codes import DynamoDeviceCodes

        return DynamoDeviceCodes(self._table(self.settings.grants_table))

    @cached_property
    def proofs(self) -> "Proofs":
        from valet.aws.dynamodb.proofs import DynamoProofs

        return DynamoProofs(self._table(self.settings.grants_table))

    @cached_property
    def passkeys(self) -> "Passkeys":
        from valet.aws.dynamodb.passkeys import DynamoPasskeys

        return DynamoPasskeys(self._table(self.settings.users_table))

    @cached_property
    def enrolment(self) -> "Enrolment":
        from valet.aws.dynamodb.enrolment import DynamoEnrolment

        return DynamoEnrolment(self._table(self.settings.users_table), self._table(self.settings.registry_table))

    @cached_property
    def factors(self) -> "Factors":
        from valet.aws.dynamodb.factors import DynamoFactors

        return DynamoFactors(self._table(self.settings.users_table))

    @cached_property
    def own_factors(self) -> "OwnFactors":
        from valet.aws.dynamodb.factors import DynamoFactors

        return DynamoFactors(self._table(self.settings.users_table))

    @cached_property
    def devices(self) -> "Devices":
        from valet.aws.dynamodb.factors import DynamoDevices

        return DynamoDevices(self._table(self.settings.grants_table))

    @cached_property
    def breaches(self) -> "Breaches":
        from valet.outbound.breached_passwords import PwnedPasswords

        return PwnedPasswords(self.audit)

    @cached_property
    def links(self) -> "Links":
        from valet.aws.dynamodb.links import DynamoLinks

        return DynamoLinks(self._table(self.settings.users_table))

    @cached_property
    def newcomers(self) -> "Newcomers":
        from valet.aws.dynamodb.newcomers import DynamoNewcomers

        return DynamoNewcomers(self._table(self.settings.users_table))

    @cached_property
    def once(self) -> "Once":
        from valet.aws.dynamodb.once import DynamoOnce

        return DynamoOnce(self._table(self.settings.grants_table))

    @cached_property
    def sessions(self) -> "Sessions":
        from valet.aws.dynamodb.sessions import DynamoSessions

        return DynamoSessions(self._table(self.settings.grants_table))

    @cached_property
    def sign_outs(self) -> "SignOuts":
        from valet.aws.sqs import Queue

        return Queue(self.sqs, self.settings.sign_outs_queue)

    @cached_property
    def logout_notices(self) -> "LogoutNotices | None":
        if not self.settings.logout_tokens_queue:
            return None
        from valet.aws.sqs import Queue

        return Queue(self.sqs, self.settings.logout_tokens_queue)

    @cached_property
    def letters(self) -> "Letters | None":
        if not self.settings.mail_queue:
            return None
        from valet.aws.sqs import Queue

        return Queue(self.sqs, self.settings.mail_queue)

    @cached_property
    def mails(self) -> "Mails":
        from valet.aws.dynamodb.mails import DynamoMails

        return DynamoMails(self._table(self.settings.grants_table))

    @cached_property
    def mailer(self) -> "Mailer":
        from valet.aws.ses import SesMailer

        return SesMailer(self.ses, self.settings.mail_from)

    @cached_property
    def sealing(self) -> "Sealing":
        from valet.aws.sealing import KmsSealing

        return KmsSealing(self.kms, self.settings.people_key)

    @cached_property
    def throttles(self) -> "Throttles":
        from valet.aws.dynamodb.throttles import DynamoThrottles

        return DynamoThrottles(self._table(self.settings.grants_table))

    @cached_property
    def signers(self) -> "Signers":
        from valet.aws.kms import KmsSigners

        return KmsSigners(self.kms)

    @cached_property
    def nonces(self) -> "Nonces | None":
        if self.settings.dpop_nonces == "off":
            return None
        from valet.aws.kms import KmsNonceKey
        from valet.protocol.nonces import Nonces

        return Nonces(KmsNonceKey(self.kms, self.settings.nonce_key))

    @cached_property
    def _users(self) -> "DynamoUsers":
        from valet.aws.dynamodb.accounts import DynamoUsers

        return DynamoUsers(self._table(self.settings.users_table))


SERVER = Server()
