"""Usernames as they are compared (RFC 8265)."""

import unicodedata


def normal_username(username: str) -> str:
    """Usernames that look the same are the same (RFC 8265 §3.3, in short)."""
    return unicodedata.normalize("NFKC", username).strip().casefold()
