"""Paying at a provider: on the way there, back from there, and in the back office."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.checkout import commands, queries
from lotse.domains.checkout.contracts import CHARGE_LINK, Attempt, Purchase
from lotse.domains.checkout.pages.basket import COOKIE, NO_STORE, REFUSED
from lotse.domains.checkout.pages.checkout import method_of, order_or_pay
from lotse.domains.checkout.pages.purchase import CHOOSE
from lotse.domains.orders.contracts import ORDER_LINK
from lotse.domains.parties.contracts import Shop
from lotse.domains.payments.queries import CHARGE, methods
from lotse.domains.payments.queries import charge as read_charge
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.forms import checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import Tags

# Why a payment came to nothing, by its code: what the provider said, or what stood in the way of the order.
FAILED = {
    "declined-by-buyer": N_("You ended the payment."),
    "insufficient-funds": N_("The card was declined: it does not cover the amount."),
    "challenge-failed": N_("Your bank could not confirm that it is you."),
    "capture-declined": N_("The provider could not take the money in the end. The order is cancelled."),
    "expired": N_("The payment page was open for too long."),
    "superseded": N_("You began another payment for this basket. That one counts."),
    "no-answer": N_("The payment provider does not answer at the moment."),
    "not-enough": N_("Somebody was faster: not everything is in stock any more. The basket shows what is left."),
    "out-of-stock": N_("Somebody was faster: not everything is in stock any more. The basket shows what is left."),
    "too-many-holds": N_("Very much is set aside for you already. Please finish one payment first."),
    "price-changed": N_("The payment came so late that the total has changed. Please look at it and order again."),
    "not-sold": N_("Some of this is not sold any more. The basket shows what."),
    "basket-changed": N_("Your basket changed while you paid. Please look at it and order again."),
    "basket-ordered": N_("This basket has been ordered already."),
    "order-cancelled": N_("The order was cancelled."),
    "voided-by-staff": N_("The order was cancelled."),
}
DECLINED = N_("The payment was declined.")
# After these another way to pay helps; after the others the basket needs a look.
_TRY_AGAIN = frozenset(
    ("declined", "declined-by-buyer", "insufficient-funds", "challenge-failed", "expired", "no-answer", "voided")
)


class Chosen(Struct, frozen=True):
    """How somebody pays who tries again."""

    payment: Annotated[str, Meta(min_length=1, max_length=32)]


@get("/pay/{token:str}/go", guards=[public], opt={"waits": False})
async def pay_go(view: View, database: Database, desk: Desk, links: Links, at: datetime, token: str) -> Response[str]:
    """You are being taken to the provider's page."""
    charge_id = links.read(CHARGE_LINK, token)
    paying = await commands.settle(desk, database, charge_id=charge_id, at=at)
    if paying.state != "redirect":
        return view.go(f"/pay/{token}")
    title = await _title(view, database, charge_id)
    return view.show("checkout/pay_go.html", paying=paying, title=title, token=token, headers=NO_STORE)


@get("/pay/{token:str}", guards=[public], opt={"waits": False})
async def pay_page(
    view: View,
    database: Database,
    desk: Desk,
    links: Links,
    draft: Draft | None,
    at: datetime,
    token: str,
) -> Response[str]:
    """Back from the provider: the order, or why there is none, or a page that waits and looks again by itself."""
    charge_id = links.read(CHARGE_LINK, token)
    # Who comes back has just decided something: the provider is asked at once.
    paying = await commands.settle(desk, database, charge_id=charge_id, at=at, eager=True)
    if paying.state == "ordered" and paying.order_id:
        response = view.go(f"/order/{links.sign(ORDER_LINK, paying.order_id)}", new="true")
        response.delete_cookie(COOKIE, path="/")
        return response
    title = await _title(view, database, charge_id)
    if paying.state != "failed":
        return view.show("checkout/pay_wait.html", paying=paying, title=title, token=token, headers=NO_STORE)
    async with database.reading() as connection:
        attempt = await queries.attempt(connection, charge_id=charge_id)
        stored = await queries.stored_basket(connection, basket_id=attempt.basket_id) if attempt else None
    can_try = (
        paying.reason in _TRY_AGAIN
        and attempt is not None
        and attempt.order is not None
        and stored is not None
        and stored.order_id is None
    )
    return view.show(
        "checkout/pay_failed.html",
        why=view.text(FAILED.get(paying.reason, DECLINED)),
        order=links.sign(ORDER_LINK, paying.order_id) if paying.order_id else None,
        methods=[method_of(view, method) for method in methods()] if can_try else [],
        total_minor=_total(attempt) if can_try and attempt else 0,
        currency=attempt.order.currency if can_try and attempt and attempt.order else "",
        token=token,
        key=str(uuid7()),
        refused=refused(view, draft, REFUSED, fields=False),
        headers=NO_STORE,
    )


