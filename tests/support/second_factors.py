"""People with a second factor or recovery codes, for tests that are about signing in with them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from html import unescape

from valet.aws.dynamodb.factors import DynamoFactors
from valet.handles import new_id
from valet.models.factors import Totp
from valet.people import recovery_codes, totp
from valet.ports.sealing import SECOND_FACTOR

from tests.support.browser import Browser, form_of
from tests.support.deployment import Deployment
from tests.support.wire import Answer


@dataclass(frozen=True)
class App:
    """An authenticator app in somebody's phone."""

    seed: bytes
    totp_id: str

    def code(self, now: float, *, steps: int = 0) -> str:
        """The code that it shows then, or some steps later."""
        return totp.code_at(self.seed, int(now) // totp.STEP + steps)

    def wrong(self, now: float) -> str:
        """Six digits that are no code around that time."""
        around = {self.code(now, steps=steps) for steps in range(-3, 4)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in around)


def give_totp(deployment: Deployment, sub: str) -> App:
    """A second factor that the account names, as its enrolment leaves it."""
    app, server = App(os.urandom(20), new_id(os.urandom)), deployment.server
    sealed = server.sealing.seal(SECOND_FACTOR, sub, app.seed)
    factors = DynamoFactors(deployment.table("Users"))
    factors.put_totp(sub, app.totp_id, Totp(sealed_seed=sealed, last_step=0))
    account = server.accounts.find_account(sub)
    assert account is not None
    assert factors.name_totp(account, app.totp_id)
    return app


def give_codes(deployment: Deployment, sub: str) -> tuple[str, ...]:
    """Recovery codes that the account names."""
    recovery_id, made = new_id(os.urandom), recovery_codes.make(os.urandom, deployment.clock.now)
    factors = DynamoFactors(deployment.table("Users"))
    factors.put_recovery_codes(sub, recovery_id, made.kept)
    account = deployment.server.accounts.find_account(sub)
    assert account is not None
    assert factors.name_recovery_codes(account, recovery_id)
    return made.codes


def type_code(browser: Browser, page: Answer, code: str, **more: str) -> Answer:
    """The answer to the page's form, no redirect followed."""
    form = form_of(page)
    return browser.post(form.action, {**form.hidden, "code": code, **more})


def codes_on(page: Answer) -> tuple[str, ...]:
    """The recovery codes that the page shows."""
    return tuple(re.findall(r"<li><code>([0-9A-Z-]+)</code></li>", page.body))


def ways_on(page: Answer) -> list[str]:
    """The addresses that a page offers to go on to."""
    return [unescape(address) for address in re.findall(r'<a href="([^"]+)">', page.body.partition("<h1>")[2])]


def keep_codes(browser: Browser, page: Answer) -> Answer:
    """The end-user has written the codes down, and goes on."""
    assert len(codes_on(page)) == 10, page.body
    (address,) = ways_on(page)
    return browser.open(address)
