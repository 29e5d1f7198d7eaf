"""Verbs of the checkout: fill a basket, place an order of it, or pay for it and place the order then.

Paying is a walk over the states of its charge (see `_STEPS`). Each step does one thing that may be repeated: holds,
asks the provider, places the order, captures, gives back. Whoever comes by takes the next one: the buyer's request, the
page that waits, a message of the provider, a job. Who dies leaves the charge where it stands.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from msgspec import Struct, structs
from msgspec.structs import asdict

from lotse.domains.catalog.rules import full_name
from lotse.domains.checkout.contracts import (
    Attempt,
    BasketChanged,
    BasketEmpty,
    BasketOrdered,
    BasketUnknown,
    Checkout,
    HoldForPayment,
    InvalidQuantity,
    NotInThisShop,
    NotSold,
    PaidOrder,
    Paying,
    PriceChanged,
    Purchase,
    ShippingRate,
    StoredBasket,
    StoredLine,
    TooManyLines,
    Wanted,
)
from lotse.domains.checkout.queries import (
    READS,
    Assortment,
    Quote,
    QuotedLine,
    attempt,
    put_together,
    quote,
    stored_basket,
)
from lotse.domains.checkout.rules import (
    ATTEMPT_KEPT,
    ATTENTION,
    HELD,
    MAX_LINES,
    MAX_QUANTITY,
    PATIENCE,
    PAYABLE,
    check_contact,
    check_quantity,
    paying,
)
from lotse.domains.offers.contracts import Offer
from lotse.domains.offers.queries import offer as read_offer
from lotse.domains.orders.commands import cancel as cancel_order
from lotse.domains.orders.contracts import (
    AlreadyCancelled,
    NothingLeft,
    Placed,
    PlaceLine,
    PlaceRequest,
    Promised,
    Source,
)
from lotse.domains.parties.contracts import Channel, Shop, UnknownShop
from lotse.domains.parties.queries import shop as read_shop
from lotse.domains.parties.rules import check_country
from lotse.domains.payments import commands as payments
from lotse.domains.payments.contracts import (
    Authorise,
    Charge,
    ChargeNotReady,
    ChargeState,
    ChargeUnderWay,
    ChargeUnknown,
    MethodNeedsCharge,
    MethodUnknown,
    NewCharge,
    NewPayment,
    Report,
)
from lotse.domains.payments.queries import charge as read_charge
from lotse.domains.payments.queries import methods, open_charges, provider_named, terms
from lotse.domains.payments.queries import payment as read_payment
from lotse.domains.payments.rules import ENDS
from lotse.domains.pools.contracts import Held, HoldEnded, HoldRequest, HoldUnknown, ReleaseRequest, Want
from lotse.domains.pricing.contracts import PricedLine
from lotse.domains.pricing.queries import prices_at
from lotse.domains.pricing.rules import PriceLists
from lotse.kernel import audit, words
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, key_for, once, recall
from lotse.kernel.ids import uuid7
from lotse.kernel.privacy import Erased
from lotse.kernel.refusals import Invalid, Refusal, refusing
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.checkout", "writes")
A = TypeVar("A")
PURPOSE = "basket"
# More steps than any charge takes from its beginning to its end.
_MOST_STEPS = 12


async def create_basket(tx: Transaction, *, shop: Shop, at: datetime, customer_id: UUID | None = None) -> UUID:
    """An empty basket; its id is the key to it."""
    basket_id = uuid7()
    await tx.execute(WRITES.create_basket, id=basket_id, shop_id=shop.id, customer_id=customer_id, at=at)
    return basket_id


async def add_line(
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    basket_id: UUID,
    offer_id: UUID,
    quantity: int,
    at: datetime,
) -> None:
    """Put pieces of an offer into a basket, on top of what is there. One statement, at the price as last heard of:
    placing asks again.

    Refusals: `InvalidQuantity`, `BasketUnknown`, `BasketOrdered`, `NotInThisShop`, `NotSold`, `TooManyLines`.
    """
    check_quantity(quantity)
    try:
        variant_id, price = await _sold(assortment, shop, offer_id, quantity, at)
    except Refusal:
        async with database.reading() as conn:
            await _check_open(conn, shop, basket_id)
        raise
    with refusing({"basket_lines_quantity": lambda: _too_many(quantity)}):
        async with database.single() as conn:
            added = await conn.execute(
                WRITES.add_line,
                basket_id=basket_id,
                shop_id=shop.id,
                offer_id=offer_id,
                variant_id=variant_id,
                quantity=quantity,
                seen_unit_price=price,
                most=MAX_LINES,
                at=at,
            )
    if not added:
        async with database.reading() as conn:
            await _check_open(conn, shop, basket_id)
        raise TooManyLines(most=MAX_LINES)


async def add_first_line(
    database: Database, assortment: Assortment, *, shop: Shop, offer_id: UUID, quantity: int, at: datetime
) -> UUID:
    """Put pieces of an offer into a basket of its own, which it makes: its id.

    Refusals: `InvalidQuantity`, `NotInThisShop`, `NotSold`.
    """
    check_quantity(quantity)
    variant_id, price = await _sold(assortment, shop, offer_id, quantity, at)
    basket_id = uuid7()
    async with database.single() as conn:
        await conn.execute(
            WRITES.add_first_line,
            basket_id=basket_id,
            shop_id=shop.id,
            offer_id=offer_id,
            variant_id=variant_id,
            quantity=quantity,
            seen_unit_price=price,
            at=at,
        )
    return basket_id


async def set_quantity(
    tx: Transaction, *, shop: Shop, basket_id: UUID, offer_id: UUID, quantity: int, at: datetime
) -> None:
    """Set how many pieces of an offer are in a basket; none takes it out, and what is not in it is put in.

    Refusals: as `add_line`.
    """
    check_quantity(quantity, least=0)
    if quantity == 0:
        await _lock(tx, shop, basket_id, at)
        await tx.execute(WRITES.remove_line, basket_id=basket_id, offer_id=offer_id)
        return
    offer, price = await _touch(tx, shop, basket_id, offer_id, quantity, at)
    found = await tx.execute(
        WRITES.set_quantity, basket_id=basket_id, offer_id=offer_id, quantity=quantity, seen_unit_price=price
    )
    if not found:
        if await tx.value(READS.lines, basket_id=basket_id) >= MAX_LINES:
            raise TooManyLines(most=MAX_LINES)
        await tx.execute(
            WRITES.put_line,
            basket_id=basket_id,
            offer_id=offer_id,
            variant_id=offer.variant_id,
            quantity=quantity,
            seen_unit_price=price,
            at=at,
        )


async def put_shipping(
    tx: Transaction,
    *,
    shop_id: UUID,
    country: str,
    price_minor: int,
    free_from_minor: int | None,
    valid_from: datetime,
    by: str,
    at: datetime,
) -> None:
    """What delivery to a country costs from a moment on; saying what holds then already changes nothing.

    Refusals: `Invalid` (country, price_minor, free_from_minor), `UnknownShop`.
    """
    check_country(country, "country")
    known = await tx.many(READS.shipping_rates, ShippingRate, shop_id=shop_id, at=valid_from)
    before = next((rate for rate in known if rate.country == country), None)
    rate = ShippingRate(country, price_minor, free_from_minor)
    if rate == before:
        return
    with refusing(
        {
            "shipping_rates_shop": lambda: UnknownShop(shop=str(shop_id)),
            "shipping_rates_price_not_negative": lambda: Invalid(field="price_minor", rule="0 or more"),
            "shipping_rates_free_from_positive": lambda: Invalid(field="free_from_minor", rule="1 or more, or none"),
        }
    ):
        await tx.execute(
            WRITES.put_shipping,
            shop_id=shop_id,
            country=country,
            valid_from=valid_from,
            price_minor=price_minor,
            free_from_minor=free_from_minor,
        )
    subject = f"checkout.shipping_rate:{shop_id}"
    await audit.record(tx, actor=by, subject=subject, old=before, new=asdict(rate) | {"valid_from": valid_from}, at=at)


async def delete_old(tx: Transaction, *, before: datetime, limit: int = 1_000) -> int:
    """Forget baskets that nobody has touched since `before`; how many."""
    return await tx.execute(WRITES.delete_old, before=before, limit=limit)


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
        order = await _order(
            assortment, shop, stored, purchase, language, channel, actor, at, promised=promised, customer_id=customer_id
        )
        if stored.charge_id is not None:
            await _end_attempt(database, desk, stored.charge_id, at)
    except Refusal:
        return await _answered_before(database, key, Placed)
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
        order = await _order(assortment, shop, stored, purchase, language, channel, actor, at)
    except Refusal:
        return await _answered_before(database, key, Placed)
    return await desk.submit("place", order, Placed, key=key, at=at)


async def _answered_before(database: Database, key: Key, answer: type[A]) -> A:
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


async def _order(
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


# -- paying


class Began(Struct, frozen=True):
    """The attempt that a key stands for."""

    charge_id: UUID


async def pay(
    desk: Desk,
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    basket_id: UUID,
    purchase: Purchase,
    language: str,
    channel: Channel,
    origin: str,
    return_url: Callable[[UUID], str],
    webhook_url: str,
    key: Key,
    actor: str,
    at: datetime,
    promised: Promised | None = None,
    customer_id: UUID | None = None,
) -> Paying:
    """Begin to pay for a basket with a method of a provider; the order is placed when the money is there.

    What the buyer wants is held, and the prices with it, longer than the payment page lives. An attempt before this one
    that has no money yet is given up. `return_url` makes the address that the buyer comes back to of the charge's id;
    the provider's name is added to `webhook_url`.
    Refusals, in this order: `KeyReused` and whatever this key was answered before, `BasketUnknown`, `BasketOrdered`,
    `BasketEmpty`, `Invalid` (contact), `MethodUnknown` (also one that needs no provider), `NoDelivery`, `NotSold`,
    `PriceChanged`, `BasketChanged`, `ChargeUnderWay`. What the stock or the provider says no to is an answer: `failed`.
    """
    try:
        async with database.reading() as conn:
            stored = await stored_basket(conn, basket_id=basket_id)
            before = await attempt(conn, charge_id=stored.charge_id) if stored and stored.charge_id else None
        if stored is None or stored.shop_id != shop.id:
            raise BasketUnknown(basket_id=basket_id)
        if stored.order_id is not None:
            raise BasketOrdered(basket_id=basket_id, order_id=stored.order_id)
        if not stored.lines:
            raise BasketEmpty(basket_id=basket_id)
        order = await _order(
            assortment,
            shop,
            stored,
            purchase,
            language,
            channel,
            actor,
            at,
            charged=True,
            promised=promised,
            customer_id=customer_id,
        )
    except Refusal:
        began = await _answered_before(database, key, Began)
        return await settle(desk, database, charge_id=began.charge_id, at=at)
    charge_id = uuid7()
    new = Attempt(
        charge_id=charge_id,
        basket_id=basket_id,
        version=stored.version,
        shop_id=shop.id,
        order_id=order.order_id,
        hold_id=uuid7(),
        replaces=before.hold_id if before else None,
        origin=origin if stored.customer_id is None else "",
        held_until=at + HELD,
        return_url=return_url(charge_id),
        webhook_url=webhook_url,
        order=order,
        created_at=at,
    )
    method, _ = terms(purchase.method, at)
    charge = NewCharge(
        id=charge_id,
        provider=method.provider,
        method=method.name,
        purpose=PURPOSE,
        purpose_id=basket_id,
        legal_entity_id=order.legal_entity_id,
        zone=order.zone,
        currency=order.currency,
        amount_minor=purchase.total_minor,
        expires_at=at + PAYABLE,
    )
    began = await once(database, key, Began, lambda tx: _begin(tx, new, charge, actor, at), at=at)
    return await settle(desk, database, charge_id=began.charge_id, at=at)


async def _begin(tx: Transaction, new: Attempt, charge: NewCharge, actor: str, at: datetime) -> Began:
    """Under the basket's lock: of two tabs one is later, and finds what the other began."""
    basket = await tx.one(WRITES.lock_basket, _Basket, id=new.basket_id)
    if basket.order_id is not None:
        raise BasketOrdered(basket_id=basket.id, order_id=basket.order_id)
    if basket.version != new.version:
        raise BasketChanged(basket_id=basket.id)
    for other in await open_charges(tx, purpose=PURPOSE, purpose_id=basket.id):
        if not await _superseded(tx, other.id, actor, at):
            raise ChargeUnderWay(charge_id=other.id)
    await payments.begin_charge(tx, new=charge, actor=actor, at=at)
    row = {name: value for name, value in asdict(new).items() if name not in ("created_at", "closed_at")}
    await tx.execute(WRITES.begin_attempt, **row, at=at)
    await tx.execute(WRITES.begin_paying, id=basket.id, charge_id=new.charge_id)
    return Began(new.charge_id)


