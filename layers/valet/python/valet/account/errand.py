"""What a section of the account page was opened for: a saved request that goes on after it."""

from collections.abc import Mapping

from valet.account.visit import Visit
from valet.frozen import Frozen
from valet.handles import is_handle
from valet.http import Parameters, Response, redirect


class Errand(Frozen):
    """The saved request that the page was shown for."""

    handle: str = ""  # empty: there is none
    is_required: bool = False  # it needs what the page makes

    @property
    def parameters(self) -> Mapping[str, str]:
        """What every form and address of the page carries, so that it goes on with the request."""
        return {"request": self.handle, **({"required": "yes"} if self.is_required else {})} if self.handle else {}

    def __repr__(self) -> str:
        return f"Errand(is_required={self.is_required})"  # the handle is a secret


NO_ERRAND = Errand()


def errand_of(parameters: Parameters) -> Errand:
    handle = parameters.get("request", "")
    return Errand(handle, "required" in parameters) if is_handle(handle) else NO_ERRAND


def way_on(visit: Visit, errand: Errand, otherwise: str = "/account") -> str:
    """The address of the request that the page was shown for, or of another page of this server."""
    return f"{visit.request.issuer}{f'/authorize?resume={errand.handle}' if errand.handle else otherwise}"


def go_on(visit: Visit, errand: Errand) -> Response:
    """Redirect to the request that the page was shown for, or to the account page."""
    return redirect(way_on(visit, errand))
