"""Baskets and placing an order, for apps, partners and agents; the storefront's pages call the same commands."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, post, put
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.domains.checkout import commands, queries
from lotse.domains.checkout.contracts import (
    CHARGE_LINK,
    Basket,
    BasketChanged,
    BasketEmpty,
    BasketOrdered,
    BasketUnknown,
    InvalidQuantity,
    NoDelivery,
    NotInThisShop,
    NotSold,
    Paying,
    PayingState,
    PriceChanged,
    Purchase,
    TooManyLines,
    Wanted,
)
from lotse.domains.checkout.rules import MAX_LINES, holder_secret
from lotse.domains.orders.contracts import ORDER_LINK, OutOfStock, Placed
from lotse.domains.parties.contracts import Shop
from lotse.domains.payments.contracts import (
    ChargeNotReady,
    ChargeUnderWay,
    ChargeUnknown,
    MethodNeedsCharge,
    MethodUnknown,
)
from lotse.domains.payments.queries import CHARGE
from lotse.domains.pools.rules import origin_of
from lotse.kernel.auth.links import Links
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.http import Principal, needs, public
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.refusals import Invalid
from lotse.kernel.settings import base_of
from lotse.kernel.tags import Tags

Language = Annotated[
    str | None,
    Parameter(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,  # the longest tag that RFC 5646 reckons with; an order keeps it for ever
        description="Language of the texts (BCP 47), e.g. `de-AT`; the shop's own without it.",
    ),
]
Country = Annotated[
    str | None, Parameter(pattern="^[A-Z]{2}$", description="Where it is delivered to; the shop's country without it.")
]
# All guests share one scope of keys, and everybody's first basket has the same body: with a key such as "1" a stranger
# would be given the same basket. This is what 96 random bits take in base64.
GUEST_KEY_LENGTH = 16


class Quantity(Struct, frozen=True):
    """How many pieces of the offer the basket shall hold; none takes it out."""

    quantity: int


class Ordered(Struct, frozen=True):
    """The order that was placed. Whoever holds `link` may see it at `/api/v1/order-links/{link}`."""

    order: Placed
    link: str


class NewBasket(Struct, frozen=True):
    """The basket's id is the key to it: whoever knows it may change it."""

    id: UUID


@post("/baskets", guards=[public], operation_id="createBasket", refusals=(Invalid,), tags=["checkout"])
async def create_basket(
    database: Database, principal: Principal, shop: Shop, idempotency_key: str, at: datetime
) -> NewBasket:
    """Start an empty basket. A guest's key must be one that nobody else draws: it answers with the basket again."""
    if principal.kind == "guest" and len(idempotency_key) < GUEST_KEY_LENGTH:
        raise Invalid(
            field="Idempotency-Key", rule=f"{GUEST_KEY_LENGTH} characters or more that nobody guesses: a UUID"
        )
    key = key_for(str(principal), idempotency_key, "create basket")
    return await once(
        database, key, NewBasket, lambda tx: _created(commands.create_basket(tx, shop=shop, at=at)), at=at
    )


@get("/baskets/{basket_id:uuid}", guards=[public], refusals=(BasketUnknown, NoDelivery), tags=["checkout"])
async def read_basket(
    database: Database,
    shop: Shop,
    basket_id: UUID,
    at: datetime,
    language: Language = None,
    country: Country = None,
) -> Basket:
    """A basket with today's prices, stock and delivery charge."""
    return await _basket(database, shop, basket_id, language, country, at)


@put(
    "/baskets/{basket_id:uuid}/lines/{offer_id:uuid}",
    guards=[public],
    refusals=(BasketUnknown, BasketOrdered, NotInThisShop, NotSold, InvalidQuantity, TooManyLines),
    tags=["checkout"],
)
async def set_quantity(
    database: Database,
    principal: Principal,
    shop: Shop,
    basket_id: UUID,
    offer_id: UUID,
    data: Quantity,
    idempotency_key: str,
    at: datetime,
    language: Language = None,
) -> Basket:
    """Set how many pieces of an offer a basket holds, whether it was in it or not."""
    key = key_for(str(principal), idempotency_key, ("set quantity", basket_id, offer_id, data))
    await once(
        database,
        key,
        NewBasket,
        lambda tx: _done(
            basket_id,
            commands.set_quantity(tx, shop=shop, basket_id=basket_id, offer_id=offer_id, quantity=data.quantity, at=at),
        ),
        at=at,
    )
    return await _basket(database, shop, basket_id, language, None, at)


