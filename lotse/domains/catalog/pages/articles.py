"""The table of articles in the back office."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from lotse.domains.catalog import commands, queries
from lotse.domains.catalog.contracts import ChangeProduct, ProductLine, State
from lotse.domains.catalog.rules import allowed, search_terms
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.pages.forms import NOT_ALLOWED
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import (
    Action,
    Bulk,
    Change,
    Column,
    Edit,
    Field,
    No,
    Nothing,
    Preset,
    Scope,
    Search,
    Table,
    Work,
)
from lotse.kernel.pages.table import Option as Choice
from lotse.kernel.refusals import Refusal

STATES = {
    "active": Choice(N_("Active"), "good"),
    "draft": Choice(N_("Draft")),
    "phase_out": Choice(N_("Phasing out"), "warn"),
    "archived": Choice(N_("Archived"), "bad"),
}
TAX_CLASSES = {
    "standard": N_("Standard rate"),
    "reduced": N_("Reduced rate"),
    "zero": N_("No tax"),
    "none": N_("Outside the tax"),
}
NOT_THAT_WAY = N_("Its life does not go that way.")
NOT_READY = N_("It lacks a name or a variant that is for sale.")
NO_CATEGORY = N_("There is no category of this address.")
NO_TAX_CLASS = N_("There is no such tax class.")
# As many pictures as anybody scrolls through, and variants as a page can show.


class ChangeStates(Struct, frozen=True):
    """What is typed to move many articles in their lives."""

    state: State
    reason: Annotated[str, Meta(min_length=1, max_length=300)]


class ChangeHomes(Struct, frozen=True):
    """What is typed to move many articles into a category."""

    category: Annotated[str, Meta(min_length=1, max_length=120)]
    reason: Annotated[str, Meta(min_length=1, max_length=300)]


class TakeArticles(Struct, frozen=True):
    """What is typed beside a file of articles."""

    reason: Annotated[str, Meta(min_length=1, max_length=300)]


def _to_state(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    wanted: State = work.typed.state
    return {**now, "state": wanted} if allowed(now["state"], wanted) else No(NOT_THAT_WAY)


def _to_home(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    return {**now, "category": work.typed.category.strip()}


def _taken(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    if now["tax_class"] not in TAX_CLASSES:
        return No(NO_TAX_CLASS)
    return dict(now)


async def _articles_now(conn: Connection, work: Work, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    found = await queries.products_now(conn, product_ids=ids)
    return {
        one.id: {"state": one.state, "brand": one.brand, "tax_class": one.tax_class, "category": one.category}
        for one in found
    }


async def _hold_articles(tx: Transaction, work: Work, ids: Sequence[UUID]) -> None:
    await commands.hold_products(tx, product_ids=ids)


async def _write_articles(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    """All at once where all may; else one by one, so that each refusal is that of its row."""
    refused: dict[UUID, No] = {}
    by_state: dict[State, list[Change]] = {}
    for change in changes:
        if change.new["state"] != change.old["state"]:
            by_state.setdefault(change.new["state"], []).append(change)
    for state, moving in by_state.items():
        refused |= await _each(tx, moving, lambda some, state=state: _move(tx, work, some, state))
    staying = [
        change
        for change in changes
        if change.id not in refused
        and any(change.new[name] != change.old[name] for name in ("brand", "tax_class", "category"))
    ]
    return refused | await _each(tx, staying, lambda some: _change(tx, work, some))


async def _move(tx: Transaction, work: Work, some: Sequence[Change], state: State) -> None:
    ids = [change.id for change in some]
    await commands.change_state(tx, product_ids=ids, state=state, by=work.scope.by, at=work.scope.at)


async def _change(tx: Transaction, work: Work, some: Sequence[Change]) -> None:
    wanted = [
        ChangeProduct(one.id, one.new["brand"], one.new["tax_class"], one.new["category"] or None) for one in some
    ]
    await commands.change_products(tx, wanted, by=work.scope.by, at=work.scope.at)


async def _each(
    tx: Transaction, changes: Sequence[Change], write: Callable[[Sequence[Change]], Awaitable[None]]
) -> dict[UUID, No]:
    if not changes:
        return {}
    refused: dict[UUID, No] = {}
    try:
        async with tx.raw.transaction():
            await write(changes)
    except Refusal:
        for change in changes:
            try:
                async with tx.raw.transaction():
                    await write([change])
            except Refusal as refusal:
                refused[change.id] = No(_WHY.get(refusal.code, NOT_ALLOWED))
    return refused


_WHY = {
    "move-not-allowed": NOT_THAT_WAY,
    "not-ready-to-sell": NOT_READY,
    "unknown-category": NO_CATEGORY,
    "invalid": NO_TAX_CLASS,
}


async def _ids_of(conn: Connection, scope: Scope, slugs: Sequence[str]) -> dict[str, UUID]:
    return await queries.product_ids_by_slug(conn, slugs=slugs)


_WHY_FIELD = Field("reason", N_("Why"))
PRODUCTS = Table(
    name="catalog.products",
    path="/office/products",
    title=N_("Articles"),
    icon="products",
    right="catalog.read",
    where="common",
    statement=queries.READS.product_table,
    params=lambda scope: {"language": scope.language},
    row=ProductLine,
    key="id",
    label="slug",
    row_path="/office/products/{}",
    order="-id",
    columns=(
        Column("name", N_("Article"), link=True, template="catalog/office_article.html", phone="title"),
        Column("slug", N_("Address"), kind="code", filter="begins", shown=False),
        Column("brand", N_("Brand"), filter="begins"),
        Column("state", N_("State"), kind="choice", filter="choice", options=STATES),
        Column("category", N_("Category")),
        # What upper domains know of it; neither is sorted by, because no index of the catalogue's can serve that.
        Column("price", N_("Price"), kind="price", slot="office.product.price"),
        Column("available", N_("Available"), kind="number", slot="office.product.stock"),
        Column("variants", N_("Variants"), kind="number"),
        Column("pictures", N_("Pictures"), kind="number", empty_tone="warn"),
        Column(
            "tax_class",
            N_("Tax class"),
            kind="choice",
            filter="choice",
            options={code: Choice(label) for code, label in TAX_CLASSES.items()},
            shown=False,
        ),
        Column("changed_at", N_("Changed"), kind="moment", filter="range"),
    ),
    search=Search(
        "t.id in (select f.product_id from catalog.find(:words, :begins, :digits, :at_most) f)",
        search_terms,
        N_("Name, article number or GTIN"),
    ),
    presets=(
        Preset(N_("Active"), "state=active"),
        Preset(N_("Draft"), "state=draft"),
        Preset(N_("Phasing out"), "state=phase_out"),
        Preset(N_("Archived"), "state=archived"),
    ),
    edit=Edit(
        right="catalog.write",
        columns=("state", "brand", "tax_class", "category"),
        masters={name: ("articles", name) for name in ("state", "brand", "tax_class", "category")},
        now=_articles_now,
        write=_write_articles,
        hold=_hold_articles,
        ids=_ids_of,
        bulks=(
            Bulk(
                "state",
                N_("Change the state"),
                ChangeStates,
                (
                    Field(
                        "state", N_("State"), kind="choice", options={code: one.label for code, one in STATES.items()}
                    ),
                    _WHY_FIELD,
                ),
                _to_state,
            ),
            Bulk(
                "category",
                N_("Move to a category"),
                ChangeHomes,
                (
                    Field("category", N_("Category"), hint=N_("Its address, as in the shop: running-shoes.")),
                    _WHY_FIELD,
                ),
                _to_home,
            ),
        ),
        intake=Bulk("file", N_("Articles from a file"), TakeArticles, (_WHY_FIELD,), _taken),
    ),
    actions=(Action(N_("New article"), "/office/products/new", "catalog.write", "plus"),),
    nothing=Nothing(
        N_("No articles yet"),
        N_("Articles come from an import, the API or the button above. They appear here as soon as they exist."),
        Action(N_("New article"), "/office/products/new", "catalog.write", "plus"),
    ),
)
