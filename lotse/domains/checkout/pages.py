"""Basket, checkout and payment as pages. Posts render nothing: what is refused comes back to its page as a draft."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.behaviour.contracts import BasketChanged
from lotse.domains.checkout import commands, queries
from lotse.domains.checkout.contracts import (
    CHARGE_LINK,
    Attempt,
    Basket,
    BasketOrdered,
    BasketUnknown,
    NoDelivery,
    Paying,
    Purchase,
)
from lotse.domains.checkout.rules import KEPT, MAX_QUANTITY, holder_secret, promise_token, told_promise
from lotse.domains.customers.commands import put_address
from lotse.domains.customers.contracts import SESSION_COOKIE, Address
from lotse.domains.customers.queries import addresses as read_addresses
from lotse.domains.customers.queries import customer as read_customer
from lotse.domains.customers.queries import signed_in
from lotse.domains.customers.rules import postcode_like
from lotse.domains.inventory.contracts import LocationChanged
from lotse.domains.inventory.queries import availability_once, signs, signs_once
from lotse.domains.offers.contracts import OfferChanged
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.orders.contracts import ORDER_LINK, Contact, Promised
from lotse.domains.parties.contracts import Shop
from lotse.domains.payments.contracts import ChargeUnderWay, Method
from lotse.domains.payments.queries import CHARGE, methods, terms
from lotse.domains.payments.queries import charge as read_charge
from lotse.domains.pools.rules import origin_of
from lotse.domains.promise.contracts import Wanted, Window
from lotse.domains.promise.queries import windows
from lotse.domains.promise.rules import together
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.masters import NotTheMaster
from lotse.kernel.pages.deciding import decide, note, point
from lotse.kernel.pages.forms import Error, Form, FormIncomplete, checked, posted_key, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound
from lotse.kernel.tags import Tags, any_of, tagged

COOKIE = "lotse_basket"
# As long as a basket that nobody touches is kept.
_KEPT_SECONDS = int(KEPT.total_seconds())
_NO_STORE = {"Cache-Control": "private, no-store"}

REFUSED = {
    "not-sold": N_("Some of this is not sold any more. The basket shows what."),
    "out-of-stock": N_("Somebody was faster: not everything is in stock any more. The basket shows what is left."),
    "price-changed": N_(
        "The total has changed since you saw it. Nothing was ordered: please look at it and order again."
    ),
    "basket-changed": N_("Your basket changed meanwhile. Nothing was ordered: please look at it and order again."),
    "basket-ordered": N_("This basket has been ordered already."),
    "basket-empty": N_("Your basket is empty."),
    "basket-unknown": N_("Your basket is empty."),
    "invalid-quantity": N_("From one to %(most)s pieces, please."),
    "too-many-lines": N_("The basket is full: it takes %(most)s different articles."),
    "not-in-this-shop": N_("This shop does not sell it."),
    "no-delivery": N_("We do not deliver there (yet)."),
    "method-unknown": N_("Please choose how you pay."),
    "charge-under-way": N_("This is being paid already."),
}
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
METHODS = {
    "invoice": (N_("Invoice"), N_("First the goods, then the money: you pay within %(days)s days.")),
    "prepayment": (N_("In advance"), N_("You transfer the amount; we send the goods when it has arrived.")),
}
# Which way to pay stands first, and is chosen for whoever does not.
PAYMENTS = point(
    "checkout.payments",
    N_("Order of the ways to pay"),
    {"own": N_("Invoice first, then providers"), "providers": N_("Providers first")},
    pages=["/checkout"],
)
# How it is said that delivery becomes free, in templates/sums.html.
FREE_FROM = point(
    "basket.free_delivery",
    N_("How free delivery is said"),
    {"to_go": N_("Free delivery from 50 €: 12 € to go"), "add": N_("Add goods for 12 € and delivery is free")},
    pages=["/basket", "/checkout", "/checkout/sum"],
)
WRONG_EMAIL = N_("Please enter an e-mail address like anna@example.org.")
WRONG_POSTCODE = N_("Five digits, please.")
OTHER_POSTCODE = N_("A postcode there looks like %(example)s.")
CHOOSE = N_("Please choose.")

# One @, something before it, a dot after it: as the command asks for it.
_EMAIL = r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$"
_Line = Annotated[str, Meta(min_length=1, max_length=120)]
_Optional = Annotated[str, Meta(max_length=120)]
_Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]


_offer_changed = tagged(OfferChanged)
_ANY_LOCATION = any_of(LocationChanged)


class Buy(Struct, frozen=True):
    """What a variant can be bought as; `available`: how many a basket may want."""

    offer_id: UUID
    available: int


class Quantity(Struct, frozen=True):
    """What is typed for a number of pieces."""

    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)]


class Typed(Struct, frozen=True):
    """The checkout's form but for an address of its own for the bill."""

    email: Annotated[str, Meta(min_length=3, max_length=254, pattern=_EMAIL)]
    name: _Line
    street: _Line
    postcode: Annotated[str, Meta(min_length=1, max_length=16)]
    city: _Line
    country: _Country
    payment: Annotated[str, Meta(min_length=1, max_length=32)]
    phone: Annotated[str, Meta(max_length=40)] = ""
    company: _Optional = ""
    street2: _Optional = ""


