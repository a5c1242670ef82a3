"""The first section of the account page: who is signed in, and where the rest is."""

from valet.account.visit import OUT_OF_DATE, Visit, out_of_date
from valet.http import Parameters, Response


def show(visit: Visit) -> Response:
    return visit.page(account=visit.visitor.account)


def act(visit: Visit, form: Parameters) -> Response:
    raise out_of_date(visit.page(status=400, error=OUT_OF_DATE, account=visit.visitor.account))
