"""What the pages show of a registration: names, sentences, and links to pages of the client (RFC 7591 §2)."""

from collections.abc import Iterator

from valet.models.clients import Client
from valet.registration.addresses import refusal_of_uri
from valet.registration.translations import wrong_with_translations

_LONGEST_NAME = 100
_LONGEST_SENTENCE = 200


def refusal_of_name(name: str) -> str | None:
    """Why a page cannot show the name; None if it can."""
    # Format characters turn the consent page's text around.
    is_good = name.isprintable() and len(name) <= _LONGEST_NAME and name == name.strip()
    return None if is_good else f"at most {_LONGEST_NAME} printable characters"


def refusal_of_link(uri: str) -> str | None:
    """Why a page cannot lead to the address; None if it can."""
    return refusal_of_uri(uri, "web") or (None if uri.startswith("https:") else "not https")


def refusal_of_home(uri: str) -> str | None:
    """Why the address cannot be a client's home page; None if it can. People follow it, and no answer goes there: an
    address that opens an app of theirs is right for any client."""
    return refusal_of_uri(uri, "native")


def refusal_of_sentence(sentence: str) -> str | None:
    """Why the consent page cannot say the sentence of a scope; None if it can."""
    is_good = sentence.strip() and sentence.isprintable() and len(sentence) <= _LONGEST_SENTENCE
    return None if is_good else f"a sentence of at most {_LONGEST_SENTENCE} characters, for the consent page"


_LINKS = {"client_uri": refusal_of_home, "tos_uri": refusal_of_link, "policy_uri": refusal_of_link}


def wrong_with_links(client: Client) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with the client's links, and with its texts in other languages: (member, reason, value)."""
    for member, refusal in _LINKS.items():
        uri: str = getattr(client, member)
        if uri and (reason := refusal(uri)):
            yield member, reason, uri
    yield from wrong_with_translations(client.translations, {"client_name": refusal_of_name, **_LINKS})
