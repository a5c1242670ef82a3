"""The operator's colour in the stylesheet, with the shades that follow from it (WCAG 2.2 §1.4.3)."""

import re

# The grounds of the pages, as templates/style.css has them.
LIGHT, DARK = "#fffdf9", "#1a211e"
LEAST_CONTRAST = 4.5

_COLOUR = re.compile(r"#[0-9a-f]{6}")


def is_colour(value: str) -> bool:
    """Whether it is `#rrggbb` in small letters. Nothing else of an operator's enters the stylesheet."""
    return _COLOUR.fullmatch(value) is not None


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def nearest(colour: str, towards: str, ground: str) -> str:
    """The colour, mixed with as little of `towards` as gives it enough contrast with the ground."""
    for percent in range(0, 101, 2):
        mixed = _mixed(colour, towards, percent / 100)
        if contrast(mixed, ground) >= LEAST_CONTRAST:
            break
    return mixed


def rules(colour: str) -> str:
    """The rules that give the pages this colour: itself on the light ground, a lighter shade on the dark one."""
    light = nearest(colour, "#000000", LIGHT)
    dark = nearest(colour, "#ffffff", DARK)
    return (
        f":root{{--stub:{light};--stub-ink:#ffffff;--accent:{light};--accent-hover:{_mixed(light, '#000000', 0.2)};"
        f"--accent-ink:#ffffff}}@media (prefers-color-scheme: dark){{:root{{--accent:{dark};"
        f"--accent-hover:{_mixed(dark, '#ffffff', 0.3)};--accent-ink:#000000}}}}"
    )


def _luminance(colour: str) -> float:
    """The relative luminance (WCAG 2.2, "relative luminance")."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (another - one) * share):02x}" for one, another in pairs)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