@delete(
    "/baskets/{basket_id:uuid}/lines/{offer_id:uuid}",
    guards=[public],
    refusals=(BasketUnknown, BasketOrdered),
    status_code=200,
    tags=["checkout"],
)
async def remove_line(
    database: Database,
    principal: Principal,
    shop: Shop,
    basket_id: UUID,
    offer_id: UUID,
    idempotency_key: str,
    at: datetime,
    language: Language = None,
) -> Basket:
    """Take an offer out of a basket; not being there is as good."""
    key = key_for(str(principal), idempotency_key, ("remove line", basket_id, offer_id))
    await once(
        database,
        key,
        NewBasket,
        lambda tx: _done(
            basket_id,
            commands.set_quantity(tx, shop=shop, basket_id=basket_id, offer_id=offer_id, quantity=0, at=at),
        ),
        at=at,
    )
    return await _basket(database, shop, basket_id, language, None, at)


@post(
    "/baskets/{basket_id:uuid}/order",
    guards=[public],
    refusals=(
        BasketUnknown,
        BasketOrdered,
        BasketEmpty,
        MethodUnknown,
        MethodNeedsCharge,
        NoDelivery,
        NotSold,
        PriceChanged,
        ChargeUnderWay,
        BasketChanged,
        OutOfStock,
    ),
    tags=["checkout"],
)
async def place_order(
    database: Database,
    desk: Desk,
    links: Links,
    tags: Tags,
    principal: Principal,
    shop: Shop,
    basket_id: UUID,
    data: Purchase,
    idempotency_key: str,
    at: datetime,
    language: Language = None,
) -> Response[Ordered]:
    """Order what is in a basket, if it still costs `total_minor`. All lines or none."""
    placed = await commands.place(
        desk,
        database,
        queries.Assortment(database, tags),
        shop=shop,
        basket_id=basket_id,
        purchase=data,
        language=language or shop.language,
        channel="api",
        key=key_for(str(principal), idempotency_key, ("place order", basket_id, data)),
        actor=str(principal),
        at=at,
    )
    return _ordered(placed, links)


class Buying(Purchase, frozen=True, kw_only=True):
    """A whole order in one call; each offer once."""

    lines: Annotated[tuple[Wanted, ...], Meta(min_length=1, max_length=MAX_LINES)]


@post(
    "/orders",
    guards=[public],
    operation_id="buy",
    opt={"express": True},
    refusals=(
        InvalidQuantity,
        TooManyLines,
        Invalid,
        MethodUnknown,
        MethodNeedsCharge,
        NotInThisShop,
        NoDelivery,
        NotSold,
        PriceChanged,
        OutOfStock,
    ),
    tags=["checkout"],
)
async def buy(
    database: Database,
    desk: Desk,
    links: Links,
    tags: Tags,
    principal: Principal,
    shop: Shop,
    data: Buying,
    idempotency_key: str,
    at: datetime,
    language: Language = None,
) -> Response[Ordered]:
    """Order offers without a basket, if they cost `total_minor` with delivery. All lines or none."""
    placed = await commands.buy(
        desk,
        database,
        queries.Assortment(database, tags),
        shop=shop,
        wanted=data.lines,
        purchase=data,
        language=language or shop.language,
        channel="api",
        key=key_for(str(principal), idempotency_key, ("buy", data)),
        actor=str(principal),
        at=at,
    )
    return _ordered(placed, links)


def _ordered(placed: Placed, links: Links) -> Response[Ordered]:
    link = links.sign(ORDER_LINK, placed.order_id)
    return Response(Ordered(placed, link), status_code=201, headers={"Location": f"/api/v1/order-links/{link}"})


class PaymentStarted(Struct, frozen=True, kw_only=True):
    """How a payment stands. `pending`: ask again; `redirect`: send the buyer to `redirect_url`; `ordered`: `link` is
    the order's; `failed`: nothing was ordered and no money is kept, `reason` says why."""

    charge_id: UUID
    state: PayingState
    redirect_url: str = ""
    reason: str = ""
    order_id: UUID | None = None
    link: str = ""


