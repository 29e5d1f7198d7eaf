"""Offers on the back office's pages: what a shop sells, as a table, and a switch on each article's page."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, get_args
from uuid import UUID

from litestar import Request, post
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog.queries import variant_ids_by_sku, variants_by_ids, variants_of_products
from lotse.domains.catalog.rules import full_name, search_terms
from lotse.domains.offers import commands, queries
from lotse.domains.offers.contracts import OfferRow, PutOffer, State
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import parties
from lotse.domains.parties.queries import shop as read_shop
from lotse.kernel import words
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.pages.forms import checked
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.pages.table import (
    Action,
    Bulk,
    Change,
    Column,
    Edit,
    Field,
    No,
    Nothing,
    Option,
    Preset,
    Scope,
    Search,
    Table,
    Work,
)
from lotse.kernel.refusals import NotFound

STATES: Mapping[str, Option] = {"active": Option(N_("sold"), "good"), "paused": Option(N_("paused"), "warn")}
CONDITIONS: Mapping[str, Option] = {
    "new": Option(N_("new")),
    "used": Option(N_("used")),
    "refurbished": Option(N_("refurbished")),
}


# -- the table


class ToState(Struct, frozen=True):
    """What is typed to resume or pause many offers."""

    state: State
    reason: Annotated[str, Meta(min_length=1, max_length=300)]


class FromFile(Struct, frozen=True):
    """What is typed beside a file of offers."""

    reason: Annotated[str, Meta(min_length=1, max_length=300)]


def _of_shop(scope: Scope) -> dict[str, Any]:
    return {"shop_id": scope.shop}


async def _named(conn: Connection, scope: Scope, rows: list[OfferRow]) -> list[OfferRow]:
    """Rows with what the catalogue calls the articles, and with the names of sellers."""
    await words.read(scope.language)
    cards = await variants_by_ids(conn, variant_ids=[row.variant_id for row in rows], language=scope.language)
    known = {card.id: card for card in cards}
    sellers = {one.id: one.name for one in await parties(conn, party_ids=list({row.seller_party_id for row in rows}))}
    return [
        replace(
            row,
            sku=card.sku,
            name=full_name(card.name, card.options, scope.language),
            product_id=card.product_id,
            seller=sellers.get(row.seller_party_id, ""),
        )
        if (card := known.get(row.variant_id))
        else row
        for row in rows
    ]


def _to_state(work: Work, now: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": work.typed.state}


def _from_file(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    state = now["state"]
    return {"state": state} if state in STATES else No(NOT_A_STATE)


async def _now(conn: Connection, work: Work, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    found = await queries.offers(conn, offer_ids=ids)
    return {offer.id: {"state": offer.state} for offer in found if offer.shop_id == work.scope.shop}


async def _hold(tx: Transaction, work: Work, ids: Sequence[UUID]) -> None:
    await commands.hold_offers(tx, offer_ids=ids)


async def _write(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    states: tuple[State, ...] = get_args(State)
    for state in states:
        ids = [change.id for change in changes if change.new["state"] == state]
        if ids:
            await commands.change_state(tx, offer_ids=ids, state=state, by=work.scope.by, at=work.scope.at)
    return {}


async def _own_offers(conn: Connection, scope: Scope, skus: Sequence[str]) -> dict[str, UUID]:
    """The shop owner's own new goods: whoever else sells an article is not meant by its number alone."""
    shop = await read_shop(conn, shop_id=scope.shop)
    ids = await variant_ids_by_sku(conn, skus=skus)
    found = await queries.offers_for_variants(
        conn, shop_id=scope.shop, variant_ids=list(ids.values()), active_only=False
    )
    own = {
        offer.variant_id: offer.id
        for offer in found
        if shop is not None and offer.seller_party_id == shop.owner_party_id and offer.condition == "new"
    }
    return {sku: own[id] for sku, id in ids.items() if id in own}


