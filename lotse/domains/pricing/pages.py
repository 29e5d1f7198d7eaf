"""Prices on pages: what a variant costs in a shop; in the back office the list, a price's history, a new price."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog.contracts import Content, ProductChanged
from lotse.domains.catalog.queries import variant_ids_by_sku, variants_by_ids, variants_of_products
from lotse.domains.catalog.rules import full_name, search_terms
from lotse.domains.parties.contracts import Shop, ShopChanged
from lotse.domains.parties.queries import kept_shop
from lotse.domains.pricing import commands, queries
from lotse.domains.pricing.contracts import (
    ChangeBy,
    Line,
    Price,
    PriceChange,
    PriceChanged,
    PriceRow,
    Rounding,
    SetPrice,
    UnitPrice,
)
from lotse.domains.pricing.rules import MAX_UNIT_PRICE, PriceLists, changed, price, unit_price
from lotse.domains.tax.contracts import RatesChanged
from lotse.domains.tax.queries import rates_for
from lotse.domains.tax.rules import policy_for
from lotse.kernel import words
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.ids import uuid7
from lotse.kernel.money import minor_digits, to_minor
from lotse.kernel.pages.editing import Editor, same_version, shown, typed_in
from lotse.kernel.pages.forms import NOT_ALLOWED, Error, FormIncomplete, posted_key
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.query import number_of
from lotse.kernel.pages.slots import Answerer, Ask, Standing, together
from lotse.kernel.pages.table import (
    Action,
    Bulk,
    Change,
    Column,
    Edit,
    Field,
    No,
    Nothing,
    Scope,
    Search,
    Table,
    Work,
)
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of, kept, tagged

NOT_A_PRICE = N_("Please enter an amount like 59.95.")
IN_THE_PAST = N_("A price cannot begin in the past.")
REFUSED = {
    "price-in-the-past": IN_THE_PAST,
    "price-already-set": N_("Another price begins at the same moment already."),
    "invalid-price": N_("This cannot be a price. Please check the amount."),
    "currency-not-of-shop": N_("The shop sells in another currency."),
}
NO_PRICE_NOW = N_("It has no price at that moment.")
BELOW_NOTHING = N_("The price would be less than nothing, or beyond all bounds.")
PERCENT_TOO_FAR = N_("From -95 to 500 percent, please.")
HOW = {"percent": N_("by percent"), "amount": N_("by an amount"), "to": N_("to one price")}
ROUNDED = {
    "to_cent": N_("to the cent"),
    "to_99": N_("to .99"),
    "to_95": N_("to .95"),
    "to_10_cents": N_("to ten cents"),
    "to_whole": N_("to whole amounts"),
}
# A number with one decimal sign, a comma or a point, as people type prices; thousands are not grouped.
_AMOUNT = re.compile(r"\d{1,12}(?:[.,]\d{1,6})?")


_price_changed = tagged(PriceChanged)
_product_changed = tagged(ProductChanged)
_shop_changed = tagged(ShopChanged)
_ANY_RATES = any_of(RatesChanged)
_rates_changed = tagged(RatesChanged)


# What a process keeps of prices for lists: a kilobyte each.
_MOST_OFFERS = 20_000
# UN/CEFACT recommendation 20.
_UNIT_CODES = {"kg": "KGM", "l": "LTR", "m": "MTR", "m2": "MTK"}
_SPECIFIED = {"@type": "UnitPriceSpecification", "valueAddedTaxIncluded": True}
_FORMER = "https://schema.org/StrikethroughPrice"


class Offered(Struct, frozen=True):
    """What one smallest unit of a variant costs a consumer. `prior_minor`: the lowest price of the 30 days before a
    reduction, which must be shown with it (PAngV s.11); None if the price is not reduced. `per`: per kilogram, litre or
    metre, where that must be said; `content` is how much of it that is."""

    variant_id: UUID
    gross_minor: int
    currency: str
    tax_rate: Decimal
    prior_minor: int | None
    per: UnitPrice | None = None
    content: Content | None = None

    def offer_properties(self) -> dict[str, Any]:
        """Of several prices those who read this take for today's the one without a type."""
        now = self._price(self.gross_minor)
        specified: list[dict[str, Any]] = []
        if self.per and self.content:
            # The price of the whole content, and one unit of it to compare by: so machines read a price per unit.
            unit = {"@type": "QuantitativeValue", "unitCode": _UNIT_CODES[self.per.unit]}
            of = {**unit, "value": f"{self.content.amount:f}", "valueReference": {**unit, "value": "1"}}
            specified.append(_SPECIFIED | now | {"referenceQuantity": of})
        elif self.prior_minor is not None:
            specified.append(_SPECIFIED | now)
        if self.prior_minor is not None:
            specified.append(_SPECIFIED | self._price(self.prior_minor) | {"priceType": _FORMER})
        return {**now, "priceSpecification": specified} if specified else now

    def _price(self, minor: int) -> dict[str, Any]:
        amount = Decimal(minor).scaleb(-minor_digits(self.currency))
        return {"price": str(amount), "priceCurrency": self.currency}


