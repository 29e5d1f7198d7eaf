"""The assortment: products with variants, texts, prices, pictures and stock, the same for the same seed.

Pure: nothing here knows a database, a clock or a file. The seed moves what varies in a real house (which prices are
reduced, how much lies where); what a product is does not depend on it.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from random import Random
from typing import Literal

from msgspec import Struct

from lotse.plugins.demo_sports.departments import DEPARTMENTS
from lotse.plugins.demo_sports.departments.shape import Audience, Department, Model
from lotse.plugins.demo_sports.drawings import View, draw, views_of
from lotse.plugins.demo_sports.kinds import KINDS, Kind, Section
from lotse.plugins.demo_sports.stores import LEANINGS, STORES, Store
from lotse.plugins.demo_sports.vocabulary import (
    BRANDS,
    CARE,
    COLOURS,
    FLAVOURS,
    SIZES,
    Colour,
    Size,
    Words,
)

SEED = 20261121
TaxClass = Literal["standard", "reduced"]
LANGUAGES = ("de", "en")


class Category(Struct, frozen=True):
    """A category; `parent` is the slug of the one above, or empty."""

    slug: str
    parent: str
    position: int
    name: Words
    description: Words


class Picture(Struct, frozen=True):
    """One picture: what is drawn, in which colours, from where.

    `look` is the value of the option that it shows (a colour or flavour), `svg` draws it.
    """

    kind: str
    colour: str
    accent: str
    view: View
    brand: str
    look: str
    alt: Words

    @property
    def svg(self) -> str:
        """The picture as SVG text."""
        return draw(self.kind, self.colour, self.accent, self.view, brand=self.brand)


class Stock(Struct, frozen=True):
    """How many pieces lie at a location, by its code."""

    location: str
    quantity: int


class Variant(Struct, frozen=True):
    """What can be bought. `price` is gross in EUR; `regular` is what it cost before, if it is reduced now.

    `share` is how often it sells next to the product's other variants.
    """

    sku: str
    gtin: str
    options: dict[str, str]
    price: Decimal
    regular: Decimal | None
    stock: tuple[Stock, ...]
    share: float


class Product(Struct, frozen=True):
    """A product. `model` is the department, name and kind of the model that it was made from; `stores` carry it."""

    slug: str
    model: tuple[str, str, str]
    brand: str
    name: Words
    summary: Words
    description: Words
    tax_class: TaxClass
    attributes: dict[str, str | int | float]
    categories: tuple[str, ...]
    variants: tuple[Variant, ...]
    pictures: tuple[Picture, ...]
    stores: tuple[str, ...]


class Assortment(Struct, frozen=True):
    """All of it."""

    categories: tuple[Category, ...]
    products: tuple[Product, ...]


_SECTIONS: dict[Section, Words] = {
    "shoes": Words("Schuhe", "Shoes"),
    "clothing": Words("Bekleidung", "Clothing"),
    "equipment": Words("Ausrüstung", "Equipment"),
    "food": Words("Sportnahrung", "Sports nutrition"),
    "reading": Words("Bücher & Hefte", "Books & magazines"),
}
_FOR: dict[Audience, tuple[Words, str]] = {
    "m": (Words("Herren", "men's"), "Men"),
    "w": (Words("Damen", "women's"), "Women"),
    "u": (Words("", ""), "Unisex"),
    "k": (Words("Kinder", "kids'"), "Kids"),
}
_CARE_SHORT = {
    "wash30": "Gentle wash, 30 °C",
    "wash40": "Machine wash, 40 °C",
    "wool": "Wool wash, 30 °C",
    "shell": "Liquid detergent, 30 °C",
    "down": "Down wash, 30 °C",
    "shoe": "Air-dry, no machine",
    "leather": "Brush and wax",
    "wipe": "Wipe clean",
    "ball": "Lukewarm water",
    "edge": "Dry, sharpen, wax",
    "chain": "Clean and oil the chain",
    "rinse": "Rinse with clear water",
    "helmet": "Water and mild soap",
    "air": "Air after use",
    "tent": "Store dry",
    "food": "Store cool and dry",
}
# Facts that stand in the table beside the text, by the name that they have there; the last word says the unit.
TOLD = {
    "balance_mm": "balance_point_mm",
    "bar": "pressure_bar",
    "beam_mm": "beam_mm",
    "blade_cm": "blade_cm",
    "carbs_g": "carbohydrate_g",
    "column_mm": "water_column_mm",
    "content_g": "content_g",
    "control": "control",
    "diameter_cm": "diameter_cm",
    "drop_mm": "drop_mm",
    "fill_g": "down_fill_g",
    "flex": "flex",
    "floor_mm": "floor_water_column_mm",
    "gears": "gears",
    "gsm": "fabric_gsm",
    "handle_mm": "handle_mm",
    "head_cm2": "head_size_cm2",
    "height_cm": "body_height_cm",
    "inseam_cm": "inseam_cm",
    "kcal": "energy_kcal",
    "last_mm": "last_width_mm",
    "layers": "layers",
    "length_cm": "length_cm",
    "load_kg": "max_load_kg",
    "lug_mm": "lug_depth_mm",
    "lumen": "brightness_lumen",
    "lux": "brightness_lux",
    "magnesium_mg": "magnesium_mg",
    "mvtr": "breathability_gsm",
    "pages": "page_count",
    "pairs": "pairs",
    "panels": "panels",
    "pockets": "pockets",
    "protein_g": "protein_g",
    "r_value": "r_value",
    "radius_m": "turn_radius_m",
    "range_km": "range_km",
    "reach_m": "reach_m",
    "servings": "servings",
    "shaft_cm": "shaft_height_cm",
    "sodium_mg": "sodium_mg",
    "speed": "speed",
    "spin": "spin",
    "stack_mm": "stack_mm",
    "stiffness": "stiffness",
    "studs": "studs",
    "thick_cm": "thickness_cm",
    "thick_mm": "thickness_mm",
    "tyre_mm": "tyre_clearance_mm",
    "vents": "vents",
    "watt": "power_watt",
    "weight_g": "weight_g",
    "weight_kg": "weight_kg",
    "width_cm": "width_cm",
}
# Temperatures, which need their sign.
_WARMTH = {"comfort": "comfort_temperature", "limit": "limit_temperature"}
_SEASONS = {"snow": "Winter", "swimming": "Summer"}
_VIEWS: dict[View, Words] = {
    "side": Words("von der Seite", "from the side"),
    "sole": Words("Sohle", "sole"),
    "front": Words("von vorn", "from the front"),
    "back": Words("von hinten", "from behind"),
    "detail": Words("Detail", "detail"),
}
_FIT: dict[Audience, Words] = {
    "m": Words("Herrenschnitt, fällt normal aus.", "Men's cut, true to size."),
    "w": Words(
        "Damenschnitt mit schmalerer Taille, fällt normal aus.", "Women's cut with a narrower waist, true to size."
    ),
    "u": Words("Gerader Schnitt für alle, fällt normal aus.", "A straight cut for everybody, true to size."),
    "k": Words("Mit Reserve geschnitten, damit es zwei Saisons passt.", "Cut with some room, to last two seasons."),
}


def assortment(seed: int = SEED) -> Assortment:
    """Everything the demo retailer sells."""
    products = tuple(
        _product(department, model, audience, Random(f"{seed}:{department.slug}:{model.name}:{model.kind}:{audience}"))
        for department in DEPARTMENTS
        for model in department.models
        for audience in model.audiences
    )
    return Assortment(tuple(_categories(products)), products)


def _categories(products: tuple[Product, ...]) -> Iterator[Category]:
    used = {slug for product in products for slug in product.categories}
    for position, department in enumerate(DEPARTMENTS):
        yield Category(department.slug, "", position, department.name, department.description)
        # The section of the first model leads: bicycles before cycling shirts, shoes before running shirts.
        own: list[Section] = [KINDS[model.kind].section for model in department.models]
        own += _SECTIONS
        for below, section in enumerate(dict.fromkeys(own)):
            slug = f"{department.slug}-{section}"
            if slug in used:
                yield Category(slug, department.slug, below, _SECTIONS[section], Words("", ""))


def _product(department: Department, model: Model, audience: Audience, random: Random) -> Product:
    kind = KINDS[model.kind]
    brand = BRANDS[model.brand]
    name = _name(model, kind, audience)
    carried = tuple(store for store in STORES if random.random() < store.breadth)
    return Product(
        slug=_slug(f"{brand.name} {model.name} {kind.noun.en} {_FOR[audience][1] if audience != 'u' else ''}"),
        model=(department.slug, model.name, model.kind),
        brand=brand.name,
        name=name,
        summary=model.hook,
        description=Words(_description(model, kind, audience, "de"), _description(model, kind, audience, "en")),
        # Food and printed matter: UStG s.12(2) no. 1 with annex 2.
        tax_class="reduced" if kind.section in ("food", "reading") else "standard",
        attributes=_attributes(department, model, kind, audience),
        categories=(
            f"{department.slug}-{kind.section}",
            *(f"{other}-{kind.section}" for other in model.also),
        ),
        variants=_variants(department, model, kind, audience, carried, random),
        pictures=tuple(_pictures(model, kind, audience, name)),
        stores=tuple(store.code for store in carried),
    )


def _name(model: Model, kind: Kind, audience: Audience) -> Words:
    whose = _FOR[audience][0]
    de = f"{model.name} {kind.noun.de}"
    en = f"{model.name} {kind.noun.en}"
    if audience != "u" and whose.de not in kind.noun.de:
        de = f"{de} {whose.de}"
    if audience != "u" and whose.en not in kind.noun.en:
        en = f"{model.name} {whose.en} {kind.noun.en}"
    return Words(de, en)


def _description(model: Model, kind: Kind, audience: Audience, language: str) -> str:
    facts = {key: _said(fact, language) for key, fact in model.facts.items()}
    told = " ".join(_capital(sentence.in_(language).format(**facts)) for sentence in kind.facts)
    paragraphs = [told]
    if kind.section == "clothing" and kind.sizes.startswith("wear"):
        paragraphs.append(_FIT[audience].in_(language))
    paragraphs.append(CARE[kind.care].in_(language))
    return "\n\n".join(part for part in paragraphs if part)


def _said(fact: int | float | Words, language: str) -> str:
    if isinstance(fact, Words):
        return fact.in_(language)
    text = f"{fact:,}" if abs(fact) >= 10_000 else str(fact)
    if language == "de":
        text = text.replace(",", " ").replace(".", ",").replace(" ", ".")
    # A number below zero is written with the minus sign, not with a hyphen.
    return text.replace("-", "−")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _attributes(department: Department, model: Model, kind: Kind, audience: Audience) -> dict[str, str | int | float]:
    brand = BRANDS[model.brand]
    attributes: dict[str, str | int | float] = {"sport": _capital(department.sport.en)}
    if kind.section in ("shoes", "clothing"):
        attributes["gender"] = _FOR[audience][1]
        attributes["season"] = _SEASONS.get(department.slug, "All year")
    for key, fact in model.facts.items():
        if isinstance(fact, Words):
            if key == "material":
                attributes["material"] = _capital(fact.en)
        elif key in _WARMTH:
            attributes[_WARMTH[key]] = f"{_said(fact, 'en')} °C"
        elif key in TOLD:
            attributes[TOLD[key]] = fact
    if kind.care in _CARE_SHORT:
        # Food is stored, not cared for.
        attributes["storage" if kind.section == "food" else "care"] = _CARE_SHORT[kind.care]
    attributes["manufacturer"] = (
        f"{brand.maker}, {brand.street}, {brand.postcode} {brand.city}, {brand.country}, {brand.email}"
    )
    return attributes


def _palette(kind: Kind) -> tuple[str, dict[str, Colour]]:
    """The name of the option that pictures show, and its values."""
    return ("flavour", FLAVOURS) if kind.section == "food" else ("colour", COLOURS)


def _looks(model: Model, audience: Audience) -> tuple[tuple[str, str], ...]:
    """The looks, the leading one first; what is cut for women leads with another, so that lists show more colours."""
    return (*model.looks[1:], model.looks[0]) if audience == "w" and len(model.audiences) > 1 else model.looks


def _run(model: Model, kind: Kind, audience: Audience) -> tuple[Size, ...]:
    return SIZES[(model.sizes or kind.sizes).replace("*", audience)]


def _pictures(model: Model, kind: Kind, audience: Audience, name: Words) -> Iterator[Picture]:
    _, palette = _palette(kind)
    for colour, accent in _looks(model, audience):
        look = palette[colour]
        for view in views_of(kind.drawing):
            alt = Words(
                f"{name.de} in {look.name.de}, {_VIEWS[view].de}",
                f"{name.en} in {look.name.en.lower()}, {_VIEWS[view].en}",
            )
            yield Picture(kind.drawing, look.paint, palette[accent].paint, view, model.brand, look.name.en, alt)


# -- variants, prices, stock


def _variants(
    department: Department, model: Model, kind: Kind, audience: Audience, carried: Sequence[Store], random: Random
) -> tuple[Variant, ...]:
    option, palette = _palette(kind)
    sizes = _run(model, kind, audience)
    total = sum(size.share for size in sizes)
    # About one product in five is reduced, in the look that leaves the range.
    reduced = random.random() < 0.2 and kind.section != "reading"
    off = random.choice((Decimal("0.15"), Decimal("0.2"), Decimal("0.25"), Decimal("0.3")))
    variants: list[Variant] = []
    for index, (colour, _) in enumerate(_looks(model, audience)):
        last = index == len(model.looks) - 1
        # One look in thirty is gone: its last pieces were sold and it is not made again.
        gone = random.random() < 0.03 and len(model.looks) > 1
        for step, size in enumerate(sizes):
            regular = _level(model.price + model.step * step)
            now = _level(regular * (1 - off)) if reduced and last else regular
            code = f"{model.brand[:3]}-{_code(model.name)}-{_code(model.kind)[:4]}-{audience}-{colour}-{size.label}"
            sku = _slug(code).upper()
            options = {} if kind.section == "reading" else {option: palette[colour].name.en}
            if size.label:
                options["size"] = size.label
            share = size.share / total
            stock = () if gone else _stock(department.slug, kind, now, share, carried, random)
            was = regular if now < regular else None
            variants.append(Variant(sku, gtin_of(sku), options, now, was, stock, share))
    return tuple(variants)


def _level(price: Decimal) -> Decimal:
    """The nearest price that a house would print: .99 below 20, .95 below 300, whole euros ending in 9 above."""
    whole = int(price)
    if price < 20:
        return whole + Decimal("0.99") if price - whole >= Decimal("0.5") else max(whole - 1, 0) + Decimal("0.99")
    if price < 300:
        return whole + Decimal("0.95") if price - whole >= Decimal("0.5") else whole - 1 + Decimal("0.95")
    nine = int((price + 1) / 10) * 10 - 1
    return Decimal(nine) + Decimal("0.00") if nine >= 300 else Decimal("299.95")


WAREHOUSE = "lager"
# It fills thirty stores and the parcels.
_WAREHOUSE_DEPTH = 2.5


def _stock(
    department: str, kind: Kind, price: Decimal, share: float, carried: Sequence[Store], random: Random
) -> tuple[Stock, ...]:
    """What lies where: the warehouse deep, its stores along the curve of sizes, some low, some nowhere."""
    fate = random.random()
    if fate < 0.04:
        return ()
    # Cheap things lie deeper: pieces of a look over all sizes fall with the root of the price.
    depth = 900 / float(price) ** 0.5 * share
    if fate < 0.11:
        place = random.choice((WAREHOUSE, *(store.code for store in carried)))
        return (Stock(place, random.randint(1, 3)),)
    bulky = kind.key in ("trekking_bike", "gravel_bike", "skis", "xc_skis", "snowboard", "tent")
    stock = [Stock(WAREHOUSE, max(2, min(999, round(depth * _WAREHOUSE_DEPTH * random.uniform(0.6, 1.5)))))]
    for store in carried:
        leaning = LEANINGS[store.lean].get(department, 1.0)
        wanted = min(depth, 24) * 0.16 * leaning * store.size * random.uniform(0.3, 1.7)
        quantity = min(round(wanted), 2 if bulky else 12)
        if quantity > 0:
            stock.append(Stock(store.code, quantity))
    return tuple(stock)


# -- numbers and names


@cache
def gtin_of(sku: str) -> str:
    """A GTIN-13 that can never meet a real one.

    Prefix 952 is set aside for demonstrations and examples of the GS1 system (GS1 General Specifications, table of GS1
    prefixes). The in-house range 20-29 would be as free, but tills read weights and prices out of it, and marketplaces
    refuse it by rule. The rest follows from the SKU, so a new product moves no other's number.
    """
    digits = f"952{int.from_bytes(hashlib.sha256(sku.encode()).digest()[:8]) % 10**9:09d}"
    return digits + _check_digit(digits)


def _check_digit(digits: str) -> str:
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return str(-total % 10)


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().translate(_UMLAUTS)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9.]+", "-", plain.replace("'", "")).replace(".", "").strip("-")


def _code(text: str) -> str:
    """A short code of a name: eight of its letters and all its digits, which tell editions apart."""
    plain = _slug(text)
    return re.sub(r"[^a-z]", "", plain)[:8] + re.sub(r"[^0-9]", "", plain)