async def _superseded(tx: Transaction, charge_id: UUID, actor: str, at: datetime) -> bool:
    """Give an attempt up for another one, unless there is money for it: then it is the one that counts."""
    charge = await payments.lock_charge(tx, charge_id=charge_id)
    if charge.state in ("authorised", "taken", "ordered", "captured"):
        return False
    await payments.give_up_charge(tx, charge_id=charge_id, reason="superseded", actor=actor, at=at)
    return True


async def _end_attempt(database: Database, desk: Desk, charge_id: UUID, at: datetime) -> None:
    """Before a basket is ordered otherwise: what an unpaid attempt holds of it must not stand in the buyer's own way.

    Refusal: `ChargeUnderWay` if there is money for it.
    """
    async with database.reading() as conn:
        charge = await read_charge(conn, charge_id=charge_id)
    if charge is None or not charge.is_open:
        return
    async with database.transaction() as tx:
        if not await _superseded(tx, charge_id, "system", at):
            raise ChargeUnderWay(charge_id=charge_id)
    found = await _attempt(database, charge_id)
    await _release(desk, found, at)


async def settle(desk: Desk, database: Database, *, charge_id: UUID, at: datetime, eager: bool = False) -> Paying:
    """Bring a payment as far as it comes now, and say how it stands. Safe to call at any time, by any number at once.

    `eager`: ask the provider even if it was asked a moment ago. Refusal: `ChargeUnknown`.
    """
    for _ in range(_MOST_STEPS):
        charge, found = await _standing(database, charge_id)
        step = _STEPS.get(charge.state, _closed)
        if not await step(_Work(desk, database, charge, found, at, eager)):
            break
    charge, found = await _standing(database, charge_id)
    return paying(charge, found)