NOT_A_STATE = N_("It is either active or paused.")
_WHY = Field("reason", N_("Why"))
OFFERS = Table(
    name="offers.offers",
    path="/office/offers",
    title=N_("Assortment"),
    text=N_("What this shop sells. A paused offer keeps its price and stock and sells nothing."),
    icon="store",
    right="offers.read",
    where="shop",
    statement=queries.READS.offer_table,
    params=_of_shop,
    row=OfferRow,
    key="id",
    label="sku",
    order="-id",
    fill=_named,
    columns=(
        Column("name", N_("Article"), template="offers/cell_article.html", phone="title"),
        Column("sku", N_("Article number"), kind="code", shown=False),
        Column("state", N_("State"), kind="choice", filter="choice", options=STATES),
        Column("condition", N_("Condition"), kind="choice", filter="choice", options=CONDITIONS),
        Column("seller", N_("Seller")),
        Column("created_at", N_("Since"), kind="moment"),
    ),
    search=Search(
        "t.variant_id in (select f.variant_id from catalog.find(:words, :begins, :digits, :at_most) f)",
        search_terms,
        N_("Name, article number or GTIN"),
    ),
    presets=(Preset(N_("Paused"), "state=paused"),),
    edit=Edit(
        right="offers.write",
        columns=("state",),
        now=_now,
        write=_write,
        hold=_hold,
        ids=_own_offers,
        bulks=(
            Bulk(
                "state",
                N_("Sell or pause"),
                ToState,
                (
                    Field(
                        "state",
                        N_("State"),
                        kind="choice",
                        options={state: option.label for state, option in STATES.items()},
                        value="paused",
                    ),
                    _WHY,
                ),
                _to_state,
            ),
        ),
        intake=Bulk("file", N_("Offers from a file"), FromFile, (_WHY,), _from_file),
    ),
    nothing=Nothing(
        N_("Nothing is sold here yet"),
        N_("Open an article and let this shop sell it, or import prices: an article with a price is offered."),
        Action(N_("Articles"), "/office/products", "catalog.read"),
    ),
)


# -- one article


class Sold(Struct, frozen=True):
    """How many of an article's variants the shop's owner sells in the shop that is looked at."""

    product_id: UUID
    shop: str
    variants: int
    active: int


async def _sold(connection: Connection, ask: Ask) -> Mapping[UUID, Sold]:
    shop = await read_shop(connection, shop_id=ask.shop)
    if shop is None:
        return {}
    variants = await variants_of_products(connection, product_ids=ask.ids)
    every = [id for some in variants.values() for id in some]
    found = await queries.offers_for_variants(connection, shop_id=shop.id, variant_ids=every)
    active = {offer.variant_id for offer in found if offer.seller_party_id == shop.owner_party_id}
    return {
        product_id: Sold(product_id, shop.name, len(some), sum(id in active for id in some))
        for product_id, some in variants.items()
    }


class Switch(Struct, frozen=True):
    """What the switch of an article's page sends."""

    state: State


@post(
    "/office/products/{product_id:uuid}/offers",
    guards=[needs("offers.write", "shop")],
    opt={"form": "/office/products/{product_id}"},
    status_code=303,
)
async def switch(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    principal: Principal,
    at: datetime,
    product_id: UUID,
) -> Redirect:
    """Let the shop sell all variants of an article, or pause them. Refusal: `NotFound` (an article with variants)."""
    typed = checked(await request.form(), Switch)
    async with database.transaction() as tx:
        variants = (await variants_of_products(tx, product_ids=[product_id])).get(product_id)
        if not variants:
            raise NotFound(what="product", id=str(product_id))
        wanted = [
            PutOffer(shop_id=shop.id, variant_id=id, seller_party_id=shop.owner_party_id, state=typed.state)
            for id in variants
        ]
        await commands.put_offers(tx, wanted, by=str(principal), at=at)
    return Redirect(f"/office/products/{product_id}?done=offers", status_code=303)


routes = (*table_routes(OFFERS), switch)
tables = (OFFERS,)
places = (Place("/office/offers", N_("Assortment"), "store", "", "offers.read", "goods", 18),)
slots = (Answerer("office.product.offers", "offers", "offers/office_product.html", 400, _sold),)