class Chosen(Struct, frozen=True):
    """How somebody pays who tries again."""

    payment: Annotated[str, Meta(min_length=1, max_length=32)]


class TypedBilling(Struct, frozen=True):
    """An address of its own for the bill."""

    billing_name: _Line
    billing_street: _Line
    billing_postcode: Annotated[str, Meta(min_length=1, max_length=16)]
    billing_city: _Line
    billing_country: _Country
    billing_company: _Optional = ""


# -- what other pages show of it


async def _buys(connection: Connection, ask: Ask) -> Mapping[UUID, Buy]:
    """The first active offer of each variant: the shop owner's own stand before later sellers'."""
    there = await availability_once(connection, shop_id=ask.shop, variant_ids=ask.ids)
    stock = {found.variant_id: found for found in there}
    buys: dict[UUID, Buy] = {}
    for offer in await offers_for_variants(connection, shop_id=ask.shop, variant_ids=ask.ids):
        places = stock[offer.variant_id].by_location if offer.variant_id in stock else []
        # A line is served by one location, so what can be bought at once is the most that any one of them has.
        available = max((place.available for place in places), default=0)
        buys.setdefault(offer.variant_id, Buy(offer.id, available))
    return buys


async def _buys_standing(connection: Connection, ask: Ask) -> Standing:
    """As long as the stock and the offers that it is made of."""
    return Standing(
        tags=tuple(_offer_changed(id) for id in ask.ids),
        types=(_ANY_LOCATION,),
        signs=await signs_once(connection, shop_id=ask.shop, variant_ids=ask.ids),
    )


# -- the basket


@get("/basket", guards=[public])
async def basket_page(
    request: Request[Any, Any, Any], view: View, database: Database, tags: Tags, shop: Shop, draft: Draft | None
) -> Response[str]:
    """What is in the basket, at today's prices and stock."""
    found = await _basket(request, view, queries.Assortment(database, tags), shop)
    return view.show(
        "checkout/basket.html",
        basket=found,
        window=await _window(database, shop, found, view),
        refused=refused(view, draft, REFUSED, fields=False),
        headers=_NO_STORE,
    )


@get("/basket/count", guards=[public])
async def basket_count(request: Request[Any, Any, Any], view: View, database: Database) -> Response[str]:
    """How many pieces are in the basket, for the header of pages that are the same for everybody."""
    basket_id = _basket_id(request)
    pieces = 0
    if basket_id is not None:
        async with database.reading() as connection:
            pieces = await queries.pieces(connection, basket_id=basket_id)
    return view.show("checkout/count.html", pieces=pieces, headers=_NO_STORE)


@get("/basket/added/{offer_id:uuid}", guards=[public])
async def added(
    request: Request[Any, Any, Any], view: View, database: Database, tags: Tags, shop: Shop, offer_id: UUID
) -> Response[str]:
    """The note that something went in."""
    found = await _basket(request, view, queries.Assortment(database, tags), shop)
    line = next((line for line in found.lines if line.offer_id == offer_id), None) if found else None
    if found is None or line is None:
        raise NotFound(what="basket line", id=str(offer_id))
    return view.show("checkout/added.html", basket=found, line=line, headers=_NO_STORE)


