"""Place an order: of a basket, or in one call without one."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from lotse.domains.catalog.rules import full_name
from lotse.domains.checkout.commands.attempts import end_attempt
from lotse.domains.checkout.contracts import (
    BasketEmpty,
    BasketOrdered,
    BasketUnknown,
    Checkout,
    NotInThisShop,
    NotSold,
    PriceChanged,
    Purchase,
    StoredBasket,
    StoredLine,
    TooManyLines,
    Wanted,
)
from lotse.domains.checkout.queries import Assortment, Quote, QuotedLine, put_together, stored_basket
from lotse.domains.checkout.rules import MAX_LINES, check_contact, check_quantity
from lotse.domains.orders.contracts import Placed, PlaceLine, PlaceRequest, Promised, Source
from lotse.domains.parties.contracts import Channel, Shop
from lotse.domains.payments.contracts import MethodNeedsCharge, MethodUnknown, NewPayment
from lotse.domains.payments.queries import methods, terms
from lotse.domains.pricing.contracts import PricedLine
from lotse.kernel import words
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, recall
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Invalid, Refusal

A = TypeVar("A")


async def place(
    desk: Desk,
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    basket_id: UUID,
    purchase: Purchase,
    language: str,
    channel: Channel,
    key: Key,
    actor: str,
    at: datetime,
    promised: Promised | None = None,
    customer_id: UUID | None = None,
) -> Placed:
    """Order a basket: at the prices that hold now, if they sum to what the buyer saw; from what is in stock now.
    `promised`: by when the page said that it arrives; `customer_id`: who is signed in.

    Refusals, in this order: `KeyReused` and whatever this key was answered before, `BasketUnknown`, `BasketOrdered`,
    `BasketEmpty`, `Invalid` (contact), `MethodUnknown`, `MethodNeedsCharge`, `NoDelivery`, `NotSold`, `PriceChanged`,
    `ChargeUnderWay`, then the desk's: `BasketChanged`, `OutOfStock`.
    """
    try:
        async with database.reading() as conn:
            stored = await stored_basket(conn, basket_id=basket_id)
        if stored is None or stored.shop_id != shop.id:
            raise BasketUnknown(basket_id=basket_id)
        if stored.order_id is not None:
            raise BasketOrdered(basket_id=basket_id, order_id=stored.order_id)
        if not stored.lines:
            raise BasketEmpty(basket_id=basket_id)
        order = await order_of(
            assortment, shop, stored, purchase, language, channel, actor, at, promised=promised, customer_id=customer_id
        )
        if stored.charge_id is not None:
            await end_attempt(database, desk, stored.charge_id, at)
    except Refusal:
        return await answered_before(database, key, Placed)
    request = Checkout(basket_id=basket_id, version=stored.version, order=order)
    return await desk.submit("checkout", request, Placed, key=key, at=at)


async def buy(
    desk: Desk,
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    wanted: Sequence[Wanted],
    purchase: Purchase,
    language: str,
    channel: Channel,
    key: Key,
    actor: str,
    at: datetime,
) -> Placed:
    """Order offers in one call, without a basket: for agents, apps and "buy now".

    Refusals, in this order: `KeyReused` and whatever this key was answered before, `InvalidQuantity`, `Invalid`
    (lines), `TooManyLines`, `NotInThisShop`, `Invalid` (contact), `MethodUnknown`, `NoDelivery`, `NotSold`,
    `PriceChanged`, then the desk's: `OutOfStock`.
    """
    try:
        stored = await _as_basket(assortment, shop, wanted, language, at)
        order = await order_of(assortment, shop, stored, purchase, language, channel, actor, at)
    except Refusal:
        return await answered_before(database, key, Placed)
    return await desk.submit("place", order, Placed, key=key, at=at)


async def answered_before(database: Database, key: Key, answer: type[A]) -> A:
    """In a refusal's handler: what the key was answered before goes first, because the checks read what it changed.

    The desk looks the key up anyway, so only what would be refused here has to ask.
    """
    async with database.reading() as conn:
        answered = await recall(conn, key, answer)
    if answered is None:
        raise
    return answered


async def _as_basket(
    assortment: Assortment, shop: Shop, wanted: Sequence[Wanted], language: str, at: datetime
) -> StoredBasket:
    quantities: dict[UUID, int] = {}
    for line in wanted:
        check_quantity(line.quantity)
        if line.offer_id in quantities:
            raise Invalid(field="lines", rule="each offer once")
        quantities[line.offer_id] = line.quantity
    if not quantities:
        raise Invalid(field="lines", rule="at least one")
    if len(quantities) > MAX_LINES:
        raise TooManyLines(most=MAX_LINES)
    known = await assortment.articles(shop=shop, offer_ids=list(quantities), language=language, at=at)
    lines: list[StoredLine] = []
    for offer_id, quantity in quantities.items():
        if offer_id not in known or known[offer_id].offer.shop_id != shop.id:
            raise NotInThisShop(offer_id=offer_id)
        lines.append(StoredLine(offer_id, known[offer_id].offer.variant_id, quantity, None))
    return StoredBasket(uuid7(), shop.id, None, 1, None, at, lines)


async def order_of(
    assortment: Assortment,
    shop: Shop,
    stored: StoredBasket,
    purchase: Purchase,
    language: str,
    channel: Channel,
    actor: str,
    at: datetime,
    *,
    charged: bool = False,
    promised: Promised | None = None,
    customer_id: UUID | None = None,
) -> PlaceRequest:
    """What the desk is asked for. `charged`: it begins with a charge at a provider.

    Refusals: `Invalid`, `MethodUnknown`, `MethodNeedsCharge`, `NoDelivery`, `NotSold`, `PriceChanged`.
    """
    check_contact(purchase.contact)
    method, due_at = terms(purchase.method, at)
    if charged and not method.provider:
        raise MethodUnknown(method=method.name, known=tuple(one.name for one in methods() if one.provider))
    if method.provider and not charged:
        raise MethodNeedsCharge(method=method.name)
    country = (purchase.contact.delivery or purchase.contact.billing).country
    offer_ids = [line.offer_id for line in stored.lines]
    known = await assortment.articles(shop=shop, offer_ids=offer_ids, language=language, at=at)
    sale = await assortment.terms(shop=shop, at=at)
    # Without the stock: the desk has it, and has the last word.
    priced = put_together(stored, shop, known, sale, {}, at=at, country=country)
    gone = tuple(line.stored.variant_id for line in priced.lines if line.problem == "not_sold")
    if gone:
        raise NotSold(variant_ids=gone)
    total = priced.priced.gross_minor
    if total != purchase.total_minor:
        raise PriceChanged(seen_minor=purchase.total_minor, total_minor=total, currency=shop.currency)
    entity, order_id = sale.entity, uuid7()
    return PlaceRequest(
        order_id=order_id,
        shop_id=shop.id,
        channel=channel,
        legal_entity_id=entity.id,
        zone=entity.timezone,
        customer_id=stored.customer_id or customer_id,
        currency=shop.currency,
        language=language,
        gross=shop.gross,
        lines=await _lines(priced, language),
        contact=purchase.contact,
        payment=NewPayment(
            uuid7(), "order", order_id, method.name, entity.id, entity.timezone, shop.currency, total, due_at
        ),
        released=method.releases,
        actor=actor,
        placed_at=at,
        promised=promised,
    )


async def _lines(quote: Quote, language: str) -> tuple[PlaceLine, ...]:
    await words.read(language)
    goods = [_goods(line, line.priced, quote.shop.country, language) for line in quote.lines if line.priced]
    shipping = [
        PlaceLine(
            kind="shipping",
            sku="",
            text=_SHIPPING_TEXT.get(language[:2], _SHIPPING_TEXT["en"]),
            quantity=1,
            unit_price=line.unit_price,
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
            tax_code=line.tax_code,
            tax_rate=line.tax_rate,
            tax_country=quote.shop.country,
            rule_ids=tuple(line.rules),
        )
        for line in quote.shipping
    ]
    return tuple(goods + shipping)


# The text as sold is part of the order for ever, so it is written here and not translated when it is shown.
_SHIPPING_TEXT = {"de": "Versand", "en": "Delivery"}


def _goods(line: QuotedLine, priced: PricedLine, tax_country: str, language: str) -> PlaceLine:
    variant, offer = line.variant, line.offer
    if variant is None or offer is None:
        raise LookupError(f"offer {line.stored.offer_id} was priced without being known")
    return PlaceLine(
        offer_id=offer.id,
        variant_id=variant.id,
        seller_party_id=offer.seller_party_id,
        sku=variant.sku,
        text=full_name(variant.name, variant.options, language),
        quantity=line.stored.quantity,
        unit=variant.unit,
        unit_price=priced.unit_price,
        net_minor=priced.net_minor,
        tax_minor=priced.tax_minor,
        gross_minor=priced.gross_minor,
        tax_code=priced.tax_code,
        tax_rate=priced.tax_rate,
        tax_country=tax_country,
        rule_ids=tuple(priced.rules),
        sources=tuple(Source(pool.pool_id, pool.location_id) for pool in line.pools),
    )
