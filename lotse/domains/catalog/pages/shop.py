"""What visitors see of the catalogue: what is new, and products."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from babel.numbers import format_decimal
from litestar import Response, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.domains.catalog import queries
from lotse.domains.catalog.contracts import (
    CategoryRef,
    Picture,
    ProductChanged,
    ProductPage,
    ProductStateChanged,
    Variant,
)
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Database
from lotse.kernel.media import names as media_names
from lotse.kernel.pages.crumbs import breadcrumbs
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answers
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of, tagged

# Divides by two, three and four: no row is left open in any width.
_IN_A_LIST = 24
_SOLD_OUT = "https://schema.org/OutOfStock"
# Names of options and attributes; others are shown as they are written.
LABELS = {
    "colour": N_("Colour"),
    "content": N_("Content"),
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
    "storage": N_("Storage"),
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
_product_changed = tagged(ProductChanged)
_product_state_changed = tagged(ProductStateChanged)
_OF_VARIANTS = ("product.offer", "product.stock", "product.places", "product.promise", "product.buy", "product.wish")
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


@get("/new", guards=[public], opt={"kept": True})
async def new_arrivals(view: View, database: Database, cursor: Cursor = None) -> Response[str]:
    """Everything, the newest first."""
    async with database.reading() as connection:
        page = await queries.products(connection, language=view.language, cursor=cursor or None, limit=_IN_A_LIST)
    view.shows(types=_LISTED)
    await _ask_cards(view, [id for card in page.items for id in card.variant_ids])
    return view.show("catalog/new.html", cards=page.items, next=page.next, is_later=cursor is not None)


@get("/p/{slug:str}", guards=[public], opt={"kept": True})
async def product(
    view: View, database: Database, shop: Shop, slug: str, sku: Annotated[str | None, Parameter(max_length=64)] = None
) -> Response[str]:
    """A product; `sku` chooses one of its variants. Who asks by a former slug is sent on by the storefront."""
    async with database.reading() as connection:
        found = await queries.product_by_slug(connection, slug=slug, language=view.language)
    if found is None or found.slug != slug:
        raise NotFound(what="product", id=slug)
    ids = [variant.id for variant in found.variants]
    view.shows(_product_changed(found.id), _product_state_changed(found.id))
    wanted = dict.fromkeys(_OF_VARIANTS, ids)
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
        safety=safety_of(view, found),
        described=described(view, found, answers, shop),
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
    rows = [fact_of(view, name, value) for name, value in product.attributes.items() if name not in _SAFETY]
    if chosen:
        rows.append((view.text(N_("Item number")), chosen.sku))
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


class Safety(Struct, frozen=True):
    """What the offer of a thing must say about who is behind it (Regulation (EU) 2023/988, Art. 19)."""

    maker: str = ""
    responsible: str = ""
    warnings: str = ""


# Attributes that stand in a place of their own and not in the table of facts.
_SAFETY = ("manufacturer", "responsible_person", "warnings")


def safety_of(view: View, product: ProductPage) -> Safety:
    """Manufacturer, responsible person and warnings, from the attributes of these names."""
    return Safety(*(_with_country(view, fact_of(view, name, product.attributes.get(name, ""))[1]) for name in _SAFETY))


# A country's code where an address has it: behind postcode and city. Elsewhere two capitals are a company's form.
_COUNTRY = re.compile(r"(?<=, )(\d[^,]*), ([A-Z]{2})(?=,|$)")


def _with_country(view: View, text: str) -> str:
    names = cast("dict[str, str]", view.locale.territories)
    return _COUNTRY.sub(lambda found: f"{found[1]}, {names.get(found[2], found[2])}", text)


def described(view: View, product: ProductPage, answers: Answers, shop: Shop) -> dict[str, Any]:
    """The product for search engines (schema.org), made from the same Structs that the page shows: what Google asks of
    merchant listings and of variants on one page. What is not known is left out; a property without a value is an
    error to those who read this."""
    address = view.address(f"/p/{product.slug}")
    whole = {
        "name": product.name,
        "description": product.summary or product.description,
        "brand": {"@type": "Brand", "name": product.brand} if product.brand else None,
        "url": address,
        "image": [_shared(view, picture) for picture in product.pictures],
    }
    mentions = _Mentions(address)
    variants = [_variant(view, product, variant, answers, mentions, shop) for variant in product.variants]
    if len(variants) == 1:
        thing = {**variants[0], **whole}
    else:
        names = dict.fromkeys(name for variant in product.variants for name in variant.options)
        thing = {
            "@type": "ProductGroup",
            "productGroupID": product.slug,
            **whole,
            "variesBy": [f"https://schema.org/{_PROPERTIES[name]}" for name in names if name in _PROPERTIES],
            "hasVariant": [_filled(variant | {"inProductGroupWithID": product.slug}) for variant in variants],
        }
    path = [*_way(view, product.path), (product.name, f"/p/{product.slug}")]
    return {"@context": "https://schema.org", "@graph": [_filled(thing), breadcrumbs(view, path)]}


def _variant(
    view: View, product: ProductPage, variant: Variant, answers: Answers, mentions: "_Mentions", shop: Shop
) -> dict[str, Any]:
    url = view.address(f"/p/{product.slug}", sku=variant.sku)
    offer = answers.offer(variant.id, "product.offer", "product.stock", "product.promise", "product.buy")
    pictures = pictures_of(product.pictures, variant.options.get(look_of(product)))
    said = {name: view.text(value) for name, value in variant.options.items()}
    described: dict[str, Any] = {
        "@type": "Product",
        "sku": variant.sku,
        "gtin": variant.gtin,
        "name": ", ".join((product.name, *filter(None, said.values()))),
        "url": url,
        "image": _shared(view, pictures[0]) if pictures else None,
        **{_PROPERTIES[name]: value for name, value in said.items() if name in _PROPERTIES},
    }
    if "price" in offer:  # an offer without a price is an error to those who read this
        details = [mentions.of("shipping", one) for one in offer.get("shippingDetails", ())]
        described["offers"] = _filled(
            {
                **offer,
                "shippingDetails": details,
                "itemCondition": "https://schema.org/NewCondition",
                "seller": mentions.named(shop.described(view.base, view.address("/"))),
                "hasMerchantReturnPolicy": mentions.named(shop.return_policy(view.base, view.address("/withdrawal"))),
                "url": url,
            }
        )
    return described


class _Mentions:
    """What many offers share is written where it is first mentioned; after that by its `@id`, as Google's own example
    of variants does. Written out, delivery and returns would be nine tenths of what forty variants say."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._known: dict[bytes, str] = {}

    def of(self, kind: str, node: dict[str, Any]) -> dict[str, Any]:
        return self._once(msgspec.json.encode(node), node, f"{self._address}#{kind}-{len(self._known) + 1}")

    def named(self, node: dict[str, Any]) -> dict[str, Any]:
        """A node that brings its own `@id`."""
        return self._once(node["@id"].encode(), node, node["@id"])

    def _once(self, key: bytes, node: dict[str, Any], id: str) -> dict[str, Any]:
        if key in self._known:
            return {"@id": self._known[key]}
        self._known[key] = id
        return {"@id": id, **node}


def _filled(node: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in node.items() if value not in (None, "", [])}


def _shared(view: View, picture: Picture) -> str:
    return f"{view.base}{media_names.shared(picture.media)}"


def _way(view: View, steps: Sequence[CategoryRef]) -> list[tuple[str, str]]:
    return [(view.text(N_("Home")), "/"), *((step.name, f"/c/{step.slug}") for step in steps)]


# Options that schema.org has a property for, of those by which Google lets variants differ.
_PROPERTIES = {"colour": "color", "size": "size", "material": "material", "pattern": "pattern"}


async def _ask_cards(view: View, variant_ids: list[UUID]) -> None:
    await view.ask({"card.offer": variant_ids, "card.stock": variant_ids})
