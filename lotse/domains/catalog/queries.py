"""Reads of the catalogue: what pages show, in one round trip each, and the back office's lists.

Texts come in the language asked for, else in another form of it (`de` for `de-AT`), else in English, else in any.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.contracts import (
    SHOWN,
    Category,
    CategoryPage,
    EditedCategory,
    EditedProduct,
    ProductCard,
    ProductNow,
    ProductPage,
    ProductRow,
    State,
    VariantCard,
)
from lotse.domains.catalog.rules import MOST_SUCCESSORS, search_digits, search_terms
from lotse.kernel.db import Connection
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements

READS = statements("lotse.domains.catalog", "reads")

# A larger tree is no navigation; the largest that was seen (an electronics retailer's) has 4,584.
_MAX_CATEGORIES = 10_000


class Succeeding(Struct, frozen=True):
    """A product on the way from one that is archived to what is sold in its place."""

    id: UUID
    slug: str
    state: State


class Mapped(Struct, frozen=True):
    """A product's address for the site map."""

    slug: str
    changed_at: datetime


async def site_map(conn: Connection, *, skip: int, limit: int) -> list[Mapped]:
    """A part of what search engines are told of."""
    return await conn.many(READS.site_map, Mapped, skip=skip, limit=limit)


async def count_shown(conn: Connection) -> int:
    """How many products are shown."""
    return await conn.value(READS.count_shown)


async def category_tree(conn: Connection, *, language: str) -> list[Category]:
    """All categories, parents before children, siblings in their order; with how many products are shown below."""
    return await conn.many(READS.category_tree, Category, language=language, limit=_MAX_CATEGORIES)


async def category_by_slug(conn: Connection, *, slug: str, language: str) -> CategoryPage | None:
    """A category with its path and its children, or None."""
    return await conn.maybe(READS.category_by_slug, CategoryPage, slug=_plain(slug), language=language)


async def category_slugs(conn: Connection, *, slugs: Sequence[str]) -> dict[str, str]:
    """Where the categories are now that these slugs name or named; unknown ones are left out."""
    found = await conn.many(READS.categories_by_slug, _At, slugs=[_plain(slug) for slug in slugs])
    return {one.slug: one.present for one in found}


async def products_in_category(
    conn: Connection, *, category_id: UUID, language: str, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[ProductCard]:
    """What is shown in a category and below, newest first. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[UUID])
    found = await conn.many(
        READS.products_in_category,
        ProductCard,
        category_id=category_id,
        language=language,
        after=begin[0] if begin else None,
        limit=limit + 1,
    )
    return paged(found, limit, ["id"])


async def products_in_category_by_name(
    conn: Connection, *, category_id: UUID, language: str, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[ProductCard]:
    """What is shown in a category and below, from A to Z in this language. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[str, UUID])
    found = await conn.many(
        READS.products_in_category_by_name,
        ProductCard,
        category_id=category_id,
        language=language,
        after_name=begin[0] if begin else None,
        after=begin[1] if begin else None,
        limit=limit + 1,
    )
    return paged(found, limit, ["name", "id"])