class OnCard(Struct, frozen=True):
    """What a card says of its variants' prices: the lowest, and whether there are others."""

    gross_minor: int
    currency: str
    is_from: bool
    prior_minor: int | None
    per: UnitPrice | None


def _on_card(offers: Sequence[Offered]) -> OnCard:
    cheapest = min(offers, key=lambda offer: offer.gross_minor)
    return OnCard(
        cheapest.gross_minor,
        cheapest.currency,
        any(offer.gross_minor != cheapest.gross_minor for offer in offers),
        cheapest.prior_minor,
        cheapest.per,
    )


class NewPrice(Struct, frozen=True):
    """What is typed to set a price."""

    price: Annotated[str, Meta(min_length=1, max_length=20)]
    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    valid_from: date | None = None


class _Held(Struct, frozen=True):
    """An offer (None: no price holds), and the moments between which it stands."""

    offered: Offered | None
    product_id: UUID
    since: datetime
    until: datetime


async def _read_offers(connection: Connection, ask: Ask) -> dict[UUID, _Held]:
    shop = await kept_shop(connection, shop_id=ask.shop)
    if shop is None:
        return {}
    country = shop.country
    rates = await kept(
        connection,
        "tax.rates",
        country,
        lambda: rates_for(connection, country=country),
        lambda _: (_rates_changed(country),),
    )
    found = await queries.to_offer(
        connection, shop=shop, variant_ids=ask.ids, at=ask.at, customer_group=ask.customer_group
    )
    local = ask.at.astimezone(ZoneInfo(shop.timezone))
    priced = price(
        [
            Line(
                ref=str(one.variant_id),
                quantity=1,
                tax_class=one.tax_class,
                variant_id=one.variant_id,
                unit_price=one.unit_price,
                gross=one.gross,
            )
            for one in found
            if one.unit_price is not None
        ],
        (),
        rates,
        currency=shop.currency,
        country=country,
        day=local.date(),
        at=ask.at,
        policy=policy_for(country, "basket"),
        customer_group=ask.customer_group,
    )
    lines = {line.variant_id: line for line in priced.lines}
    # Rates change with the day.
    midnight = datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo)
    return {
        one.variant_id: _Held(
            Offered(
                one.variant_id,
                line.gross_minor,
                shop.currency,
                line.tax_rate,
                None if one.prior is None else to_minor(one.prior, shop.currency),
                unit_price(line.gross_minor, one.content),
                one.content,
            )
            if (line := lines.get(one.variant_id))
            else None,
            one.product_id,
            ask.at,
            min(one.next_at or midnight, midnight),
        )
        for one in found
    }


async def _offers(connection: Connection, ask: Ask) -> Mapping[UUID, Offered]:
    """Prices as the basket will have them: by the same function, for one unit. Variants without a price are absent.

    From copies that a change drops: a list shows dozens, and other lists and the articles' own pages the same.
    """
    found = await _kept_offers(connection, ask)
    return {id: one.offered for id, one in found.items() if one.offered is not None}


