"""The section of the account page with the clients that the person has allowed something (RFC 6749 §1.3)."""

from typing import NamedTuple

from valet.account.ending import end_grant
from valet.account.visit import OUT_OF_DATE, Visit, at, out_of_date
from valet.front_channel.consent import in_words
from valet.http import Parameters, Response
from valet.models.accounts import Consent
from valet.models.clients import Scopes
from valet.models.grants import GrantOutline, GrantPointer
from valet.pages.consent import Said
from valet.pages.words import Sentence, Variants, variants
from valet.protocol.scope import in_reading_order


class App(NamedTuple):
    """What one client may do."""

    client_id: str
    consents: list[Consent]
    grants: list[GrantOutline]

    @property
    def scope(self) -> frozenset[str]:
        allowed = [each.scope for each in self.consents] + [frozenset(each.scope) for each in self.grants]
        return frozenset[str]().union(*allowed)

    @property
    def since(self) -> int:
        times = [each.granted_at for each in self.consents] + [each.issued_at_ms // 1000 for each in self.grants]
        return min(times)


def show(visit: Visit) -> Response:
    return _page(visit)


def act(visit: Visit, form: Parameters) -> Response:
    """Forget the consent and end the grants of one client. First the consent, by which it could get another grant."""
    sub, client_id = visit.visitor.account.sub, form.get("revoke", "")
    if not client_id or not visit.is_form(form, client_id):
        raise out_of_date(_page(visit, status=400, error=OUT_OF_DATE))
    visit.ports.consents.forget_consent(sub, client_id)
    for pointer, outline in outlines(visit):
        if outline.client_id == client_id:
            # Also one that has ended: the invocation that ended it may have died before the status bits.
            end_grant(visit.ports, pointer.grant_id, visit.now, "account")
    return visit.back()


def outlines(visit: Visit) -> list[tuple[GrantPointer, GrantOutline]]:
    """The person's grants, each with its pointer, the one redeemed last first, whether or not they live."""
    sub = visit.visitor.account.sub
    pointers = sorted(visit.ports.grants.pointers(sub), key=lambda pointer: pointer.redeemed_at, reverse=True)
    found = ((pointer, visit.ports.grants.outline(pointer.grant_id)) for pointer in pointers)
    return [(pointer, outline) for pointer, outline in found if outline is not None and outline.sub == sub]


def apps(visit: Visit) -> list[App]:
    """The clients that have a consent or a grant that lives, by their ids."""
    account, found = visit.visitor.account, dict[str, App]()
    for consent in visit.ports.consents.consents_of(account.sub):
        found[consent.client_id] = App(consent.client_id, [consent], [])
    for pointer, outline in outlines(visit):
        is_alive = not outline.revoked_at and outline.expires_at > visit.now and outline.epoch == account.epoch
        if is_alive and (outline.redeemed_at_ms or _waits(pointer, outline, visit.now)):
            found.setdefault(outline.client_id, App(outline.client_id, [], [])).grants.append(outline)
    return [found[client_id] for client_id in sorted(found)]


def _waits(pointer: GrantPointer, outline: GrantOutline, now: float) -> bool:
    """Whether the person has said yes to a device that may still fetch its tokens. It has ten minutes for that: time
    enough to take the yes back, which a code that goes through the browser does not leave.
    """
    return outline.is_device and pointer.expires_at > now


def _page(visit: Visit, *, status: int = 200, error: Sentence | None = None) -> Response:
    known = visit.ports.registry.scopes()
    rows = [
        (
            _name(visit, app),
            any(each.is_device for each in app.grants),
            _in_words(app.scope, known),
            at(app.since),
            app.client_id,
            visit.token(app.client_id),
        )
        for app in apps(visit)
    ]
    return visit.page(status=status, error=error, rows=rows)


def _name(visit: Visit, app: App) -> Variants:
    """A client that is registered no more has its id left. One that no operator registered is called by its host, and
    says itself what its name is.
    """
    client = visit.ports.registry.find_client(app.client_id)
    if client is not None and client.unknown.told_name:
        from valet.pages.strangers import shown_name  # only a deployment that takes such clients needs it

        # Where the settings name no issuer, only a request knows this server's own host.
        if told := shown_name(client.unknown.told_name, visit.request.issuer):
            return Variants(f"{client.client_name} (“{told}”)")
    return variants(client, "client_name") if client else Variants(app.client_id)


def _in_words(scope: frozenset[str], known: Scopes) -> list[Said]:
    """The scopes' sentences. A scope that is registered no more allows nothing."""
    return [in_words(known.scopes[name]) for name in in_reading_order(scope) if name in known.scopes]
