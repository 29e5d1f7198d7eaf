"""The checkout on one page. Ordering renders nothing: what is refused comes back to its page as a draft."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect

from lotse.domains.checkout import commands, queries
from lotse.domains.checkout.contracts import CHARGE_LINK, Basket, Paying, Purchase
from lotse.domains.checkout.pages.basket import (
    COOKIE,
    NO_STORE,
    REFUSED,
    THRESHOLD,
    assortment_of,
    basket_of,
    uuid_in,
    window_of,
)
from lotse.domains.checkout.pages.purchase import chosen_of, drafted, parts_of, purchase_of
from lotse.domains.checkout.rules import holder_secret, promise_token, told_promise, told_variation, variation_token
from lotse.domains.customers.commands import put_address
from lotse.domains.customers.contracts import SESSION_COOKIE, CustomerAddress
from lotse.domains.customers.queries import address_book, signed_in
from lotse.domains.customers.queries import customer as read_customer
from lotse.domains.orders.contracts import ORDER_LINK, Contact, Promised
from lotse.domains.parties.contracts import Shop
from lotse.domains.payments.contracts import ChargeUnderWay, Method
from lotse.domains.payments.queries import methods, terms
from lotse.domains.pools.rules import origin_of
from lotse.domains.promise.contracts import Window
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.masters import NotTheMaster
from lotse.kernel.pages.deciding import decide, point
from lotse.kernel.pages.forms import posted_key, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.settings import base_of
from lotse.kernel.tags import Tags

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


@get("/checkout", guards=[public])
async def checkout_page(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    tags: Tags,
    shop: Shop,
    links: Links,
    draft: Draft | None,
    address: Annotated[str, Parameter(max_length=36)] = "",
) -> Response[str]:
    """Everything on one page. Who has nothing to order is sent to the basket, which says why.

    `address`: which of the account's fills the fields, `new` for none.
    """
    form = drafted(draft)
    known, book = await _known(request, database, view)
    chosen = chosen_of(book, address, form)
    known |= parts_of(chosen) if chosen else {}
    country = form.value("country", known.get("country"))
    found = await basket_of(request, view, assortment_of(database, tags), shop, country)
    if found is None or not found.ready:
        if draft is None:
            return view.go("/basket")
        # Ordered in another tab, say: the page that remains tells why this one did not.
        said = refused(view, draft, REFUSED, fields=False)
        return view.show("checkout/basket.html", basket=found, window=None, refused=said, headers=NO_STORE)
    said = refused(view, draft, REFUSED)
    window = await window_of(database, shop, found, view, form.value("postcode", known.get("postcode", "")))
    return view.show(
        "checkout/checkout.html",
        basket=found,
        window=window,
        promise=_told(links, window, found, view),
        free_from=variation_token(links, decide(THRESHOLD), found.id),
        form=form,
        countries=_countries(view, shop, found),
        methods=tuple(method_of(view, method) for method in _in_order(methods())),
        known=known,
        book=book,
        chosen=chosen,
        is_untouched=draft is None and not known,
        refused=None if form.errors else said,
        other_billing=bool(draft and draft.typed.get("other_billing")),
        key=str(uuid7()),
        headers=NO_STORE,
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
    found = await basket_of(request, view, assortment_of(database, tags), shop, country)
    if found is None:
        raise NotFound(what="basket", id="")
    window = await window_of(database, shop, found, view, postcode.strip())
    return view.show(
        "checkout/sum.html",
        basket=found,
        window=window,
        promise=_told(links, window, found, view),
        free_from=variation_token(links, decide(THRESHOLD), found.id),
        is_piece=True,
        headers=NO_STORE,
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
    basket_id = uuid_in(form.get("basket"))
    purchase = purchase_of(form)
    promised = told_promise(links, str(form.get("promise", "")), basket_id)
    free_from = told_variation(links, str(form.get("free_from", "")), basket_id)
    language = str(form.get("language", ""))
    language = language if language in shop.languages else shop.language
    ordered = await order_or_pay(
        request, database, desk, shop, links, tags, principal, at, basket_id, purchase, language, promised, free_from
    )
    if form.get("keep_address") == "yes":
        await _keep_addresses(request, database, purchase.contact, at)
    return ordered


async def order_or_pay(
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
    free_from: str,
) -> Redirect:
    """Order at once, or go to the provider first. Who has paid already is taken to where that stands."""
    key = key_for(str(principal), await posted_key(request), msgspec.msgpack.encode((basket_id, purchase)))
    assortment = queries.Assortment(database, tags, free_from=free_from)
    customer_id = await _customer(request, database, at)
    try:
        if terms(purchase.method, at)[0].provider:
            base = base_of(request.app.state.process.settings)
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
    return to_order(placed.order_id, links)


def _on_with(request: Request[Any, Any, Any], paying: Paying, links: Links) -> Redirect:
    """Where a payment goes on: at the provider's, by a page that says so; at the order; or where it is waited for."""
    if paying.state == "ordered" and paying.order_id:
        return to_order(paying.order_id, links)
    token = links.sign(CHARGE_LINK, paying.charge_id)
    return Redirect(f"/pay/{token}/go" if paying.state == "redirect" else f"/pay/{token}", status_code=303)


def to_order(order_id: UUID, links: Links) -> Redirect:
    response = Redirect(f"/order/{links.sign(ORDER_LINK, order_id)}?new=true", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


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


async def _customer(request: Request[Any, Any, Any], database: Database, at: datetime) -> UUID | None:
    """Who is signed in, or None."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token:
        return None
    async with database.reading() as connection:
        return await signed_in(connection, token=token, at=at)


async def _known(
    request: Request[Any, Any, Any], database: Database, view: View
) -> tuple[dict[str, str], list[CustomerAddress]]:
    """What of the form an account knows already, and its addresses, each once."""
    customer_id = await _customer(request, database, view.question.at)
    if customer_id is None:
        return {}, []
    async with database.reading() as connection:
        found = await read_customer(connection, customer_id=customer_id)
        book = await address_book(connection, customer_id=customer_id)
    if found is None:
        return {}, []
    known = {"email": found.email, "phone": found.phone, "name": found.name, "account": found.name}
    # One that bills go to as well as parcels is one choice.
    once = {tuple(parts_of(one).values()): one for one in reversed(book)}
    return known, list(reversed(once.values()))


def _told(links: Links, window: Window | None, basket: Basket, view: View) -> str:
    """What the page tells about the delivery, for its form; empty if it tells nothing."""
    if window is None:
        return ""
    return promise_token(links, Promised(window.earliest, window.latest, view.question.at), basket.id)


def _countries(view: View, shop: Shop, basket: Basket) -> tuple[tuple[str, str], ...]:
    """Codes and names, the shop's own country first."""
    names = cast("dict[str, str]", view.locale.territories)
    codes = sorted(basket.delivers_to or (basket.country,), key=lambda code: code != shop.country)
    return tuple((code, names.get(code, code)) for code in codes)


def _in_order(found: Sequence[Method]) -> Sequence[Method]:
    """The ways to pay as `PAYMENTS` decides; those of equal rank as they were."""
    if decide(PAYMENTS) != "providers":
        return found
    return sorted(found, key=lambda method: not method.provider)


def method_of(view: View, method: Method) -> tuple[str, str, str]:
    """Name, title and hint of a way to pay. Those of providers bring their own words."""
    title, hint = METHODS.get(method.name, (method.title, method.hint))
    return method.name, view.text(title), view.text(hint, days=method.days) if "%(" in hint else view.text(hint)
