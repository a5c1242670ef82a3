"""Design faults of accounts and their owners, put into the running code on purpose: the model has to find each."""

from collections.abc import Callable
from typing import Any

import pytest
from valet import finishing
from valet.account import email, first_means
from valet.aws.dynamodb import means, own_sign_in
from valet.aws.dynamodb.newcomers import DynamoNewcomers
from valet.aws.dynamodb.own_sign_in import DynamoOwnSignIn
from valet.aws.dynamodb.proofs import DynamoProofs
from valet.aws.dynamodb.table import item_from_model, model_from_item
from valet.front_channel import assurance, joining, opening, recovering, undoing
from valet.frozen import replace
from valet.handles import digest
from valet.models.accounts import Account, Identifier
from valet.models.mails import MailCode
from valet.models.proofs import Place, Proof
from valet.models.sign_outs import SignOut
from valet.people import mail_codes
from valet.people.announcing import announce
from valet.people.identifiers import with_address
from valet.people.mail_codes import Refused, hmac_of_code, place_of_code
from valet.people.undoing import undone

from tests.promises.model.faults import Fault
from tests.promises.model.patches import Patch
from tests.support.memory_table import MemoryTable

ANOTHERS = "an address that is somebody's, or was lately, goes to another account"
ENDED = "a session that was ended changes the account"
NO_WAY_BACK = "the address before can undo nothing any more"
_EPOCH = "(attribute_not_exists(#epoch) OR #epoch = :epoch) AND "


