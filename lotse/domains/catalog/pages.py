"""Pages of the catalogue: departments, search, products; in the back office the list and one product."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from babel.numbers import format_decimal
from litestar import Response, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.domains.catalog import queries
from lotse.domains.catalog.contracts import (
    Picture,
    ProductChanged,
    ProductPage,
    ProductStateChanged,
    State,
    Variant,
    VariantCard,
)
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Answers, Ask
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of, tagged

# Divides by two, three and four: no row is left open in any width.
_IN_A_LIST = 24
_FOUND = 48
_SOLD_OUT = "https://schema.org/OutOfStock"

# Names of options and attributes; others are shown as they are written.
LABELS = {
    "colour": N_("Colour"),
    "size": N_("Size"),
    "width": N_("Width"),
    "length": N_("Length"),
    "volume": N_("Volume"),
    "weight": N_("Weight"),
    "flavour": N_("Flavour"),
    "model": N_("Model"),
    "thickness": N_("Thickness"),
    "strength": N_("Strength"),
    "brand": N_("Brand"),
    "care": N_("Care"),
    "gender": N_("For"),
    "manufacturer": N_("Manufacturer"),
    "material": N_("Material"),
    "season": N_("Season"),
    "sport": N_("Sport"),
}
# The last word of an attribute's name says the unit of its number: `weight_g: 268`.
UNITS = {
    **{unit: unit for unit in ("mg", "g", "kg", "mm", "cm", "m", "km", "ml", "l", "min", "h", "bar", "kcal", "lux")},
    "cm2": "cm²",
    "gsm": "g/m²",
    "atm": "atm",
    "watt": "W",
    "lumen": "lm",
}

Cursor = Annotated[str | None, Parameter(query="after", max_length=1_000)]
Stage = Annotated[State | None, Parameter(query="state")]
Sort = Literal["", "name"]
Words = Annotated[str, Parameter(query="q", max_length=200)]


_product_changed = tagged(ProductChanged)
_product_state_changed = tagged(ProductStateChanged)
# What a list shows changes with any product: a new one may belong to it.
_LISTED = (any_of(ProductChanged), any_of(ProductStateChanged))


class Value(Struct, frozen=True):
    """A value of an option as a link: to the variant that has it and otherwise differs least from the chosen one."""

    label: str
    sku: str
    media: str | None
    exists: bool
    is_chosen: bool


class Option(Struct, frozen=True):
    """What can be chosen, e.g. the size."""

    name: str
    label: str
    chosen_label: str
    values: list[Value]


@get("/c/{slug:str}", guards=[public], opt={"kept": True})
async def category(view: View, database: Database, slug: str, cursor: Cursor = None, sort: Sort = "") -> Response[str]:
    """A department, the newest first or from A to Z."""
    async with database.reading() as connection:
        found = await queries.category_by_slug(connection, slug=slug, language=view.language)
        if found is None:
            raise NotFound(what="category", id=slug)
        listed = queries.products_in_category_by_name if sort == "name" else queries.products_in_category
        page = await listed(
            connection, category_id=found.id, language=view.language, cursor=cursor or None, limit=_IN_A_LIST
        )
    view.shows(types=_LISTED)
    await _ask_cards(view, [id for card in page.items for id in card.variant_ids])
    return view.show(
        "catalog/category.html",
        category=found,
        cards=page.items,
        next=page.next,
        is_later=cursor is not None,
        sort=sort,
    )


@get("/new", guards=[public], opt={"kept": True})
async def new_arrivals(view: View, database: Database, cursor: Cursor = None) -> Response[str]:
    """Everything, the newest first."""
    async with database.reading() as connection:
        page = await queries.products(connection, language=view.language, cursor=cursor or None, limit=_IN_A_LIST)
    view.shows(types=_LISTED)
    await _ask_cards(view, [id for card in page.items for id in card.variant_ids])
    return view.show("catalog/new.html", cards=page.items, next=page.next, is_later=cursor is not None)


@get("/search", guards=[public])
async def search(view: View, database: Database, words: Words = "") -> Response[str]:
    """What has these words in its name, or this number."""
    words = words.strip()
    async with database.reading() as connection:
        cards = (
            await queries.search_simple(connection, text=words, language=view.language, limit=_FOUND) if words else []
        )
    await _ask_cards(view, [id for card in cards for id in card.variant_ids])
    return view.show("catalog/search.html", words=words, cards=cards)


@get("/p/{slug:str}", guards=[public], opt={"kept": True})
async def product(
    view: View, database: Database, slug: str, sku: Annotated[str | None, Parameter(max_length=64)] = None
) -> Response[str]:
    """A product; `sku` chooses one of its variants. A former slug leads to the present one."""
    async with database.reading() as connection:
        found = await queries.product_by_slug(connection, slug=slug, language=view.language)
    if found is None:
        raise NotFound(what="product", id=slug)
    if found.slug != slug:
        return view.go(f"/p/{found.slug}", status=301, sku=sku)
    ids = [variant.id for variant in found.variants]
    view.shows(_product_changed(found.id), _product_state_changed(found.id))
    wanted = dict.fromkeys(("product.offer", "product.stock", "product.places", "product.buy"), ids)
    answers = await view.ask({**wanted, "product.below": [found.id]})
    sold_out = {id for id in ids if answers.offer(id, "product.stock").get("availability") == _SOLD_OUT}
    chosen = chosen_variant(found.variants, sku, sold_out)
    return view.show(
        "catalog/product.html",
        product=found,
        chosen=chosen,
        options=options_of(view, found, chosen, sold_out) if chosen else [],
        pictures=pictures_of(found.pictures, chosen.options.get(look_of(found)) if chosen else None),
        facts=facts_of(view, found, chosen),
        described=described(view, found, answers),
    )


def chosen_variant(variants: Sequence[Variant], sku: str | None, sold_out: set[UUID]) -> Variant | None:
    """The variant of the address, else the first that is there, else the first."""
    by_sku = {variant.sku: variant for variant in variants}
    if sku in by_sku:
        return by_sku[sku]
    return next((variant for variant in variants if variant.id not in sold_out), variants[0] if variants else None)


def look_of(product: ProductPage) -> str:
    """The name of the option that pictures show (colour, flavour); empty if they show none."""
    shown = {picture.colour for picture in product.pictures} - {None}
    names = dict.fromkeys(name for variant in product.variants for name in variant.options)
    return next((name for name in names if any(v.options.get(name) in shown for v in product.variants)), "")


def options_of(view: View, product: ProductPage, chosen: Variant, sold_out: set[UUID]) -> list[Option]:
    """What can be chosen, the look first, each value with a link to its variant; also what has only one value."""
    look = look_of(product)
    names = list(dict.fromkeys(name for variant in product.variants for name in variant.options))
    names.sort(key=lambda name: name != look)
    return [_option(view, product, chosen, sold_out, name, pictured=name == look) for name in names]


def _option(
    view: View, product: ProductPage, chosen: Variant, sold_out: set[UUID], name: str, *, pictured: bool
) -> Option:
    values: list[Value] = []
    for value in dict.fromkeys(variant.options[name] for variant in product.variants if name in variant.options):
        wanted = {**chosen.options, name: value}
        candidates = [variant for variant in product.variants if variant.options.get(name) == value]
        # The most in common with what is chosen; of equals one that is there, then the first in the product's order.
        nearest = max(
            candidates,
            key=lambda variant: (
                sum(variant.options.get(other) == same for other, same in wanted.items()),
                variant.id not in sold_out,
            ),
        )
        media = next((p.media for p in product.pictures if pictured and p.colour == value), None)
        there = nearest.options == wanted and nearest.id not in sold_out
        # A look is not struck out because this size of it is gone: its link leads to one that may be there.
        exists = there or (pictured and any(variant.id not in sold_out for variant in candidates))
        values.append(Value(view.text(value), nearest.sku, media, exists, chosen.options.get(name) == value))
    said = chosen.options.get(name)
    return Option(name, label_of(view, name), view.text(said) if said else "", values)


def pictures_of(pictures: Sequence[Picture], look: str | None) -> list[Picture]:
    """The pictures of a look and those of all looks; every picture if that would be none."""
    fitting = [picture for picture in pictures if look is None or picture.colour in (None, look)]
    return fitting or list(pictures)


def label_of(view: View, name: str) -> str:
    """The name of an option or attribute in the visitor's language."""
    return view.text(LABELS.get(name, name.replace("_", " ").capitalize()))