async def _standing(connection: Connection, ask: Ask) -> Standing:
    """Until a price is set or begins, a tax rate or a product's tax class changes, or the day ends."""
    found = await _kept_offers(connection, ask)
    return Standing(
        tags=(
            *(_price_changed(id) for id in ask.ids),
            *{_product_changed(one.product_id) for one in found.values()},
        ),
        types=(_ANY_RATES,),
        until=min((one.until for one in found.values()), default=None),
    )


async def _kept_offers(connection: Connection, ask: Ask) -> dict[UUID, _Held]:
    """Read once for all who ask on the same page."""
    key = ("pricing.offers", ask.shop, ask.customer_group, ask.ids)
    return await together(key, lambda: _copied_offers(connection, ask))


async def _copied_offers(connection: Connection, ask: Ask) -> dict[UUID, _Held]:
    tags = connection.tags
    if tags is None:
        return await _read_offers(connection, ask)
    copies = tags.copies("pricing.offers", size=_MOST_OFFERS)
    found: dict[UUID, _Held] = {}
    missing: list[UUID] = []
    for id in ask.ids:
        one: _Held | None = copies.get((ask.shop, ask.customer_group, id))
        if one is not None and one.since <= ask.at < one.until:
            found[id] = one
        else:
            missing.append(id)
    if missing:
        mark = tags.mark()
        shop = _shop_changed(ask.shop)
        for id, one in (await _read_offers(connection, replace(ask, ids=tuple(missing)))).items():
            found[id] = one
            of = (_price_changed(id), _product_changed(one.product_id), _ANY_RATES, shop)
            copies.put((ask.shop, ask.customer_group, id), one, of, mark)
    return found


async def _prices(connection: Connection, ask: Ask) -> Mapping[UUID, Price]:
    """What holds for everybody from the first piece on."""
    prices = await queries.prices_at(connection, shop_id=ask.shop, variant_ids=ask.ids, at=ask.at)
    lists = PriceLists(prices, at=ask.at)
    found = {id: lists.find(id, 1) for id in ask.ids}
    return {id: one for id, one in found.items() if one is not None}


class Span(Struct, frozen=True):
    """What the variants of a product cost everybody: the least and the most, None if none has a price; and how many
    have none."""

    currency: str
    lowest: Decimal | None
    highest: Decimal | None
    unpriced: int


async def _spans(connection: Connection, ask: Ask) -> Mapping[UUID, Span]:
    """What products cost from the first piece on, from the least to the most."""
    variants = await variants_of_products(connection, product_ids=ask.ids)
    ids = tuple(id for some in variants.values() for id in some)
    prices = await _prices(connection, replace(ask, ids=ids))
    found: dict[UUID, Span] = {}
    for product_id, some in variants.items():
        costs = [one.unit_price for id in some if (one := prices.get(id)) and one.unit_price is not None]
        found[product_id] = Span(
            ask.currency, min(costs, default=None), max(costs, default=None), len(some) - len(costs)
        )
    return found


# -- the table of prices


def _table_params(scope: Scope) -> dict[str, Any]:
    return {"shop_id": scope.shop, "at": scope.at}


async def _named(conn: Connection, scope: Scope, rows: list[PriceRow]) -> list[PriceRow]:
    """Rows with the article numbers and names of the catalogue."""
    await words.read(scope.language)
    cards = await variants_by_ids(conn, variant_ids=[row.variant_id for row in rows], language=scope.language)
    known = {card.id: card for card in cards}
    return [
        replace(row, sku=card.sku, name=full_name(card.name, card.options, scope.language))
        if (card := known.get(row.variant_id))
        else row
        for row in rows
    ]


class ChangePrices(Struct, frozen=True):
    """What is typed to change many prices."""

    how: ChangeBy
    amount: Annotated[str, Meta(min_length=1, max_length=20)]
    rounding: Rounding
    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    valid_from: date | None = None


class TakePrices(Struct, frozen=True):
    """What is typed beside a file of prices."""

    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    valid_from: date | None = None