@post("/basket/lines", guards=[public], opt={"form": "/basket"})
async def add_line(
    request: Request[Any, Any, Any], database: Database, tags: Tags, shop: Shop, at: datetime
) -> Response[Any]:
    """Put something in; without a basket, or with one that was ordered, into a new one. Refusals: as the command."""
    form = await request.form()
    quantity = checked({"quantity": form.get("quantity", "1")}, Quantity).quantity
    offer_id = _uuid(form.get("offer_id"))
    basket_id = _basket_id(request)
    assortment = queries.Assortment(database, tags)
    if basket_id is not None:
        try:
            await commands.add_line(
                database, assortment, shop=shop, basket_id=basket_id, offer_id=offer_id, quantity=quantity, at=at
            )
        except (BasketUnknown, BasketOrdered):
            basket_id = None
    if basket_id is None:
        basket_id = await commands.add_first_line(
            database, assortment, shop=shop, offer_id=offer_id, quantity=quantity, at=at
        )
    note(BasketChanged(offer_id, "added", quantity))
    cookies = [_cookie(request, basket_id)]
    if request.headers.get("hx-request") == "true":
        # A place that fetches the note by itself: this process does not render.
        place = f'<div hx-get="/basket/added/{offer_id}" hx-trigger="load" hx-swap="outerHTML"></div>'
        return Response(place, media_type="text/html", headers={"HX-Trigger": "basket-changed"}, cookies=cookies)
    return Redirect("/basket", status_code=303, cookies=cookies)


@post("/basket/lines/{offer_id:uuid}", guards=[public], opt={"form": "/basket"})
async def set_quantity(
    request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime, offer_id: UUID
) -> Redirect:
    """Set a quantity: `set` is a button's, `quantity` the field's. Refusals: `FormIncomplete`, then the command's."""
    form = await request.form()
    quantity = checked({"quantity": form.get("set") or form.get("quantity", "")}, Quantity).quantity
    async with database.transaction() as tx:
        await commands.set_quantity(
            tx, shop=shop, basket_id=_needed(request), offer_id=offer_id, quantity=quantity, at=at
        )
    note(BasketChanged(offer_id, "set", quantity))
    return Redirect("/basket", status_code=303)


@post("/basket/lines/{offer_id:uuid}/remove", guards=[public], opt={"form": "/basket"})
async def remove_line(
    request: Request[Any, Any, Any], database: Database, shop: Shop, at: datetime, offer_id: UUID
) -> Redirect:
    """Take something out."""
    async with database.transaction() as tx:
        await commands.set_quantity(tx, shop=shop, basket_id=_needed(request), offer_id=offer_id, quantity=0, at=at)
    note(BasketChanged(offer_id, "removed", 0))
    return Redirect("/basket", status_code=303)


# -- the checkout


@get("/checkout", guards=[public])
async def checkout_page(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    tags: Tags,
    shop: Shop,
    links: Links,
    draft: Draft | None,
) -> Response[str]:
    """Everything on one page. Who has nothing to order is sent to the basket, which says why."""
    form = drafted(draft)
    known = await _known(request, database, view)
    country = form.value("country", known.get("country"))
    found = await _basket(request, view, queries.Assortment(database, tags), shop, country)
    if found is None or not found.ready:
        return view.go("/basket")
    said = refused(view, draft, REFUSED)
    window = await _window(database, shop, found, view, form.value("postcode", known.get("postcode", "")))
    return view.show(
        "checkout/checkout.html",
        basket=found,
        window=window,
        promise=_told(links, window, found, view),
        form=form,
        countries=_countries(view, found),
        methods=tuple(_method(view, method) for method in _in_order(methods())),
        known=known,
        is_untouched=draft is None and not known,
        refused=None if form.errors else said,
        other_billing=bool(draft and draft.typed.get("other_billing")),
        key=str(uuid7()),
        headers=_NO_STORE,
    )


@get("/checkout/sum", guards=[public])
async def checkout_sum(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    tags: Tags,
    shop: Shop,
    links: Links,
    country: Annotated[str | None, Parameter(max_length=2)] = None,
    postcode: Annotated[str, Parameter(max_length=16)] = "",
) -> Response[str]:
    """The sum and the delivery date for a country and postcode, while they are chosen."""
    found = await _basket(request, view, queries.Assortment(database, tags), shop, country)
    if found is None:
        raise NotFound(what="basket", id="")
    window = await _window(database, shop, found, view, postcode.strip())
    promise = _told(links, window, found, view)
    return view.show(
        "checkout/sum.html", basket=found, window=window, promise=promise, is_piece=True, headers=_NO_STORE
    )


