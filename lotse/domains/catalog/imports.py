"""Articles from files: a row is a variant with what it says of its product. Rows of one product share its `product`."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from lotse.domains.catalog.commands import change_state, put_categories, put_products, rename, set_successor
from lotse.domains.catalog.contracts import (
    CategoryText,
    PutCategory,
    PutProduct,
    PutVariant,
    SkuTaken,
    State,
    Text,
    Unit,
    UnknownProduct,
)
from lotse.domains.catalog.queries import product_ids_by_slug
from lotse.domains.catalog.rules import checked_gtin
from lotse.kernel.db import Transaction
from lotse.kernel.imports.contracts import Context, Current, RowRefused
from lotse.kernel.sql import statements

READS = statements("lotse.domains.catalog", "reads")

DEFAULT_LANGUAGE = "en"
_LEVELS, _PLACES = ">", "|"


class ArticleRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `articles`. `category` is a path of names, several with `|` between: `Rackets > Tennis`.

    `product` is what the file calls the article, its present slug or a former one; `slug` the address that it gets;
    `successor` the article that takes its place once it is archived, by an address or an article number.
    """

    sku: str
    product: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    successor: str | UnsetType = UNSET
    gtin: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    brand: str | UnsetType = UNSET
    summary: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    category: str | UnsetType = UNSET
    tax_class: str | UnsetType = UNSET
    unit: Unit | UnsetType = UNSET
    options: dict[str, str] | UnsetType = UNSET
    attributes: dict[str, str | int | float | bool | list[str]] | UnsetType = UNSET
    state: Literal["draft", "active"] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    changed_at: datetime | UnsetType = UNSET


class _Found(Struct, frozen=True):
    """A variant as it is."""

    sku: str
    slug: str
    gtin: str | None
    unit: Unit
    options: dict[str, str]
    position: int


class _Product(Struct, frozen=True):
    """A product as it is, in the language of the file."""

    slug: str
    brand: str
    tax_class: str
    attributes: dict[str, Any]
    name: str | None
    summary: str | None
    description: str | None
    categories: list[str]
    variants: int
    id: UUID
    state: State
    successor: str | None


class _Address(Struct, frozen=True):
    """What is `present` now where `slug` leads."""

    slug: str
    present: str


class Articles:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "articles"
    row = ArticleRow
    fields = (
        "name", "brand", "summary", "description", "category", "tax_class", "gtin", "unit", "options", "attributes",
        "state", "slug", "successor",
    )  # fmt: skip
    order = 30
    batch = 500

    def key(self, row: ArticleRow, context: Context) -> str:
        return row.sku

    async def current(self, tx: Transaction, rows: Sequence[ArticleRow], context: Context) -> Sequence[Current]:
        variants, products, named = await _stored(tx, rows, context)
        places = {row.sku: paths(row.category) for row in rows if row.category is not UNSET}
        ends = sorted({path[-1][0] for ways in places.values() for path in ways})
        present = {one.slug: one.present for one in await tx.many(READS.categories_by_slug, _Address, slugs=ends)}
        followers = await _articles_called(tx, rows)
        found: list[Current] = []
        for row in rows:
            variant = variants.get(row.sku)
            if variant is None:
                found.append(None)
                continue
            if row.product is not UNSET and named.get(row.product, row.product) != variant.slug:
                raise SkuTaken(sku=row.sku, product=row.product)
            product = products[variant.slug]
            found.append(
                {
                    "product": variant.slug,
                    "slug": variant.slug,
                    "successor": row.successor
                    if row.successor is not UNSET and followers.get(row.successor, "") == product.successor
                    else product.successor or "",
                    "name": product.name or "",
                    "brand": product.brand,
                    "summary": product.summary or "",
                    "description": product.description or "",
                    # By the names of the file: that staff gave a category another address is no difference.
                    "category": _as_called(product.categories, places.get(row.sku, ()), present),
                    "tax_class": product.tax_class,
                    "gtin": variant.gtin or "",
                    "unit": variant.unit,
                    "options": variant.options,
                    "attributes": product.attributes,
                    "state": product.state,
                }
            )
        return found

    def wanted(self, row: ArticleRow, found: Current, context: Context) -> Mapping[str, Any]:
        said: dict[str, Any] = {name: value for name in self.fields if (value := getattr(row, name)) is not UNSET}
        if "gtin" in said:
            said["gtin"] = checked_gtin(said["gtin"], row.sku) if said["gtin"] else ""
        if "category" in said:
            said["category"] = [path[-1][0] for path in paths(said["category"])]
        if found and found["state"] != "draft":
            said.pop("state", None)  # a file begins an article's life; what became of it since is not a file's to undo
        for name in ("options", "attributes"):  # what a row does not name stays
            if name in said and found:
                said[name] = {**found[name], **said[name]}
        return said

    async def apply(
        self, tx: Transaction, rows: Sequence[ArticleRow], found: Sequence[Current], context: Context
    ) -> None:
        variants, products, named = await _stored(tx, rows, context)
        await _missing_categories(tx, rows, context)
        by_slug: dict[str, list[ArticleRow]] = {}
        for row in rows:
            by_slug.setdefault(_slug_of(row, variants, named), []).append(row)
        puts = [_put(slug, of, variants, products.get(slug), context) for slug, of in by_slug.items()]
        stored = await put_products(tx, puts, by=context.by, at=context.at, source=None)
        # A put leaves the state of what is there alone.
        beginning = [
            known.id
            for slug, of in by_slug.items()
            if (known := products.get(slug)) and known.state == "draft" and any(row.state == "active" for row in of)
        ]
        if beginning:
            await change_state(tx, product_ids=beginning, state="active", by=context.by, at=context.at, source=None)
        for product in stored:
            slug = next((row.slug for row in reversed(by_slug[product.slug]) if row.slug is not UNSET), product.slug)
            await rename(tx, product_id=product.id, slug=slug, by=context.by, at=context.at, source=None)
        await _succeed(tx, {product.id: by_slug[product.slug] for product in stored}, context)


