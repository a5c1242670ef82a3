"""The account page: one template a section, inside the menu of all sections."""

from collections.abc import Mapping

from valet.frozen import NO_ENTRIES
from valet.http import Page
from valet.pages.words import Sentence


def page(
    *,
    section: str,
    sections: tuple[str, ...],
    username: str,
    error: Sentence | None = None,
    script: str = "",
    again: Mapping[str, str] = NO_ENTRIES,
    **values: object,
) -> Page:
    """The page of a section, which the template `account_<section>.html` fills in with `values`.

    `sections` is the menu, `error` says why a form did not count, and `script` is what the page runs. `again`: the
    parameters with which GET shows it again.
    """
    shown = {"section": section, "sections": sections, "username": username, "error": error, "script": script, **values}
    return Page(f"account_{section}.html", shown, has_form=True, script=script, again=again)
