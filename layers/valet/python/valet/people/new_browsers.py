"""A right password in a browser where nobody has given it before: its end-user is told by mail.

The login function tells it, before it lets the browser count as known. A proof may never become a session, so that a
thief could give the password once, leave that proof, and sign in with a second one in a browser that is not new.
"""

from valet.models.accounts import Account
from valet.people.identifiers import proven_addresses
from valet.people.notices import Ports, notify

_FIRST_DAY = 86_400  # seconds


def tell_of_new_browser(ports: Ports, account: Account, issuer: str, now: float) -> None:
    """Not on the account's first day, when its end-user signs in here and there."""
    if ports.letters is None or now - account.created_at < _FIRST_DAY or not proven_addresses(account, now):
        return
    notify(ports, account, "browser.new", issuer, now)
