"""The basket; and what other pages show of buying."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.behaviour.contracts import BasketChanged
from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.checkout import commands, queries
from lotse.domains.checkout.contracts import Basket, BasketOrdered, BasketUnknown, NoDelivery, ShippingRate
from lotse.domains.checkout.rules import KEPT, MAX_QUANTITY
from lotse.domains.inventory.contracts import LocationChanged, ShopServed
from lotse.domains.inventory.queries import availability_once, signs, signs_once
from lotse.domains.offers.contracts import OfferChanged
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import kept_shop
from lotse.domains.promise.contracts import PromiseTermsChanged, Wanted, Window
from lotse.domains.promise.queries import windows, windows_once
from lotse.domains.promise.rules import together
from lotse.kernel import clock
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Connection, Database
from lotse.kernel.money import minor_digits, to_minor
from lotse.kernel.pages.deciding import decide, note, point
from lotse.kernel.pages.forms import checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound
from lotse.kernel.tags import Tags, any_of, tagged

COOKIE = "lotse_basket"
# As long as a basket that nobody touches is kept.
_KEPT_SECONDS = int(KEPT.total_seconds())
NO_STORE = {"Cache-Control": "private, no-store"}
REFUSED = {
    "not-sold": N_("Some of this is not sold any more. The basket shows what."),
    "out-of-stock": N_("Somebody was faster: not everything is in stock any more. The basket shows what is left."),
    "price-changed": N_(
        "The total has changed since you saw it. Nothing was ordered: please look at it and order again."
    ),
    "basket-changed": N_("Your basket changed meanwhile. Nothing was ordered: please look at it and order again."),
    "basket-ordered": N_("This basket has been ordered already. The mail that we sent you leads to the order."),
    "basket-empty": N_("Your basket is empty."),
    "basket-unknown": N_("Your basket is empty."),
    "invalid-quantity": N_("From one to %(most)s pieces, please."),
    "too-many-lines": N_("The basket is full: it takes %(most)s different articles."),
    "not-in-this-shop": N_("This shop does not sell it."),
    "no-delivery": N_("We do not deliver there (yet)."),
    "method-unknown": N_("Please choose how you pay."),
    "charge-under-way": N_("This is being paid already."),
}
# How it is said that delivery becomes free, in templates/sums.html.
FREE_FROM = point(
    "basket.free_delivery",
    N_("How free delivery is said"),
    {"to_go": N_("Free delivery from 50 €: 12 € to go"), "add": N_("Add goods for 12 € and delivery is free")},
    pages=["/basket", "/checkout", "/checkout/sum"],
)
# From which value of goods on delivery is free. A buyer orders by what the page said: the form brings it back.
THRESHOLD = point(
    "delivery.free_from",
    N_("From which value delivery is free"),
    {"set": N_("As it is set"), "lower": N_("From a fifth less"), "higher": N_("From a fifth more")},
    pages=["/basket", "/basket/added/{offer_id}", "/checkout", "/checkout/sum", "/delivery"],
)
_offer_changed = tagged(OfferChanged)
_shop_served = tagged(ShopServed)
_ANY_LOCATION = any_of(LocationChanged)
_ANY_TERMS = any_of(PromiseTermsChanged)


class Delivery(Struct, frozen=True):
    """A variant brought to a country: what it costs, and by when it is there; None where nobody can say."""

    rate: ShippingRate
    window: Window | None

    def described(self, goods_minor: int, currency: str) -> dict[str, Any]:
        """For machines (schema.org `OfferShippingDetails`): of goods of this value."""
        charge = Decimal(self.rate.charge_minor(goods_minor)).scaleb(-minor_digits(currency))
        return {
            "@type": "OfferShippingDetails",
            "shippingRate": {"@type": "MonetaryAmount", "value": str(charge), "currency": currency},
            "shippingDestination": {"@type": "DefinedRegion", "addressCountry": self.rate.country},
            **({"deliveryTime": self.window.delivery_time()} if self.window else {}),
        }


class Buy(Struct, frozen=True):
    """What a variant can be bought as; `available`: how many a basket may want. `deliveries`: where to, on its own
    page."""

    offer_id: UUID
    available: int
    deliveries: tuple[Delivery, ...] = ()

    def offer_after(self, offer: Mapping[str, Any]) -> dict[str, Any]:
        """How one piece is delivered: whether that is free depends on what it costs."""
        if "price" not in offer or not self.deliveries:
            return {}
        currency = str(offer["priceCurrency"])
        minor = to_minor(Decimal(offer["price"]), currency)
        return {"shippingDetails": [delivery.described(minor, currency) for delivery in self.deliveries]}


class Quantity(Struct, frozen=True):
    """What is typed for a number of pieces."""

    quantity: Annotated[int, Meta(ge=0, le=MAX_QUANTITY)]


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


async def _product_buys(connection: Connection, ask: Ask) -> Mapping[UUID, Buy]:
    """As `_buys`, with where each is delivered to."""
    buys = await _buys(connection, ask)
    shop = await kept_shop(connection, shop_id=ask.shop)
    if shop is None:
        return buys
    rates = await queries.shipping_rates(connection, shop_id=ask.shop, at=ask.at)
    told = [
        (rate, await windows_once(connection, shop=shop, variant_ids=ask.ids, at=ask.at, country=rate.country))
        for rate in rates
    ]
    return {
        id: replace(buy, deliveries=tuple(Delivery(rate, windows.get(id)) for rate, windows in told))
        for id, buy in buys.items()
    }


async def _product_buys_standing(connection: Connection, ask: Ask) -> Standing:
    """As long as the offers, and as delivery costs the same and takes as long. Stock has its signs in
    `product.stock`, which a product's page asks beside this: looked at once, not twice."""
    return Standing(
        tags=(_shop_served(ask.shop), *(_offer_changed(id) for id in ask.ids)),
        types=(_ANY_LOCATION, _ANY_TERMS),
        signs=await _rates(connection, [ask.shop], at=ask.at),
    )


