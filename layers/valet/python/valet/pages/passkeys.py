"""What the pages with a script share: the scripts, and a header that lets them use passkeys (WebAuthn Level 3 §5)."""

import functools
from collections.abc import Mapping
from os.path import join

from valet.pages.rendering import TEMPLATES

# The page may use passkeys, and nothing that it could frame may (WebAuthn Level 3 §5.9).
HEADERS: Mapping[str, str] = {
    "Permissions-Policy": "publickey-credentials-create=(self), publickey-credentials-get=(self)"
}
USE, MAKE, KEEP = "use_passkey.js", "make_passkey.js", "keep_codes.js"


@functools.cache
def script(name: str) -> str:
    """A script, which the page inlines and its policy names by its digest. It writes no markup."""
    with open(join(TEMPLATES, name), encoding="utf-8") as file:
        return file.read()
