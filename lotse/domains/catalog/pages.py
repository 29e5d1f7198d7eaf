"""Pages of the catalogue: what is new, products; in the back office the list and one product."""

import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import product as product_of
from typing import Annotated, Any, cast
from uuid import UUID

from babel.numbers import format_decimal
from litestar import Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog import commands, queries
from lotse.domains.catalog.contracts import (
    Category,
    CategoryRef,
    CategoryText,
    ChangeProduct,
    EditedCategory,
    EditedProduct,
    Picture,
    ProductChanged,
    ProductLine,
    ProductPage,
    ProductStateChanged,
    PutCategory,
    PutPicture,
    PutProduct,
    PutVariant,
    SlugTaken,
    State,
    Text,
    UnknownProduct,
    Variant,
    VariantCard,
)
from lotse.domains.catalog.rules import MOVES, allowed, search_terms
from lotse.domains.parties.contracts import Shop
from lotse.kernel import audit
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.media import names as media_names
from lotse.kernel.pages.crumbs import breadcrumbs
from lotse.kernel.pages.finders import MOST_EACH, Finder, Found
from lotse.kernel.pages.forms import NOT_ALLOWED, Form, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Answers, Ask
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
from lotse.kernel.pages.table import (
    Option as Choice,
)
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound, Refusal
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
    """A product; `sku` chooses one of its variants. A former slug leads to the present one."""
    async with database.reading() as connection:
        found = await queries.product_by_slug(connection, slug=slug, language=view.language)
    if found is None:
        raise NotFound(what="product", id=slug)
    if found.slug != slug:
        return view.go(f"/p/{found.slug}", status=301, sku=sku)
    ids = [variant.id for variant in found.variants]
    view.shows(_product_changed(found.id), _product_state_changed(found.id))
    wanted = dict.fromkeys(("product.offer", "product.stock", "product.places", "product.promise", "product.buy"), ids)
    answers = await view.ask({**wanted, "product.wish": [found.id], "product.below": [found.id]})
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


class Safety(Struct, frozen=True):
    """What the offer of a thing must say about who is behind it (Regulation (EU) 2023/988, Art. 19)."""

    maker: str = ""
    responsible: str = ""
    warnings: str = ""


# Attributes that stand in a place of their own and not in the table of facts.
_SAFETY = ("manufacturer", "responsible_person", "warnings")


def safety_of(view: View, product: ProductPage) -> Safety:
    """Manufacturer, responsible person and warnings, from the attributes of these names."""
    return Safety(*(fact_of(view, name, product.attributes.get(name, ""))[1] for name in _SAFETY))


def described(view: View, product: ProductPage, answers: Answers, shop: Shop) -> dict[str, Any]:
    """The product for search engines (schema.org), made from the same Structs that the page shows."""
    address = view.address(f"/p/{product.slug}")
    whole = {
        "name": product.name,
        "description": product.summary or product.description,
        "brand": {"@type": "Brand", "name": product.brand},
        "url": address,
        "image": [f"{view.base}{media_names.shared(picture.media)}" for picture in product.pictures],
    }
    terms = {
        "itemCondition": "https://schema.org/NewCondition",
        "seller": organisation(view, shop),
        "hasMerchantReturnPolicy": return_policy(view, shop),
    }
    look = look_of(product)
    variants: list[dict[str, Any]] = []
    for variant in product.variants:
        offer = answers.offer(variant.id, "product.offer", "product.stock", "product.promise")
        entry: dict[str, Any] = {"@type": "Product", "sku": variant.sku, "name": product.name, **variant_words(variant)}
        if variant.gtin:
            entry["gtin"] = variant.gtin
        own = [p.media for p in product.pictures if look and p.colour and p.colour == variant.options.get(look)]
        if own:
            entry["image"] = f"{view.base}{media_names.shared(own[0])}"
        if "price" in offer:  # an offer without a price is an error to those who read this
            entry["offers"] = {**offer, **terms, "url": view.address(f"/p/{product.slug}", sku=variant.sku)}
        variants.append(entry)
    if len(variants) == 1:
        thing = {**whole, **variants[0], "image": whole["image"]}
    else:
        varies = [
            _VARIES[name] for name in dict.fromkeys(n for v in product.variants for n in v.options) if name in _VARIES
        ]
        thing = {"@type": "ProductGroup", "productGroupID": product.slug, **whole, "hasVariant": variants}
        thing |= {"variesBy": varies} if varies else {}
    path = [*_way(view, product.path), (product.name, f"/p/{product.slug}")]
    return {"@context": "https://schema.org", "@graph": [thing, breadcrumbs(view, path)]}


