"""What makes a GTIN, a slug and a search; which way a product's life goes; what order a tree is written in. Pure."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from stdnum import ean
from stdnum.exceptions import InvalidChecksum, InvalidFormat, InvalidLength

from lotse.domains.catalog.contracts import CategoryCycle, InvalidGtin, Measure, PutCategory, State
from lotse.kernel.refusals import Invalid
from lotse.kernel.words import word

# Where a product or variant may go from where it is. What was shown becomes a draft again only through the archive:
# links and orders point at it. What is archived comes back through the draft, where it can be mended unseen.
MOVES: dict[State, tuple[State, ...]] = {
    "draft": ("active", "archived"),
    "active": ("phase_out", "archived"),
    "phase_out": ("active", "archived"),
    "archived": ("draft",),
}

SLUG_RULE = "1 to 120 small letters and digits, words joined by single hyphens"
SKU_RULE = "1 to 64 characters without blanks at the ends"
TAX_CLASS_RULE = "a word of small letters, digits and underscores, e.g. standard"
LANGUAGE_RULE = "a language tag (BCP 47), e.g. de or en-GB"

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_TAX_CLASS = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
# python-stdnum's `ean` covers all four; 11 and shorter are something else.
_GTIN_LENGTHS = (8, 12, 13, 14)
# Words beyond the tenth and letters beyond the hundredth find nothing more, and bound what the database must do.
_MAX_WORDS = 10
_MAX_LETTERS = 100
# From what is archived to what is sold in its place; more generations of one article are a mistake of years.
MOST_SUCCESSORS = 50
# What a search gathers before it sorts: whoever finds more than this says one more word.
_MAX_FOUND = 1_000


# Units in which contents are written, and how many of each make one of what prices are compared by.
_CONTENTS: dict[str, tuple[Measure, int]] = {
    "g": ("kg", 1_000),
    "kg": ("kg", 1),
    "ml": ("l", 1_000),
    "cl": ("l", 100),
    "l": ("l", 1),
    "cm": ("m", 100),
    "m": ("m", 1),
    "m2": ("m2", 1),
}
_CONTENT = re.compile(r"(?:(\d{1,4}) ?[x×] ?)?(\d{1,7}(?:[.,]\d{1,4})?) ?(g|kg|ml|cl|l|cm|m|m2|m²)", re.IGNORECASE)


def content_of(attributes: Mapping[str, Any], options: Mapping[str, str]) -> tuple[Decimal, Measure] | None:
    """How much is in a thing: the variant's option `content` ("6 x 330 ml"), else the attribute `content_g`,
    `content_ml`, … (a number). None where nothing says so: a rucksack's volume is no content."""
    if found := _CONTENT.fullmatch(options.get("content", "").strip()):
        times, amount, unit = found.groups()
        measure, parts = _CONTENTS[unit.lower().replace("²", "2")]
        whole = Decimal(amount.replace(",", ".")) * int(times or 1) / parts
        return (whole, measure) if whole > 0 else None
    for unit, (measure, parts) in _CONTENTS.items():
        said = str(attributes.get(f"content_{unit}", ""))
        if re.fullmatch(r"\d{1,7}(\.\d{1,4})?", said) and Decimal(said) > 0:
            return Decimal(said) / parts, measure
    return None


def refused_successor(
    product_id: UUID, way: Sequence[tuple[UUID, State]]
) -> Literal["itself", "circle", "archived", "too long"] | None:
    """Why a product cannot take another's place, by the way from it on: itself, its successor and so on."""
    ids = [id for id, _ in way]
    if ids[0] == product_id:
        return "itself"
    if product_id in ids:
        return "circle"
    if len(way) > MOST_SUCCESSORS - 1:
        return "too long"
    return "archived" if all(state == "archived" for _, state in way) else None


def checked_gtin(gtin: str, sku: str) -> str:
    """A GTIN without blanks and hyphens, as many digits as it was printed with. Refusal: `InvalidGtin`."""
    try:
        compact: str = ean.compact(gtin)
        if compact and not (compact.isascii() and compact.isdigit()):
            raise InvalidFormat()
        if len(compact) not in _GTIN_LENGTHS:
            raise InvalidLength()
        return ean.validate(compact)
    except InvalidLength:
        raise InvalidGtin(gtin=gtin, sku=sku, rule="8, 12, 13 or 14 digits") from None
    except InvalidFormat:
        raise InvalidGtin(gtin=gtin, sku=sku, rule="digits only") from None
    except InvalidChecksum:
        raise InvalidGtin(gtin=gtin, sku=sku, rule="the last digit is the check digit of the others") from None


