"""How the scenarios of accounts and their owners begin: John has an address, mails are on their way, a thief is in."""

from valet.handles import digest, place_of
from valet.models.accounts import Account, Identifier, Password
from valet.models.mails import ADDRESS, FIRST_MEANS, JOIN, RECOVER, UNDO, Mail, MailCode
from valet.models.proofs import Place, Proof
from valet.models.providers import Identity, Link
from valet.models.sessions import Session
from valet.people.identifiers import EMAIL, USERNAME
from valet.people.linking import link_name
from valet.people.mail_codes import code_key, hmac_of_code, place_of_code
from valet.protocol.supported import PASSWORD_ACR

from tests.promises.model.operators import kept_hash
from tests.promises.model.signing_in import Proven
from tests.promises.model.stage import PASSWORD, Stage
from tests.promises.model.world import PROVIDER, registry_of_people

JOHNS, THIEFS, OTHER = "john@example.com", "thief@example.org", "other@example.org"
ADAS, EVES = "ada@example.net", "eve@example.net"
CODE = "12345678"
HERE, THIEF = "end-user", "thief"
IDENTITY = Identity(PROVIDER.issuer, "john-there")
LINK = link_name(PROVIDER.provider_id, IDENTITY)
WORD = "the-word-of-the-other-provider"


def secret(name: str) -> str:
    """Of a mail, or of a cookie."""
    return name.replace(" ", "-").ljust(43, "x")


class Owned(Stage):
    """A stage with people who get mails."""

    @classmethod
    def of_john(cls, scope: str = "openid items offline_access") -> "Owned":
        """John has proven an address, and knows his password."""
        made = cls.empty(scope=scope)
        world = made.world
        world.has_mail, world.registry = True, registry_of_people()
        world.servers.clear()
        world.put_account(Account("sub-john", "john", "John", email=JOHNS, email_verified=True))
        users = world.server(0).own_sign_in
        users.put_password(Password("sub-john", "", kept_hash(PASSWORD), int(world.now)))
        taken = world.server(0).newcomers.take_identifier
        for name, kind in (("john", USERNAME), (JOHNS, EMAIL)):
            taken(name, Identifier("sub-john", kind, int(world.now)), 0)
        return made

    def at_pages(self, *actors: str) -> "Owned":
        """... and each of them has a browser at the sign-in page."""
        self.with_operator(*actors)
        return self

    def has_session(self, name: str, actor: str = THIEF) -> "Owned":
        """... and the actor is signed in as John, a moment ago."""
        now = int(self.world.now)
        session = Session(
            digest(secret(name)),
            f"sid-{name}",
            "sub-john",
            now * 1000,
            PASSWORD_ACR,
            ("pwd",),
            now + 3600,
            now + 43_200,
        )
        self.world.server(0).sessions.open(session)
        self.kept[actor, "session"] = secret(name)
        return self

    def mailed(self, purpose: str, name: str, address: str = JOHNS, *, place: str = "") -> "Owned":
        """... and a mail was sent."""
        sub = "" if purpose == JOIN else "sub-john"
        mail = Mail(purpose, address, int(self.world.now) + 1200, sub=sub, place=place)
        self.world.server(0).mails.put_mail(digest(secret(name)), mail)
        return self

    def recovering(self, *names: str) -> "Owned":
        for name in names:
            self.mailed(RECOVER, name)
        return self

    def with_code(self, about: str, key: bytes, tries: int = 0) -> "Owned":
        """... with a code, which was typed wrongly so often."""
        asked_ms = int(self.world.now * 1000)
        code = MailCode(digest(secret(about)).hex(), asked_ms, hmac_of_code(key, CODE), asked_ms // 1000 + 600, tries)
        self.world.server(0).mails.put_code(place_of_code(key), code)
        self.ledger.owning.tries -= tries
        return self

    def changing_address(self, session: str, address: str) -> "Owned":
        """... and a code for that address went to who holds the session."""
        self.has_session(session).mailed(ADDRESS, f"mail to {session}", address)
        return self.with_code(f"mail to {session}", code_key(secret(session), ADDRESS))

    def proven_first_means(self, name: str) -> "Owned":
        return self.mailed(FIRST_MEANS, name)

    def undoable(self, name: str, address: str) -> "Owned":
        """... and a notice went to that address."""
        return self.mailed(UNDO, name, address)

    def joining(self, name: str, actor: str, address: str = ADAS) -> "Owned":
        """... and somebody has asked in that browser to join."""
        browser, handle = self.handles[actor]
        return self.mailed(JOIN, name, address, place=place_of(handle, browser).hex())

    def given_up(self, name: str, seconds: int) -> "Owned":
        """... and Jane gave up that address so long ago."""
        at = int(self.world.now) - seconds
        taken = self.world.server(0).newcomers.take_identifier
        taken(name, Identifier("sub-jane", EMAIL, at, at, at + 90 * 86_400), 0)
        return self

    def came_back_from_provider(self, actor: str, *, signs_in: bool = False) -> "Owned":
        """... and the provider has told this browser who its user is there; to sign in, or to be linked."""
        browser, handle = self.handles[actor]
        now = int(self.world.now)
        proof = Proof(
            proof_id=WORD,
            sub="sub-john" if signs_in else "",
            epoch=0,
            means=LINK,
            amr=(),
            at_ms=now * 1000,
            expires_at=now + 660,
            identity=IDENTITY,
            links_to="" if signs_in else "sub-john",
            trip_ms=now * 1000,
        )
        place = Place("upstream", place_of(handle, browser))
        self.world.server(0).proofs.put_word(place, proof)
        if signs_in:
            pk, nobody = f"proof-upstream#{place.digest.hex()}", frozenset[int]()
            self.ledger.signing_in.standing[pk] = WORD
            self.ledger.signing_in.proofs[WORD] = Proven(
                "upstream",
                "sub-john",
                "",
                browser,
                handle,
                0,
                nobody,
                nobody,
                frozenset(),
                self.world.now,
                self.world.now,
                nobody,
                proof.expires_at,
                means=LINK,
            )
        return self

    def linked(self) -> "Owned":
        """... and John is linked to who he is at the other provider."""
        server = self.world.server(0)
        link = Link("sub-john", PROVIDER.provider_id, IDENTITY.issuer, IDENTITY.subject, linked_at=int(self.world.now))
        server.links.put_link(LINK, link, None)
        account = server.accounts.find_account("sub-john")
        assert account is not None
        server.links.name_link(account, LINK)
        return self