@get("/pay/{token:str}/state", guards=[public], opt={"waits": False})
async def pay_state(
    view: View, database: Database, desk: Desk, links: Links, at: datetime, token: str
) -> Response[str]:
    """What the waiting page asks every two seconds: the same again, or where to go now."""
    charge_id = links.read(CHARGE_LINK, token)
    paying = await commands.settle(desk, database, charge_id=charge_id, at=at)
    headers = dict(NO_STORE)
    if paying.state in ("ordered", "failed"):
        headers["HX-Redirect"] = view.href(f"/pay/{token}")
    title = await _title(view, database, charge_id)
    return view.show("checkout/pay_state.html", paying=paying, title=title, token=token, headers=headers)


@post("/pay/{token:str}/again", guards=[public], opt={"form": "/pay/{token}", "waits": False})
async def pay_again(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    shop: Shop,
    links: Links,
    tags: Tags,
    principal: Principal,
    at: datetime,
    token: str,
) -> Redirect:
    """Try again with the same details and maybe another way to pay. Refusals: `FormIncomplete`, then as ordering."""
    chosen = checked(await request.form(), Chosen, messages={"payment": CHOOSE})
    async with database.reading() as connection:
        attempt = await queries.attempt(connection, charge_id=links.read(CHARGE_LINK, token))
    order = attempt.order if attempt else None
    if attempt is None or order is None or order.contact is None:
        return Redirect("/checkout", status_code=303)  # forgotten meanwhile: to be typed anew
    purchase = Purchase(contact=order.contact, method=chosen.payment, total_minor=_total(attempt))
    return await order_or_pay(
        request,
        database,
        desk,
        shop,
        links,
        tags,
        principal,
        at,
        attempt.basket_id,
        purchase,
        order.language,
        order.promised,
        attempt.free_from,
    )


def _total(attempt: Attempt) -> int:
    return sum(line.net_minor + line.tax_minor for line in attempt.order.lines) if attempt.order else 0


async def _title(view: View, database: Database, charge_id: UUID) -> str:
    """What the method of a charge is called."""
    async with database.reading() as connection:
        charge = await read_charge(connection, charge_id=charge_id)
    name = charge.method if charge else ""
    return next((method_of(view, method)[1] for method in methods() if method.name == name), name)


@post(
    "/office/orders/{order_id:uuid}/charges/{charge_id:uuid}/{verb:str}",
    guards=[needs("payments.write", CHARGE)],
    opt={"form": "/office/orders/{order_id}"},
)
async def office_charge(
    database: Database,
    desk: Desk,
    principal: Principal,
    at: datetime,
    order_id: UUID,
    charge_id: UUID,
    verb: str,
) -> Redirect:
    """Take what is reserved (`capture`) or give it back (`void`, which cancels the order).

    Refusals: `NotFound`, `ChargeUnknown`, `ChargeNotReady`.
    """
    async with database.reading() as connection:
        attempt = await queries.attempt(connection, charge_id=charge_id)
    if attempt is None or attempt.order_id != order_id:
        raise NotFound(what="charge", id=str(charge_id))
    if verb == "capture":
        await commands.capture(desk, database, charge_id=charge_id, at=at)
    elif verb == "void":
        await commands.void(desk, database, charge_id=charge_id, reason="voided-by-staff", actor=str(principal), at=at)
    else:
        raise NotFound(what="page", id=verb)
    return Redirect(f"/office/orders/{order_id}", status_code=303)
