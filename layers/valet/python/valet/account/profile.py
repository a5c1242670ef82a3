"""The section of the account page for claims about the person (OpenID Connect Core §5.1)."""

from typing import Any

from valet.account.visit import OUT_OF_DATE, Visit, out_of_date
from valet.frozen import replace
from valet.http import Parameters, Response
from valet.pages.words import Sentence

# Those that are the person's own word. An email address has to be proven first, and the operator gives usernames and
# roles. Each with what browsers fill it in with (HTML, autofill).
CLAIMS = {
    "name": "name",
    "given_name": "given-name",
    "family_name": "family-name",
    "nickname": "nickname",
    "birthdate": "bday",
    "gender": "sex",
    "phone_number": "tel",
    "website": "url",
    "picture": "photo",
    "locale": "language",
    "zoneinfo": "off",
}
_TEXTS = frozenset({"name", "given_name", "family_name", "nickname", "gender"})


def show(visit: Visit) -> Response:
    account = visit.visitor.account
    return _page(visit, {claim: getattr(account, claim) for claim in CLAIMS})


def act(visit: Visit, form: Parameters) -> Response:
    """Change the claims, unless they were changed since the page was made: another tab's changes are not undone."""
    from valet.registration.attributes import is_claim, wrong_with_claims  # the page alone needs no rules

    account = visit.visitor.account
    if not visit.is_form(form, str(account.updated_at)):
        raise out_of_date(_again(visit, OUT_OF_DATE))
    given = {claim: form.get(claim, "").strip() for claim in CLAIMS}
    changed = {claim: value for claim, value in given.items() if value != getattr(account, claim)}
    if not changed:
        return visit.back()
    wrong = {claim: _rule(claim) for claim, value in changed.items() if value and not is_claim(claim, value)}
    if (picture := changed.get("picture")) and not picture.startswith("https://"):
        wrong["picture"] = _rule("picture")  # apps show it on their pages, and a browser loads it there
    if wrong:
        return _page(visit, given, wrong, status=400, error=Sentence("account.profile.wrong"))
    claims: dict[str, Any] = dict(changed)
    if "phone_number" in changed:
        claims["phone_number_verified"] = False  # the proof was of the former number
    if any(wrong_with_claims(replace(account, **claims))):
        return _page(visit, given, status=400, error=Sentence("account.profile.too_long"))
    # Later than the former change, also by a clock that is behind: by this time a page knows whether it is out of date.
    updated_at = max(int(visit.now), account.updated_at + 1)
    if not visit.ports.own_account.change_claims(account, claims, updated_at):
        raise out_of_date(_again(visit, OUT_OF_DATE))
    visit.ports.audit.record("account.changed", sub=account.sub, members=" ".join(changed))
    return visit.back()


def _again(visit: Visit, error: Sentence) -> Response:
    """The page with the claims as they are now."""
    account = visit.ports.accounts.find_account(visit.visitor.account.sub) or visit.visitor.account
    fresh = visit._replace(visitor=replace(visit.visitor, account=account))
    return _page(fresh, {claim: getattr(account, claim) for claim in CLAIMS}, status=400, error=error)


def _page(
    visit: Visit,
    values: dict[str, str],
    wrong: dict[str, str] | None = None,
    *,
    status: int = 200,
    error: Sentence | None = None,
) -> Response:
    account = visit.visitor.account
    return visit.page(
        status=status,
        error=error,
        csrf_token=visit.token(str(account.updated_at)),
        fields=[(claim, autocomplete, values[claim]) for claim, autocomplete in CLAIMS.items()],
        wrong=wrong or {},
        email=account.email,
    )


def _rule(claim: str) -> str:
    """The key of the sentence that says what the claim must be."""
    return f"account.profile.wrong_{'text' if claim in _TEXTS else claim}"
