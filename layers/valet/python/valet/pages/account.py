"""The account page: one template a section, inside the menu of all sections."""

from typing import TYPE_CHECKING

from valet.pages.rendering import render
from valet.pages.words import sentences

if TYPE_CHECKING:
    from markupsafe import Markup


def html(
    *, section: str, sections: tuple[str, ...], username: str, error: str = "", notice: str = "", **values: object
) -> str:
    """The page of a section, which the template `account_<section>.html` fills in with `values`.

    `sections` is the menu. `error` is the key of the sentence that says why a form did not count, `notice` of one that
    says what became of it.
    """
    return render(
        f"account_{section}.html",
        say=_say,
        section=section,
        sections=sections,
        username=username,
        error=error,
        notice=notice,
        **values,
    )


def message(title: str, text: str) -> str:
    """A page that only says something, by the keys of its sentences."""
    return render("account_message.html", say=_say, title=title, text=text)


def _say(key: str, **values: object) -> "Markup":
    """The sentence with its values, each escaped unless it is markup of the templates."""
    from markupsafe import escape

    return escape(sentences("en")[key]).format(**values)