class _Work(Struct, frozen=True):
    """What a step works with. `attempt` is as it was when the step began; so is `charge`."""

    desk: Desk
    database: Database
    charge: Charge
    attempt: Attempt
    at: datetime
    eager: bool

    async def heard(self, report: Report, what: str) -> bool:
        """Note what the provider said; whether that moved the charge."""
        async with self.database.transaction() as tx:
            charge = await payments.report_charge(tx, charge_id=self.charge.id, report=report, what=what, at=self.at)
        return charge.state != self.charge.state

    async def give_up(self, reason: str) -> bool:
        async with self.database.transaction() as tx:
            await payments.give_up_charge(tx, charge_id=self.charge.id, reason=reason, actor="system", at=self.at)
        return True


async def _start(work: _Work) -> bool:
    """Hold, then ask the provider. One of all who come by asks it: who noted first that it is being asked."""
    charge, found = work.charge, work.attempt
    order = found.order
    if order is None or work.at - charge.created_at > ATTENTION:
        return await work.give_up("abandoned")  # whoever began is gone
    wants = tuple(
        Want(line.quantity, tuple(source.pool_id for source in line.sources)) for line in order.lines if line.sources
    )
    holder = f"customer:{order.customer_id}" if order.customer_id else f"basket:{found.basket_id}"
    hold = HoldRequest(found.hold_id, holder, wants, found.held_until, origin=found.origin)
    try:
        await work.desk.submit(
            "hold_for_payment",
            HoldForPayment(hold, found.replaces),
            Held,
            key=_key("hold", charge.id),
            at=work.at,
        )
    except Refusal as refusal:
        return False if refusal.status >= _UNAVAILABLE else await work.give_up(refusal.code)
    async with work.database.transaction() as tx:
        ours = await payments.ask_charge(tx, charge_id=charge.id, at=work.at)
    if not ours:
        return True
    provider = provider_named(charge.provider)
    report = await provider.authorise(
        Authorise(
            reference=str(charge.id),
            method=charge.method,
            amount_minor=charge.amount_minor,
            currency=charge.currency,
            description=_DESCRIPTION.get(order.language[:2], _DESCRIPTION["en"]),
            language=order.language,
            return_url=found.return_url,
            webhook_url=f"{found.webhook_url}/{charge.provider}" if found.webhook_url else "",
            expires_at=charge.expires_at,
            capture=provider.captures_at_once(charge.method),
        )
    )
    await work.heard(report, "authorise")
    # Without an answer nothing is done at once: the page that waits, or a job, looks it up by its reference.
    return report.outcome != "unknown"