@post("/checkout", guards=[public])
async def place(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    shop: Shop,
    links: Links,
    tags: Tags,
    principal: Principal,
    at: datetime,
) -> Redirect:
    """Order. A second click is the same order by its key. Refusals: `FormIncomplete`, then those of `place`."""
    form = await request.form()
    basket_id = _uuid(form.get("basket"))
    purchase = purchase_of(form)
    promised = told_promise(links, str(form.get("promise", "")), basket_id)
    language = str(form.get("language", ""))
    language = language if language in shop.languages else shop.language
    ordered = await _order(
        request, database, desk, shop, links, tags, principal, at, basket_id, purchase, language, promised
    )
    if form.get("keep_address") == "yes":
        await _keep_addresses(request, database, purchase.contact, at)
    return ordered


async def _keep_addresses(request: Request[Any, Any, Any], database: Database, contact: Contact, at: datetime) -> None:
    """Put the addresses of an order into the account of whoever asked for it."""
    customer_id = await _customer(request, database, at)
    if customer_id is None:
        return
    async with database.transaction() as tx:
        goods = contact.delivery or contact.billing
        await put_address(tx, customer_id=customer_id, kind="delivery", address=goods, at=at)
        if contact.delivery is not None:
            # Where another system has the say over where bills go, it is not ours to change: the order has it.
            with suppress(NotTheMaster):
                await put_address(tx, customer_id=customer_id, kind="billing", address=contact.billing, at=at)


async def _order(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    shop: Shop,
    links: Links,
    tags: Tags,
    principal: Principal,
    at: datetime,
    basket_id: UUID,
    purchase: Purchase,
    language: str,
    promised: Promised | None,
) -> Redirect:
    """Order at once, or go to the provider first. Who has paid already is taken to where that stands."""
    key = key_for(str(principal), await posted_key(request), msgspec.msgpack.encode((basket_id, purchase)))
    assortment = queries.Assortment(database, tags)
    customer_id = await _customer(request, database, at)
    try:
        if terms(purchase.method, at)[0].provider:
            base = str(request.base_url).rstrip("/")
            paying = await commands.pay(
                desk,
                database,
                assortment,
                shop=shop,
                basket_id=basket_id,
                purchase=purchase,
                language=language,
                channel="web",
                origin=origin_of(request.client.host if request.client else "", holder_secret(links)),
                return_url=lambda id: f"{base}/pay/{links.sign(CHARGE_LINK, id)}",
                webhook_url=f"{base}/api/v1/webhooks/payments",
                key=key,
                actor=str(principal),
                at=at,
                promised=promised,
                customer_id=customer_id,
            )
            return _on_with(request, paying, links)
        placed = await commands.place(
            desk,
            database,
            assortment,
            shop=shop,
            basket_id=basket_id,
            purchase=purchase,
            language=language,
            channel="web",
            key=key,
            actor=str(principal),
            at=at,
            promised=promised,
            customer_id=customer_id,
        )
    except ChargeUnderWay as paid:
        return Redirect(f"/pay/{links.sign(CHARGE_LINK, paid.charge_id)}", status_code=303)
    return _to_order(placed.order_id, links)


def _on_with(request: Request[Any, Any, Any], paying: Paying, links: Links) -> Redirect:
    """Where a payment goes on: at the provider's, by a page that says so; at the order; or where it is waited for."""
    if paying.state == "ordered" and paying.order_id:
        return _to_order(paying.order_id, links)
    token = links.sign(CHARGE_LINK, paying.charge_id)
    return Redirect(f"/pay/{token}/go" if paying.state == "redirect" else f"/pay/{token}", status_code=303)