def _way(view: View, steps: Sequence[CategoryRef]) -> list[tuple[str, str]]:
    return [(view.text(N_("Home")), "/"), *((step.name, f"/c/{step.slug}") for step in steps)]


_VARIES = {
    "colour": "https://schema.org/color",
    "size": "https://schema.org/size",
    "material": "https://schema.org/material",
}


# s. 355 (2) BGB.
_WITHDRAWAL_DAYS = 14


def organisation(view: View, shop: Shop) -> dict[str, Any]:
    """Who sells, for search engines."""
    return {"@type": "Organization", "name": shop.name, "url": view.address("/")}


def return_policy(view: View, shop: Shop) -> dict[str, Any]:
    """The right of withdrawal (s. 355 BGB), for search engines."""
    return {
        "@type": "MerchantReturnPolicy",
        "applicableCountry": shop.country,
        "returnPolicyCategory": "https://schema.org/MerchantReturnFiniteReturnWindow",
        "merchantReturnDays": _WITHDRAWAL_DAYS,
        "returnMethod": "https://schema.org/ReturnByMail",
        "refundType": "https://schema.org/FullRefund",
        "merchantReturnLink": view.address("/withdrawal"),
    }


def variant_words(variant: Variant) -> dict[str, str]:
    """Options that schema.org has a property for."""
    known = {"colour": "color", "size": "size"}
    return {known[name]: value for name, value in variant.options.items() if name in known}


async def _ask_cards(view: View, variant_ids: list[UUID]) -> None:
    await view.ask({"card.offer": variant_ids, "card.stock": variant_ids})


# -- back office: the table of articles

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
_MAX_PICTURES = 60
_MAX_COMBINATIONS = 200


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


# -- one article

REFUSED = {
    "product-edited": N_(
        "Somebody else saved this article meanwhile. What you typed is kept below; compare and save again."
    ),
    "slug-taken": N_("This address belongs to another article."),
    "sku-taken": N_("The article number %(sku)s belongs to another article."),
    "gtin-taken": N_("The GTIN %(gtin)s belongs to another variant."),
    "invalid-gtin": N_("%(gtin)s is no GTIN: %(rule)s."),
    "move-not-allowed": NOT_THAT_WAY,
    "not-ready-to-sell": NOT_READY,
    "unknown-category": NO_CATEGORY,
    "unknown-media": N_("A picture is not there any more. Please choose it again."),
    "category-cycle": N_("A category cannot stand below itself, or deeper than ten levels."),
    "invalid": N_("Please check it: %(rule)s."),
}


class Combination(Struct, frozen=True):
    """A cell of the matrix: a pair of option values, and the variant that has it."""

    values: tuple[str, str]
    sku: str | None


class Master(Struct, frozen=True):
    """What is typed about an article as a whole."""

    seen: datetime
    brand: Annotated[str, Meta(max_length=100)]
    tax_class: Annotated[str, Meta(min_length=1, max_length=32)]


class Beginning(Struct, frozen=True):
    """What is typed to begin an article."""

    slug: Annotated[str, Meta(min_length=1, max_length=120)]
    name: Annotated[str, Meta(min_length=1, max_length=300)]
    sku: Annotated[str, Meta(min_length=1, max_length=64)]
    brand: Annotated[str, Meta(max_length=100)]
    tax_class: Annotated[str, Meta(min_length=1, max_length=32)]


class Seen(Struct, frozen=True):
    """The version that a form was made from."""

    seen: datetime


class Moved(Struct, frozen=True):
    """Where an article goes in its life."""

    seen: datetime
    state: State


