"""The section of the account page that deletes the account."""

from valet.account.ending import finish_deletion
from valet.account.visit import OUT_OF_DATE, Visit, announce_everything, out_of_date
from valet.frozen import replace
from valet.http import Parameters, Response
from valet.pages.words import Sentence
from valet.people.identifiers import called, normal_username
from valet.people.notices import DELETED, notify


def show(visit: Visit) -> Response:
    return _page(visit)


def act(visit: Visit, form: Parameters) -> Response:
    """Delete the account by one write, then what it leaves. The page that the redirect leads to does that again: this
    invocation may die before it is done.
    """
    account = visit.visitor.account
    if not visit.is_form(form, str(account.epoch)):
        raise out_of_date(_page(visit, status=400, error=OUT_OF_DATE))
    if normal_username(form.get("confirm", "")) != normal_username(called(account)):
        return _page(visit, status=400, error=Sentence(_said(visit, "account.delete.wrong")))
    notify(visit.ports, account, DELETED, visit.request.issuer, visit.now)
    announce_everything(visit, "account_deleted")
    if not visit.ports.own_account.delete(account, visit.now):
        return visit.back()  # everything was ended meanwhile, and this session with it: who it is has to sign in again
    visit.ports.audit.record("account.deleted", sub=account.sub)
    deleted = replace(account, epoch=account.epoch + 1, deleted_at=int(visit.now), is_disabled=True)
    finish_deletion(visit.ports, deleted, visit.now)
    return visit.back()


def _page(visit: Visit, *, status: int = 200, error: Sentence | None = None) -> Response:
    asks = _said(visit, "account.delete.confirm")
    return visit.page(status=status, error=error, asks=asks, csrf_token=visit.token(str(visit.visitor.account.epoch)))


def _said(visit: Visit, key: str) -> str:
    """The sentence for an account with a username, or with an address alone."""
    account = visit.visitor.account
    return key if account.username or not account.email else f"{key}_address"
