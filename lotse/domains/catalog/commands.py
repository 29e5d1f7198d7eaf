"""Make and change products and categories, many in one call: demo, imports and back office use the same verbs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.catalog.contracts import (
    SHOWN,
    CategoryChanged,
    CategoryCycle,
    CategorySlugTaken,
    ChangeProduct,
    GtinTaken,
    MoveNotAllowed,
    NoSuccessor,
    NotReadyToSell,
    ProductChanged,
    ProductEdited,
    ProductNow,
    ProductStateChanged,
    PutCategory,
    PutProduct,
    PutVariant,
    SkuTaken,
    SlugTaken,
    State,
    StoredProduct,
    Text,
    UnknownCategory,
    UnknownProduct,
    UnknownVariant,
)
from lotse.domains.catalog.queries import succession
from lotse.domains.catalog.rules import (
    MOVES,
    allowed,
    check_language,
    check_sku,
    check_slug,
    check_tax_class,
    check_text,
    checked_gtin,
    levels,
    refused_successor,
)
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.masters import EVERYTHING, LOTSE, masters_of, refuse_foreign
from lotse.kernel.media.contracts import UnknownMedia
from lotse.kernel.media.queries import media_by_names
from lotse.kernel.outbox import emit
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.catalog", "reads")
WRITES = statements("lotse.domains.catalog", "writes")


async def put_categories(
    tx: Transaction, categories: Sequence[PutCategory], *, by: str, at: datetime
) -> dict[str, UUID]:
    """Make or overwrite categories by slug, move them to their parents; slug to id.

    Refusals in this order: `Invalid` (by `categories[i].field`), `CategoryCycle`, `UnknownCategory` (a parent).
    """
    for i, category in enumerate(categories):
        _check_category(category, f"categories[{i}]")
    _refuse_twice((category.slug for category in categories), "categories", "slug")
    await tx.execute(WRITES.lock_tree)
    ids: dict[str, UUID] = {}
    changed: set[UUID] = set()
    for level in levels(categories):
        rows = [
            _CategoryRow(
                uuid7(), category.parent, category.slug, place if category.position is None else category.position
            )
            for place, category in level
        ]
        stored = await _put_level(tx, rows)
        ids |= {row.slug: row.id for row in stored}
        changed |= {row.id for row in stored if row.changed}
        for row in rows:
            if row.slug not in ids:
                raise UnknownCategory(category=row.parent or row.slug)
    await tx.execute(WRITES.forget_category_slugs, slugs=sorted(ids))
    texts = [
        _CategoryTextRow(ids[category.slug], text.language, text.name, text.description)
        for category in categories
        for text in category.texts
    ]
    changed |= set(await tx.values(WRITES.put_category_texts, texts=texts))
    changes = [(f"catalog.category:{c.slug}", None, c) for c in categories if ids[c.slug] in changed]
    await audit.record_all(tx, actor=by, changes=changes, at=at)
    await emit(tx, *(CategoryChanged(id) for id in sorted(changed)), at=at)
    return ids


async def rename_category(tx: Transaction, *, category_id: UUID, slug: str, by: str, at: datetime) -> None:
    """Give a category another address; the old one keeps leading to it, until something new takes it.

    Refusals in this order: `Invalid`, `UnknownCategory`, `CategorySlugTaken`.
    """
    check_slug(slug, "slug")
    await tx.execute(WRITES.lock_tree)
    found = await tx.maybe(READS.category_for_change, _CategoryId, id=category_id)
    if found is None:
        raise UnknownCategory(category=str(category_id))
    if found.slug == slug:
        return
    with refusing({"categories_slug_unique": lambda: CategorySlugTaken(slug=slug)}):
        await tx.execute(WRITES.rename_category, id=category_id, slug=slug)
    await tx.execute(WRITES.forget_category_slugs, slugs=[slug])
    await tx.execute(WRITES.remember_category_slug, slug=found.slug, category_id=category_id)
    subject = f"catalog.category:{slug}"
    await audit.record(tx, actor=by, subject=subject, old={"slug": found.slug}, new={"slug": slug}, at=at)
    await emit(tx, CategoryChanged(category_id), at=at)


async def _put_level(tx: Transaction, rows: "list[_CategoryRow]") -> "list[_StoredCategory]":
    # A cycle ends in one or the other, whichever the cascade meets first; parents were looked up under the lock.
    cycle = CategoryCycle(category=rows[0].slug)
    with refusing({"categories_depth_limit": lambda: cycle, "categories_parent": lambda: cycle}):
        return await tx.many(WRITES.put_categories, _StoredCategory, categories=rows)


async def put_products(
    tx: Transaction, products: Sequence[PutProduct], *, by: str, at: datetime, source: str | None = LOTSE
) -> list[StoredProduct]:
    """Make or overwrite products with variants, texts, categories and pictures; where each ended up, in order.

    Set-based: thousands in one call take a dozen statements. The same call again changes nothing and reports nothing.
    `source` is the system that says so; None: whether it has the say was asked before. `NotTheMaster` is refused for
    the first field that would change and that another has the say over. Other refusals in this order: `Invalid` (by
    `products[i].field`), `InvalidGtin`, `UnknownCategory`, `GtinTaken`, `NotReadyToSell` (a new active
    product without name or variant), `SkuTaken`, `UnknownMedia`.
    """
    if not products:
        return []
    gtins = _checked(products)
    products, category_ids = await _placed(tx, products)
    await _refuse_foreign_gtins(tx, gtins)
    if source is not None:
        await _refuse_foreign_fields(tx, products, gtins, source)

    rows = [
        _ProductRow(uuid7(), product.slug, product.state, product.brand, product.tax_class, product.attributes)
        for product in products
    ]
    stored = {row.slug: row for row in await tx.many(WRITES.put_products, _StoredRow, products=rows, at=at)}
    await tx.execute(WRITES.forget_slugs, slugs=sorted(stored))
    for product in products:
        if stored[product.slug].made and product.state == "active":
            _refuse_unready(
                product.slug, named=bool(product.texts), stocked=any(v.state == "active" for v in product.variants)
            )
    ids = {slug: row.id for slug, row in stored.items()}
    touched = await _put_texts(tx, products, ids)
    variants, changed_variants = await _put_variants(tx, products, ids, gtins)
    touched |= changed_variants
    touched |= await _put_categories_of(tx, products, ids, category_ids)
    touched |= await _put_pictures(tx, products, ids)

    touched |= {row.id for row in stored.values() if row.changed}
    await tx.execute(WRITES.touch_products, ids=sorted(touched), at=at)
    await audit.record_all(
        tx,
        actor=by,
        changes=[
            (
                f"catalog.product:{product.slug}",
                None if stored[product.slug].made else stored[product.slug].old,
                {"brand": product.brand, "tax_class": product.tax_class, "attributes": product.attributes},
            )
            for product in products
            if ids[product.slug] in touched
        ],
        at=at,
    )
    await emit(tx, *(ProductChanged(id) for id in sorted(touched)), at=at)
    return [
        StoredProduct(ids[product.slug], product.slug, [variants[variant.sku] for variant in product.variants])
        for product in products
    ]


async def put_texts(
    tx: Transaction,
    *,
    product_id: UUID,
    texts: Sequence[Text],
    by: str,
    at: datetime,
    source: str | None = LOTSE,
) -> None:
    """Write a product's words in some languages; `source` as in `put_products`.

    Refusals in this order: `Invalid`, `UnknownProduct`, `NotTheMaster`.
    """
    for i, text in enumerate(texts):
        _check_words(text, f"texts[{i}]")
    if source is not None:
        await _refuse_foreign_texts(tx, product_id, texts, source)
    rows = [_TextRow(product_id, text.language, text.name, text.summary, text.description) for text in texts]
    with refusing({"product_texts_product": lambda: UnknownProduct(product=str(product_id))}):
        changed = await tx.values(WRITES.put_texts, texts=rows)
    if changed:
        await tx.execute(WRITES.touch_products, ids=[product_id], at=at)
        subject = f"catalog.product:{product_id}"
        await audit.record(tx, actor=by, subject=subject, old=None, new={"texts": texts}, at=at)
        await emit(tx, ProductChanged(product_id), at=at)


async def change_state(
    tx: Transaction,
    *,
    product_ids: Sequence[UUID],
    state: State,
    by: str,
    at: datetime,
    source: str | None = LOTSE,
) -> None:
    """Move products in their lives; those that are there already stay. All or none. `source` as in `put_products`.

    Refusals in this order, each for the first in the order of ids: `UnknownProduct`, `NotTheMaster`, `MoveNotAllowed`,
    `NotReadyToSell`.
    """
    found = await tx.many(READS.products_for_change, _ForChange, ids=list(product_ids))
    _refuse_missing(product_ids, found)
    if source is not None and any(product.state != state for product in found):
        await refuse_foreign(tx, "articles", ("state",), source=source)
    for product in found:
        if not allowed(product.state, state):
            raise MoveNotAllowed(
                product_id=product.id, state=product.state, wanted=state, allowed=list(MOVES[product.state])
            )
    moving = [product for product in found if product.state != state]
    if state in SHOWN:
        for product in moving:
            _refuse_unready(product.slug, named=product.named, stocked=product.stocked)
    await tx.execute(WRITES.change_states, ids=[product.id for product in moving], state=state, at=at)
    await audit.record_all(
        tx,
        actor=by,
        changes=[(f"catalog.product:{p.slug}", {"state": p.state}, {"state": state}) for p in moving],
        at=at,
    )
    await emit(tx, *(ProductStateChanged(product.id, product.state, state) for product in moving), at=at)


async def change_variant_state(
    tx: Transaction,
    *,
    variant_ids: Sequence[UUID],
    state: State,
    by: str,
    at: datetime,
    source: str | None = LOTSE,
) -> None:
    """Move single variants, e.g. a size that is not made any more. `source` as in `put_products`.

    Refusals in this order: `UnknownVariant`, `NotTheMaster`, `MoveNotAllowed`.
    """
    found = await tx.many(READS.variants_for_change, _VariantForChange, ids=list(variant_ids))
    known = {variant.id for variant in found}
    for id in variant_ids:
        if id not in known:
            raise UnknownVariant(variant=str(id))
    if source is not None and any(variant.state != state for variant in found):
        await refuse_foreign(tx, "articles", ("state",), source=source)
    for variant in found:
        if not allowed(variant.state, state):
            raise MoveNotAllowed(
                product_id=variant.product_id, state=variant.state, wanted=state, allowed=list(MOVES[variant.state])
            )
    moving = [variant for variant in found if variant.state != state]
    await tx.execute(WRITES.change_variant_states, ids=[variant.id for variant in moving], state=state)
    await audit.record_all(
        tx,
        actor=by,
        changes=[(f"catalog.variant:{v.sku}", {"state": v.state}, {"state": state}) for v in moving],
        at=at,
    )
    changed = sorted({variant.product_id for variant in moving})
    await emit(tx, *(ProductChanged(id) for id in changed), at=at)


async def rename(
    tx: Transaction, *, product_id: UUID, slug: str, by: str, at: datetime, source: str | None = LOTSE
) -> None:
    """Give a product another address; the old one keeps leading to it, until something new takes it. `source` as in
    `put_products`.

    Refusals in this order: `Invalid`, `UnknownProduct`, `NotTheMaster`, `SlugTaken`.
    """
    check_slug(slug, "slug")
    found = await tx.many(READS.products_for_change, _ForChange, ids=[product_id])
    _refuse_missing([product_id], found)
    old = found[0].slug
    if old == slug:
        return
    if source is not None:
        await refuse_foreign(tx, "articles", ("slug",), source=source)
    with refusing({"products_slug_unique": lambda: SlugTaken(slug=slug)}):
        await tx.execute(WRITES.rename, id=product_id, slug=slug, at=at)
    await tx.execute(WRITES.forget_slugs, slugs=[slug])
    await tx.execute(WRITES.remember_slug, slug=old, product_id=product_id)
    subject = f"catalog.product:{product_id}"
    await audit.record(tx, actor=by, subject=subject, old={"slug": old}, new={"slug": slug}, at=at)
    await emit(tx, ProductChanged(product_id), at=at)


async def set_successor(
    tx: Transaction, *, product_id: UUID, successor_id: UUID | None, by: str, at: datetime, source: str | None = LOTSE
) -> None:
    """Say which product takes another's place once that is archived; None: none. `source` as in `put_products`.

    An archived one may, if it has a successor itself. Refusals in this order: `UnknownProduct`, `NotTheMaster`,
    `NoSuccessor`.
    """
    await tx.value(WRITES.lock_successors)
    ids = sorted({product_id, successor_id or product_id})
    found = {one.id: one for one in await tx.many(READS.products_for_change, _ForChange, ids=ids)}
    _refuse_missing(ids, list(found.values()))
    before = await succession(tx, product_id=product_id)
    old = before[1] if len(before) > 1 else None
    if (old.id if old else None) == successor_id:
        return
    if source is not None:
        await refuse_foreign(tx, "articles", ("successor",), source=source)
    new = found[successor_id] if successor_id else None
    if new is not None:
        way = await succession(tx, product_id=new.id)
        reason = refused_successor(product_id, [(step.id, step.state) for step in way])
        if reason is not None:
            raise NoSuccessor(product=new.slug, reason=reason)
    await tx.execute(WRITES.set_successor, id=product_id, successor_id=successor_id, at=at)
    await audit.record(
        tx,
        actor=by,
        subject=f"catalog.product:{product_id}",
        old={"successor": old.slug if old else None},
        new={"successor": new.slug if new else None},
        at=at,
    )
    await emit(tx, ProductChanged(product_id), at=at)


async def expect_unchanged(tx: Transaction, *, product_id: UUID, seen: datetime) -> None:
    """Hold a product that is as somebody saw it. Refusals: `UnknownProduct`, `ProductEdited`."""
    found = await tx.value(READS.product_seen, id=product_id)
    if found is None:
        raise UnknownProduct(product=str(product_id))
    if found != seen:
        raise ProductEdited(product=str(product_id), changed_at=found)


async def hold_products(tx: Transaction, *, product_ids: Sequence[UUID]) -> None:
    """Hold products as they are until this transaction ends; unknown ones are left out."""
    await tx.many(READS.products_for_change, _ForChange, ids=sorted(product_ids))


async def change_products(
    tx: Transaction, changes: Sequence[ChangeProduct], *, by: str, at: datetime, source: str | None = LOTSE
) -> None:
    """Change brand, tax class and home of many products at once. All or none; what is so already stays unreported.
    `source` as in `put_products`.

    Refusals in this order: `Invalid`, `UnknownCategory`, `UnknownProduct`, `NotTheMaster`.
    """
    for i, change in enumerate(changes):
        check_tax_class(change.tax_class, f"changes[{i}].tax_class")
        check_text(change.brand, f"changes[{i}].brand", at_most=100)
    wanted = sorted({change.category for change in changes if change.category})
    found = {row.slug: row for row in await tx.many(READS.categories_by_slug, _CategoryAt, slugs=wanted)}
    for slug in wanted:
        if slug not in found:
            raise UnknownCategory(category=slug)
    changes = [replace(one, category=found[one.category].present if one.category else None) for one in changes]
    known = {row.present: row.id for row in found.values()}
    ids = sorted({change.id for change in changes})
    _refuse_missing(ids, await tx.many(READS.products_for_change, _ForChange, ids=ids))
    before = {now.id: now for now in await tx.many(READS.products_now, ProductNow, ids=ids)}
    differing = [
        change
        for change in changes
        if (change.brand, change.tax_class) != (before[change.id].brand, before[change.id].tax_class)
        or (change.category and change.category != before[change.id].category)
    ]
    if source is not None and differing:
        known_masters = await masters_of(tx, "articles")
        for change in differing:
            old = before[change.id]
            differs = {
                "brand": change.brand != old.brand,
                "tax_class": change.tax_class != old.tax_class,
                "category": bool(change.category) and change.category != old.category,
            }
            known_masters.refuse((field for field, is_other in differs.items() if is_other), source=source)
    await tx.execute(WRITES.set_products, products=differing, at=at)
    for slug, category_id in known.items():
        moving = [one.id for one in differing if one.category == slug and before[one.id].category != slug]
        await tx.execute(WRITES.move_home, ids=moving, category_id=category_id)
    await audit.record_all(
        tx,
        actor=by,
        changes=[
            (
                f"catalog.product:{change.id}",
                {"brand": before[change.id].brand, "tax_class": before[change.id].tax_class,
                 "category": before[change.id].category},
                {"brand": change.brand, "tax_class": change.tax_class,
                 "category": change.category or before[change.id].category},
            )
            for change in differing
        ],
        at=at,
    )  # fmt: skip
    await emit(tx, *(ProductChanged(change.id) for change in differing), at=at)


# -- what a put checks


def _checked(products: Sequence[PutProduct]) -> dict[str, str]:
    """Every field against its rule; the checked GTIN of each SKU that has one."""
    gtins: dict[str, str] = {}
    for i, product in enumerate(products):
        where = f"products[{i}]"
        check_slug(product.slug, f"{where}.slug")
        check_tax_class(product.tax_class, f"{where}.tax_class")
        check_text(product.brand, f"{where}.brand", at_most=100)
        _check_free(product.attributes, f"{where}.attributes")
        for j, text in enumerate(product.texts):
            _check_words(text, f"{where}.texts[{j}]")
        for j, variant in enumerate(product.variants):
            check_sku(variant.sku, f"{where}.variants[{j}].sku")
            _check_free(variant.options, f"{where}.variants[{j}].options")
        for j, picture in enumerate(product.pictures or ()):
            check_text(picture.media, f"{where}.pictures[{j}].media", at_least=1, at_most=500)
            check_text(picture.colour or "", f"{where}.pictures[{j}].colour", at_most=100)
            _check_free(picture.alt, f"{where}.pictures[{j}].alt")
        _refuse_twice((text.language for text in product.texts), f"{where}.texts", "language")
        _refuse_twice(product.categories or (), f"{where}.categories", "slug")
    _refuse_twice((product.slug for product in products), "products", "slug")
    _refuse_twice((variant.sku for variant in _variants(products)), "products.variants", "sku")
    for variant in _variants(products):
        if variant.gtin:
            gtins[variant.sku] = checked_gtin(variant.gtin, variant.sku)
    _refuse_twice((gtin.zfill(14) for gtin in gtins.values()), "products.variants", "gtin")
    return gtins


def _check_category(category: PutCategory, where: str) -> None:
    check_slug(category.slug, f"{where}.slug")
    for j, text in enumerate(category.texts):
        check_language(text.language, f"{where}.texts[{j}].language")
        check_text(text.name, f"{where}.texts[{j}].name", at_least=1, at_most=200)
        check_text(text.description, f"{where}.texts[{j}].description", at_most=10_000)
    _refuse_twice((text.language for text in category.texts), f"{where}.texts", "language")


def _check_words(text: Text, where: str) -> None:
    check_language(text.language, f"{where}.language")
    check_text(text.name, f"{where}.name", at_least=1, at_most=300)
    check_text(text.summary, f"{where}.summary", at_most=2_000)
    check_text(text.description, f"{where}.description", at_most=50_000)


def _check_free(values: dict[str, Any], where: str) -> None:
    """Names and values of attributes, options and alternative texts."""
    if len(values) > 100:
        raise Invalid(field=where, rule="at most 100 entries")
    for name, value in values.items():
        check_text(name, where, at_least=1, at_most=100)
        for part in cast("list[Any]", value) if isinstance(value, list) else [value]:
            check_text(str(part), f"{where}.{name}", at_most=1_000)


def _refuse_twice(keys: Iterable[str], where: str, field: str) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise Invalid(field=where, rule=f"each {field} once; {key} stands twice")
        seen.add(key)


async def _placed(tx: Transaction, products: Sequence[PutProduct]) -> tuple[Sequence[PutProduct], dict[str, UUID]]:
    """The products with their categories by present slugs, each once, and the ids of these. Refusal:
    `UnknownCategory`."""
    wanted = {slug for product in products for slug in product.categories or ()}
    found = {row.slug: row for row in await tx.many(READS.categories_by_slug, _CategoryAt, slugs=sorted(wanted))}
    for product in products:
        for slug in product.categories or ():
            if slug not in found:
                raise UnknownCategory(category=slug)
    placed = [
        product
        if product.categories is None
        else replace(product, categories=tuple(dict.fromkeys(found[slug].present for slug in product.categories)))
        for product in products
    ]
    return placed, {row.present: row.id for row in found.values()}


async def _refuse_foreign_gtins(tx: Transaction, gtins: dict[str, str]) -> None:
    owners = {gtin.zfill(14): sku for sku, gtin in gtins.items()}
    for taken in await tx.many(READS.gtins_taken, _Gtin, gtins=list(gtins.values())):
        if owners[taken.gtin.zfill(14)] != taken.sku:
            raise GtinTaken(gtin=taken.gtin, sku=taken.sku)


async def _refuse_foreign_fields(
    tx: Transaction, products: Sequence[PutProduct], gtins: dict[str, str], source: str
) -> None:
    """Compare with what is there, but only where somebody else has a say at all. Refusal: `NotTheMaster`."""
    masters = await masters_of(tx, "articles")
    if masters.are_all(source):
        return
    slugs = [product.slug for product in products]
    skus = [variant.sku for variant in _variants(products)]
    variants = {row.sku: row for row in await tx.many(READS.articles, _VariantAsItIs, skus=skus)}
    for language in sorted({text.language for product in products for text in product.texts} or {""}):
        found = {
            row.slug: row for row in await tx.many(READS.products_as_imported, _AsItIs, slugs=slugs, language=language)
        }
        for product in products:
            masters.refuse(_changing(product, found.get(product.slug), language), source=source)
    for variant in _variants(products):
        masters.refuse(_changing_variant(variant, gtins, variants.get(variant.sku)), source=source)


def _changing(product: PutProduct, there: "_AsItIs | None", language: str) -> Iterable[str]:
    """The fields, as imports name them, that a put would change; `*` for a product that is new."""
    if there is None:
        yield EVERYTHING
        return
    for field in ("brand", "tax_class", "attributes"):
        if getattr(product, field) != getattr(there, field):
            yield field
    for text in product.texts:
        if text.language == language:
            yield from _changing_words(text, there)
    if product.categories is not None and list(product.categories) != there.categories:
        yield "category"


def _changing_words(text: Text, there: "_AsItIs | _WordsAsTheyAre") -> Iterable[str]:
    for field in ("name", "summary", "description"):
        if getattr(text, field) != (getattr(there, field) or ""):
            yield field


def _changing_variant(variant: PutVariant, gtins: dict[str, str], there: "_VariantAsItIs | None") -> Iterable[str]:
    if there is None:
        yield EVERYTHING
        return
    if gtins.get(variant.sku) != there.gtin:
        yield "gtin"
    for field in ("unit", "options"):
        if getattr(variant, field) != getattr(there, field):
            yield field


async def _refuse_foreign_texts(tx: Transaction, product_id: UUID, texts: Sequence[Text], source: str) -> None:
    """Refusals: `UnknownProduct`, `NotTheMaster`."""
    masters = await masters_of(tx, "articles")
    if masters.are_all(source):
        return
    languages = [text.language for text in texts]
    found = await tx.many(READS.texts_of, _WordsAsTheyAre, id=product_id, languages=languages)
    if len(found) < len(languages):
        raise UnknownProduct(product=str(product_id))
    there = {row.language: row for row in found}
    for text in texts:
        masters.refuse(_changing_words(text, there[text.language]), source=source)


def _refuse_unready(slug: str, *, named: bool, stocked: bool) -> None:
    if not named or not stocked:
        raise NotReadyToSell(product=slug, missing="a variant for sale" if named else "a name")


def _refuse_missing(wanted: Sequence[UUID], found: "Sequence[_ForChange]") -> None:
    known = {product.id for product in found}
    for id in wanted:
        if id not in known:
            raise UnknownProduct(product=str(id))


# -- what a put writes; each answers the ids of the products that changed by it


async def _put_texts(tx: Transaction, products: Sequence[PutProduct], ids: dict[str, UUID]) -> set[UUID]:
    rows = [
        _TextRow(ids[product.slug], text.language, text.name, text.summary, text.description)
        for product in products
        for text in product.texts
    ]
    return set(await tx.values(WRITES.put_texts, texts=rows))


async def _put_variants(
    tx: Transaction, products: Sequence[PutProduct], ids: dict[str, UUID], gtins: dict[str, str]
) -> tuple[dict[str, UUID], set[UUID]]:
    rows = [
        _VariantRow(
            uuid7(),
            ids[product.slug],
            variant.sku,
            gtins.get(variant.sku),
            variant.options,
            variant.unit,
            place if variant.position is None else variant.position,
            variant.state,
        )
        for product in products
        for place, variant in enumerate(product.variants)
    ]
    try:
        stored = {row.sku: row for row in await tx.many(WRITES.put_variants, _StoredVariant, variants=rows)}
    except asyncpg.UniqueViolationError as error:
        # Somebody took a GTIN since it was looked up, or two variants of this call swap theirs.
        if getattr(error, "constraint_name", "") != "variants_gtin_unique":
            raise
        raise GtinTaken(gtin=str(getattr(error, "detail", "")), sku="") from error
    for product in products:
        for variant in product.variants:
            if variant.sku not in stored:
                raise SkuTaken(sku=variant.sku, product=product.slug)
    return (
        {sku: row.id for sku, row in stored.items()},
        {row.product_id for row in stored.values() if row.changed},
    )


async def _put_categories_of(
    tx: Transaction, products: Sequence[PutProduct], ids: dict[str, UUID], category_ids: dict[str, UUID]
) -> set[UUID]:
    given = [product for product in products if product.categories is not None]
    rows = [
        _ProductCategoryRow(ids[product.slug], category_ids[slug], place)
        for product in given
        for place, slug in enumerate(product.categories or ())
    ]
    changed = await tx.values(
        WRITES.drop_product_categories, product_ids=[ids[product.slug] for product in given], rows=rows
    )
    return {*changed, *await tx.values(WRITES.put_product_categories, rows=rows)}


async def _put_pictures(tx: Transaction, products: Sequence[PutProduct], ids: dict[str, UUID]) -> set[UUID]:
    given = [(ids[product.slug], product.pictures) for product in products if product.pictures is not None]
    changed = await tx.values(
        WRITES.drop_pictures,
        product_ids=[id for id, _ in given],
        counts=[len(pictures) for _, pictures in given],
    )
    rows = [
        _PictureRow(id, place, picture.media, picture.colour, picture.alt)
        for id, pictures in given
        for place, picture in enumerate(pictures)
    ]
    wanted = sorted({row.media for row in rows})
    known = await media_by_names(tx, names=wanted)
    for name in wanted:
        if name not in known:
            raise UnknownMedia(media=name)
    return {*changed, *await tx.values(WRITES.put_pictures, pictures=rows)}


def _variants(products: Sequence[PutProduct]) -> Iterable[PutVariant]:
    return (variant for product in products for variant in product.variants)


# -- rows on their way in and out


class _AsItIs(Struct, frozen=True):
    slug: str
    brand: str
    tax_class: str
    attributes: dict[str, Any]
    name: str | None
    summary: str | None
    description: str | None
    categories: list[str]


class _WordsAsTheyAre(Struct, frozen=True):
    language: str
    name: str | None
    summary: str | None
    description: str | None


class _VariantAsItIs(Struct, frozen=True):
    sku: str
    gtin: str | None
    unit: str
    options: dict[str, str]


class _ProductRow(Struct, frozen=True):
    id: UUID
    slug: str
    state: State
    brand: str
    tax_class: str
    attributes: dict[str, Any]


class _StoredRow(Struct, frozen=True):
    id: UUID
    slug: str
    state: State
    made: bool
    changed: bool
    old: dict[str, Any]


class _TextRow(Struct, frozen=True):
    product_id: UUID
    language: str
    name: str
    summary: str
    description: str


class _VariantRow(Struct, frozen=True):
    id: UUID
    product_id: UUID
    sku: str
    gtin: str | None
    options: dict[str, str]
    unit: str
    position: int
    state: State


class _StoredVariant(Struct, frozen=True):
    id: UUID
    sku: str
    product_id: UUID
    changed: bool


class _ProductCategoryRow(Struct, frozen=True):
    product_id: UUID
    category_id: UUID
    position: int


class _PictureRow(Struct, frozen=True):
    product_id: UUID
    position: int
    media: str
    colour: str | None
    alt: dict[str, str]


class _ForChange(Struct, frozen=True):
    id: UUID
    slug: str
    state: State
    named: bool
    stocked: bool


class _VariantForChange(Struct, frozen=True):
    id: UUID
    product_id: UUID
    sku: str
    state: State


class _Gtin(Struct, frozen=True):
    gtin: str
    sku: str


class _CategoryId(Struct, frozen=True):
    id: UUID
    slug: str


class _CategoryAt(Struct, frozen=True):
    id: UUID
    slug: str
    present: str


class _CategoryRow(Struct, frozen=True):
    id: UUID
    parent: str | None
    slug: str
    position: int


class _StoredCategory(Struct, frozen=True):
    id: UUID
    slug: str
    changed: bool


class _CategoryTextRow(Struct, frozen=True):
    category_id: UUID
    language: str
    name: str
    description: str