async def _rates_now(connection: Connection, shop_ids: Sequence[UUID]) -> Mapping[UUID, Any]:
    """The signs of shops: no event tells of a rate that is set, and a coming one begins by itself."""
    return await _rates(connection, shop_ids, at=clock.now())


async def _rates(connection: Connection, shop_ids: Sequence[UUID], *, at: datetime) -> dict[UUID, list[ShippingRate]]:
    return {id: await queries.shipping_rates(connection, shop_id=id, at=at) for id in shop_ids}


class CardBuy(Struct, frozen=True):
    """What a variant can be bought as, on a card: which one it is, and where the others are to choose from."""

    offer_id: UUID
    available: int
    slug: str
    options: dict[str, str]


async def _card_buys(connection: Connection, ask: Ask) -> Mapping[UUID, CardBuy]:
    buys = await _buys(connection, ask)
    variants = await variants_by_ids(connection, variant_ids=list(buys), language=ask.language)
    return {
        one.id: CardBuy(buys[one.id].offer_id, buys[one.id].available, one.slug, one.options)
        for one in variants
        if one.sellable
    }


async def _buys_standing(connection: Connection, ask: Ask) -> Standing:
    """As long as the stock and the offers that it is made of."""
    return Standing(
        tags=tuple(_offer_changed(id) for id in ask.ids),
        types=(_ANY_LOCATION,),
        signs=await signs_once(connection, shop_id=ask.shop, variant_ids=ask.ids),
    )


@get("/basket", guards=[public])
async def basket_page(
    request: Request[Any, Any, Any], view: View, database: Database, tags: Tags, shop: Shop, draft: Draft | None
) -> Response[str]:
    """What is in the basket, at today's prices and stock."""
    found = await basket_of(request, view, assortment_of(database, tags), shop)
    return view.show(
        "checkout/basket.html",
        basket=found,
        window=await window_of(database, shop, found, view),
        refused=refused(view, draft, REFUSED, fields=False),
        headers=NO_STORE,
    )


@get("/basket/count", guards=[public])
async def basket_count(request: Request[Any, Any, Any], view: View, database: Database) -> Response[str]:
    """How many pieces are in the basket, for the header of pages that are the same for everybody."""
    basket_id = _basket_id(request)
    pieces = 0
    if basket_id is not None:
        async with database.reading() as connection:
            pieces = await queries.pieces(connection, basket_id=basket_id)
    return view.show("checkout/count.html", pieces=pieces, headers=NO_STORE)


@get("/basket/added/{offer_id:uuid}", guards=[public])
async def added(
    request: Request[Any, Any, Any], view: View, database: Database, tags: Tags, shop: Shop, offer_id: UUID
) -> Response[str]:
    """The note that something went in."""
    found = await basket_of(request, view, assortment_of(database, tags), shop)
    line = next((line for line in found.lines if line.offer_id == offer_id), None) if found else None
    if found is None or line is None:
        raise NotFound(what="basket line", id=str(offer_id))
    return view.show("checkout/added.html", basket=found, line=line, headers=NO_STORE)


@post("/basket/lines", guards=[public], opt={"form": "/basket"})
async def add_line(
    request: Request[Any, Any, Any], database: Database, tags: Tags, shop: Shop, at: datetime
) -> Response[Any]:
    """Put something in; without a basket, or with one that was ordered, into a new one. Refusals: as the command."""
    form = await request.form()
    quantity = checked({"quantity": form.get("quantity", "1")}, Quantity).quantity
    offer_id = uuid_in(form.get("offer_id"))
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
        place = f'<div data-hx-get="/basket/added/{offer_id}" data-hx-trigger="load" data-hx-swap="outerHTML"></div>'
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


def assortment_of(database: Database, tags: Tags) -> queries.Assortment:
    """What is sold, at what the page's visitor pays for delivery."""
    return queries.Assortment(database, tags, free_from=decide(THRESHOLD))


async def basket_of(
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


async def window_of(
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


def uuid_in(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise Invalid(field="offer_id", rule="a UUID") from None


# Without its button an article's page sells nothing: on a busy machine it is better late.
slots = (
    Answerer(
        "product.buy",
        "checkout",
        "checkout/product_buy.html",
        3_000,
        _product_buys,
        _product_buys_standing,
        _rates_now,
    ),
    Answerer("card.buy", "checkout", "checkout/card_buy.html", 800, _card_buys, _buys_standing, signs),
)
