"""Prices on pages: what a variant costs in a shop; in the back office the list, a price's history, a new price."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import shop as read_shop
from lotse.domains.pricing import commands, queries
from lotse.domains.pricing.contracts import Line, Price, PriceChange, PriceChanged, SetPrice
from lotse.domains.pricing.rules import PriceLists, price
from lotse.domains.tax.contracts import RatesChanged
from lotse.domains.tax.queries import rates_for
from lotse.domains.tax.rules import policy_for
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.ids import uuid7
from lotse.kernel.money import minor_digits, to_minor
from lotse.kernel.pages.forms import NOT_ALLOWED, Error, Form, FormIncomplete, checked, posted_key, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of, tagged

NOT_A_PRICE = N_("Please enter an amount like 59.95.")
IN_THE_PAST = N_("A price cannot begin in the past.")
REFUSED = {
    "price-in-the-past": IN_THE_PAST,
    "price-already-set": N_("Another price begins at the same moment already."),
    "invalid-price": N_("This cannot be a price. Please check the amount."),
    "currency-not-of-shop": N_("The shop sells in another currency."),
}
# A number with one decimal sign, a comma or a point, as people type prices; thousands are not grouped.
_AMOUNT = re.compile(r"\d{1,12}(?:[.,]\d{1,6})?")


_price_changed = tagged(PriceChanged)
_ANY_RATES = any_of(RatesChanged)


class Offered(Struct, frozen=True):
    """What one smallest unit of a variant costs a consumer. `prior_minor`: the lowest price of the 30 days before a
    reduction, which must be shown with it (PAngV s.11); None if the price is not reduced."""

    variant_id: UUID
    gross_minor: int
    currency: str
    tax_rate: Decimal
    prior_minor: int | None

    def offer_properties(self) -> dict[str, Any]:
        amount = Decimal(self.gross_minor).scaleb(-minor_digits(self.currency))
        return {"price": str(amount), "priceCurrency": self.currency}


class NewPrice(Struct, frozen=True):
    """What is typed to set a price."""

    price: Annotated[str, Meta(min_length=1, max_length=20)]
    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    valid_from: date | None = None


async def _offers(connection: Connection, ask: Ask) -> Mapping[UUID, Offered]:
    """Prices as the basket will have them: by the same function, for one unit. Variants without a price are absent."""
    shop = await read_shop(connection, shop_id=ask.shop)
    if shop is None:
        return {}
    prices = await queries.prices_at(
        connection, shop_id=shop.id, variant_ids=ask.ids, at=ask.at, customer_group=ask.customer_group
    )
    lists = PriceLists(prices, at=ask.at, customer_group=ask.customer_group)
    cards = await variants_by_ids(connection, variant_ids=[id for id in ask.ids if id in lists], language=ask.language)
    lines = [
        Line(ref=str(card.id), quantity=1, tax_class=card.tax_class, variant_id=card.id)
        for card in cards
        if lists.find(card.id, 1) is not None
    ]
    priced = price(
        lines,
        prices,
        await rates_for(connection, country=shop.country),
        currency=shop.currency,
        country=shop.country,
        day=ask.at.astimezone(ZoneInfo(shop.timezone)).date(),
        at=ask.at,
        policy=policy_for(shop.country, "basket"),
        customer_group=ask.customer_group,
    )
    prior = {
        found.variant_id: to_minor(found.lowest, shop.currency)
        for found in await queries.lowest_30_days(connection, shop=shop, variant_ids=ask.ids, at=ask.at)
        # A price that is no lower than the lowest of the month before is no reduction that may be announced.
        if found.lowest is not None and found.lowest > found.unit_price
    }
    return {
        line.variant_id: Offered(
            line.variant_id, line.gross_minor, shop.currency, line.tax_rate, prior.get(line.variant_id)
        )
        for line in priced.lines
        if line.variant_id is not None
    }


async def _standing(connection: Connection, ask: Ask) -> Standing:
    """Until a price is set or begins, or a tax rate or a product's tax class changes."""
    return Standing(
        tags=tuple(_price_changed(id) for id in ask.ids),
        types=(_ANY_RATES,),
        until=await queries.next_beginning(
            connection, shop_id=ask.shop, variant_ids=ask.ids, at=ask.at, until=ask.at + timedelta(hours=1)
        ),
    )