@post(
    "/baskets/{basket_id:uuid}/payments",
    guards=[public],
    operation_id="startPayment",
    refusals=(
        BasketUnknown,
        BasketOrdered,
        BasketEmpty,
        MethodUnknown,
        NoDelivery,
        NotSold,
        PriceChanged,
        BasketChanged,
        ChargeUnderWay,
    ),
    tags=["checkout"],
)
async def start_payment(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    links: Links,
    tags: Tags,
    principal: Principal,
    shop: Shop,
    basket_id: UUID,
    data: Purchase,
    idempotency_key: str,
    at: datetime,
    language: Language = None,
) -> Response[PaymentStarted]:
    """Pay for a basket through a provider. What is in it is held; the order is placed when the money is there."""
    base = base_of(request.app.state.process.settings)
    paying = await commands.pay(
        desk,
        database,
        queries.Assortment(database, tags),
        shop=shop,
        basket_id=basket_id,
        purchase=data,
        language=language or shop.language,
        channel="api",
        origin=origin_of(request.client.host if request.client else "", holder_secret(links)),
        return_url=lambda id: f"{base}/pay/{links.sign(CHARGE_LINK, id)}",
        webhook_url=f"{base}/api/v1/webhooks/payments",
        key=key_for(str(principal), idempotency_key, ("start payment", basket_id, data)),
        actor=str(principal),
        at=at,
    )
    location = f"/api/v1/baskets/{basket_id}/payments/{paying.charge_id}"
    return Response(_started(paying, links), status_code=201, headers={"Location": location})


@get(
    "/baskets/{basket_id:uuid}/payments/{charge_id:uuid}",
    guards=[public],
    refusals=(ChargeUnknown,),
    tags=["checkout"],
)
async def read_payment_of_basket(
    database: Database, desk: Desk, links: Links, basket_id: UUID, charge_id: UUID, at: datetime
) -> PaymentStarted:
    """How a payment stands now. The provider is asked if it has not told by itself."""
    async with database.reading() as conn:
        attempt = await queries.attempt(conn, charge_id=charge_id)
    if attempt is None or attempt.basket_id != basket_id:
        raise ChargeUnknown(charge_id=charge_id)
    return _started(await commands.settle(desk, database, charge_id=charge_id, at=at), links)


@post(
    "/charges/{charge_id:uuid}/capture",
    guards=[needs("payments.write", CHARGE)],
    refusals=(ChargeUnknown, ChargeNotReady),
    status_code=200,
    tags=["payments"],
)
async def capture_charge(database: Database, desk: Desk, charge_id: UUID, at: datetime) -> Paying:
    """Take what is reserved for an order now. It is done once, however often it is asked for."""
    return await commands.capture(desk, database, charge_id=charge_id, at=at)


@post(
    "/charges/{charge_id:uuid}/void",
    guards=[needs("payments.write", CHARGE)],
    refusals=(ChargeUnknown, ChargeNotReady),
    status_code=200,
    tags=["payments"],
)
async def void_charge(database: Database, desk: Desk, principal: Principal, charge_id: UUID, at: datetime) -> Paying:
    """Give back what is reserved. An order that stands for it is cancelled."""
    return await commands.void(
        desk, database, charge_id=charge_id, reason="voided-by-staff", actor=str(principal), at=at
    )


def _started(paying: Paying, links: Links) -> PaymentStarted:
    ordered = paying.state == "ordered" and paying.order_id is not None
    return PaymentStarted(
        charge_id=paying.charge_id,
        state=paying.state,
        redirect_url=paying.redirect_url,
        reason=paying.reason,
        order_id=paying.order_id,
        link=links.sign(ORDER_LINK, paying.order_id) if ordered and paying.order_id else "",
    )


async def _basket(
    database: Database, shop: Shop, basket_id: UUID, language: str | None, country: str | None, at: datetime
) -> Basket:
    async with database.snapshot() as conn:
        return await queries.basket(
            conn, shop=shop, basket_id=basket_id, language=language or shop.language, country=country, at=at
        )


async def _created(creating: Awaitable[UUID]) -> NewBasket:
    return NewBasket(await creating)


async def _done(basket_id: UUID, changing: Awaitable[None]) -> NewBasket:
    await changing
    return NewBasket(basket_id)


routes = (
    create_basket,
    read_basket,
    set_quantity,
    remove_line,
    place_order,
    buy,
    start_payment,
    read_payment_of_basket,
    capture_charge,
    void_charge,
)
