"""The account page: one template a section, inside the menu of all sections."""

from valet.http import Page
from valet.pages.words import Sentence


def page(
    *,
    section: str,
    sections: tuple[str, ...],
    username: str,
    error: Sentence | None = None,
    **values: object,
) -> Page:
    """The page of a section, which the template `account_<section>.html` fills in with `values`.

    `sections` is the menu, and `error` says why a form did not count.
    """
    shown = {"section": section, "sections": sections, "username": username, "error": error, **values}
    return Page(f"account_{section}.html", shown, has_form=True, again={})
