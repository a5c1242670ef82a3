"""The page that carries an authorization response to the client (OAuth 2.0 Form Post Response Mode §2)."""

from collections.abc import Mapping

from valet.http import Page
from valet.pages.words import Variants

# It is fixed, and the page's policy names it by its digest: no other script runs there.
# It runs before the page is loaded, so that the client's page replaces this one in the browser's history.
SCRIPT = "document.forms[0].submit();"


def page(
    *,
    redirect_uri: str,
    client_name: Variants,
    answer_host: str,
    parameters: Mapping[str, str],
    ui_locales: str = "",
) -> Page:
    """Posts `parameters` to the client's `redirect_uri` by itself. A browser without script shows a button instead.

    Only that browser has the button: a person who pressed it while the script's request runs would send the code twice.
    The page offers no other language: to show it again would be to answer the client again.
    """
    return Page(
        "form_post.html",
        {
            "redirect_uri": redirect_uri,
            "client_name": client_name,
            "answer_host": answer_host,
            "parameters": dict(parameters),
            "script": SCRIPT,
        },
        has_form=True,
        script=SCRIPT,
        ui_locales=ui_locales,
        has_chooser=False,
    )
