"""Fashion: a table of styles with gender, category, colour, season and usage. English; no prices, sizes or GTINs."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from lotse.plugins.demo_large import files, words
from lotse.plugins.demo_large.article import Article, Place, RowProblem

ROOT: Final = Place("fashion", {"de": "Mode", "en": "Fashion"})
_COLUMNS: Final = ("gender", "masterCategory", "subCategory", "articleType", "baseColour", "season", "year", "usage")
# Says for whom, and stands behind the brand in most names.
_FOR: Final = re.compile(r"\b(?:men|women|boys?|girls?|kids?|unisex|infants?|teen)(?:['’]?s)?\b", re.IGNORECASE)
_MOST_BRAND_WORDS: Final = 4
_ID: Final = re.compile(r"\d{1,18}")
_YEARS: Final = range(1990, 2100)
# What a thing costs roughly, by its kind, or by the category that holds it.
_LEVELS: Final = {
    "Accessories": 25, "Apparel": 30, "Footwear": 55, "Personal Care": 15, "Sporting Goods": 25, "Home": 20,
    "Watches": 110, "Sunglasses": 70, "Handbags": 60, "Backpacks": 45, "Socks": 8, "Wallets": 30, "Belts": 25,
    "Jewellery": 28, "Ties": 18, "Jackets": 75, "Jeans": 55, "Sweaters": 40, "Sweatshirts": 42, "Shirts": 36,
    "Tshirts": 19, "Dresses": 48, "Sarees": 60, "Innerwear": 16, "Blazers": 110, "Sports Shoes": 75, "Heels": 60,
    "Formal Shoes": 80, "Flip Flops": 16, "Sandals": 40, "Flats": 38, "Nail Polish": 6, "Lipstick": 12,
    "Perfume and Body Mist": 35, "Deodorant": 5, "Trolley Bag": 95, "Laptop Bag": 60, "Free Gifts": 5,
}  # fmt: skip


class Fashion:
    """See `article.Source`."""

    name = "fashion_styles"
    folder = "fashion_styles"
    pattern = "*.parquet"

    def rows(self, path: Path) -> Iterator[tuple[int, dict[str, Any] | RowProblem]]:
        return files.parquet(path, ("id", "productDisplayName"), _COLUMNS)

    def article(self, row: int, columns: dict[str, Any], left_out: list[tuple[str, str]]) -> Article:
        key = words.clean(columns["id"])
        if not _ID.fullmatch(key):
            raise RowProblem("id", "a whole number", key[:40])
        name = words.name_of(columns["productDisplayName"], key, "productDisplayName")
        said = {column: _value(columns, column, left_out) for column in _COLUMNS}
        colour = said["baseColour"]
        base = _without_colour(name, colour)
        attributes: dict[str, str | int | float | bool | list[str]] = {
            attribute: said[column]
            for column, attribute in (
                ("gender", "gender"),
                ("season", "season"),
                ("usage", "usage"),
                ("articleType", "article_type"),
            )
            if said[column]
        }
        if year := _year(said["year"], left_out):
            attributes["collection"] = year
        kinds = [said[column] for column in ("masterCategory", "subCategory", "articleType") if said[column]]
        level = next((_LEVELS[kind] for kind in reversed(kinds) if kind in _LEVELS), 30)
        return Article(
            source=self.name,
            row=row,
            key=key,
            sku=f"FS-{key}",
            group=f"fs {said['gender']} {said['articleType']} {base.lower()}" if colour and base != name else "",
            group_name=base,
            options={"colour": colour} if colour else {},
            name=name,
            language="en",
            brand=_brand(name),
            tax_class="standard",
            path=(ROOT, *_places(kinds)),
            attributes=attributes,
            price_level=Decimal(level),
            derived=("price", "stock"),
        )


def _value(columns: dict[str, Any], column: str, left_out: list[tuple[str, str]]) -> str:
    text = words.clean(columns.get(column))
    if len(text) > words.LONGEST_BRAND:
        left_out.append((column, f"at most {words.LONGEST_BRAND} characters"))
        return ""
    return "" if text.lower() in ("nan", "na", "none", "null") else text


def _year(text: str, left_out: list[tuple[str, str]]) -> str:
    whole = text.removesuffix(".0")
    if not whole:
        return ""
    if not whole.isdecimal() or int(whole) not in _YEARS:
        left_out.append(("year", f"a year from {_YEARS[0]} to {_YEARS[-1]}"))
        return ""
    return whole  # a text: numbers are written with separators


def _places(kinds: list[str]) -> list[Place]:
    """`Accessories > Accessories > Watches` without the level that says the same again."""
    path: list[Place] = []
    slug = ROOT.slug
    for place, kind in enumerate(kinds):
        if place and kind == kinds[place - 1]:
            continue
        slug = f"{slug}-{words.slugged(kind, 30) or words.digest(kind)}"
        path.append(Place(slug, {"en": kind}))
    return path


def _without_colour(name: str, colour: str) -> str:
    """The name without its colour: the colour as it is called, else the words of it that stand there."""
    if not colour:
        return name
    for said in (colour, *colour.split()):
        if re.search(rf"\b{re.escape(said)}\b", name, re.IGNORECASE):
            return words.without(name, said) if len(words.without(name, said).split()) > 1 else name
    return name


def _brand(name: str) -> str:
    """What stands before `Men`, `Women` …; nothing if the name begins with that or has no such word."""
    found = _FOR.search(name)
    begin = name[: found.start()].strip(" -") if found else ""
    return begin if len(begin.split()) <= _MOST_BRAND_WORDS and len(begin) <= words.LONGEST_BRAND else ""