def _to_order(order_id: UUID, links: Links) -> Redirect:
    response = Redirect(f"/order/{links.sign(ORDER_LINK, order_id)}?new=true", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


# -- the payment


@get("/pay/{token:str}/go", guards=[public], opt={"waits": False})
async def pay_go(view: View, database: Database, desk: Desk, links: Links, at: datetime, token: str) -> Response[str]:
    """You are being taken to the provider's page."""
    charge_id = links.read(CHARGE_LINK, token)
    paying = await commands.settle(desk, database, charge_id=charge_id, at=at)
    if paying.state != "redirect":
        return view.go(f"/pay/{token}")
    title = await _title(view, database, charge_id)
    return view.show("checkout/pay_go.html", paying=paying, title=title, token=token, headers=_NO_STORE)


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
        return view.show("checkout/pay_wait.html", paying=paying, title=title, token=token, headers=_NO_STORE)
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
        methods=[_method(view, method) for method in methods()] if can_try else [],
        total_minor=_total(attempt) if can_try and attempt else 0,
        currency=attempt.order.currency if can_try and attempt and attempt.order else "",
        token=token,
        key=str(uuid7()),
        refused=refused(view, draft, REFUSED, fields=False),
        headers=_NO_STORE,
    )


@get("/pay/{token:str}/state", guards=[public], opt={"waits": False})
async def pay_state(
    view: View, database: Database, desk: Desk, links: Links, at: datetime, token: str
) -> Response[str]:
    """What the waiting page asks every two seconds: the same again, or where to go now."""
    charge_id = links.read(CHARGE_LINK, token)
    paying = await commands.settle(desk, database, charge_id=charge_id, at=at)
    headers = dict(_NO_STORE)
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
    return await _order(
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
    )


def _total(attempt: Attempt) -> int:
    return sum(line.net_minor + line.tax_minor for line in attempt.order.lines) if attempt.order else 0


async def _title(view: View, database: Database, charge_id: UUID) -> str:
    """What the method of a charge is called."""
    async with database.reading() as connection:
        charge = await read_charge(connection, charge_id=charge_id)
    name = charge.method if charge else ""
    return next((_method(view, method)[1] for method in methods() if method.name == name), name)


# -- the payment in the back office


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


def purchase_of(form: Mapping[str, Any]) -> Purchase:
    """The purchase that a form asks for. Refusal: `FormIncomplete`, with every mistake of both addresses."""
    messages = {
        "email": WRONG_EMAIL,
        "payment": CHOOSE,
        "country": CHOOSE,
        "billing_country": CHOOSE,
    }
    typed = Form.read(form, Typed, messages=messages)
    billing = Form.read(form, TypedBilling, messages=messages) if form.get("other_billing") else None
    errors = {**typed.errors, **(billing.errors if billing else {})}
    for prefix in ("", "billing_") if billing else ("",):
        # What posts need there; the command refuses the rest by field, too.
        country, postcode = (str(form.get(prefix + name, "")).strip() for name in ("country", "postcode"))
        example = postcode_like(country, postcode) if postcode else None
        if example is not None:
            wrong = Error(WRONG_POSTCODE) if country == "DE" else Error(OTHER_POSTCODE, {"example": example})
            errors[f"{prefix}postcode"] = wrong
    if errors or typed.content is None:
        raise FormIncomplete(errors=errors)
    told = typed.content
    goods = Address(
        name=told.name,
        company=told.company,
        street=told.street,
        street2=told.street2,
        postcode=told.postcode,
        city=told.city,
        country=told.country,
    )
    bill = goods
    if billing and billing.content:
        other = billing.content
        bill = Address(
            name=other.billing_name,
            company=other.billing_company,
            street=other.billing_street,
            postcode=other.billing_postcode,
            city=other.billing_city,
            country=other.billing_country,
        )
    return Purchase(
        contact=Contact(email=told.email, phone=told.phone, billing=bill, delivery=goods if billing else None),
        method=told.payment,
        total_minor=_whole(form.get("total_minor")),
    )


def drafted(draft: Draft | None) -> Form[Typed]:
    """The form as it came back; a rule that only the command knows stands beside its field as well."""
    form: Form[Typed] = Form.drafted(draft, Typed)
    if draft is not None and str(draft.problem.get("type", "")).endswith(f":{Invalid.code}"):
        field = str(draft.problem.get("field", "")).rpartition(".")[2]
        return form.with_error(field, N_("This does not look right. Please check it."))
    return form


async def _basket(
    request: Request[Any, Any, Any],
    view: View,
    assortment: queries.Assortment,
    shop: Shop,
    country: str | None = None,
) -> Basket | None:
    """The visitor's basket, unless there is none or it became an order."""
    basket_id = _basket_id(request)
    if basket_id is None:
        return None
    ask = partial(assortment.basket, shop=shop, basket_id=basket_id, language=view.language, at=view.question.at)
    try:
        found = await ask(country=country or None)
    except NoDelivery:  # said beside the field; the sum is shown for the shop's own country
        found = await ask()
    except BasketUnknown:
        return None
    return found if found.order_id is None else None