async def _articles_called(tx: Transaction, rows: Sequence[ArticleRow]) -> dict[str, str]:
    """The present slugs of what rows call successors: an address of an article, else a number of its variants."""
    called = sorted({row.successor for row in rows if row.successor is not UNSET and "\0" not in row.successor})
    by_sku = {one.sku: one.slug for one in await tx.many(READS.articles, _Found, skus=called)}
    return by_sku | {one.slug: one.present for one in await tx.many(READS.products_at, _Address, slugs=called)}


async def _succeed(tx: Transaction, rows_of: Mapping[UUID, Sequence[ArticleRow]], context: Context) -> None:
    """Set the successors that rows name, once everything of the file's part is there."""
    followers = await _articles_called(tx, [row for rows in rows_of.values() for row in rows])
    ids = await product_ids_by_slug(tx, slugs=list(followers.values()))
    for product_id, rows in rows_of.items():
        said = next((row.successor for row in reversed(rows) if row.successor is not UNSET), None)
        if said is None:
            continue
        if said and said not in followers:
            raise UnknownProduct(product=said)
        successor_id = ids[followers[said]] if said else None
        await set_successor(
            tx, product_id=product_id, successor_id=successor_id, by=context.by, at=context.at, source=None
        )


def _as_called(
    slugs: Sequence[str], ways: Sequence[Sequence[tuple[str, str]]], present: Mapping[str, str]
) -> list[str]:
    """Present slugs by what a row's paths call them."""
    called = {present[path[-1][0]]: path[-1][0] for path in ways if path[-1][0] in present}
    return [called.get(slug, slug) for slug in slugs]


def _slug_of(row: ArticleRow, variants: Mapping[str, _Found], at: Mapping[str, str]) -> str:
    if row.sku in variants:
        return variants[row.sku].slug
    if row.product is not UNSET:
        return at.get(row.product, row.product)
    # A name is no key, two articles may share it; the SKU keeps them apart.
    named = f"{row.name} {row.sku}" if row.name is not UNSET else row.sku
    return slugged(named)


