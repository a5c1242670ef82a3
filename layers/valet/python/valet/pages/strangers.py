"""What the consent page says about a client that no operator registered, and for which nobody vouches."""

from urllib.parse import urlsplit

from valet.frozen import Frozen

LONGEST_NAME = 60  # characters

# Pages show the name in quotation marks: one in the name would end it, and what follows would be this server's words.
_QUOTATION_MARKS = frozenset('"“”„‟«»‹›「」『』〝〞〟＂')
_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # they count as printable, and no font draws them
_MOST_MARKS = 4  # on one letter, in any script; a pile of them would reach into the lines above and below


class Stranger(Frozen):
    """The client, apart from what the page says of every client."""

    issuer_host: str
    address: str = ""  # of its document
    told_name: str = ""  # what it calls itself
    registered_on: str = ""  # the date on which it registered itself
    is_on_this_computer: bool = False  # the answer goes to a program there, and any program may take it


def shown_name(name: str, issuer: str) -> str:
    """The name that a client tells, if a page may show it; empty if not. Format characters turn a text around, and a
    name that looks like this server's own host would speak for it. An empty `issuer` is not known.
    """
    from unicodedata import category, normalize  # fetch and register look at names, and show none

    own = urlsplit(issuer).hostname or ""
    is_good = 0 < len(name) <= LONGEST_NAME and name.isprintable() and name == name.strip()
    if not is_good or not (_QUOTATION_MARKS | _UNSEEN).isdisjoint(name):
        return ""
    letters, marks = "", 0
    for character in normalize("NFKD", name):
        marks = marks + 1 if category(character) in ("Mn", "Me") else 0
        if marks > _MOST_MARKS:
            return ""
        letters += character * (not marks)
    return "" if own and own in letters.casefold() else name