async def products(
    conn: Connection, *, language: str, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[ProductCard]:
    """Everything that is shown, newest first. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[UUID])
    found = await conn.many(
        READS.products, ProductCard, language=language, after=begin[0] if begin else None, limit=limit + 1
    )
    return paged(found, limit, ["id"])


async def product_cards(conn: Connection, *, product_ids: Sequence[UUID], language: str) -> list[ProductCard]:
    """Those of the products that exist, whatever their state, in the order asked."""
    return await conn.many(READS.cards, ProductCard, ids=list(product_ids), language=language)


async def product_by_slug(
    conn: Connection, *, slug: str, language: str, everything: bool = False
) -> ProductPage | None:
    """A product that is shown, or None; found by a former slug too (compare `slug` and send the reader on).

    `everything`: also drafts and archived ones, with all their variants, for the back office.
    """
    return await conn.maybe(
        READS.product_page, ProductPage, slug=_plain(slug), id=None, language=language, everything=everything
    )


async def product(conn: Connection, *, product_id: UUID, language: str, everything: bool = False) -> ProductPage | None:
    """As `product_by_slug`, by id."""
    return await conn.maybe(
        READS.product_page, ProductPage, slug=None, id=product_id, language=language, everything=everything
    )


async def succession(conn: Connection, *, product_id: UUID) -> list[Succeeding]:
    """A product, its successor, that one's and so on."""
    return await conn.many(READS.succession, Succeeding, id=product_id, at_most=MOST_SUCCESSORS)


async def successor(conn: Connection, *, product_id: UUID) -> str | None:
    """The slug of what is shown in the place of an archived product: past others that are archived too."""
    way = await succession(conn, product_id=product_id)
    living = next((step for step in way[1:] if step.state != "archived"), None)
    return living.slug if living and living.state in SHOWN else None


async def variants_by_ids(conn: Connection, *, variant_ids: Sequence[UUID], language: str) -> list[VariantCard]:
    """Those of the variants that exist, whatever their state, in the order asked."""
    return await conn.many(READS.variants_by_ids, VariantCard, ids=list(variant_ids), language=language)


async def variant_by_sku(conn: Connection, *, sku: str, language: str) -> VariantCard | None:
    """A variant, or None."""
    return await conn.maybe(READS.variant_by_sku, VariantCard, sku=_plain(sku), language=language)


async def variant_by_gtin(conn: Connection, *, gtin: str, language: str) -> VariantCard | None:
    """The variant that a scanner's digits name, with or without leading zeros, or None."""
    digits = search_digits(gtin)
    return await conn.maybe(READS.variant_by_gtin, VariantCard, gtin=digits, language=language) if digits else None


async def variant_ids_by_sku(conn: Connection, *, skus: Sequence[str]) -> dict[str, UUID]:
    """The ids of those SKUs that exist."""
    return {
        found.sku: found.id
        for found in await conn.many(READS.variant_ids_by_sku, _Sku, skus=[_plain(sku) for sku in skus])
    }


async def variants_of_products(conn: Connection, *, product_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The variants of products that are not archived, in their order; a product without any is absent."""
    found: dict[UUID, list[UUID]] = {}
    for one in await conn.many(READS.variants_of_products, _OfProduct, ids=list(product_ids)):
        found.setdefault(one.product_id, []).append(one.id)
    return found


async def search_simple(conn: Connection, *, text: str, language: str, limit: int = PAGE_SIZE) -> list[ProductCard]:
    """What is shown and has all words of `text` (by their beginnings) in a name or summary of any language, or a SKU
    that begins with it, or the GTIN. Newest first: this finds, it does not rank."""
    return await conn.many(READS.search_simple, ProductCard, **search_terms(text), language=language, limit=limit)


async def product_rows(
    conn: Connection,
    *,
    language: str,
    state: State | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[ProductRow]:
    """The back office's list, newest first, found as in `search_simple`. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[UUID])
    found = await conn.many(
        READS.product_rows,
        ProductRow,
        **search_terms(text),
        searched=bool(text.strip()),
        language=language,
        state=state,
        after=begin[0] if begin else None,
        limit=limit + 1,
    )
    return paged(found, limit, ["id"])


async def product_for_edit(conn: Connection, *, product_id: UUID) -> EditedProduct | None:
    """A product in every language, whatever its state."""
    return await conn.maybe(READS.product_edit, EditedProduct, id=product_id)


async def categories_for_edit(conn: Connection) -> list[EditedCategory]:
    """The tree in every language, parents before children, siblings in their order."""
    return await conn.many(READS.categories_for_edit, EditedCategory, limit=_MAX_CATEGORIES)


async def products_now(conn: Connection, *, product_ids: Sequence[UUID]) -> list[ProductNow]:
    """Of these, those that exist, as they are."""
    return await conn.many(READS.products_now, ProductNow, ids=list(product_ids))


async def product_ids_by_slug(conn: Connection, *, slugs: Sequence[str]) -> dict[str, UUID]:
    """The ids of those slugs that exist."""
    found = await conn.many(READS.product_ids_by_slug, _Slug, slugs=[_plain(slug) for slug in slugs])
    return {one.slug: one.id for one in found}


class _OfProduct(Struct, frozen=True):
    product_id: UUID
    id: UUID


class _At(Struct, frozen=True):
    slug: str
    present: str


class _Slug(Struct, frozen=True):
    slug: str
    id: UUID


class _Sku(Struct, frozen=True):
    sku: str
    id: UUID


def _plain(key: str) -> str:
    """PostgreSQL refuses NUL in text; nothing is called so, hence such a key simply finds nothing."""
    return key.replace("\0", "\ufffd")