async def _customer(request: Request[Any, Any, Any], database: Database, at: datetime) -> UUID | None:
    """Who is signed in, or None."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    async with database.reading() as connection:
        return await signed_in(connection, token=token, at=at)


async def _known(request: Request[Any, Any, Any], database: Database, view: View) -> dict[str, str]:
    """What of the form an account knows already."""
    customer_id = await _customer(request, database, view.question.at)
    if customer_id is None:
        return {}
    async with database.reading() as connection:
        found = await read_customer(connection, customer_id=customer_id)
        addresses = await read_addresses(connection, customer_id=customer_id)
    if found is None:
        return {}
    known = {"email": found.email, "phone": found.phone, "name": found.name, "account": found.name}
    address = next((one for one in addresses if one.kind == "delivery"), next(iter(addresses), None))
    if address:
        names = ("name", "company", "street", "street2", "postcode", "city", "country")
        known |= {name: getattr(address, name) for name in names}
    return known


async def _window(
    database: Database, shop: Shop, basket: Basket | None, view: View, postcode: str = ""
) -> Window | None:
    """By when everything in a basket is there; None where a line of it has no answer."""
    if basket is None or not basket.ready:
        return None
    wanted = [Wanted(line.variant_id, line.quantity) for line in basket.lines]
    async with database.reading() as connection:
        found = await windows(
            connection, shop=shop, wanted=wanted, at=view.question.at, country=basket.country, postcode=postcode
        )
    return together(found.values()) if len(found) == len({one.variant_id for one in wanted}) else None


def _told(links: Links, window: Window | None, basket: Basket, view: View) -> str:
    """What the page tells about the delivery, for its form; empty if it tells nothing."""
    if window is None:
        return ""
    return promise_token(links, Promised(window.earliest, window.latest, view.question.at), basket.id)


def _countries(view: View, basket: Basket) -> tuple[tuple[str, str], ...]:
    names = cast("dict[str, str]", view.locale.territories)
    return tuple((code, names.get(code, code)) for code in basket.delivers_to or (basket.country,))


def _in_order(found: Sequence[Method]) -> Sequence[Method]:
    """The ways to pay as `PAYMENTS` decides; those of equal rank as they were."""
    if decide(PAYMENTS) != "providers":
        return found
    return sorted(found, key=lambda method: not method.provider)


def _method(view: View, method: Method) -> tuple[str, str, str]:
    """Name, title and hint of a way to pay. Those of providers bring their own words."""
    title, hint = METHODS.get(method.name, (method.title, method.hint))
    return method.name, view.text(title), view.text(hint, days=method.days) if "%(" in hint else view.text(hint)


def _basket_id(request: Request[Any, Any, Any]) -> UUID | None:
    try:
        return UUID(request.cookies.get(COOKIE, ""))
    except ValueError:
        return None


def _needed(request: Request[Any, Any, Any]) -> UUID:
    basket_id = _basket_id(request)
    if basket_id is None:
        raise BasketUnknown(basket_id=UUID(int=0))
    return basket_id


def _cookie(request: Request[Any, Any, Any], basket_id: UUID) -> Cookie:
    # Whoever has the id has the basket: no script and no other site gets it.
    return Cookie(
        COOKIE,
        value=str(basket_id),
        max_age=_KEPT_SECONDS,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.scope["scheme"] == "https",
    )


def _uuid(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise Invalid(field="offer_id", rule="a UUID") from None


def _whole(text: Any) -> int:
    # Fifteen digits are more than any basket costs; a number that JSON cannot hold could not come back with the form.
    if not re.fullmatch("[0-9]{1,15}", str(text)):
        raise Invalid(field="total_minor", rule="a whole number")
    return int(str(text))


routes = (
    basket_page,
    basket_count,
    added,
    add_line,
    set_quantity,
    remove_line,
    checkout_page,
    checkout_sum,
    place,
    pay_go,
    pay_page,
    pay_state,
    pay_again,
    office_charge,
)
# Without its button an article's page sells nothing: on a busy machine it is better late.
slots = (Answerer("product.buy", "checkout", "checkout/product_buy.html", 3_000, _buys, _buys_standing, signs),)
