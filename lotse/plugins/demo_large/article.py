"""What every source is read into: an article, and what was not taken of a row."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

# Language to text; a name that only one language has is said in that one.
Texts = dict[str, str]


class Place(Struct, frozen=True):
    """A category on the way to an article: its slug, and its name by language."""

    slug: str
    names: Texts


class Article(Struct, frozen=True, kw_only=True):
    """A row that can be taken: what can be bought, and what it says of the product it belongs to.

    Articles with the same `group` that differ in `options` become variants of one product, which is called `group_name`
    then; `attributes` that differ between them are left out of it. `price` is the source's, None where it has none and
    one is to be derived from `price_level` (what such an article costs roughly, in major units).
    """

    source: str
    row: int
    key: str
    sku: str
    gtin: str | None = None
    group: str
    group_name: str
    options: dict[str, str] = {}
    name: str
    language: str
    description: str = ""
    brand: str = ""
    tax_class: str
    path: tuple[Place, ...]
    attributes: dict[str, str | int | float | bool | list[str]] = {}
    price: Decimal | None = None
    price_reason: str = ""
    price_level: Decimal
    derived: tuple[str, ...]


class Rejected(Struct, frozen=True):
    """What was not taken: a row, or (`taken`) only a field of it. `row` counts from 1; 0 is the file as a whole."""

    file: str
    row: int
    key: str
    field: str
    reason: str
    taken: bool = False


class RowProblem(Exception):
    """A row that cannot be taken, by field and rule."""

    def __init__(self, field: str, rule: str, key: str = "") -> None:
        super().__init__(f"{field}: {rule}")
        self.field, self.rule, self.key = field, rule, key


class Unreadable(Exception):
    """A file that cannot be read as a whole; says why."""


class Source(Protocol):
    """A kind of folder. `rows` gives each row's number and columns, or why it cannot be read; `article` reads one and
    adds to `left_out` which fields (and why) were left out."""

    name: str
    folder: str
    pattern: str

    def rows(self, path: Any) -> Iterator[tuple[int, dict[str, Any] | RowProblem]]:
        """Raises `Unreadable`."""
        ...

    def article(self, row: int, columns: dict[str, Any], left_out: list[tuple[str, str]]) -> Article:
        """Raises `RowProblem`."""
        ...
