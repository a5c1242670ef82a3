"""The section of the account page with the second factor: add an authenticator app, change it, remove it (RFC 6238).

The function credentials serves it. It can seal a seed, and open none: the form carries a new one, which its CSRF token
covers, so that nobody else can choose it.
"""

from functools import partial
from typing import Protocol

from valet.account import first_means, new_codes
from valet.account.errand import NO_ERRAND, Errand, errand_of, go_on
from valet.account.first_means import FirstMeans
from valet.account.new_codes import first_codes_page
from valet.account.visit import OUT_OF_DATE, Visit, out_of_date
from valet.frozen import replace
from valet.handles import new_id
from valet.http import Parameters, Response
from valet.models.accounts import Account
from valet.models.factors import Totp
from valet.pages.rendering import BRAND
from valet.pages.words import Sentence
from valet.people import notices, totp
from valet.ports.sealing import SECOND_FACTOR, HasSealing
from valet.protocol.account_visit import PASSKEYS
from valet.protocol.supported import MULTI_FACTOR_ACR, rank


class Ports(new_codes.Ports, notices.Ports, first_means.Ports, HasSealing, Protocol):
    """The ports that a second factor is looked after through."""


def show(ports: Ports, visit: Visit) -> Response:
    return _page(ports, visit, errand_of(visit.request.query()))


def act(ports: Ports, visit: Visit, form: Parameters) -> Response:
    """Add a second factor in place of the one before, or remove it."""
    errand, account = errand_of(form), visit.visitor.account
    seed, proof = form.get("seed", ""), form.get(first_means.FIELD, "")
    match form.get("do", "add"):
        case "add" if visit.is_form(form, "add", seed, account.totp_id, errand.handle, proof):
            return _add(ports, visit, form, errand)
        case first_means.SEND | first_means.ENTER:
            return first_means.act(ports, visit, form, partial(_page_of_first_means, ports, visit, errand))
        case "remove" if account.totp_id and visit.is_form(form, "remove", account.totp_id):
            return _remove(ports, visit)
    raise out_of_date(_page(ports, visit, errand, status=400, error=OUT_OF_DATE))


def _add(ports: Ports, visit: Visit, form: Parameters, errand: Errand) -> Response:
    account, seed, proof = visit.visitor.account, totp.seed_from_base32(form["seed"]), form.get(first_means.FIELD, "")
    if not first_means.is_proven(ports, visit, proof):
        return _page(ports, visit, errand, status=400, error=Sentence("first_means.needed"))
    step = totp.step_of(seed, form.get("code", ""), visit.now)
    if step is None:
        first = first_means.asked(ports, visit, proof=proof)
        return _page(ports, visit, errand, status=400, error=Sentence("account.second.wrong"), seed=seed, first=first)
    totp_id = new_id(ports.random)
    sealed = ports.sealing.seal(SECOND_FACTOR, account.sub, seed)
    notices.notify(ports, account, "second.added", visit.request.issuer, visit.now, mark=totp_id)
    # The code counts as used: who has seen it cannot sign in with it.
    factor = Totp(sealed_seed=sealed, last_step=step, added_at=int(visit.now))
    ports.own_factors.put_totp(account.sub, totp_id, factor)
    if not ports.own_factors.name_totp(account, totp_id):
        ports.own_factors.delete_factor(account.sub, totp_id)
        raise out_of_date(_page(ports, visit, errand, status=400, error=Sentence("account.second.not_changed")))
    if account.totp_id:
        ports.own_factors.delete_factor(account.sub, account.totp_id)
    ports.audit.record("second.added", sub=account.sub, source_ip=visit.request.source_ip)
    named, added = replace(account, totp_id=totp_id), Sentence("account.second.added")
    codes = first_codes_page(ports, visit, named, errand, added)
    if codes is not None:
        return codes
    if errand.handle:
        return go_on(visit, errand)
    # The page itself, and no redirect to it: the account can do better than this sign-in now, so that a redirect would
    # lead to another sign-in at once.
    return _page(ports, visit.by(named), NO_ERRAND, notice=added)


def _remove(ports: Ports, visit: Visit) -> Response:
    account = visit.visitor.account
    if _is_required(ports, account):
        return _page(ports, visit, NO_ERRAND, status=400, error=Sentence("account.second.is_required"))
    if account.has_short_password:
        return _page(ports, visit, NO_ERRAND, status=400, error=Sentence("account.second.short_password"))
    notices.notify(ports, account, "second.removed", visit.request.issuer, visit.now, mark=account.totp_id)
    if not ports.own_factors.drop_totp(account):
        raise out_of_date(_page(ports, visit, NO_ERRAND, status=400, error=Sentence("account.second.not_changed")))
    ports.own_factors.delete_factor(account.sub, account.totp_id)
    ports.audit.record("second.removed", sub=account.sub, source_ip=visit.request.source_ip)
    return visit.back()


def _is_required(ports: Ports, account: Account) -> bool:
    """Whether an operator requires a level that the account would not reach without its second factor."""
    if account.passkeys and PASSKEYS in ports.settings.features:
        return False
    policy = ports.registry.policy()
    by_role = (named.rpartition("=") for named in policy.role_required_acr)
    required = [account.required_acr, *(acr for role, _, acr in by_role if role in account.roles)]
    return policy.second_factor == "required" or max(map(rank, required)) >= rank(MULTI_FACTOR_ACR)


def _page_of_first_means(
    ports: Ports, visit: Visit, errand: Errand, first: FirstMeans, error: Sentence | None
) -> Response:
    notice = Sentence("first_means.proven") if first.proof else None
    return _page(ports, visit, errand, status=400 if error else 200, error=error, notice=notice, first=first)


def _page(
    ports: Ports,
    visit: Visit,
    errand: Errand,
    *,
    first: FirstMeans | None = None,
    status: int = 200,
    error: Sentence | None = None,
    notice: Sentence | None = None,
    seed: bytes | None = None,
) -> Response:
    """The page. `seed` is one that was shown before, where its first code was wrong."""
    from valet.pages.qr import svg  # 30 ms, and only this page needs it

    account, new = visit.visitor.account, seed or totp.new_seed(ports.random)
    written = totp.seed_in_base32(new)
    first = first or first_means.asked(ports, visit)
    uri = totp.otpauth_uri(new, ports.registry.policy().brand_name or BRAND, account.username)
    return visit.page(
        status=status,
        error=error,
        notice=notice,
        again={**errand.parameters, **first.again},
        first=first,
        carried=errand.parameters,
        has_second=bool(account.totp_id),
        is_open=not account.totp_id or seed is not None,
        is_required=errand.is_required,
        qr=svg(uri),
        uri=uri,
        seed=written,
        spaced_seed=" ".join(written[start : start + 4] for start in range(0, len(written), 4)),
        request_handle=errand.handle,
        other_way=f"/account/passkeys?request={errand.handle}&required=yes"
        if errand.handle and errand.is_required and PASSKEYS in ports.settings.features
        else "",
        csrf_token=visit.token("add", written, account.totp_id, errand.handle, first.proof),
        remove=visit.token("remove", account.totp_id) if account.totp_id else "",
    )
