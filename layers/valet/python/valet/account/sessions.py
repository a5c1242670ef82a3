"""The section of the account page with the browsers that the person is signed in with."""

from valet.account.ending import end_everything
from valet.account.visit import OUT_OF_DATE, Visit, announce_everything, at, out_of_date
from valet.frozen import replace
from valet.http import Parameters, Response, redirect
from valet.models.sessions import Session
from valet.pages.words import Sentence
from valet.revocation import end_grants
from valet.sign_outs import end_session
from valet.standing import session_stands

_EVERYWHERE = "everywhere"


def show(visit: Visit) -> Response:
    return _page(visit)


def act(visit: Visit, form: Parameters) -> Response:
    """End one session, or all of them and every grant. If it was this browser's own, /logout says that it is over."""
    account, end = visit.visitor.account, form.get("end", "")
    if not visit.is_form(form, end, str(account.epoch) if end == _EVERYWHERE else ""):
        raise out_of_date(_page(visit, status=400, error=OUT_OF_DATE))
    if end == _EVERYWHERE:
        announce_everything(visit, "signed_out_everywhere")
        if not visit.ports.own_account.end_everything(account, visit.now):
            return visit.back()  # it was raised meanwhile, and this session is over as well
        end_everything(visit.ports, replace(account, epoch=account.epoch + 1), visit.now, "signed_out_everywhere")
        return _signed_out(visit)
    found = [session for session in _sessions(visit) if session.sid == end]
    for session in found:
        end_session(visit.ports, session, visit.request.issuer, visit.now, "account")
    if not found:
        # It has ended before: by a first click, or by an invocation that died before the grants.
        end_grants(visit.ports, replace(visit.visitor.session, sid=end), visit.now, "account")
    return _signed_out(visit) if end == visit.visitor.session.sid else visit.back()


def _sessions(visit: Visit) -> list[Session]:
    """This browser's session, which may be of the release before, and all others that stand."""
    account, own = visit.visitor.account, visit.visitor.session
    others = visit.ports.sessions.sessions_of(account.sub, visit.now)
    return [own, *(each for each in others if each.digest != own.digest and session_stands(each, account))]


def _page(visit: Visit, *, status: int = 200, error: Sentence | None = None) -> Response:
    own = visit.visitor.session
    return visit.page(
        status=status,
        error=error,
        rows=[
            (
                each.agent,
                each.network,
                at(each.auth_time),
                each.digest == own.digest,
                each.sid,
                visit.token(each.sid, ""),
            )
            for each in _sessions(visit)
        ],
        everywhere=visit.token(_EVERYWHERE, str(visit.visitor.account.epoch)),
    )


def _signed_out(visit: Visit) -> Response:
    return redirect(f"{visit.request.issuer}/logout").with_cookies(visit.ports.cookies.end_session())
