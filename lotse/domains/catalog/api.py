"""Browsing for programs: the category tree, lists of products, one product with everything that its page shows."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from lotse.domains.catalog import queries
from lotse.domains.catalog.contracts import (
    Category,
    CategoryPage,
    ProductCard,
    ProductPage,
    ProductReplaced,
    UnknownCategory,
    UnknownProduct,
    VariantCard,
)
from lotse.domains.parties.contracts import Shop
from lotse.kernel.db import Connection, Database
from lotse.kernel.http import PAGE_SIZE, Cursor, Page, PageSize, public
from lotse.kernel.paging import BadCursor

# As many as a page shows or a basket holds.
MAX_VARIANTS = 200
Language = Annotated[
    str | None,
    Parameter(
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,  # the longest tag that RFC 5646 reckons with
        description="Language of the texts (BCP 47), e.g. `de-AT`; the shop's own without it. Texts that are not there"
        " come in another form of it, else in English, else in any.",
    ),
]


@get("/categories", guards=[public], tags=["catalog"])
async def list_categories(database: Database, shop: Shop, language: Language = None) -> list[Category]:
    """The whole tree, parents before children, siblings in their order."""
    async with database.reading() as conn:
        return await queries.category_tree(conn, language=language or shop.language)


@get("/categories/{slug:str}", guards=[public], refusals=(UnknownCategory,), tags=["catalog"])
async def read_category(database: Database, shop: Shop, slug: str, language: Language = None) -> CategoryPage:
    """One category with the way to it and its children; a former slug finds it too, and `slug` says the present one."""
    async with database.reading() as conn:
        return await _category(conn, slug, language or shop.language)


@get("/categories/{slug:str}/products", guards=[public], refusals=(UnknownCategory, BadCursor), tags=["catalog"])
async def list_category_products(
    database: Database,
    shop: Shop,
    slug: str,
    language: Language = None,
    limit: PageSize = PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[ProductCard]:
    """What is shown in a category and below it, newest first."""
    wanted = language or shop.language
    async with database.snapshot() as conn:
        category = await _category(conn, slug, wanted)
        return await queries.products_in_category(
            conn, category_id=category.id, language=wanted, cursor=cursor, limit=limit
        )


@get("/products", guards=[public], refusals=(BadCursor,), tags=["catalog"])
async def list_products(
    database: Database,
    shop: Shop,
    text: Annotated[
        str | None,
        Parameter(
            max_length=200,
            description="Words of a name (their beginnings do), the beginning of a SKU, or a GTIN. What is found comes"
            " on one page.",
        ),
    ] = None,
    language: Language = None,
    limit: PageSize = PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[ProductCard]:
    """Everything that is shown, or what is found of it, newest first."""
    wanted = language or shop.language
    async with database.reading() as conn:
        if text is not None:
            return Page(await queries.search_simple(conn, text=text, language=wanted, limit=limit))
        return await queries.products(conn, language=wanted, cursor=cursor, limit=limit)


@get("/products/{slug:str}", guards=[public], refusals=(UnknownProduct, ProductReplaced), tags=["catalog"])
async def read_product(database: Database, shop: Shop, slug: str, language: Language = None) -> ProductPage:
    """One product with texts, variants and pictures; a former slug finds it too, and `slug` says the present one."""
    async with database.reading() as conn:
        found = await queries.product_by_slug(conn, slug=slug, language=language or shop.language)
        if found is None:
            known = await queries.product_by_slug(conn, slug=slug, language=shop.language, everything=True)
            if known is not None and known.state == "archived":
                successor = await queries.successor(conn, product_id=known.id)
                if successor is not None:
                    raise ProductReplaced(product=known.slug, successor=successor)
    if found is None:
        raise UnknownProduct(product=slug)
    return found


@get("/variants", guards=[public], tags=["catalog"])
async def list_variants(
    database: Database,
    shop: Shop,
    variant: Annotated[
        list[UUID], Parameter(min_items=1, max_items=MAX_VARIANTS, description="Ids of variants; repeat the parameter.")
    ],
    language: Language = None,
) -> list[VariantCard]:
    """Variants with what a basket or a list shows of them, in the order asked; unknown ones are absent."""
    async with database.reading() as conn:
        return await queries.variants_by_ids(conn, variant_ids=variant, language=language or shop.language)


async def _category(conn: Connection, slug: str, language: str) -> CategoryPage:
    found = await queries.category_by_slug(conn, slug=slug, language=language)
    if found is None:
        there = await queries.category_slugs(conn, slugs=[slug])
        found = await queries.category_by_slug(conn, slug=there.get(slug, slug), language=language)
    if found is None:
        raise UnknownCategory(category=slug)
    return found


routes = (list_categories, read_category, list_category_products, list_products, read_product, list_variants)
