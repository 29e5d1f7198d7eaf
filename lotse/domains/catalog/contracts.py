"""What things are, as other domains, pages and feeds see it: products, variants, categories, cards, pages, refusals.

The Structs that come back from queries are also what pages, JSON-LD, the API and feeds show.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

# draft: being written, not shown. active: shown and sold. phase_out: shown and sold until the stock is gone, not bought
# again. archived: neither shown nor sold, kept because orders point at it.
State = Literal["draft", "active", "phase_out", "archived"]
# The smallest unit that quantities count.
Unit = Literal["piece", "g", "mm", "ml"]
# What prices are compared by (PAngV s. 4, 5).
Measure = Literal["kg", "l", "m", "m2"]
Scalar = str | int | float | bool
SHOWN: tuple[State, ...] = ("active", "phase_out")


class Variant(Struct, frozen=True):
    """What can be bought. `gtin` is as printed (8, 12, 13 or 14 digits) or empty; `options` e.g. {"size": "42"}."""

    id: UUID
    product_id: UUID
    sku: str
    gtin: str | None
    options: dict[str, str]
    unit: Unit
    position: int
    state: State


class Content(Struct, frozen=True):
    """How much is in a variant, in kg, l, m or m2."""

    variant_id: UUID
    amount: Decimal
    unit: Measure


class VariantCard(Struct, frozen=True):
    """A variant with what a basket, an order or a till shows and needs of its product.

    `name` is the product's in the language asked for, or the nearest there is; `sellable` says that neither product nor
    variant is a draft or archived.
    """

    id: UUID
    product_id: UUID
    slug: str
    sku: str
    gtin: str | None
    name: str
    brand: str
    options: dict[str, str]
    unit: Unit
    tax_class: str
    sellable: bool
    media: str | None


class Picture(Struct, frozen=True):
    """`media` is its name in the library, `colour` ties it to variants of that colour, `alt` says what it shows.

    `focal` (percent from the left and the top) is the point that stays in sight when a page crops it; without one it is
    shown whole.
    """

    position: int
    media: str
    colour: str | None
    alt: str
    focal: tuple[int, int] | None = None


class Product(Struct, frozen=True):
    """What a thing is. `tax_class` is a class of the tax domain (`standard`, `reduced`, `zero`, `none`)."""

    id: UUID
    slug: str
    state: State
    brand: str
    tax_class: str
    attributes: dict[str, Any]
    created_at: datetime
    changed_at: datetime


class Category(Struct, frozen=True):
    """A node of the tree; `depth` is 0 at a root. `products` counts what is shown in it and below."""

    id: UUID
    parent_id: UUID | None
    slug: str
    name: str
    position: int
    depth: int
    products: int = 0


class CategoryRef(Struct, frozen=True):
    """A step of a path."""

    id: UUID
    slug: str
    name: str


class CategoryPage(Struct, frozen=True):
    """A category with the path that leads to it (root first, itself last) and its children."""

    id: UUID
    slug: str
    name: str
    description: str
    language: str
    path: list[CategoryRef]
    children: list[CategoryRef]


class ProductCard(Struct, frozen=True):
    """A product in a list. `variant_ids` are those that sell: ask prices, offers and stock by them, in one go."""

    id: UUID
    slug: str
    state: State
    name: str
    summary: str
    brand: str
    media: str | None
    alt: str
    variant_ids: list[UUID]
    focal: tuple[int, int] | None = None


class ProductPage(Struct, frozen=True):
    """All that a product page shows of the catalogue. `language` is that of the texts, which may be a fallback.

    `slug` may differ from the one that was asked: then the product was renamed, send the reader there (301).
    """

    id: UUID
    slug: str
    state: State
    brand: str
    tax_class: str
    attributes: dict[str, Any]
    language: str
    name: str
    summary: str
    description: str
    variants: list[Variant]
    pictures: list[Picture]
    path: list[CategoryRef]


class ProductRow(Struct, frozen=True):
    """A product in the back office's list."""

    id: UUID
    slug: str
    state: State
    name: str
    brand: str
    variants: int
    media: str | None
    changed_at: datetime


class Text(Struct, frozen=True):
    """A product's words in one language (BCP 47: `de`, `en-GB`)."""

    language: str
    name: str
    summary: str = ""
    description: str = ""


class CategoryText(Struct, frozen=True):
    """A category's words in one language."""

    language: str
    name: str
    description: str = ""


class EditedPicture(Struct, frozen=True):
    """A picture of a product with what is said about it here and, by default, in the library."""

    media: str
    colour: str | None
    alt: dict[str, str]
    library_alt: dict[str, str]
    focal: tuple[int, int] | None


class EditedProduct(Struct, frozen=True):
    """A product with all that the back office edits, in every language; categories by slug, its home first."""

    id: UUID
    slug: str
    state: State
    brand: str
    tax_class: str
    attributes: dict[str, Any]
    created_at: datetime
    changed_at: datetime
    texts: list[Text]
    variants: list[Variant]
    pictures: list[EditedPicture]
    categories: list[str]
    former_slugs: list[str] = []
    successor_id: UUID | None = None


class EditedCategory(Struct, frozen=True):
    """A node of the tree with its words in every language; `products` counts what stands in it itself."""

    id: UUID
    slug: str
    parent: str | None
    position: int
    depth: int
    texts: list[CategoryText]
    products: int
    former_slugs: list[str] = []


