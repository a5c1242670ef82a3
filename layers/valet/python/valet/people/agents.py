"""A browser in words, as its User-Agent tells it (RFC 9110 §10.1.5).

For the person who looks at where they are signed in, and for nothing else: a User-Agent can say anything.
"""

# A token that only this browser sends, or that those before it in the list send as well: Edge also says Chrome and
# Safari, and Chrome says Safari.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
# Android says Linux as well, and an iPhone says Mac OS X. An iPad says that it is a Mac, and nobody can tell.
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_LONGEST = 1_024  # characters of a User-Agent that are looked at


def agent_of(user_agent: str) -> str:
    """The browser and the system, such as "Firefox, Windows"; empty if neither is known. At most 40 characters."""
    looked_at = user_agent[:_LONGEST]
    return ", ".join(found for table in (_BROWSERS, _SYSTEMS) if (found := _first(table, looked_at)))


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for token, name in table if token in user_agent), "")