async def _look_up(work: _Work) -> bool:
    """The provider was asked and may or may not know the charge: look it up before anything else is done."""
    charge, at = work.charge, work.at
    if not work.eager and at - charge.looked_at < PATIENCE:
        return False
    report = await provider_named(charge.provider).status(str(charge.id))
    if report.outcome == "absent":
        if at - charge.changed_at < ATTENTION:
            return False  # whoever asks may be about to
        return await work.give_up("no-answer")
    if await work.heard(report, "status"):
        return True
    # The page is over and nobody has decided.
    return await work.give_up("expired") if at >= charge.expires_at else False


async def _place_paid(work: _Work) -> bool:
    """The money is there: the order is placed, or the money goes back."""
    charge, found, at = work.charge, work.attempt, work.at
    order = found.order
    if order is None:
        return await work.give_up("forgotten")
    if at >= found.held_until and (reason := await _changed_since(work.database, found, order, at)):
        return await work.give_up(reason)
    request = PaidOrder(
        charge_id=charge.id,
        basket_id=found.basket_id,
        version=found.version,
        hold_id=found.hold_id,
        order=structs.replace(order, placed_at=at),
    )
    try:
        await work.desk.submit("paid_order", request, Placed, key=_key("order", charge.id), at=at)
    except (ChargeNotReady, ChargeUnknown):
        return True  # somebody else has decided meanwhile
    except Refusal as refusal:
        return False if refusal.status >= _UNAVAILABLE else await work.give_up(refusal.code)
    return True


