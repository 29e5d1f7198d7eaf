"""Makes the season true: every order, cancellation, return, payment and refund goes through the command that a till, a
page or a bank import would use, at the moment at which it happened.

Day after day, so that every pool's history reads in order. What was done is known by natural keys: a loading that was
cut off or ran out of its time goes on at the day where it stopped, in the background of `lotse up` if need be.
"""

import asyncio
import contextlib
import gc
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.catalog.rules import full_name
from lotse.domains.customers.contracts import StoredCustomer
from lotse.domains.customers.queries import customers_by_number
from lotse.domains.inventory.queries import stock_of_variants
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.orders.commands import amend, place, sell
from lotse.domains.orders.contracts import (
    Amended,
    AmendRequest,
    Contact,
    LineFacts,
    OrderFacts,
    PlaceLine,
    PlaceRequest,
    Source,
    TakeBack,
)
from lotse.domains.parties.contracts import LegalEntity, Shop
from lotse.domains.parties.queries import legal_entity, shop_by_code
from lotse.domains.payments.commands import record_receipt
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.payments.queries import terms
from lotse.domains.tax.contracts import Rate
from lotse.domains.tax.queries import rates_for
from lotse.domains.tax.rules import rate_at, split_gross
from lotse.kernel import clock, relay
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, key_for, once, recall
from lotse.kernel.money import spread
from lotse.plugins.demo_sports import retailer
from lotse.plugins.demo_sports.assortment import Assortment, Product, Variant, assortment
from lotse.plugins.demo_sports.people import PEOPLE
from lotse.plugins.demo_sports.season import Later, Sale, Season, season

ACTOR = "demo:wellenkamm"
# Outside of this, the desk is asked for more than one batch can hold while another commits.
_IN_FLIGHT = 768
_PROGRESS_SECONDS = 1.0
# While the season is loaded the relay may stand still elsewhere: its rows would be all that is in the outbox.
_RELAY_SECONDS = 0.5
_GARBAGE_THRESHOLD = 200_000
# Refunds of the last days are still to be made by somebody: without them the list of what is due is empty.
_REFUND_LAG_SECONDS = 2 * 86_400

Progress = Callable[..., None]


class Begun(Struct, frozen=True):
    """When the demo was loaded first, of which seed, and how many orders its season has. Never changes."""

    at: datetime
    seed: int
    orders: int


class Done(Struct, frozen=True):
    """A day of the season is loaded."""

    orders: int


async def begun(db: Database, *, seed: int, orders: int, at: datetime) -> Begun:
    """What the first loading decided."""

    async def decide(_: Transaction) -> Begun:
        return Begun(at, seed, orders)

    return await once(db, key_for(ACTOR, "begun", "begun", natural=True), Begun, decide, at=at)


async def go_on(db: Database, desk: Desk, *, counted: Callable[[int, int], None]) -> None:
    """Load what is left of the season, beside a Lotse that is at work. `counted`: how many orders of how many."""
    async with db.reading() as conn:
        first = await recall(conn, key_for(ACTOR, "begun", "begun", natural=True), Begun)
        if first is None or await _done(conn, first.at.astimezone(ZoneInfo(retailer.TIMEZONE)).date()):
            return
    goods = assortment(first.seed)
    past = await asyncio.to_thread(season, goods, first.seed, first.at, first.orders)
    await load(db, desk, goods, past, progress=lambda *_: None, counted=counted, relays=False)


