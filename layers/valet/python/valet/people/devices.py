"""Browsers that are not asked for a second factor again for some days, where the operator allows it.

A remembered browser stands in for what the account itself wants. What a client or an operator requires is asked for all
the same. It is forgotten when the account's epoch is raised, and with the second factor.
"""

import hashlib
import hmac

from valet.models.accounts import Account
from valet.models.factors import Device
from valet.ports.factors import Devices

_DAY = 86_400


def place_of_device(browser: str) -> bytes:
    """Where it is kept that the browser with this cookie is remembered."""
    return hashlib.sha256(hmac.digest(browser.encode(), b"valet device", "sha256")).digest()


def remember_device(devices: Devices, browser: str, account: Account, days: int, now: float) -> None:
    """Remember the browser, which has just given the account's second factor, for that many days."""
    device = Device(account.sub, account.epoch, account.totp_id, int(now), int(now) + days * _DAY)
    devices.put_device(place_of_device(browser), device)


def is_remembered(devices: Devices, browser: str, account: Account, days: int, now: float) -> bool:
    """Whether the browser gave the second factor that is in force, no longer ago than that many days."""
    if not days or not account.totp_id:
        return False
    device = devices.find_device(place_of_device(browser), account.sub)
    if device is None or (device.epoch, device.totp_id) != (account.epoch, account.totp_id):
        return False
    return now < min(device.expires_at, device.second_at + days * _DAY)