async def _changed_since(database: Database, found: Attempt, order: PlaceRequest, at: datetime) -> str | None:
    """Why a basket whose hold has expired can not be ordered as the buyer saw it: the code of a refusal."""
    async with database.snapshot() as conn:
        shop = await read_shop(conn, shop_id=found.shop_id)
        stored = await stored_basket(conn, basket_id=found.basket_id)
        if shop is None or stored is None:
            return BasketUnknown.code
        contact = order.contact
        country = (contact.delivery or contact.billing).country if contact else None
        try:
            now = await quote(conn, shop=shop, stored=stored, language=order.language, at=at, country=country)
        except Refusal as refusal:
            return refusal.code
    if any(line.problem == "not_sold" for line in now.lines):
        return NotSold.code
    total = sum(line.net_minor + line.tax_minor for line in order.lines)
    return PriceChanged.code if now.priced.gross_minor != total else None


async def _capture(work: _Work) -> bool:
    """The order is placed: take the money that is reserved for it."""
    charge = work.charge
    report = await provider_named(charge.provider).capture(
        str(charge.id), amount_minor=charge.amount_minor, currency=charge.currency
    )
    return await work.heard(report, "capture")


async def _give_back(work: _Work) -> bool:
    """Nothing will come of it: the hold ends, an order that stands for it is cancelled, and no money stays with us."""
    charge = work.charge
    if charge.payment_id is not None:
        await _cancel_order(work, charge.payment_id)
    await _release(work.desk, work.attempt, work.at)
    if charge.kept_minor > 0:
        async with work.database.transaction() as tx:
            refund = await payments.refund_all(tx, charge_id=charge.id, at=work.at)
        if refund is None or refund.state != "asked":
            return False
        refund = await payments.send_refund(work.database, refund_id=refund.id, at=work.at)
        return refund.state == "done"
    # Also if it never heard of the charge: voided it cannot become one later.
    report = await provider_named(charge.provider).void(str(charge.id))
    moved = await work.heard(report, "void")
    return moved or report.captured_minor > report.refunded_minor