def _check_change(scope: Scope, typed: ChangePrices) -> dict[str, str]:
    amount = number_of(typed.amount.removeprefix("+"))
    if amount is None:
        return {"amount": NOT_A_PRICE, **_check_day(scope, typed)}
    if typed.how == "percent" and not -95 <= amount <= 500:
        return {"amount": PERCENT_TOO_FAR, **_check_day(scope, typed)}
    if typed.how == "to" and amount < 0:
        return {"amount": NOT_A_PRICE, **_check_day(scope, typed)}
    return _check_day(scope, typed)


def _check_day(scope: Scope, typed: ChangePrices | TakePrices) -> dict[str, str]:
    today = scope.at.astimezone(ZoneInfo(scope.zone)).date()
    if typed.valid_from is None or today <= typed.valid_from <= today.replace(year=today.year + 5, day=1):
        return {}
    return {"valid_from": IN_THE_PAST if typed.valid_from < today else NOT_ALLOWED}


def _change_price(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    """What a price becomes."""
    typed: ChangePrices = work.typed
    amount = number_of(typed.amount.removeprefix("+"))
    if now["unit_price"] is None or amount is None:
        return No(NO_PRICE_NOW)
    new = changed(now["unit_price"], typed.how, amount, typed.rounding)
    return {"unit_price": new} if 0 <= new < MAX_UNIT_PRICE else No(BELOW_NOTHING)


def _take_price(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    """What a line of a file says."""
    price = now["unit_price"]
    return No(NOT_A_PRICE) if price is None or not 0 <= price < MAX_UNIT_PRICE else {"unit_price": price}


def _begins(work: Work) -> datetime | None:
    """When the prices of a change begin; None: at once."""
    day = work.typed.valid_from
    if day is None:
        return None
    begin = datetime.combine(day, time.min, ZoneInfo(work.scope.zone)).astimezone(UTC)
    return begin if begin > work.scope.at else None


async def _prices_now(conn: Connection, work: Work, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The prices that hold when the change begins."""
    at = _begins(work) or work.scope.at
    found = await queries.holding_at(conn, shop_id=work.scope.shop, variant_ids=ids, at=at)
    return {id: {"unit_price": holding.unit_price} for id, holding in found.items()}


async def _hold(tx: Transaction, work: Work, ids: Sequence[UUID]) -> None:
    await commands.hold_prices(tx, shop_id=work.scope.shop, variant_ids=ids)


async def _write(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    """Set new prices. One that is planned for that very moment stays: it was somebody's decision."""
    begins = _begins(work)
    refused: dict[UUID, No] = {}
    if begins is not None:
        ids = [change.id for change in changes]
        planned = await queries.holding_at(tx, shop_id=work.scope.shop, variant_ids=ids, at=begins)
        refused = {id: No(REFUSED["price-already-set"]) for id, one in planned.items() if one.valid_from == begins}
    await commands.set_prices(
        tx,
        [_wanted(work, change.id, change.new["unit_price"], begins) for change in changes if change.id not in refused],
        by=work.scope.by,
        at=work.scope.at,
    )
    return refused


async def _unwrite(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    """Take prices back that have not begun; where they have, set what was before."""
    begins = _begins(work)
    if begins is not None:
        ids = [change.id for change in changes]
        planned = await queries.holding_at(tx, shop_id=work.scope.shop, variant_ids=ids, at=begins)
        await commands.withdraw_prices(
            tx, [one.id for one in planned.values()], by=work.scope.by, reason=work.reason, at=work.scope.at
        )
    else:
        again = [_wanted(work, change.id, change.old["unit_price"], None) for change in changes]
        await commands.set_prices(tx, again, by=work.scope.by, at=work.scope.at)
    return {}


def _wanted(work: Work, variant_id: UUID, unit_price: Decimal | None, valid_from: datetime | None) -> SetPrice:
    return SetPrice(
        shop_id=work.scope.shop,
        variant_id=variant_id,
        currency=work.scope.currency,
        unit_price=unit_price,
        valid_from=valid_from,
        reason=work.reason,
    )


async def _ids_of(conn: Connection, scope: Scope, skus: Sequence[str]) -> dict[str, UUID]:
    return await variant_ids_by_sku(conn, skus=skus)


_WHEN = (
    Field("valid_from", N_("From"), kind="day", hint=N_("At once if empty."), required=False),
    Field("reason", N_("Why")),
)
PRICES = Table(
    name="pricing.prices",
    path="/office/prices",
    title=N_("Prices"),
    icon="prices",
    right="pricing.read",
    where="shop",
    statement=queries.READS.price_table,
    params=_table_params,
    row=PriceRow,
    key="variant_id",
    label="sku",
    row_path="/office/prices/{}",
    # As the index has it: `distinct` reads it in this direction only, and stops after a page. The other takes half a
    # second with fifty thousand prices.
    order="variant_id",
    fill=_named,
    columns=(
        Column("name", N_("Article"), link=True, template="pricing/office_article.html", phone="title"),
        Column("sku", N_("Article number"), kind="code", shown=False),
        Column(
            "unit_price",
            N_("Price"),
            kind="price",
            sort="coalesce(t.unit_price, -1)",
            filter="range",
            empty=N_("no price"),
            empty_tone="warn",
        ),
        Column("valid_from", N_("Since"), kind="day", filter="range"),
        Column("next_unit_price", N_("Next price"), kind="price", filter="range"),
        Column("next_from", N_("Next from"), kind="day", filter="range"),
    ),
    search=Search(
        "t.variant_id in (select f.variant_id from catalog.find(:words, :begins, :digits, :at_most) f)",
        search_terms,
        N_("Name, article number or GTIN"),
    ),
    edit=Edit(
        right="pricing.write",
        columns=("unit_price",),
        masters={"unit_price": ("prices", "price")},
        now=_prices_now,
        write=_write,
        undo=_unwrite,
        hold=_hold,
        ids=_ids_of,
        bulks=(
            Bulk(
                "change",
                N_("Change prices"),
                ChangePrices,
                (
                    Field("how", N_("How"), kind="choice", options=HOW, value="percent"),
                    Field(
                        "amount",
                        N_("By how much"),
                        kind="amount",
                        hint=N_("-10 for ten less, 5 for five more."),
                        max_length=20,
                    ),
                    Field("rounding", N_("Rounded"), kind="choice", options=ROUNDED, value="to_cent"),
                    *_WHEN,
                ),
                _change_price,
                _check_change,
            ),
        ),
        intake=Bulk("file", N_("Prices from a file"), TakePrices, _WHEN, _take_price, _check_day),
    ),
    nothing=Nothing(
        N_("No prices yet"),
        N_("A variant can be sold once it has a price. Open a product to set the first one."),
        Action(N_("Products"), "/office/products", "catalog.read"),
    ),
)


# -- one article's prices


@get("/office/prices/{variant_id:uuid}", guards=[needs("pricing.read", "shop")])
async def office_price(
    view: View, database: Database, shop: Shop, draft: Draft | None, variant_id: UUID
) -> Response[str]:
    """A variant's prices: what holds, what was, what comes; who set it, when and why."""
    async with database.reading() as connection:
        history = await queries.price_history(connection, variant_id=variant_id, shop_id=shop.id)
        names = await names_of(connection, (change.changed_by for change in history))
        prior = await queries.lowest_30_days(connection, shop=shop, variant_ids=[variant_id], at=view.question.at)
    current = holding(history, view.question.at)
    answers = await view.ask({"office.variant": [variant_id]})
    if not history and not answers.missing and answers.content("office.variant", "catalog", variant_id) is None:
        raise NotFound(what="variant", id=str(variant_id))
    return view.show(
        "pricing/office_price.html",
        variant_id=variant_id,
        history=history,
        names=names,
        now=current,
        prior=prior[0] if prior else None,
        editing=shown(NEW_PRICE, view, draft, now=_as_typed(current.unit_price if current else None)),
        key=str(uuid7()),
    )


@post(
    "/office/prices/{variant_id:uuid}",
    guards=[needs("pricing.write", "shop")],
    opt={"form": "/office/prices/{variant_id}"},
)
async def set_price(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    principal: Principal,
    at: datetime,
    variant_id: UUID,
) -> Redirect:
    """Set a price for everybody. Refusals: `FormIncomplete`, `EditedMeanwhile`, then those of `set_prices`."""
    posted = await request.form()
    typed = typed_in(NEW_PRICE, posted)
    wanted = SetPrice(
        shop_id=shop.id,
        variant_id=variant_id,
        currency=shop.currency,
        unit_price=amount(typed.price),
        valid_from=beginning(typed.valid_from, shop, at),
        reason=typed.reason,
    )

    async def run(tx: Transaction) -> list[UUID]:
        await commands.hold_prices(tx, shop_id=shop.id, variant_ids=[variant_id])
        now = await queries.holding_at(tx, shop_id=shop.id, variant_ids=[variant_id], at=at)
        same_version(NEW_PRICE, posted, now=_as_typed(now[variant_id].unit_price if variant_id in now else None))
        return await commands.set_prices(tx, [wanted], by=str(principal), at=at)

    key = key_for(str(principal), await posted_key(request), wanted)
    await once(database, key, list[UUID], run, at=at)
    return Redirect(f"/office/prices/{variant_id}?done=price", status_code=303)


def _as_typed(unit_price: Decimal | None) -> dict[str, Any]:
    """What the form begins with: the price that holds, with its cents."""
    if unit_price is None:
        return {"price": None}
    return {"price": str(unit_price if _is_finer(unit_price) else unit_price.quantize(Decimal("0.01")))}


def _is_finer(unit_price: Decimal) -> bool:
    return unit_price != unit_price.quantize(Decimal("0.01"))


NEW_PRICE = Editor(
    NewPrice,
    (
        Field("price", N_("Price"), kind="amount", max_length=20),
        Field("valid_from", N_("From"), kind="day", hint=N_("At once if empty."), required=False),
        Field("reason", N_("Why")),
    ),
    refusals=REFUSED,
)


def amount(text: str) -> Decimal:
    """An amount as people type it. Refusal: `FormIncomplete`."""
    if not _AMOUNT.fullmatch(text):
        raise FormIncomplete(errors={"price": Error(NOT_A_PRICE)})
    return Decimal(text.replace(",", "."))


def beginning(day: date | None, shop: Shop, at: datetime) -> datetime | None:
    """The first moment of a day in the shop's zone; at once without a day or for today. Refusal: `FormIncomplete`."""
    if day is None:
        return None
    zone = ZoneInfo(shop.timezone)
    today = at.astimezone(zone).date()
    if day < today:
        raise FormIncomplete(errors={"valid_from": Error(IN_THE_PAST)})
    if day.year > today.year + 5:
        raise FormIncomplete(errors={"valid_from": Error(NOT_ALLOWED)})
    return None if day == today else datetime.combine(day, time.min, zone).astimezone(UTC)


def holding(history: list[PriceChange], at: datetime) -> PriceChange | None:
    """The price for everybody, from the first piece on, that holds at a moment; the history is the newest first."""
    return next(
        (
            change
            for change in sorted(history, key=lambda change: change.valid_from, reverse=True)
            if change.valid_from <= at and not change.customer_group and change.min_quantity == 1
        ),
        None,
    )


routes = (*table_routes(PRICES), office_price, set_price)
tables = (PRICES,)
places = (Place("/office/prices", N_("Prices"), "prices", "r", "pricing.read", "goods", 20),)
# A page without its prices or its stock is of little use, so these may take long when the machine is busy.
slots = (
    Answerer("card.offer", "pricing", "pricing/card_offer.html", 800, _offers, _standing, gist=_on_card),
    Answerer("product.offer", "pricing", "pricing/product_offer.html", 3_000, _offers, _standing),
    Answerer("office.variant.price", "pricing", "pricing/office_variant_price.html", 250, _prices),
    Answerer("office.product.price", "pricing", "pricing/office_product_price.html", 400, _spans),
)
