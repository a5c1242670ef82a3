"""The Authorization header: a scheme, one or more spaces, credentials (RFC 9110 §11.1, §11.4); and the form of the
access tokens in it that say nothing of themselves.
"""

# A reference token is this prefix, an id, a dot, and a secret. A JWT never begins so: it begins with `{"` in base64url.
REFERENCE_PREFIX = "vat_"
REFERENCE_FORM = rf"{REFERENCE_PREFIX}([A-Za-z0-9_-]{{22}})\.([A-Za-z0-9_-]{{43}})"


def find_credentials(authorization: str, scheme: str) -> str | None:
    """The credentials in the header's value `authorization` if it uses `scheme`, given in lower case; else None.

    Schemes have no case. Spaces around a value are no part of it (RFC 9110 §5.5), and inside the credentials nothing is
    repaired: their own grammar refuses what is odd there.
    """
    name, _, credentials = authorization.strip(" \t").partition(" ")
    return credentials.lstrip(" ") if name.lower() == scheme else None