async def load(
    db: Database,
    desk: Desk,
    goods: Assortment,
    past: Season,
    *,
    progress: Progress,
    counted: Callable[[int, int], None] = lambda loaded, total: None,
    seconds: float = math.inf,
    relays: bool = True,
) -> None:
    """Every day that is not loaded yet, the oldest first, until the time is over."""
    stop_at = time.monotonic() + seconds
    total = sum(len(sales) for _, sales in past.days)
    loaded = 0
    async with db.reading() as conn:
        books = await _Books.opened(conn, goods)
    until = max((sale.at for sale in past.sales), default=clock.now())
    told = 0.0
    with _seldom_collected():
        async with _relaying(db) if relays else contextlib.nullcontext():
            for day, sales in past.days:
                async with db.reading() as conn:
                    known = await _done(conn, day)
                if not known:
                    if time.monotonic() > stop_at:
                        progress(f"season: {loaded:,} of {total:,} orders; the rest arrives while the shop is open")
                        return
                    await _day(db, desk, books, sales, until)
                    await once(db, _day_key(day), Done, _answering(Done(len(sales))), at=clock.now())
                loaded += len(sales)
                counted(loaded, total)
                if time.monotonic() > told + _PROGRESS_SECONDS or loaded == total:
                    told = time.monotonic()
                    progress(f"season: {day}, {loaded:,} of {total:,} orders")


async def _day(db: Database, desk: Desk, books: "_Books", sales: Sequence[Sale], until: datetime) -> None:
    """The sales of a day, in their order; and, of each, all that became of it, whenever that was."""
    gate = asyncio.Semaphore(_IN_FLIGHT)

    async def sold(sale: Sale) -> PlaceRequest:
        async with gate:
            request = books.request(sale)
            key = key_for(ACTOR, sale.number, sale.number, natural=True)
            await (place if sale.way == "web" else sell)(desk, request=request, key=key)
            return request

    requests = await asyncio.gather(*(sold(sale) for sale in sales))
    receipts: list[tuple[Sale, PlaceRequest, Later, int]] = []

    async def lived(sale: Sale, request: PlaceRequest) -> None:
        owed = request.payment.amount_minor
        paid = request.payment.settled is not None
        for number, later in enumerate(sale.later):
            if later.what == "paid":
                receipts.append((sale, request, later, owed))
                paid = True
                continue
            refunds = paid and (sale.way == "till" or (until - later.at).total_seconds() > _REFUND_LAG_SECONDS)
            wanted = books.amendment(sale, request, later, number, refunds=refunds)
            async with gate:
                key = key_for(ACTOR, f"{sale.number}:{number}", sale.number, natural=True)
                amended: Amended = await amend(desk, request=wanted, key=key)
            owed -= amended.gross_minor

    # What is paid first must be recorded before it is refunded, and one order's facts stay in their order.
    early = [(s, r) for s, r in zip(sales, requests, strict=True) if s.later and s.later[0].what != "paid"]
    await asyncio.gather(*(lived(sale, request) for sale, request in early))
    rest = [(s, r) for s, r in zip(sales, requests, strict=True) if s.later and s.later[0].what == "paid"]
    receipts += [(sale, request, sale.later[0], request.payment.amount_minor) for sale, request in rest]
    if receipts:
        async with db.transaction() as tx:
            for sale, request, later, owed in receipts:
                if owed > 0:
                    await record_receipt(
                        tx,
                        payment_id=request.payment.id,
                        amount_minor=owed,
                        reference=f"SEPA {sale.number}",
                        actor="bank",
                        occurred_at=later.at,
                        at=clock.now(),
                    )
    receipts.clear()
    await asyncio.gather(*(lived(sale, request) for sale, request in rest))


def _day_key(day: date) -> Key:
    return key_for(ACTOR, f"season:{day}", "day", natural=True)


async def _done(conn: Connection, day: date) -> bool:
    return await recall(conn, _day_key(day), Done) is not None


def _answering(done: Done) -> Callable[[Transaction], Coroutine[Any, Any, Done]]:
    async def answer(_: Transaction) -> Done:
        return done

    return answer


# -- facts as requests


class _Article(Struct, frozen=True):
    product: Product
    variant: Variant
    id: UUID
    offer_id: UUID | None
    text: str


