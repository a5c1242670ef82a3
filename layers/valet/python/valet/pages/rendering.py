"""Rendering a page by jinja2: its template, in one language, with the operator's looks."""

import functools
from os.path import dirname, join
from typing import TYPE_CHECKING, Any

from valet.frozen import Frozen
from valet.http import Page
from valet.models.policy import Policy
from valet.pages.words import LANGUAGES, Sentence, Variants, direction, sentences, variants

if TYPE_CHECKING:
    from jinja2 import Environment

BRAND = "Valet"
_LINKS = (("page.support", "support_uri"), ("page.terms", "tos_uri"), ("page.privacy", "policy_uri"))
TEMPLATES = join(dirname(__file__), "templates")  # pathlib takes 3 ms to import


class Chooser(Frozen):
    """The form that shows the page again in another language: where it goes, what it carries, and the languages."""

    action: str
    carried: tuple[tuple[str, str], ...]
    languages: tuple[str, ...]


class Look(Frozen):
    """How the pages look to one reader."""

    language: str = "en"
    policy: Policy = Policy()
    chooser: Chooser | None = None


PLAIN = Look()


def render(page: Page, look: Look = PLAIN) -> str:
    """The page's HTML. Raises jinja2's UndefinedError if the template asks for a value that is not given."""
    from markupsafe import Markup

    policy = look.policy
    template = jinja().get_template(page.template)
    return template.render(
        page.values,
        say=functools.partial(_say, look.language),
        language=look.language,
        direction=direction(look.language),
        languages=LANGUAGES,
        chooser=look.chooser,
        style=Markup(style(policy.brand_colour)),  # noqa: S704 - our own file, digested as it stands
        brand=variants(policy, "brand_name").in_language(look.language) or BRAND,
        logo=_logo(policy.brand_logo),
        sign_in_with=policy.sign_in_with,
        registration=policy.registration,
        links=[(key, variants(policy, member)) for key, member in _LINKS if getattr(policy, member)],
    )


def _logo(logo: bytes) -> str:
    if not logo:
        return ""
    from valet.pages.logos import data_uri  # few deployments have one

    return data_uri(logo)


def _say(language: str, said: "str | Sentence | Variants", **values: object) -> Any:
    """The sentence in that language. A value is escaped unless it is markup of the templates."""
    from markupsafe import escape

    if isinstance(said, Variants):
        return said.in_language(language)
    key, values = (said, values) if isinstance(said, str) else (said.key, dict(said.values))
    values = {name: _say(language, value) if isinstance(value, Variants) else value for name, value in values.items()}
    return escape(sentences(language)[key]).format(**values)


@functools.lru_cache(maxsize=2)  # an operator may change the colour
def style(colour: str = "") -> str:
    """The stylesheet that every page inlines, without its comments and indents, in the operator's colour."""
    with open(join(TEMPLATES, "style.css"), encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    own = "".join(line for line in lines if not line.startswith("/*"))
    if not colour:
        return own
    from valet.pages import colours  # few deployments have a colour of their own

    return own + colours.rules(colour) if colours.is_colour(colour) else own


@functools.cache
def jinja() -> "Environment":
    """The templates' engine."""
    # Imported on first use: most functions that load this package never show a page (59 ms cold).
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    style()  # read it at the start, not in the first request
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A name may be written in another direction than the sentence around it.
    environment.globals["bdi"] = Markup("<bdi>{}</bdi>").format
    environment.globals["strong"] = Markup("<strong><bdi>{}</bdi></strong>").format
    environment.globals["code"] = Markup("<code>{}</code>").format
    return environment