def is_slug(slug: str) -> bool:
    """Whether it can be an address."""
    return len(slug) <= 120 and _SLUG.fullmatch(slug) is not None


def check_slug(slug: str, field: str) -> None:
    """Refusal: `Invalid`."""
    if not is_slug(slug):
        raise Invalid(field=field, rule=SLUG_RULE)


def check_sku(sku: str, field: str) -> None:
    """Refusal: `Invalid`."""
    if not 1 <= len(sku) <= 64 or sku != sku.strip() or "\0" in sku:
        raise Invalid(field=field, rule=SKU_RULE)


def check_tax_class(tax_class: str, field: str) -> None:
    """Refusal: `Invalid`. Whether the class has a rate is the tax domain's to say, when something is priced."""
    if not _TAX_CLASS.fullmatch(tax_class):
        raise Invalid(field=field, rule=TAX_CLASS_RULE)


def check_language(language: str, field: str) -> None:
    """Refusal: `Invalid`."""
    if not _LANGUAGE.fullmatch(language):
        raise Invalid(field=field, rule=LANGUAGE_RULE)


def check_text(text: str, field: str, *, at_least: int = 0, at_most: int) -> None:
    """PostgreSQL's text has no NUL. Refusal: `Invalid`."""
    if not at_least <= len(text) <= at_most or "\0" in text:
        raise Invalid(field=field, rule=f"{at_least} to {at_most} characters, none of them NUL")


def allowed(state: State, wanted: State) -> bool:
    """Whether a product may go from `state` to `wanted`; staying is always allowed."""
    return wanted == state or wanted in MOVES[state]


def levels(categories: Sequence[PutCategory]) -> list[list[tuple[int, PutCategory]]]:
    """The categories with their places in the call, level by level: a parent in the call comes before its children.

    Refusal: `CategoryCycle`, for parents in the call that lead back to where they began.
    """
    by_slug = {category.slug: category for category in categories}
    depth: dict[str, int] = {}

    for category in categories:
        path: list[str] = []
        slug: str | None = category.slug
        while slug is not None and slug in by_slug and slug not in depth:
            if slug in path:
                raise CategoryCycle(category=slug)
            path.append(slug)
            slug = by_slug[slug].parent
        below = depth[slug] + 1 if slug is not None and slug in depth else 0
        for i, on_the_way in enumerate(reversed(path)):
            depth[on_the_way] = below + i

    ordered: list[list[tuple[int, PutCategory]]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for place, category in enumerate(categories):
        ordered[depth[category.slug]].append((place, category))
    return ordered


def search_terms(text: str) -> dict[str, str | int]:
    """What was typed into a search field, as the parameters of the SQL function `catalog.find`."""
    return {
        "words": search_words(text),
        "begins": text.strip()[:_MAX_LETTERS].replace("\0", ""),
        "digits": search_digits(text),
        "at_most": _MAX_FOUND,
    }


def search_words(text: str) -> str:
    """A text as a query for `to_tsquery`: every word by its beginning, all of them. Empty if it has no words."""
    words = [re.sub(r"['\\\0:&|!<>()*]", "", word) for word in text[:_MAX_LETTERS].split()][:_MAX_WORDS]
    return " & ".join(f"'{word}':*" for word in words if any(letter.isalnum() for letter in word))


def search_digits(text: str) -> str:
    """The digits of what may be a GTIN, else nothing."""
    compact = text.strip().replace("-", "").replace(" ", "")
    return compact if len(compact) in _GTIN_LENGTHS and compact.isascii() and compact.isdigit() else ""


def full_name(name: str, options: Mapping[str, str], language: str) -> str:
    """A variant as one line says it, in the words of the reader: "Laufschuh Strom 3, Königsblau, 42".

    Whoever answers requests calls `lotse.kernel.words.read` first.
    """
    return ", ".join((name, *(word(language, value) for value in options.values() if value)))