async def _prices(connection: Connection, ask: Ask) -> Mapping[UUID, Price]:
    """What holds for everybody from the first piece on."""
    prices = await queries.prices_at(connection, shop_id=ask.shop, variant_ids=ask.ids, at=ask.at)
    lists = PriceLists(prices, at=ask.at)
    found = {id: lists.find(id, 1) for id in ask.ids}
    return {id: one for id, one in found.items() if one is not None}


@get("/office/prices", guards=[needs("pricing.read")])
async def office_prices(
    view: View,
    database: Database,
    shop: Shop,
    words: Annotated[str, Parameter(query="q", max_length=200)] = "",
    cursor: Annotated[str | None, Parameter(query="after", max_length=1_000)] = None,
) -> Response[str]:
    """What everything costs, and what it will cost next."""
    async with database.reading() as connection:
        page = await queries.price_rows(
            connection, shop_id=shop.id, at=view.question.at, text=words, cursor=cursor or None
        )
    await view.ask({"office.variant": [row.variant_id for row in page.items]})
    return view.show("pricing/office_prices.html", page=page, words=words.strip(), is_later=cursor is not None)


@get("/office/prices/{variant_id:uuid}", guards=[needs("pricing.read")])
async def office_price(
    view: View, database: Database, shop: Shop, draft: Draft | None, variant_id: UUID
) -> Response[str]:
    """A variant's prices: what holds, what was, what comes; who set it, when and why."""
    async with database.reading() as connection:
        history = await queries.price_history(connection, variant_id=variant_id, shop_id=shop.id)
        names = await names_of(connection, (change.changed_by for change in history))
    answers = await view.ask({"office.variant": [variant_id]})
    if not history and not answers.missing and answers.content("office.variant", "catalog", variant_id) is None:
        raise NotFound(what="variant", id=str(variant_id))
    return view.show(
        "pricing/office_price.html",
        variant_id=variant_id,
        history=history,
        names=names,
        now=holding(history, view.question.at),
        form=Form.drafted(draft, NewPrice),
        refused=refused(view, draft, REFUSED),
        key=str(uuid7()),
    )


@post("/office/prices/{variant_id:uuid}", guards=[needs("pricing.write")], opt={"form": "/office/prices/{variant_id}"})
async def set_price(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    principal: Principal,
    at: datetime,
    variant_id: UUID,
) -> Redirect:
    """Set a price for everybody. Refusals: `FormIncomplete`, then those of `set_prices`."""
    typed = checked(await request.form(), NewPrice)
    wanted = SetPrice(
        shop_id=shop.id,
        variant_id=variant_id,
        currency=shop.currency,
        unit_price=amount(typed.price),
        valid_from=beginning(typed.valid_from, shop, at),
        reason=typed.reason,
    )

    async def run(tx: Transaction) -> list[UUID]:
        return await commands.set_prices(tx, [wanted], by=str(principal), at=at)

    key = key_for(str(principal), await posted_key(request), wanted)
    await once(database, key, list[UUID], run, at=at)
    return Redirect(f"/office/prices/{variant_id}?done=price", status_code=303)


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


routes = (office_prices, office_price, set_price)
# A page without its prices or its stock is of little use, so these may take long when the machine is busy.
slots = (
    Answerer("card.offer", "pricing", "pricing/card_offer.html", 800, _offers, _standing),
    Answerer("product.offer", "pricing", "pricing/product_offer.html", 800, _offers, _standing),
    Answerer("office.variant.price", "pricing", "pricing/office_variant_price.html", 250, _prices),
)