def _put(
    slug: str,
    rows: Sequence[ArticleRow],
    variants: Mapping[str, _Found],
    product: _Product | None,
    context: Context,
) -> PutProduct:
    """A product with these of its variants: what the rows say over what is there. Of several rows the last counts."""

    def said(field: str, before: Any) -> Any:
        return next((value for row in reversed(rows) if (value := getattr(row, field)) is not UNSET), before)

    count = product.variants if product else 0
    puts: list[PutVariant] = []
    for row in rows:
        known = variants.get(row.sku)
        gtin = known.gtin if known and row.gtin is UNSET else (None if row.gtin is UNSET else row.gtin or None)
        options = {**(known.options if known else {}), **({} if row.options is UNSET else row.options)}
        unit = row.unit if row.unit is not UNSET else (known.unit if known else "piece")
        position = known.position if known else count
        count += known is None
        puts.append(PutVariant(sku=row.sku, gtin=gtin, options=options, unit=unit, position=position))
    name = said("name", product.name if product else None)
    texts = ()
    if name:
        summary = said("summary", (product.summary if product else None) or "")
        description = said("description", (product.description if product else None) or "")
        texts = (Text(_language(rows[0], context), name, summary, description),)
    attributes: dict[str, Any] = dict(product.attributes) if product else {}
    for row in rows:
        attributes |= {} if row.attributes is UNSET else row.attributes
    category = said("category", None)
    return PutProduct(
        slug=slug,
        brand=said("brand", product.brand if product else ""),
        tax_class=said("tax_class", product.tax_class if product else "standard"),
        attributes=attributes,
        state=said("state", "active"),
        texts=texts,
        variants=tuple(puts),
        categories=None if category is None else tuple(path[-1][0] for path in paths(category)),
    )


async def _stored(
    tx: Transaction, rows: Sequence[ArticleRow], context: Context
) -> tuple[dict[str, _Found], dict[str, _Product], dict[str, str]]:
    """Variants by SKU, products by slug, and the present slug of each product that rows name, by what they call it."""
    skus = [row.sku for row in rows if "\0" not in row.sku]
    variants = {one.sku: one for one in await tx.many(READS.articles, _Found, skus=skus)}
    called = sorted({row.product for row in rows if row.product is not UNSET and "\0" not in row.product})
    named = {one.slug: one.present for one in await tx.many(READS.products_at, _Address, slugs=called)}
    slugs = {one.slug for one in variants.values()} | set(named.values())
    language = _language(rows[0], context) if rows else DEFAULT_LANGUAGE
    products = {
        one.slug: one
        for one in await tx.many(READS.products_as_imported, _Product, slugs=sorted(slugs), language=language)
    }
    return variants, products, named


async def _missing_categories(tx: Transaction, rows: Sequence[ArticleRow], context: Context) -> None:
    """Make the categories that rows name and that are not there; those that are stay as they are."""
    wanted: dict[str, PutCategory] = {}
    for row in rows:
        if row.category is UNSET:
            continue
        for path in paths(row.category):
            parent: str | None = None
            for slug, name in path:
                text = CategoryText(_language(row, context), name)
                wanted.setdefault(slug, PutCategory(slug=slug, parent=parent, texts=(text,)))
                parent = slug
    if not wanted:
        return
    known = {one.slug: one.present for one in await tx.many(READS.categories_by_slug, _Address, slugs=list(wanted))}
    missing = [
        replace(category, parent=known.get(category.parent, category.parent) if category.parent else None)
        for slug, category in wanted.items()
        if slug not in known
    ]
    if missing:
        await put_categories(tx, missing, by=context.by, at=context.at)


def paths(category: str) -> list[list[tuple[str, str]]]:
    """`Rackets > Tennis | Sale` as paths of slug and name; a category's slug is made of all names that lead to it.

    Refusal: `RowRefused`.
    """
    found: list[list[tuple[str, str]]] = []
    for text in category.split(_PLACES):
        names = [name.strip() for name in text.split(_LEVELS) if name.strip()]
        if not names or len(names) > 10:
            raise RowRefused(field="category", rule="names of 1 to 10 levels with > between, places with | between")
        found.append([(slugged(" ".join(names[: level + 1])), name) for level, name in enumerate(names)])
    return found


def slugged(text: str) -> str:
    """An address out of a name: `Größe 42 – rot` becomes `groesse-42-rot`."""
    german = text.lower().translate(str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}))
    plain = unicodedata.normalize("NFKD", german).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:120].rstrip("-") or "article"


def _language(row: ArticleRow, context: Context) -> str:
    return row.language if row.language is not UNSET else context.options.get("language", DEFAULT_LANGUAGE)


imports = (Articles(),)