class _Books(Struct, frozen=True):
    """What requests are made of: this database's ids, the rates, the terms."""

    shops: dict[str, Shop]
    entity: LegalEntity
    articles: dict[str, _Article]
    pools: dict[tuple[str, str], Source]
    rates: list[Rate]
    known_rates: dict[tuple[str, date], Rate]
    customers: dict[str, StoredCustomer]
    shipping_minor: int
    shipping_free_minor: int

    @staticmethod
    async def opened(conn: Connection, goods: Assortment) -> "_Books":
        codes = [retailer.CODE, retailer.MARKETPLACE]
        codes += [retailer.till_shop(place.code) for place in retailer.PLACES if place.kind == "store"]
        shops = {code: shop for code in codes if (shop := await shop_by_code(conn, code=code)) is not None}
        main = shops[retailer.CODE]
        entity = await legal_entity(conn, legal_entity_id=main.legal_entity_id)
        if entity is None:
            raise LookupError("the house has no legal entity")
        pairs = [(product, variant) for product in goods.products for variant in product.variants]
        ids = await variant_ids_by_sku(conn, skus=[variant.sku for _, variant in pairs])
        offers = {
            offer.variant_id: offer.id
            for offer in await offers_for_variants(conn, shop_id=main.id, variant_ids=list(ids.values()))
        }
        skus = {id: sku for sku, id in ids.items()}
        lines = await stock_of_variants(conn, variant_ids=list(skus))
        articles = {
            variant.sku: _Article(
                product,
                variant,
                ids[variant.sku],
                offers.get(ids[variant.sku]),
                full_name(product.name.de, variant.options, "de"),
            )
            for product, variant in pairs
        }
        customers = await customers_by_number(conn, numbers=[number for number, *_ in PEOPLE])
        _, shipping, free = next(one for one in retailer.SHIPPING if one[0] == retailer.COUNTRY)
        return _Books(
            shops,
            entity,
            articles,
            {(skus[line.variant_id], line.location_code): Source(line.pool_id, line.location_id) for line in lines},
            await rates_for(conn, country=main.country),
            {},
            customers,
            shipping,
            free or 0,
        )

    def request(self, sale: Sale) -> PlaceRequest:
        """The order as it is placed."""
        shop = self._shop(sale)
        lines = [self._goods(sale, line.sku, line.quantity, line.price_minor, shop) for line in sale.lines]
        if sale.way == "web" and sale.goods_minor < self.shipping_free_minor:
            lines += self._shipping(sale)
        total = sum(line.gross_minor for line in lines)
        settled = sale.method not in ("invoice", "prepayment")
        due_at = sale.at if settled else terms(sale.method, sale.at)[1]
        order_id = sale.id
        address = PEOPLE[sale.person] if sale.person is not None else None
        customer = self.customers.get(address[0]) if address and sale.known else None
        return PlaceRequest(
            order_id=order_id,
            number=sale.number,
            shop_id=shop.id,
            channel=sale.way,
            legal_entity_id=self.entity.id,
            zone=self.entity.timezone,
            customer_id=customer.id if customer else None,
            currency=shop.currency,
            language=shop.language,
            gross=True,
            lines=tuple(lines),
            contact=Contact(email=address[1], billing=address[2]) if address else None,
            payment=NewPayment(
                id=UUID(int=order_id.int ^ 1),
                purpose="order",
                purpose_id=order_id,
                method=sale.method,
                legal_entity_id=self.entity.id,
                zone=self.entity.timezone,
                currency=shop.currency,
                amount_minor=total,
                due_at=due_at,
                settled=_reference(sale) if settled else None,
            ),
            released=sale.method != "prepayment",
            actor=ACTOR if sale.way != "web" else "guest",
            placed_at=sale.at,
        )

    def amendment(self, sale: Sale, request: PlaceRequest, later: Later, number: int, *, refunds: bool) -> AmendRequest:
        """A cancellation of the whole order, or a return of pieces of one line."""
        whole = later.what == "cancelled"
        goods = len(sale.lines)
        back = tuple(
            TakeBack(
                position=position,
                quantity=line.quantity if whole else later.quantity,
                restock=line.sources[0].pool_id if position <= goods else None,
            )
            for position, line in enumerate(request.lines, 1)
            if whole or position == later.line + 1
        )
        low = Random(f"{sale.number}:{number}").getrandbits(62)
        return AmendRequest(
            amendment_id=UUID(int=int(later.at.timestamp() * 1000) << 80 | 7 << 76 | 0b10 << 62 | low),
            kind="cancellation" if whole else "return",
            order=OrderFacts(
                request.order_id,
                sale.number,
                request.legal_entity_id,
                request.zone,
                request.customer_id,
                request.payment.id,
                request.currency,
                tuple(
                    LineFacts(
                        position,
                        line.variant_id,
                        line.kind,
                        line.sku,
                        line.text,
                        line.quantity,
                        line.net_minor,
                        line.tax_minor,
                        line.gross_minor,
                        line.tax_code,
                        line.tax_rate,
                    )
                    for position, line in enumerate(request.lines, 1)
                ),
            ),
            lines=back,
            reason="changed their mind" if whole else _REASONS[low % len(_REASONS)],
            actor=ACTOR,
            occurred_at=later.at,
            refunded=f"{_reference(sale)} back {number + 1}" if refunds else None,
        )

    def _shop(self, sale: Sale) -> Shop:
        if sale.way == "till":
            return self.shops[retailer.till_shop(sale.place)]
        return self.shops[retailer.MARKETPLACE if sale.way == "marketplace" else retailer.CODE]

    def _goods(self, sale: Sale, sku: str, quantity: int, price_minor: int, shop: Shop) -> PlaceLine:
        article = self.articles[sku]
        rate = self._rate(article.product.tax_class, sale.at)
        split = split_gross(quantity * price_minor, rate.rate)
        return PlaceLine(
            offer_id=article.offer_id if sale.way == "web" else None,
            variant_id=article.id,
            seller_party_id=shop.owner_party_id,
            sku=sku,
            text=article.text,
            quantity=quantity,
            unit_price=Decimal(price_minor) / 100,
            net_minor=split.net_minor,
            tax_minor=split.tax_minor,
            gross_minor=split.gross_minor,
            tax_code=rate.code,
            tax_rate=rate.rate,
            tax_country=shop.country,
            sources=(self.pools[sku, sale.place],),
        )

    def _shipping(self, sale: Sale) -> Iterator[PlaceLine]:
        """The delivery charge; it shares the tax of the goods (UStAE 3.10 (5))."""
        values: dict[str, int] = {}
        for line in sale.lines:
            tax_class = self.articles[line.sku].product.tax_class
            values[tax_class] = values.get(tax_class, 0) + line.quantity * line.price_minor
        for tax_class, part in zip(values, spread(self.shipping_minor, list(values.values())), strict=True):
            rate = self._rate(tax_class, sale.at)
            split = split_gross(part, rate.rate)
            if part:
                yield PlaceLine(
                    kind="shipping",
                    sku="",
                    text="Versand",
                    quantity=1,
                    unit_price=Decimal(part) / 100,
                    net_minor=split.net_minor,
                    tax_minor=split.tax_minor,
                    gross_minor=part,
                    tax_code=rate.code,
                    tax_rate=rate.rate,
                    tax_country=retailer.COUNTRY,
                    rule_ids=(f"shipping:{retailer.COUNTRY}",),
                )

    def _rate(self, tax_class: str, at: datetime) -> Rate:
        day = at.astimezone(ZoneInfo(self.entity.timezone)).date()
        if (tax_class, day) not in self.known_rates:
            self.known_rates[tax_class, day] = rate_at(self.rates, retailer.COUNTRY, tax_class, day)
        return self.known_rates[tax_class, day]


_REASONS = ("too small", "too large", "does not please", "arrived too late", "another colour was expected", "damaged")


def _reference(sale: Sale) -> str:
    if sale.way == "till":
        return f"till {sale.number.replace('-', ' receipt ', 1)}"
    return f"{'payout' if sale.way == 'marketplace' else 'card'} {sale.number}"


# -- around it


@asynccontextmanager
async def _relaying(db: Database) -> AsyncIterator[None]:
    """Moves events on while the block runs, which no worker does yet; PostgreSQL has the time between batches."""

    async def work() -> None:
        while True:
            await asyncio.sleep(_RELAY_SECONDS)
            async with db.reading() as conn:
                await relay.move_all(conn)

    working = asyncio.create_task(work())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Requests live for a moment and leave no cycles: looking for some took a tenth of the time."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