async def _cancel_order(work: _Work, payment_id: UUID) -> None:
    async with work.database.reading() as conn:
        payment = await read_payment(conn, payment_id=payment_id)
        if payment is None:
            raise LookupError(f"charge {work.charge.id} names payment {payment_id}, which is not there")
        try:
            await cancel_order(
                work.desk,
                conn,
                order_id=payment.purpose_id,
                reason=NOT_PAID,
                actor="system",
                key=_key("cancel", work.charge.id),
                at=work.at,
            )
        except (AlreadyCancelled, NothingLeft):
            return  # by somebody else, who knew


async def _closed(work: _Work) -> bool:
    """At its end: nothing is held any more, and names are kept no longer than somebody may want to try again."""
    charge, found = work.charge, work.attempt
    if found.closed_at is None:
        if charge.payment_id is None:
            await _release(work.desk, found, work.at)
        async with work.database.transaction() as tx:
            forget = charge.state == "captured"
            await tx.execute(WRITES.close_attempt, charge_id=charge.id, forget=forget, at=work.at)
    return False


async def _release(desk: Desk, found: Attempt, at: datetime) -> None:
    try:
        await desk.submit("release", ReleaseRequest(found.hold_id), Held, key=_key("release", found.charge_id), at=at)
    except (HoldUnknown, HoldEnded):
        return  # never made, or ended before


_Step = Callable[[_Work], Awaitable[bool]]
# What is to be done with a charge that stands so; True: something has moved, look again.
_STEPS: Mapping[ChargeState, _Step] = {
    "started": _start,
    "asked": _look_up,
    "waiting": _look_up,
    "authorised": _place_paid,
    "taken": _place_paid,
    "ordered": _capture,
    "giving_up": _give_back,
}
# From here on a refusal says that somebody is busy or away: nothing is decided by it.
_UNAVAILABLE = 500
# What the buyer reads on the provider's page and on the statement; the order has no number yet.
_DESCRIPTION = {"de": "Dein Einkauf", "en": "Your purchase"}
NOT_PAID = "the payment could not be taken"


def _key(what: str, charge_id: UUID) -> Key:
    """One key per charge and step, whatever the request holds: repeated by anybody it is the same."""
    return key_for("system", f"checkout.{what}:{charge_id}", b"")


async def void(desk: Desk, database: Database, *, charge_id: UUID, reason: str, actor: str, at: datetime) -> Paying:
    """Give back what a charge reserved, by somebody with the right. An order that stands for it is cancelled.

    Refusals: `ChargeUnknown`, `ChargeNotReady` (what was captured is refunded, not voided).
    """
    async with database.transaction() as tx:
        charge = await payments.lock_charge(tx, charge_id=charge_id)
        if charge.state in ENDS:
            raise ChargeNotReady(charge_id=charge_id, state=charge.state)
        await payments.give_up_charge(tx, charge_id=charge_id, reason=reason, actor=actor, at=at, ordered_too=True)
    return await settle(desk, database, charge_id=charge_id, at=at, eager=True)


