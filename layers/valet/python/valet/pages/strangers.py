"""What the consent page says about a client that no operator registered, and for which nobody vouches."""

from urllib.parse import urlsplit

from valet.frozen import Frozen

LONGEST_NAME = 60  # characters


class Stranger(Frozen):
    """The client, apart from what the page says of every client."""

    issuer_host: str
    address: str = ""  # of its document
    told_name: str = ""  # what it calls itself
    registered_on: str = ""  # the date on which it registered itself
    is_on_this_computer: bool = False  # the answer goes to a program there, and any program may take it


def shown_name(name: str, issuer: str) -> str:
    """The name that a client tells, if a page may show it; empty if not. Format characters turn a text around, and a
    name with this server's own host would speak for it. An empty `issuer` is not known.
    """
    own = urlsplit(issuer).hostname or ""
    is_good = 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()
    return "" if not is_good or (own and own in name.casefold()) else name
