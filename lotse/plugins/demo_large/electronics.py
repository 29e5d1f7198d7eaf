"""Electronics: Best Buy's catalogue as JSON objects with name, description, brand, categories, price and popularity.

English, no GTINs. Prices are in US dollars without tax; they are taken as they stand, as euros with tax, and
labelled so.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, cast

from lotse.plugins.demo_large import files, words
from lotse.plugins.demo_large.article import Article, Place, RowProblem

ROOT: Final = Place("electronics", {"de": "Elektronik", "en": "Electronics"})
# Best Buy's own number of an article, which the address of its picture begins with.
_NUMBER: Final = re.compile(r"/(\d{3,12})_")
# The tree of categories ends at ten levels, and the root is one of them.
_MOST_LEVELS: Final = 8
_MOST_PRICE: Final = Decimal(1_000_000)
_LEVEL: Final = Decimal(40)


class Electronics:
    """See `article.Source`."""

    name = "bestbuy"
    folder = "bestbuy"
    pattern = "products*.json*"

    def rows(self, path: Path) -> Iterator[tuple[int, dict[str, Any] | RowProblem]]:
        return files.objects(path)

    def article(self, row: int, columns: dict[str, Any], left_out: list[tuple[str, str]]) -> Article:
        key = _key(columns)
        name = words.name_of(columns.get("name"), key, "name")
        brand = words.clean(columns.get("brand"))
        if len(brand) > words.LONGEST_BRAND:
            left_out.append(("brand", f"at most {words.LONGEST_BRAND} characters"))
            brand = ""
        description = words.clean(columns.get("description"))
        if len(description) > words.LONGEST_TEXT:
            left_out.append(("description", f"at most {words.LONGEST_TEXT} characters"))
            description = ""
        path = (ROOT, *_places(columns.get("categories"), left_out))
        price = _price(columns.get("price"), key)
        coloured = words.colour_at_the_end(name)
        attributes: dict[str, str | int | float | bool | list[str]] = {}
        popularity = columns.get("popularity")
        if isinstance(popularity, int) and not isinstance(popularity, bool) and 0 <= popularity < 2**31:
            attributes["popularity"] = popularity
        elif popularity is not None:
            left_out.append(("popularity", "a whole number of 0 or more"))
        return Article(
            source=self.name,
            row=row,
            key=key,
            sku=f"BB-{key}",
            group=f"bb {brand.lower()} {path[-1].slug} {coloured[0].lower()}" if coloured else "",
            group_name=coloured[0] if coloured else name,
            options={"colour": coloured[1]} if coloured else {},
            name=name,
            language="en",
            description=description,
            brand=brand,
            tax_class="standard",
            path=path,
            attributes=attributes,
            price=price,
            price_reason="price in US dollars at the source, taken as euros",
            price_level=_LEVEL,
            derived=("stock", "currency") if price is not None else ("price", "stock"),
        )


def _key(columns: dict[str, Any]) -> str:
    """The source's number where it has one, else what follows from brand and name."""
    number = _NUMBER.search(words.clean(columns.get("image")))
    for said in (columns.get("objectID"), columns.get("sku"), number[1] if number else None):
        if (
            isinstance(said, (str, int))
            and not isinstance(said, bool)
            and re.fullmatch(r"[0-9A-Za-z-]{1,40}", str(said))
        ):
            return str(said)
    said = " ".join(words.clean(columns.get(column)) for column in ("brand", "name"))
    return f"n{words.digest(said, 16)}"


def _places(value: Any, left_out: list[tuple[str, str]]) -> list[Place]:
    names = [words.clean(one) for one in cast("list[Any]", value)] if isinstance(value, list) else []
    names = [name for name in names if name]
    if not names or len(names) > _MOST_LEVELS or any(len(name) > words.LONGEST_BRAND for name in names):
        left_out.append(("categories", f"names of 1 to {_MOST_LEVELS} levels, {words.LONGEST_BRAND} characters each"))
        return []
    path: list[Place] = []
    for level, name in enumerate(names, start=1):
        # The whole way is the address: `All` stands below many.
        whole = " ".join(names[:level])
        short = words.slugged(whole, 90)
        slug = short if short and short == words.slugged(whole, 200) else f"{short}-{words.digest(whole, 8)}".strip("-")
        path.append(Place(f"{ROOT.slug}-{slug}", {"en": name}))
    return path


def _price(value: Any, key: str) -> Decimal | None:
    """None where there is none. Raises `RowProblem` for what is no price: a wrong one would be sold at."""
    if value is None or words.clean(value) == "":
        return None
    try:
        price = Decimal(words.clean(value).removeprefix("$").replace(",", "")) if not isinstance(value, bool) else None
    except InvalidOperation:
        price = None
    if price is None or not price.is_finite() or not 0 <= price <= _MOST_PRICE:
        raise RowProblem("price", f"a number from 0 to {_MOST_PRICE:,}", key)
    return price.quantize(Decimal("0.01"))