async def capture(desk: Desk, database: Database, *, charge_id: UUID, at: datetime) -> Paying:
    """Take the money of an order now, by somebody who does not want to wait for the job.

    Refusals: `ChargeUnknown`, `ChargeNotReady`.
    """
    charge, _ = await _standing(database, charge_id)
    if charge.state not in ("ordered", "captured"):
        raise ChargeNotReady(charge_id=charge_id, state=charge.state)
    return await settle(desk, database, charge_id=charge_id, at=at, eager=True)


async def forget_attempts(tx: Transaction, *, at: datetime, limit: int = 1_000) -> int:
    """Erase the names of attempts that nobody came back to; how many."""
    return await tx.execute(WRITES.forget_attempts, before=at - ATTEMPT_KEPT, limit=limit)


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase what a person's own attempts to pay say of them; one that is under way is closed within the hour."""
    return Erased(await tx.execute(WRITES.erase_attempts, party_id=party_id))


async def _standing(database: Database, charge_id: UUID) -> tuple[Charge, Attempt]:
    async with database.reading() as conn:
        charge = await read_charge(conn, charge_id=charge_id)
    if charge is None or charge.purpose != PURPOSE:
        raise ChargeUnknown(charge_id=charge_id)
    return charge, await _attempt(database, charge_id)


async def _attempt(database: Database, charge_id: UUID) -> Attempt:
    async with database.reading() as conn:
        found = await attempt(conn, charge_id=charge_id)
    if found is None:
        raise LookupError(f"charge {charge_id} has no attempt")
    return found


class _Basket(Struct, frozen=True):
    id: UUID
    version: int
    order_id: UUID | None


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


async def _sold(
    assortment: Assortment, shop: Shop, offer_id: UUID, quantity: int, at: datetime
) -> tuple[UUID, Decimal]:
    """The variant of an offer and what one of so many costs. Refusals: `NotInThisShop`, `NotSold`."""
    known = await assortment.articles(shop=shop, offer_ids=[offer_id], language=shop.language, at=at)
    article = known.get(offer_id)
    if article is None or article.offer.shop_id != shop.id:
        raise NotInThisShop(offer_id=offer_id)
    found = PriceLists(article.prices, at=at).find(article.offer.variant_id, quantity)
    if article.offer.state != "active" or found is None or found.unit_price is None:
        raise NotSold(variant_ids=(article.offer.variant_id,))
    return article.offer.variant_id, found.unit_price


def _too_many(quantity: int) -> InvalidQuantity:
    return InvalidQuantity(quantity=quantity, least=1, most=MAX_QUANTITY)


async def _check_open(conn: Connection, shop: Shop, basket_id: UUID) -> None:
    """Refusals: `BasketUnknown`, `BasketOrdered`."""
    stored = await stored_basket(conn, basket_id=basket_id)
    if stored is None or stored.shop_id != shop.id:
        raise BasketUnknown(basket_id=basket_id)
    if stored.order_id is not None:
        raise BasketOrdered(basket_id=basket_id, order_id=stored.order_id)


async def _lock(tx: Transaction, shop: Shop, basket_id: UUID, at: datetime) -> None:
    shop_id = await tx.value(WRITES.touch_basket, id=basket_id, at=at)
    if shop_id is None or shop_id != shop.id:
        await _check_open(tx, shop, basket_id)
        raise BasketUnknown(basket_id=basket_id)


async def _touch(
    tx: Transaction, shop: Shop, basket_id: UUID, offer_id: UUID, quantity: int, at: datetime
) -> tuple[Offer, Decimal]:
    await _lock(tx, shop, basket_id, at)
    offer = await read_offer(tx, offer_id=offer_id)
    if offer is None or offer.shop_id != shop.id:
        raise NotInThisShop(offer_id=offer_id)
    prices = await prices_at(tx, shop_id=shop.id, variant_ids=[offer.variant_id], at=at)
    found = PriceLists(prices, at=at).find(offer.variant_id, quantity)
    if offer.state != "active" or found is None or found.unit_price is None:
        raise NotSold(variant_ids=(offer.variant_id,))
    return offer, found.unit_price
