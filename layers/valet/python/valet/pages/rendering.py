"""Rendering the pages' templates, by jinja2."""

import functools
from os.path import dirname, join
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = join(dirname(__file__), "templates")  # pathlib takes 3 ms to import


def render(template: str, **values: object) -> str:
    """One page's HTML. Raises jinja2's UndefinedError if the template asks for a value that is not given."""
    return jinja().get_template(template).render(values)


@functools.cache
def style() -> str:
    """The stylesheet that every page inlines."""
    with open(join(TEMPLATES, "style.css"), encoding="utf-8") as file:
        return file.read()


@functools.cache
def jinja() -> "Environment":
    """The templates' engine."""
    # Imported on first use: most functions that load this package never show a page (59 ms cold).
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

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
    environment.globals["style"] = Markup(style())  # noqa: S704 - our own file, digested as it stands
    return environment