def facts_of(view: View, product: ProductPage, chosen: Variant | None) -> list[tuple[str, str]]:
    """Attributes and numbers as rows of a table."""
    rows = [fact_of(view, name, value) for name, value in product.attributes.items()]
    if chosen:
        rows.append((view.text(N_("Article number")), chosen.sku))
        if chosen.gtin:
            rows.append(("GTIN", chosen.gtin))
    return rows


def fact_of(view: View, name: str, value: Any) -> tuple[str, str]:
    """An attribute in the visitor's language, its number with the unit that its name ends in."""
    quantity, _, unit = name.rpartition("_")
    number = value
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        number = Decimal(value)
    if isinstance(number, int | float | Decimal) and not isinstance(number, bool):
        text = format_decimal(number, locale=view.locale, decimal_quantization=False)
        if unit in UNITS:
            return label_of(view, quantity or unit), f"{text}\u00a0{UNITS[unit]}"
        return label_of(view, name), text
    if isinstance(number, bool):
        return label_of(view, name), view.text(N_("yes")) if number else view.text(N_("no"))
    parts = cast("list[Any]", number) if isinstance(number, list) else [number]
    return label_of(view, name), ", ".join(view.text(str(part)) for part in parts if str(part))


def described(view: View, product: ProductPage, answers: Answers) -> dict[str, Any]:
    """The product for search engines (schema.org), made from the same Structs that the page shows."""
    address = view.href(f"/p/{product.slug}")
    variants: list[dict[str, Any]] = []
    for variant in product.variants:
        offer = answers.offer(variant.id, "product.offer", "product.stock")
        entry: dict[str, Any] = {"@type": "Product", "sku": variant.sku, "name": product.name, **variant_words(variant)}
        if variant.gtin:
            entry["gtin"] = variant.gtin
        if "price" in offer:  # an offer without a price is an error to those who read this
            entry["offers"] = {**offer, "url": f"{address}?sku={variant.sku}"}
        variants.append(entry)
    return {
        "@context": "https://schema.org",
        "@type": "ProductGroup",
        "productGroupID": product.slug,
        "name": product.name,
        "description": product.summary or product.description,
        "brand": {"@type": "Brand", "name": product.brand},
        "url": address,
        "image": [f"/media/{picture.media}" for picture in product.pictures],
        "hasVariant": variants,
    }