class ProductLine(Struct, frozen=True):
    """A product in the back office's table. `category` is the name of its home."""

    id: UUID
    slug: str
    state: State
    brand: str
    tax_class: str
    changed_at: datetime
    name: str
    media: str | None
    category: str | None
    variants: int
    pictures: int


class ProductNow(Struct, frozen=True):
    """What changes of many products compare with; `category` is the slug of its home, empty without one."""

    id: UUID
    state: State
    brand: str
    tax_class: str
    category: str


class ChangeProduct(Struct, frozen=True):
    """What a product becomes; `category` (a slug) becomes its home, None leaves it."""

    id: UUID
    brand: str
    tax_class: str
    category: str | None = None


class PutCategory(Struct, frozen=True, kw_only=True):
    """A category to make or to overwrite, known by its slug; the parent stands in the same call or exists.

    `position` orders it among its siblings; without one its place in the call does.
    """

    slug: str
    parent: str | None = None
    position: int | None = None
    texts: tuple[CategoryText, ...]


class PutVariant(Struct, frozen=True, kw_only=True):
    """A variant to make or to overwrite, known by its SKU.

    `position` orders it within its product; without one its place in the call does. `state` counts for a new one only:
    moves go through `change_variant_state`.
    """

    sku: str
    gtin: str | None = None
    options: dict[str, str] = {}
    unit: Unit = "piece"
    position: int | None = None
    state: Literal["draft", "active"] = "active"


class PutPicture(Struct, frozen=True, kw_only=True):
    """A picture of a product, by its name in the library; `alt` by language goes before what the library says."""

    media: str
    colour: str | None = None
    alt: dict[str, str] = {}


class PutProduct(Struct, frozen=True, kw_only=True):
    """A product to make or to overwrite, known by its slug.

    `texts` and `variants` are added or overwritten, none is taken away; `categories` (slugs) and `pictures` replace
    what is there, None leaves it. `state` counts for a new product only: moves go through `change_state`.
    """

    slug: str
    brand: str = ""
    tax_class: str = "standard"
    attributes: dict[str, Scalar | list[str]] = {}
    state: Literal["draft", "active"] = "active"
    texts: tuple[Text, ...] = ()
    variants: tuple[PutVariant, ...] = ()
    categories: tuple[str, ...] | None = None
    pictures: tuple[PutPicture, ...] | None = None


class StoredProduct(Struct, frozen=True):
    """Where a product ended up: its id and the ids of the variants in the call, in the call's order."""

    id: UUID
    slug: str
    variant_ids: list[UUID]


class ProductChanged(Struct, frozen=True, tag="catalog.ProductChanged"):
    """A product was made or changed: drop what shows it, read it anew."""

    product_id: UUID
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.product_id)


class ProductStateChanged(Struct, frozen=True, tag="catalog.ProductStateChanged"):
    """A product moved in its life: sellers, feeds and the search index care."""

    product_id: UUID
    old: State
    new: State
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.product_id)


class CategoryChanged(Struct, frozen=True, tag="catalog.CategoryChanged"):
    """A category was made, moved or changed."""

    category_id: UUID
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.category_id)


class UnknownProduct(Refusal, status=404, title="There is no such product"):
    """No product has this id or slug."""

    product: str


class ProductReplaced(Refusal, status=410, title="The product is gone; another has taken its place"):
    """`successor` is the slug of the product that is sold in its place."""

    product: str
    successor: str


class NoSuccessor(Refusal, status=409, title="This product cannot take its place"):
    """`reason`: it is the product itself, it is succeeded by it (circle), or nothing is sold at its end (archived)."""

    product: str
    reason: Literal["itself", "circle", "archived", "too long"]


class UnknownVariant(Refusal, status=404, title="There is no such variant"):
    """No variant has this id or SKU."""

    variant: str


class ProductEdited(Refusal, status=409, title="Somebody else changed this article meanwhile"):
    """Look at what is there now and decide anew."""

    product: str
    changed_at: datetime


class UnknownCategory(Refusal, status=404, title="There is no such category"):
    """No category has this slug or id."""

    category: str


class InvalidGtin(Refusal, status=422, title="Not a GTIN"):
    """`rule` says what is wrong: digits, length (8, 12, 13 or 14) or check digit (GS1 General Specifications, 7.9)."""

    gtin: str
    sku: str
    rule: str


class GtinTaken(Refusal, status=409, title="The GTIN belongs to another variant"):
    """A GTIN names one variant, with or without leading zeros."""

    gtin: str
    sku: str


class SkuTaken(Refusal, status=409, title="The SKU belongs to another product"):
    """A SKU never moves from one product to another: orders point at it."""

    sku: str
    product: str


class SlugTaken(Refusal, status=409, title="The slug belongs to another product"):
    """A slug that another has now; one that another had before is free."""

    slug: str


class CategorySlugTaken(Refusal, status=409, title="The slug belongs to another category"):
    """As `SlugTaken`, for categories."""

    slug: str


class CategoryCycle(Refusal, status=422, title="The category would stand below itself"):
    """Or deeper than ten levels, which nobody browses."""

    category: str


class MoveNotAllowed(Refusal, status=409, title="The product's life does not go that way"):
    """`allowed` are the moves from where it is."""

    product_id: UUID
    state: str
    wanted: str
    allowed: list[str]


class NotReadyToSell(Refusal, status=409, title="The product is not ready to be shown"):
    """`missing` says what it lacks: a name, or a variant that is for sale."""

    product: str
    missing: str
