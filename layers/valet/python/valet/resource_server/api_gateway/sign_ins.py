"""The sign-ins behind tokens, told apart no further than ROUTES does.

The authorizer imports this only if a rule has `acr` or `max_age`.
"""

from bisect import bisect_left
from collections.abc import Mapping

from valet.resource_server import step_up
from valet.resource_server.api_gateway.routes import Routes, SignIn


class SignIns:
    """Reads sign-ins for one table of routes."""

    def __init__(self, routes: Routes) -> None:
        rules = (*routes.rules.values(), *routes.fields.values())
        self._acrs = {acr for rule in rules for acr in rule.acr}
        self._max_ages = sorted({rule.max_age for rule in rules if rule.max_age is not None})

    def of(self, told: Mapping[str, str], now: float) -> SignIn:
        """The sign-in that a token tells of in its context, at this moment (epoch seconds).

        An acr that no rule names is left out, and the age is rounded up to the next max_age of a rule. So one set of
        permissions, and its policies, serves all sign-ins that are enough for the same routes.
        """
        acr, age = told.get("acr", ""), step_up.age_of(told, now)
        at = bisect_left(self._max_ages, age)
        return acr if acr in self._acrs else "", self._max_ages[at] if at < len(self._max_ages) else step_up.NEVER