def variant_words(variant: Variant) -> dict[str, str]:
    """Options that schema.org has a property for."""
    known = {"colour": "color", "size": "size"}
    return {known[name]: value for name, value in variant.options.items() if name in known}


async def _ask_cards(view: View, variant_ids: list[UUID]) -> None:
    await view.ask({"card.offer": variant_ids, "card.stock": variant_ids})


# -- back office


@get("/office/products", guards=[needs("catalog.read")])
async def office_products(
    view: View, database: Database, words: Words = "", stage: Stage = None, cursor: Cursor = None
) -> Response[str]:
    """The list of products."""
    async with database.reading() as connection:
        page = await queries.product_rows(
            connection, language=view.language, state=stage, text=words, cursor=cursor or None
        )
    return view.show(
        "catalog/office_products.html", page=page, words=words.strip(), state=stage or "", is_later=cursor is not None
    )


@get("/office/products/{product_id:uuid}", guards=[needs("catalog.read")])
async def office_product(view: View, database: Database, product_id: UUID) -> Response[str]:
    """One product with its variants; prices and stock come by slots."""
    async with database.reading() as connection:
        found = await queries.product(connection, product_id=product_id, language=view.language, everything=True)
    if found is None:
        raise NotFound(what="product", id=str(product_id))
    ids = [variant.id for variant in found.variants]
    await view.ask({"office.variant.price": ids, "office.variant.stock": ids})
    return view.show(
        "catalog/office_product.html",
        product=found,
        names=list(_option_names(found)),
        facts=facts_of(view, found, None),
    )


def _option_names(product: ProductPage) -> dict[str, None]:
    return dict.fromkeys(name for variant in product.variants for name in variant.options)


async def _variant_cards(connection: Connection, ask: Ask) -> dict[UUID, VariantCard]:
    """A variant as it shows in lists of other domains."""
    cards = await queries.variants_by_ids(connection, variant_ids=ask.ids, language=ask.language)
    return {card.id: card for card in cards}


routes = (category, new_arrivals, search, product, office_products, office_product)
slots = (
    Answerer("line.picture", "catalog", "catalog/line_picture.html", 150, _variant_cards),
    Answerer("office.variant", "catalog", "catalog/office_variant.html", 150, _variant_cards),
)
