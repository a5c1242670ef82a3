"""The Authorization header: a scheme, one or more spaces, credentials (RFC 9110 §11.1, §11.4)."""


def find_credentials(authorization: str, scheme: str) -> str | None:
    """The credentials in the header's value `authorization` if it uses `scheme`, given in lower case; else None.

    Schemes have no case. Spaces around a value are no part of it (RFC 9110 §5.5), and inside the credentials nothing is
    repaired: their own grammar refuses what is odd there.
    """
    name, _, credentials = authorization.strip(" \t").partition(" ")
    return credentials.lstrip(" ") if name.lower() == scheme else None