class Sizes(Struct, frozen=True):
    """What is typed to add variants: values with commas, for up to two options."""

    seen: datetime
    first: Annotated[str, Meta(min_length=1, max_length=40)]
    first_values: Annotated[str, Meta(min_length=1, max_length=1_000)]
    prefix: Annotated[str, Meta(min_length=1, max_length=40)]
    second: Annotated[str, Meta(max_length=40)] = ""
    second_values: Annotated[str, Meta(max_length=1_000)] = ""


@get("/office/products/new", guards=[needs("catalog.write", "common")])
async def office_new_product(view: View, draft: Draft | None) -> Response[str]:
    """The beginning of an article."""
    return view.show(
        "catalog/office_new.html",
        form=Form.drafted(draft, Beginning),
        refused=refused(view, draft, REFUSED),
        tax_classes=_tax_classes(view, "standard"),
    )


@post(
    "/office/products/new",
    guards=[needs("catalog.write", "common")],
    opt={"form": "/office/products/new"},
    status_code=303,
)
async def begin_product(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Begin an article: a draft with one variant."""
    wanted = checked(await request.form(), Beginning)
    async with database.transaction() as tx:
        if await queries.product_ids_by_slug(tx, slugs=[wanted.slug]):
            raise SlugTaken(slug=wanted.slug)
        [made] = await commands.put_products(
            tx,
            [
                PutProduct(
                    slug=wanted.slug,
                    brand=wanted.brand,
                    tax_class=wanted.tax_class,
                    state="draft",
                    texts=(Text(shop.language, wanted.name),),
                    variants=(PutVariant(sku=wanted.sku),),
                )
            ],
            by=str(principal),
            at=at,
        )
    return _to_article(made.id)


@get("/office/products/{product_id:uuid}", guards=[needs("catalog.read", "common")])
async def office_product(
    view: View, database: Database, shop: Shop, principal: Principal, draft: Draft | None, product_id: UUID
) -> Response[str]:
    """One article: words, variants, pictures, categories, what was changed; prices and stock come by slots."""
    async with database.reading() as connection:
        found = await queries.product_for_edit(connection, product_id=product_id)
        if found is None:
            raise NotFound(what="product", id=str(product_id))
        tree = await queries.category_tree(connection, language=view.language)
        history = [
            change
            for subject in (f"catalog.product:{found.slug}", f"catalog.product:{product_id}")
            for change in await audit.history(connection, subject=subject, limit=20)
        ]
        history.sort(key=lambda change: change.id, reverse=True)
        who = await names_of(connection, (change.actor for change in history))
    ids = [variant.id for variant in found.variants]
    await view.ask(
        {
            "office.variant.price": ids,
            "office.variant.stock": ids,
            "office.product.price": [product_id],
            "office.product.stock": [product_id],
            "office.product.offers": [product_id],
        }
    )
    languages = list(dict.fromkeys([*shop.languages, *(text.language for text in found.texts)]))
    texts = {text.language: text for text in found.texts}
    names = list(dict.fromkeys(name for variant in found.variants for name in variant.options))
    return view.show(
        "catalog/office_product.html",
        product=found,
        name=next((texts[code].name for code in (view.language, *languages) if code in texts), found.slug),
        texts=texts,
        languages_of=languages,
        names=names,
        looks=list(
            dict.fromkeys(v.options[look_option(names)] for v in found.variants if look_option(names) in v.options)
        ),
        matrix=matrix_of(found.variants, names),
        moves=[(state, STATES[state].label) for state in MOVES[found.state]],
        states=STATES,
        tree=tree,
        paths=_paths(tree),
        tax_classes=_tax_classes(view, found.tax_class),
        lacking=lacking_of(found, shop.languages),
        history=history[:20],
        names_of=who,
        typed=draft.typed if draft else {},
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("catalog.write"),
        may_upload=principal.may("media.write"),
        facts=[fact_of(view, name, value) for name, value in found.attributes.items()],
    )


def look_option(names: Sequence[str]) -> str:
    """The option that pictures are tied to: what can be seen."""
    return next((name for name in ("colour", "flavour", "model") if name in names), names[0] if names else "")


def matrix_of(
    variants: Sequence[Variant], names: Sequence[str]
) -> tuple[list[str], list[str], list[list[Combination]]]:
    """Two options across and down, with what there is in each cell; empty if there are not two."""
    if len(names) != 2 or not variants:
        return [], [], []
    across = list(dict.fromkeys(v.options.get(names[1], "") for v in variants))
    down = list(dict.fromkeys(v.options.get(names[0], "") for v in variants))
    there = {(v.options.get(names[0], ""), v.options.get(names[1], "")): v.sku for v in variants}
    return down, across, [[Combination((one, two), there.get((one, two))) for two in across] for one in down]


def lacking_of(product: EditedProduct, languages: Sequence[str]) -> list[tuple[str, int]]:
    """By language, how many pictures have no description; those that have all are left out."""
    lacking = [
        (code, sum(not (picture.alt.get(code) or picture.library_alt.get(code)) for picture in product.pictures))
        for code in languages
    ]
    return [(code, number) for code, number in lacking if number]


def _paths(tree: Sequence[Category]) -> dict[str, str]:
    """The way to each category in words, by slug."""
    by_id = {one.id: one for one in tree}
    paths: dict[UUID, str] = {}
    for one in tree:  # parents come first
        above = paths.get(one.parent_id) if one.parent_id in by_id and one.parent_id else None
        paths[one.id] = f"{above} / {one.name}" if above else one.name
    return {one.slug: paths[one.id] for one in sorted(tree, key=lambda one: paths[one.id])}


def _tax_classes(view: View, own: str) -> list[tuple[str, str]]:
    known = {code: view.text(label) for code, label in TAX_CLASSES.items()}
    return list((known if own in known else {**known, own: own}).items())


def _to_article(product_id: UUID) -> Response[Any]:
    return Response("", status_code=303, headers={"Location": f"/office/products/{product_id}?done=article"})


_FORM = {"form": "/office/products/{product_id}"}
_WRITES = needs("catalog.write", "common")


async def _edited(conn: Connection, product_id: UUID) -> EditedProduct:
    found = await queries.product_for_edit(conn, product_id=product_id)
    if found is None:
        raise UnknownProduct(product=str(product_id))
    return found


def _as_it_is(product: EditedProduct, **changes: Any) -> PutProduct:
    """A put that changes nothing but what is named."""
    kept = PutProduct(
        slug=product.slug, brand=product.brand, tax_class=product.tax_class, attributes=product.attributes
    )
    return replace(kept, **changes)


@post("/office/products/{product_id:uuid}", guards=[_WRITES], opt=_FORM, status_code=303)
async def save_product(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Save an article's words, brand, tax class and categories."""
    posted = await request.form()
    wanted = checked(posted, Master)
    texts = tuple(
        Text(
            code,
            str(posted.get(f"name.{code}", "")).strip(),
            str(posted.get(f"summary.{code}", "")).strip(),
            str(posted.get(f"description.{code}", "")).strip().replace("\r\n", "\n"),
        )
        for code in sorted({field[5:] for field in posted if field.startswith("name.")})
        if str(posted.get(f"name.{code}", "")).strip()
    )
    categories = tuple(dict.fromkeys(str(one) for one in posted.getall("category", []) if str(one)))
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        product = await _edited(tx, product_id)
        put = _as_it_is(product, brand=wanted.brand, tax_class=wanted.tax_class, texts=texts, categories=categories)
        await commands.put_products(tx, [put], by=str(principal), at=at)
    return _to_article(product_id)


@post("/office/products/{product_id:uuid}/state", guards=[_WRITES], opt=_FORM, status_code=303)
async def move_product(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Move an article in its life."""
    wanted = checked(await request.form(), Moved)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        await commands.change_state(tx, product_ids=[product_id], state=wanted.state, by=str(principal), at=at)
    return _to_article(product_id)


@post("/office/products/{product_id:uuid}/variants", guards=[_WRITES], opt=_FORM, status_code=303)
async def save_variants(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Save the GTINs and states of an article's variants."""
    posted = await request.form()
    wanted = checked(posted, Seen)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        product = await _edited(tx, product_id)
        puts = tuple(
            PutVariant(
                sku=v.sku,
                gtin=str(posted.get(f"gtin.{v.sku}", v.gtin or "")).strip() or None,
                options=v.options,
                unit=v.unit,
                position=v.position,
            )
            for v in product.variants
        )
        await commands.put_products(tx, [_as_it_is(product, variants=puts)], by=str(principal), at=at)
        moving: dict[State, list[UUID]] = {}
        for v in product.variants:
            state = str(posted.get(f"state.{v.sku}", v.state))
            if state != v.state and state in STATES:
                moving.setdefault(cast("State", state), []).append(v.id)
        for state, ids in moving.items():
            await commands.change_variant_state(tx, variant_ids=ids, state=state, by=str(principal), at=at)
    return _to_article(product_id)


@post("/office/products/{product_id:uuid}/combinations", guards=[_WRITES], opt=_FORM, status_code=303)
async def add_combinations(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Add every combination of two options' values that is not there yet."""
    wanted = checked(await request.form(), Sizes)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        product = await _edited(tx, product_id)
        options = [(wanted.first, _values(wanted.first_values)), (wanted.second, _values(wanted.second_values))]
        new = combinations(
            product.variants, [(name.strip(), values) for name, values in options if name.strip()], wanted.prefix
        )
        if len(new) + len(product.variants) > _MAX_COMBINATIONS:
            raise Invalid(field="first_values", rule=f"at most {_MAX_COMBINATIONS} variants of one article")
        if new:
            await commands.put_products(tx, [_as_it_is(product, variants=new)], by=str(principal), at=at)
    return _to_article(product_id)


def _values(text: str) -> list[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def combinations(
    variants: Sequence[Variant], options: Sequence[tuple[str, Sequence[str]]], prefix: str
) -> tuple[PutVariant, ...]:
    """The combinations that are not there yet, as variants behind those that are; article numbers are made of the
    values: `SHOE` with 42 and blue is `SHOE-42-BLUE`."""
    there = {frozenset(variant.options.items()) for variant in variants}
    taken = {variant.sku for variant in variants}
    last = max((variant.position for variant in variants), default=-1)
    made: list[PutVariant] = []
    for values in product_of(*(values for _, values in options)):
        chosen = dict(zip((name for name, _ in options), values, strict=True))
        if frozenset(chosen.items()) in there:
            continue
        sku = "-".join([prefix.strip(), *(_in_sku(value) for value in values)])[:64]
        if sku in taken:
            raise Invalid(field="prefix", rule=f"{sku} is there already with other options")
        taken.add(sku)
        made.append(PutVariant(sku=sku, options=chosen, position=last + len(made) + 1))
    return tuple(made)


def _in_sku(value: str) -> str:
    plain = unicodedata.normalize("NFKD", value.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "", plain).upper() or "X"


@post("/office/products/{product_id:uuid}/pictures", guards=[_WRITES], opt=_FORM, status_code=303)
async def save_pictures(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, product_id: UUID
) -> Response[Any]:
    """Save which pictures an article has, in which order, and of which look they are."""
    posted = await request.form()
    wanted = checked(posted, Seen)
    async with database.transaction() as tx:
        await commands.expect_unchanged(tx, product_id=product_id, seen=wanted.seen)
        product = await _edited(tx, product_id)
        pictures = arranged_pictures(product, posted)
        if len(pictures) > _MAX_PICTURES:
            raise Invalid(field="added", rule=f"at most {_MAX_PICTURES} pictures of one article")
        await commands.put_products(tx, [_as_it_is(product, pictures=pictures)], by=str(principal), at=at)
    return _to_article(product_id)


def arranged_pictures(product: EditedProduct, posted: Any) -> tuple[PutPicture, ...]:
    """The pictures of a form: those that stay by their places, then those that were added; each once."""
    known = {str(number): picture for number, picture in enumerate(product.pictures)}
    staying = [number for number in posted.getall("picture", []) if number in known and f"drop.{number}" not in posted]

    def place(number: str) -> int:
        text = str(posted.get(f"place.{number}", ""))
        return int(text) if text.isascii() and text.isdigit() else len(known)

    staying.sort(key=place)
    kept = [
        PutPicture(
            media=known[number].media, colour=str(posted.get(f"look.{number}", "")) or None, alt=known[number].alt
        )
        for number in staying
    ]
    there = {picture.media for picture in kept}
    added = [PutPicture(media=str(name)) for name in dict.fromkeys(posted.getall("added", [])) if name not in there]
    return (*kept, *added)


# -- categories


class NewCategory(Struct, frozen=True):
    """What is typed to make or change a category. `parent` is a slug; empty: a department."""

    slug: Annotated[str, Meta(min_length=1, max_length=120)]
    parent: Annotated[str, Meta(max_length=120)]
    position: Annotated[int, Meta(ge=0, le=10_000)] = 0


@get("/office/categories", guards=[needs("catalog.read", "common")])
async def office_categories(
    view: View, database: Database, shop: Shop, principal: Principal, draft: Draft | None
) -> Response[str]:
    """The tree of categories."""
    async with database.reading() as connection:
        found = await queries.categories_for_edit(connection)
    below: dict[str, list[EditedCategory]] = {}
    for one in found:
        below.setdefault(one.parent or "", []).append(one)
    return view.show(
        "catalog/office_categories.html",
        below=below,
        flat=_in_tree_order(below),
        languages_of=list(shop.languages),
        called=partial(_called, language=view.language),
        typed=draft.typed if draft else {},
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("catalog.write"),
    )


def _in_tree_order(below: Mapping[str, Sequence[EditedCategory]], parent: str = "") -> list[EditedCategory]:
    return [part for one in below.get(parent, ()) for part in (one, *_in_tree_order(below, one.slug))]


def _called(category: EditedCategory, language: str) -> str:
    named = {text.language: text.name for text in category.texts}
    return named.get(language) or named.get("en") or next(iter(named.values()), category.slug)


@post("/office/categories", guards=[_WRITES], opt={"form": "/office/categories"}, status_code=303)
async def save_category(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Response[Any]:
    """Make a category, or change its names, parent and place."""
    posted = await request.form()
    wanted = checked(posted, NewCategory)
    async with database.transaction() as tx:
        there = {one.slug: one for one in await queries.categories_for_edit(tx)}.get(wanted.slug)
        descriptions = {text.language: text.description for text in there.texts} if there else {}
        texts = tuple(
            CategoryText(
                code,
                str(posted.get(f"name.{code}", "")).strip(),
                str(posted.get(f"description.{code}", descriptions.get(code, ""))).strip(),
            )
            for code in sorted({field[5:] for field in posted if field.startswith("name.")})
            if str(posted.get(f"name.{code}", "")).strip()
        )
        put = PutCategory(slug=wanted.slug, parent=wanted.parent or None, position=wanted.position, texts=texts)
        await commands.put_categories(tx, [put], by=str(principal), at=at)
    return Response("", status_code=303, headers={"Location": "/office/categories?done=categories"})


# -- what others show of articles


async def _variant_cards(connection: Connection, ask: Ask) -> dict[UUID, VariantCard]:
    """A variant as it shows in lists of other domains."""
    cards = await queries.variants_by_ids(connection, variant_ids=ask.ids, language=ask.language)
    return {card.id: card for card in cards}


async def _find_articles(conn: Connection, scope: Scope, text: str) -> list[Found]:
    found = await queries.product_rows(conn, language=scope.language, text=text, limit=MOST_EACH)
    return [Found(row.name, f"/office/products/{row.id}", f"{row.brand} {row.slug}".strip()) for row in found.items]


routes = (
    new_arrivals,
    product,
    office_new_product,
    begin_product,
    *table_routes(PRODUCTS),
    office_product,
    save_product,
    move_product,
    save_variants,
    add_combinations,
    save_pictures,
    office_categories,
    save_category,
)
tables = (PRODUCTS,)
places = (
    Place("/office/products", N_("Articles"), "products", "p", "catalog.read", "goods", 10),
    Place("/office/categories", N_("Categories"), "list", "", "catalog.read", "goods", 12),
)
finders = (Finder("articles", N_("Articles"), "products", "catalog.read", _find_articles),)
slots = (
    Answerer("line.picture", "catalog", "catalog/line_picture.html", 150, _variant_cards),
    Answerer("office.variant", "catalog", "catalog/office_variant.html", 150, _variant_cards),
)
