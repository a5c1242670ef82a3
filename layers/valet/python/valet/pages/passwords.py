"""What the pages share on which a password is set."""

from valet.pages import passkeys


def script() -> str:
    """The script that shows what is typed. Without it the page works as well."""
    return passkeys.script("show_password.js")