def _on_update(is_meant: Callable[[str, str], bool], *parts: str) -> Patch:
    """The conditional updates that are meant, by key and expression, without parts of their condition."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        original = MemoryTable.update

        def update(
            self: MemoryTable, pk: str, sk: str, expression: str, values: Any, condition: str = "", returned: str = ""
        ) -> Any:
            if is_meant(pk, expression):
                for part in parts:
                    condition = condition.replace(part, "")
            return original(self, pk, sk, expression, values, condition, returned or "NONE")

        monkeypatch.setattr(MemoryTable, "update", update)

    return patch


def _addressed(pk: str, expression: str) -> bool:
    return pk.startswith("account#") and "#email = " in expression


def _resets(pk: str, expression: str) -> bool:
    return pk.startswith("account#") and "#has_no_password" in expression


def _epoch_is_not_raised_in_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_sign_in, "shut_out", lambda account, _: {"epoch": account.epoch})


def _epoch_is_not_compared(attribute: str) -> Patch:
    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        assert _EPOCH in means._STANDS + " AND "
        _on_update(lambda pk, expression: f"ADD #{attribute}" in expression, _EPOCH)(monkeypatch)

    return patch


def _message_comes_after_the_write(monkeypatch: pytest.MonkeyPatch) -> None:
    original = recovering._reset

    def reset(ports: Any, request: Any, account: Account, password: str, now: float) -> bool:
        is_done = original(ports, request, account, password, now)
        if is_done:
            announce(ports, SignOut(account.sub, request.issuer, "password_reset", epoch=account.epoch))
        return is_done

    monkeypatch.setattr(recovering, "announce", lambda *_: None)
    monkeypatch.setattr(recovering, "_reset", reset)


def _a_look_spends_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    original = recovering.show

    def show(ports: Any, request: Any, parameters: Any, now: float) -> Any:
        shown = original(ports, request, parameters, now)
        ports.mails.table.delete(f"mail#{digest(parameters['token']).hex()}", "mail")
        return shown

    monkeypatch.setattr(recovering, "show", show)


def _the_former_password_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoOwnSignIn.reset_password

    def reset(self: DynamoOwnSignIn, account: Account, *how: Any, **rest: Any) -> bool:
        self.drop_password(account.sub, account.password_id)
        return original(self, account, *how, **rest)

    monkeypatch.setattr(DynamoOwnSignIn, "reset_password", reset)


def _a_second_change_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    original = email._enter

    def enter(ports: Any, visit: Any, form: Any) -> Any:
        account = replace(visit.visitor.account, former_until=0)
        return original(ports, visit._replace(visitor=replace(visit.visitor, account=account)), form)

    monkeypatch.setattr(email, "_enter", enter)
    in_time = " AND (attribute_not_exists(#former_until) OR #former_until <= :now)"
    _on_update(_addressed, in_time)(monkeypatch)


def _a_change_leaves_no_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        email, "with_address", lambda *given: replace(with_address(*given), former_email="", former_until=0)
    )


def _the_new_address_takes_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def undone_for_good(account: Account, address: str, password_id: str, now: float) -> Account:
        after = undone(account, address, password_id, now)
        return replace(after, former_email="", former_until=0)

    monkeypatch.setattr(undoing, "undone", undone_for_good)


def _an_undoing_compares_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_meant(pk: str, expression: str) -> bool:
        return pk.startswith("account#") and "#epoch = " in expression

    _on_update(is_meant, " AND #email = :email", " AND #former_email = :former AND #former_until = :until")(monkeypatch)


def _names_are_put_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    original = MemoryTable.put

    def put(self: MemoryTable, item: Any, condition: str = "", values: Any = None) -> None:
        original(self, item, "" if item["pk"].startswith("identifier#") else condition, values)

    monkeypatch.setattr(MemoryTable, "put", put)


def _an_account_is_named_first(monkeypatch: pytest.MonkeyPatch) -> None:
    keep, take, waiting = DynamoNewcomers.keep_account, DynamoNewcomers.take_identifier, dict[str, Account]()

    def keep_account(_: DynamoNewcomers, account: Account) -> None:
        waiting[account.sub] = account

    def take_identifier(self: DynamoNewcomers, name: str, identifier: Identifier, released_before: int) -> bool:
        is_taken = take(self, name, identifier, released_before)
        if account := waiting.get(identifier.sub):
            keep(self, account)
        return is_taken

    monkeypatch.setattr(DynamoNewcomers, "keep_account", keep_account)
    monkeypatch.setattr(DynamoNewcomers, "take_identifier", take_identifier)


def _names_that_were_given_up_are_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "TAKEN_AGAIN_AFTER", 0)


def _nobody_else_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoOwnSignIn.reserve_name

    def reserve(self: DynamoOwnSignIn, name: str, sub: str, now: float) -> bool:
        original(self, name, sub, now)
        return True

    monkeypatch.setattr(DynamoOwnSignIn, "reserve_name", reserve)


def _each_form_makes_the_same_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "new_id", lambda _: "the-one-account")


def _the_last_joined_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    def put(self: DynamoProofs, place: Place, proof: Proof) -> bool:
        self.table.put(item_from_model(proof, f"proof-{place.kind}#{place.digest.hex()}", "proof"))
        return True

    monkeypatch.setattr(DynamoProofs, "put_first_proof", put)


def _the_first_joined_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    original = DynamoProofs.put_first_proof

    def put(self: DynamoProofs, place: Place, proof: Proof) -> bool:
        original(self, place, proof)
        return True

    monkeypatch.setattr(DynamoProofs, "put_first_proof", put)


def _a_code_is_compared_before_it_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def mail_of_code(ports: Any, key: bytes, purposes: Any, typed: str, now: float) -> Any:
        table, pk = ports.mails.table, f"code#{place_of_code(key).hex()}"
        item = table.get(pk, "code")
        if item is None or item.get("tries", 0) >= 5:
            return Refused.ENDED
        found = model_from_item(MailCode, item)
        is_right = found.code_hmac == hmac_of_code(key, typed)
        table.update(pk, "code", "ADD #tries :one", {":one": 1})
        mail = ports.mails.find_mail(bytes.fromhex(found.mail)) if is_right else None
        return mail or Refused.WRONG

    monkeypatch.setattr(mail_codes, "mail_of_code", mail_of_code)


def _the_message_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """... and not what the account says."""

    def ended(ports: Any, sign_out: SignOut) -> Any:
        account = ports.accounts.find_account(sign_out.sub)
        return finishing._Ended(None, replace(account, epoch=sign_out.epoch + 1))

    monkeypatch.setattr(finishing, "_ended", ended)


def _a_message_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finishing, "_LOOKS", 1)


def _no_code_for_first_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_means, "is_proven", lambda *_: True)


def _what_a_word_is_about_need_not_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = assurance.proof_stands

    def stands(kind: str, proof: Proof, account: Account | None) -> bool:
        named = replace(account, links=account.links | {proof.means}) if account else None
        return original(kind, proof, named)

    monkeypatch.setattr(opening, "proof_stands", stands)


OWNER_FAULTS = (
    Fault(
        "a reset compares no epoch",
        "reset-twice",
        "a mail from before the account's last change sets a password",
        _on_update(_resets, _EPOCH),
    ),
    Fault(
        "a reset raises no epoch",
        "reset-sign-in",
        "shut out, and given a code",
        _epoch_is_not_raised_in_reset,
    ),
    Fault("a passkey is named in any epoch", "reset-thief", ENDED, _epoch_is_not_compared("passkeys")),
    Fault("an identity is linked in any epoch", "link-reset", ENDED, _epoch_is_not_compared("links")),
    Fault("the address is changed in any epoch", "reset-thief", ENDED, _on_update(_addressed, _EPOCH)),
    Fault(
        "the message comes after the write",
        "reset-session",
        "what ended was not announced before",
        _message_comes_after_the_write,
    ),
    Fault(
        "the message counts, and not the account",
        "reset-session",
        "false revocation: nobody stole, nobody revoked",
        _the_message_counts,
    ),
    Fault(
        "a message is looked at once",
        "reset-session",
        "shut out, yet an access token is on no status list",
        _a_message_is_looked_at_once,
    ),
    Fault(
        "a link is spent by a look", "reset-twice", "a look at a mail's link changes something", _a_look_spends_the_mail
    ),
    Fault(
        "the former password goes before the next one is in force",
        "reset-twice",
        "means that an account signs in with are deleted",
        _the_former_password_goes_first,
    ),
    Fault(
        "a code is compared before it is counted",
        "reset-code",
        "a code is right more often than it may be tried",
        _a_code_is_compared_before_it_is_counted,
    ),
    Fault("a second change of address outruns the undoing", "undo-address", NO_WAY_BACK, _a_second_change_counts),
    Fault(
        "a change of address leaves no way back",
        "undo-address",
        "the owner of the address before cannot take the account back",
        _a_change_leaves_no_way_back,
    ),
    Fault("the new address takes the way back", "undo-undone", NO_WAY_BACK, _the_new_address_takes_the_way_back),
    Fault(
        "a change of address outruns an undoing that has read the account",
        "undo-address",
        "undone, and another's address is still the account's",
        _an_undoing_compares_no_addresses,
    ),
    Fault("names are put as they come", "join-twice", ANOTHERS, _names_are_put_as_they_come),
    Fault("a name that was given up is free at once", "join-given-up", ANOTHERS, _names_that_were_given_up_are_free),
    Fault(
        "an address is changed to one that another account has just taken",
        "join-address",
        "two accounts have one address",
        _nobody_else_has_an_address,
    ),
    Fault(
        "an account is named before it is there",
        "join-twice",
        "an account can be reached before it is whole",
        _an_account_is_named_first,
    ),
    Fault(
        "each form makes the same account",
        "join-again",
        "locked out: the right password opens no session",
        _each_form_makes_the_same_account,
    ),
    Fault(
        "the last one who joined in a browser stands",
        "join-shared",
        "another takes the place of the one who has joined here",
        _the_last_joined_stands,
    ),
    Fault(
        "who joins after another in a browser goes on by that one's proof",
        "join-shared",
        "signed in as the one who proved before",
        _the_first_joined_leads_on,
    ),
    Fault(
        "a proof of joining is put as it comes",
        "join-again",
        "a spent proof becomes new",
        _the_last_joined_stands,
    ),
    Fault(
        "the first means cost no code", "first-means", "the first means cost no code by mail", _no_code_for_first_means
    ),
    Fault(
        "an identity signs in that the account does not name",
        "link-removed",
        "an identity that was taken off the account opens a session",
        _what_a_word_is_about_need_not_be_named,
    ),
)
