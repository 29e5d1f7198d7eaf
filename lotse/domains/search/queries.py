"""Reads: products as an index wants them, what people decided, what is asked often."""

import re
import zlib
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import Category, CategoryChanged, ProductCard, ProductChanged, ProductStateChanged
from lotse.domains.parties import queries as parties
from lotse.domains.parties.contracts import Shop
from lotse.domains.pricing.contracts import Line, Price
from lotse.domains.pricing.queries import prices_from
from lotse.domains.pricing.rules import PriceLists, price
from lotse.domains.search.contracts import (
    BRAND,
    IN_STOCK,
    STOCK,
    Answer,
    AskedRow,
    Document,
    Filters,
    Index,
    NoIndex,
    Question,
    Rule,
    RuleRow,
    RulesChanged,
    Standing,
    Steer,
    Step,
    Synonyms,
    Texts,
    UnknownTarget,
    engines,
    house_pages,
)
from lotse.domains.search.rules import ForHouse, KnownPage, known_page, loosened, meanings, pages_for, steer_for
from lotse.domains.tax.contracts import NoTaxRate
from lotse.domains.tax.queries import rates_for
from lotse.domains.tax.rules import policy_for
from lotse.kernel import words
from lotse.kernel.consumers import SQL as EVENTS
from lotse.kernel.consumers import Place
from lotse.kernel.db import Connection, Database
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements
from lotse.kernel.tags import Tags, any_of, tagged

READS = statements("lotse.domains.search", "reads")

ENGINE = "tantivy"
FOLDER = "search"
# Products read at a time: some hundreds of variants, whose prices and stock are three set-based reads.
BATCH = 200
# More decisions about one shop are nobody's; a search compares them all.
_MAX_RULES = 2_000
_MAX_SYNONYMS = 5_000
# A value of an attribute that is longer is a sentence, and no facet.
_LONGEST_VALUE = 40
# What a category may hold whose name changes; the others follow when they change themselves or at a rebuild.
_MOST_BELOW = 50_000
# Words about who made it, how it is washed and where its description comes from would find what nobody means.
_NOT_SEARCHED = ("manufacturer", "responsible_person", "warnings", "care", "storage", "popularity", "source", "derived")

SUGGESTED_QUERIES, SUGGESTED_CATEGORIES, SUGGESTED_PRODUCTS = 5, 3, 4
# Cards that a process keeps: a few pages of everything that is looked at.
_MOST_CARDS = 20_000
# Suggested once more than one visitor's insistence stands behind it, and only what is asked a lot.
_ASKED_AT_LEAST = 3
_POPULAR = 2_000
# Greater than any letter.
_AFTER_ALL = "\U0010ffff"
# Beginnings whose answers a process keeps.
_MOST_SUGGESTIONS = 5_000
_POPULAR_SECONDS = 60.0
# Names that a refusal offers instead: a line of them.
_SOME = 12

_product_changed = tagged(ProductChanged)
_product_state_changed = tagged(ProductStateChanged)
_rules_changed = tagged(RulesChanged)
_CATEGORIES = any_of(CategoryChanged)

# A name of a category that holds several kinds.
_SEVERAL = re.compile(r"[,/&+]|\b(?:und|and|oder|or)\b", re.IGNORECASE)


# A text in a language; English ids come back as they are where there is no translation.
async def documents(conn: Connection, *, shop: Shop, product_ids: Sequence[UUID], at: datetime) -> list[Document]:
    """Those of the products that are shown, as they are at a moment."""
    found = await conn.many(READS.described, _Described, ids=list(product_ids))
    for language in {text.language for row in found for text in row.texts}:
        await words.read(language)
    variant_ids = [variant.id for row in found for variant in row.variants]
    prices = await prices_from(conn, shop_id=shop.id, variant_ids=variant_ids, at=at)
    stock = {row.variant_id for row in await conn.many(READS.available, _Available, shop_id=shop.id, ids=variant_ids)}
    lists = PriceLists(prices, at=at)
    minor = await _gross(conn, shop, found, lists, prices, at)
    next_at = _next_beginnings(prices, at)
    return [_document(row, shop, minor, stock, next_at) for row in found]


async def stock_signs(conn: Connection, *, shop: Shop, product_ids: Sequence[UUID]) -> dict[UUID, int]:
    """A number per shown product that differs as soon as other variants of it are there; see `sign_of`."""
    found = await conn.many(READS.stock_of, _Selling, ids=list(product_ids))
    variant_ids = [row.variant_id for row in found]
    stock = {row.variant_id for row in await conn.many(READS.available, _Available, shop_id=shop.id, ids=variant_ids)}
    there: dict[UUID, list[UUID]] = {}
    for row in found:
        there.setdefault(row.product_id, [])
        if row.variant_id in stock:
            there[row.product_id].append(row.variant_id)
    return {id: sign_of(variants) for id, variants in there.items()}


async def all_documents(database: Database, *, shop: Shop, at: datetime) -> AsyncIterator[list[Document]]:
    """Everything that is shown, batch by batch, each in a short read of its own."""
    last: UUID | None = None
    while True:
        async with database.reading() as conn:
            ids: list[UUID] = await conn.values(READS.shown_after, after=last, limit=BATCH)
            batch = await documents(conn, shop=shop, product_ids=ids, at=at) if ids else []
        if not ids:
            return
        yield batch
        last = ids[-1]


async def shown_after(conn: Connection, *, after: UUID | None, limit: int) -> list[UUID]:
    """The next products that are shown."""
    return await conn.values(READS.shown_after, after=after, limit=limit)


async def products_of_variants(conn: Connection, *, variant_ids: Sequence[UUID]) -> list[UUID]:
    """Whose variants these are."""
    return await conn.values(READS.products_of, ids=list(variant_ids))


async def products_below(conn: Connection, *, category_ids: Sequence[UUID]) -> list[UUID]:
    """What stands in categories and below."""
    return await conn.values(READS.products_below, ids=list(category_ids), limit=_MOST_BELOW)


async def synonyms(conn: Connection, *, shop_id: UUID) -> list[Synonyms]:
    """All groups of a shop."""
    return await conn.many(READS.synonyms, Synonyms, shop_id=shop_id, limit=_MAX_SYNONYMS)


async def rules(conn: Connection, *, shop_id: UUID, at: datetime) -> list[Rule]:
    """The rules of a shop that hold or will."""
    return await conn.many(READS.rules, Rule, shop_id=shop_id, at=at, limit=_MAX_RULES)


async def rule_rows(conn: Connection, *, shop_id: UUID, language: str) -> list[RuleRow]:
    """The rules of a shop for the back office, the last changed first; also those that are over."""
    return await conn.many(READS.rule_rows, RuleRow, shop_id=shop_id, language=language, limit=_MAX_RULES)


async def asked_in_vain(conn: Connection, *, shop_id: UUID, limit: int = 50) -> list[AskedRow]:
    """What was searched for and found nothing the last time, the most asked first."""
    return await conn.many(READS.asked_in_vain, AskedRow, shop_id=shop_id, limit=limit)


async def popular(conn: Connection, *, shop_id: UUID, language: str, at_least: int, limit: int) -> list[str]:
    """What many asked for and found, the most asked first."""
    return await conn.values(READS.popular, shop_id=shop_id, language=language, at_least=at_least, limit=limit)


def sign_of(in_stock: Iterable[UUID]) -> int:
    """What of a product is there, as a number."""
    return zlib.crc32("".join(sorted(str(id) for id in in_stock)).encode())


# -- how a product becomes a document


async def _gross(
    conn: Connection,
    shop: Shop,
    found: Sequence["_Described"],
    lists: PriceLists,
    prices: Sequence[Price],
    at: datetime,
) -> dict[UUID, int]:
    """What one of each variant costs a consumer, by the one pricing function; who has no price or rate is absent."""
    rates = await rates_for(conn, country=shop.country)
    priced: dict[UUID, int] = {}
    for row in found:
        lines = [
            Line(ref=str(variant.id), quantity=1, tax_class=row.tax_class, variant_id=variant.id)
            for variant in row.variants
            if lists.find(variant.id, 1) is not None
        ]
        try:
            basket = price(
                lines,
                lists,
                rates,
                currency=shop.currency,
                country=shop.country,
                day=at.astimezone(ZoneInfo(shop.timezone)).date(),
                at=at,
                policy=policy_for(shop.country, "basket"),
            )
        except NoTaxRate:
            continue  # it cannot be sold either
        priced |= {line.variant_id: line.gross_minor for line in basket.lines if line.variant_id is not None}
    return priced


def _next_beginnings(prices: Sequence[Price], at: datetime) -> dict[UUID, datetime]:
    found: dict[UUID, datetime] = {}
    for one in prices:
        if one.valid_from > at and one.valid_from < found.get(one.variant_id, datetime.max.replace(tzinfo=at.tzinfo)):
            found[one.variant_id] = one.valid_from
    return found


def _document(
    row: "_Described",
    shop: Shop,
    minor: Mapping[UUID, int],
    stock: set[UUID],
    next_at: Mapping[UUID, datetime],
) -> Document:
    options: dict[str, list[str]] = {}
    for variant in row.variants:
        for name, value in variant.options.items():
            if value and value not in options.setdefault(name, []):
                options[name].append(value)
    attributes = {
        name: values for name, value in row.attributes.items() if (values := _values(value)) and name not in options
    }
    facets = {
        **options,
        **{
            name: [value for value in values if len(value) <= _LONGEST_VALUE]
            for name, values in attributes.items()
            if name not in _NOT_SEARCHED
        },
    }
    if row.brand:
        facets[BRAND] = [row.brand]
    searched = [
        *(value for values in options.values() for value in values),
        *(
            value
            for name, values in attributes.items()
            if name not in _NOT_SEARCHED
            for value in values
            if len(value) <= 2 * _LONGEST_VALUE
        ),
    ]
    prices = [minor[variant.id] for variant in row.variants if variant.id in minor]
    begins = [next_at[variant.id] for variant in row.variants if variant.id in next_at]
    return Document(
        id=row.id,
        texts={text.language: _texts(text, row, searched) for text in row.texts},
        brand=row.brand,
        codes=[code for variant in row.variants for code in (variant.sku, variant.gtin) if code],
        categories=[category.slug for category in row.categories],
        facets={name: values for name, values in facets.items() if values},
        combinations=[
            {**variant.options, **({STOCK: IN_STOCK} if variant.id in stock else {})} for variant in row.variants
        ],
        price_minor=min(prices, default=None),
        in_stock=any(variant.id in stock for variant in row.variants),
        weight=_weight(row.attributes),
        added=row.id.int >> 80,  # the milliseconds of a UUIDv7: one that was made later is newer
        due=min(begins, default=None),
        sign=sign_of(variant.id for variant in row.variants if variant.id in stock),
        variants=[variant.id for variant in row.variants],
    )


def _texts(text: "_Text", row: "_Described", values: Sequence[str]) -> Texts:
    names = [(category.own, _name(category.names, text.language)) for category in row.categories]
    # "Milk, yoghurt and butter" is no kind of thing: what stands in it is one of them, and the name says which.
    names = [(own and not _SEVERAL.search(name), name) for own, name in names]
    return Texts(
        name=text.name,
        summary=text.summary,
        description=text.description,
        kinds=[name for own, name in names if own],
        categories=[name for own, name in names if not own],
        values=[words.word(text.language, value) for value in values],
    )


def _name(names: Mapping[str, str], language: str) -> str:
    return names.get(language) or names.get(language.split("-")[0]) or names.get("en") or next(iter(names.values()), "")


def _values(value: Any) -> list[str]:
    """The values of an attribute that people choose by: words. Numbers are measures, and said in texts."""
    if isinstance(value, str):
        return [value] if (value.strip() and not value.replace(".", "").isdigit()) or len(value) == 4 else []
    if isinstance(value, list):
        return [one for one in cast("list[Any]", value) if isinstance(one, str) and one.strip()]
    return []


def _weight(attributes: Mapping[str, Any]) -> float:
    """A catalogue may say how popular something is, as any number from nought on: a tenth more for the most popular."""
    said = attributes.get("popularity")
    if not isinstance(said, int | float) or isinstance(said, bool) or said <= 0:
        return 1.0
    return 1.0 + 0.1 * said / (said + 5_000)


class _Text(Struct, frozen=True):
    language: str
    name: str
    summary: str
    description: str


class _Variant(Struct, frozen=True):
    id: UUID
    sku: str
    gtin: str | None
    options: dict[str, str]


class _Category(Struct, frozen=True):
    slug: str
    own: bool
    names: dict[str, str]


class _Described(Struct, frozen=True):
    id: UUID
    slug: str
    brand: str
    tax_class: str
    attributes: dict[str, Any]
    created_at: datetime
    texts: list[_Text]
    variants: list[_Variant]
    categories: list[_Category]


class _Selling(Struct, frozen=True):
    product_id: UUID
    variant_id: UUID


class _Available(Struct, frozen=True):
    variant_id: UUID
    available: int


class Decisions(Struct, frozen=True):
    """What people of a shop decided."""

    synonyms: list[Synonyms]
    rules: list[Rule]


# -- the order of a list


async def ordered(index: Index, question: Question) -> tuple[Answer, Step | None, Question]:
    """The articles of a list in their order: the one place where that is decided, for pages and API alike.

    A question without a result is loosened step by step (`rules.loosened`); the answer comes with the step that found
    something and the question as it was asked then. What is pinned stands first in each of them. Of what is popular
    instead nothing is a result: its total is nought.
    """
    answer = await index.search(question)
    if answer.met:
        return answer, "spelling" if answer.used else None, question
    for step, looser in loosened(question):
        other = await index.search(looser)
        if other.met:
            return other, step, looser
    # An empty department is empty, and what somebody pinned is an answer.
    if not question.words or question.offset or answer.total:
        return answer, None, question
    anything = Question(language=question.language, limit=12, counts=False, steer=question.steer)
    return replace(await index.search(anything), total=0), "popular", anything


class Suggestions(Struct, frozen=True):
    """What somebody who types so far may want. `within`: below which one a category stands, for those whose name others
    have, too."""

    words: str
    queries: list[str]
    categories: list[Category]
    articles: list[UUID]
    variants: Mapping[UUID, Sequence[UUID]] = {}
    within: Mapping[UUID, str] = {}


async def suggestions(
    tags: Tags, settings: Settings, database: Database, shop: Shop, language: str, words: str
) -> Suggestions:
    """For the beginnings of words; nothing while there is no index."""
    words = words.strip()[:100]
    nothing = Suggestions(words, [], [], [])
    if not words:
        return nothing
    index = index_of(settings, shop)
    # Short beginnings are few, and everybody types them: an answer stands until the index or anything else changes.
    answers = tags.copies("search.suggestions", size=_MOST_SUGGESTIONS, lasts_seconds=_POPULAR_SECONDS)
    key, stamp, mark = (shop.id, language, words), index.stamp(), tags.mark()
    kept: tuple[str, Suggestions] | None = answers.get(key)
    if kept is not None and kept[0] == stamp:
        return kept[1]
    found = await _suggested(tags, database, index, shop, language, words)
    if found is None:
        return nothing
    answers.put(key, (stamp, found), (_CATEGORIES, _rules_changed(shop.id)), mark)
    return found


async def _suggested(
    tags: Tags, database: Database, index: Index, shop: Shop, language: str, words: str
) -> Suggestions | None:
    decisions = await decided(tags, database, shop)
    question = Question(
        words=words,
        language=language,
        typing=True,
        counts=False,
        limit=SUGGESTED_PRODUCTS,
        synonyms=_meanings(decisions, language),
    )
    try:
        completed = await index.complete(question, SUGGESTED_QUERIES)
        answer = await index.search(question)
    except NoIndex:
        return None
    typed = words.lower()
    often = await _asked_often(tags, database, shop, language)
    places = await _tree(tags, database, language)
    for begin in typed.split():
        # Each narrows what the ones before it left: every letter that somebody types asks for every department.
        places = [place for place in places if f" {begin}" in place.name]
    places = places[:SUGGESTED_CATEGORIES]
    return Suggestions(
        words,
        list(dict.fromkeys([*often.beginning(typed, SUGGESTED_QUERIES), *completed]))[:SUGGESTED_QUERIES],
        [place.category for place in places],
        answer.ids,
        answer.variants,
        {place.category.id: place.within for place in places if place.within},
    )


async def pages_of_the_house(
    tags: Tags,
    database: Database,
    shop: Shop,
    language: str,
    words: str,
    *,
    gettext: Callable[[str], Callable[[str], str]],
    at: datetime,
    loosely: bool,
    typing: bool = False,
) -> ForHouse:
    """Pages that are about no article and that these words lead to (`rules.pages_for`). They are no result. With
    `typing` the last word may be a beginning."""

    async def load(keys: list[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], tuple[list[KnownPage], Iterable[str]]]:
        async with database.reading() as conn:
            return {(id, one): await _known_pages(conn, id, one, gettext(one), at) for id, one in keys}

    asked = engines[ENGINE].analysed(words, language).split()
    if not asked:
        return ForHouse()
    copies = tags.copies("search.house_pages", size=100, lasts_seconds=_POPULAR_SECONDS)
    known = (await copies.many([(shop.id, language)], load)).get((shop.id, language), [])
    others = _meanings(await decided(tags, database, shop), language)
    analysed = engines[ENGINE].analysed
    meant = {word: [analysed(other, language) for other in others[word]] for word in asked if word in others}
    return pages_for(asked, known, meant, loosely=loosely, typed=words.split()[-1] if typing else "")


async def _known_pages(
    conn: Connection, shop_id: UUID, language: str, said: Callable[[str], str], at: datetime
) -> tuple[list[KnownPage], list[str]]:
    found: list[KnownPage] = []
    types: list[str] = []
    shop = await parties.shop(conn, shop_id=shop_id)
    if shop is None:
        return found, types
    for name in house_pages:
        pages, its = await house_pages[name](conn, shop=shop, language=language, said=said, at=at)
        found += [known_page(page, lambda text: engines[ENGINE].analysed(text, language)) for page in pages]
        types += its
    return found, types


class _Department(Struct, frozen=True):
    """`name` in small letters with a space before each of its words, to find those that begin so. `within`: the one
    above, if others have the name, too."""

    name: str
    category: Category
    within: str


def _departments(tree: Sequence[Category]) -> list[_Department]:
    """Those that sell something, from the top down, the largest first."""
    selling = sorted((one for one in tree if one.products), key=lambda one: (one.depth, -one.products))
    names = {one.id: one.name for one in tree}
    times = Counter(one.name for one in selling)
    return [
        _Department(
            "".join(f" {part}" for part in one.name.lower().split()),
            one,
            names.get(one.parent_id, "") if one.parent_id and times[one.name] > 1 else "",
        )
        for one in selling
    ]


def decided_for(question: Question, decisions: Decisions, *, at: datetime) -> Question:
    """The question with what people decided about its list."""
    steer, _ = _steer(question, decisions, at)
    return replace(question, steer=steer, synonyms=_meanings(decisions, question.language))


def behind(question: Question, decisions: Decisions, *, at: datetime) -> Mapping[tuple[str, str, str], Rule]:
    """Which rule stands behind each target of `decided_for`."""
    return _steer(question, decisions, at)[1]


def _steer(question: Question, decisions: Decisions, at: datetime) -> tuple[Steer, dict[tuple[str, str, str], Rule]]:
    comparable = engines[ENGINE].analysed(question.words, question.language) if question.words else ""
    its = _understood(decisions, question.language).rules
    return steer_for(its, words=comparable, category=question.filters.category, at=at)


async def decided_of(
    conn: Connection, shop: Shop, behind: Mapping[tuple[str, str, str], Rule], ids: Sequence[UUID], *, at: datetime
) -> dict[UUID, Rule]:
    """Which of the rules behind a list acts on each of its articles: the nearest to it, if there are several."""
    if not behind:
        return {}
    found: dict[UUID, Rule] = {}
    for document in await documents(conn, shop=shop, product_ids=ids, at=at):
        targets = [
            ("product", "", str(document.id)),
            ("brand", "", document.brand),
            *(("value", name, value) for name, values in document.facets.items() for value in values),
            *(("category", "", slug) for slug in document.categories),
        ]
        rule = next((behind[target] for target in targets if target in behind), None)
        if rule is not None:
            found[document.id] = rule
    return found


async def category_called(conn: Connection, shop: Shop, said: str) -> str:
    """The slug of a category by its address or by its name in a language of the shop. Refusal: `UnknownTarget`."""
    slug = said.strip().rstrip("/").rpartition("/")[2]
    known: list[str] = []
    for language in shop.languages:
        tree = await catalog.category_tree(conn, language=language)
        for one in tree:
            if one.slug == slug or one.name.casefold() == said.strip().casefold():
                return one.slug
        known = known or [one.slug for one in tree if not one.depth]
    raise UnknownTarget(value=said, known=", ".join(known[:_SOME]))


async def value_called(
    index: Index, shop: Shop, name: str, said: str, labelled: Callable[[str], str]
) -> tuple[str, str]:
    """A facet and its value as the catalogue writes them, by that or as pages show them in a language of the shop;
    `labelled` is what they call a facet.
    Refusals: `UnknownTarget`, `NoIndex`."""
    for language in shop.languages:
        await words.read(language)

    def called(typed: str, written: str, shown: str) -> bool:
        likely = {written, shown, *(words.word(language, shown) for language in shop.languages)}
        return typed.strip().casefold() in {one.casefold() for one in likely}

    facets = {facet.name for facet in index.counted(Question(language=shop.language))[0]} - {STOCK}
    facet = next((one for one in sorted(facets) if called(name, one, labelled(one))), name.strip())
    # Counted without its own choice: all values, of which those beyond the most frequent are asked for by themselves.
    chosen = Question(language=shop.language, filters=Filters(facets={facet: (said.strip(),)}), limit=1)
    answer = await index.search(chosen)
    there = next((one.values for one in answer.facets if one.name == facet), list[tuple[str, int]]())
    values = [value for value, count in there if count]
    if answer.total:
        return facet, said.strip()
    for value in values:
        if called(said, value, value):
            return facet, value
    known = [words.word(shop.language, value) for value in values] or sorted(
        words.word(shop.language, labelled(one)) for one in facets
    )
    raise UnknownTarget(value=said if values else name, known=", ".join(known[:_SOME]))


class _Understood(Struct, frozen=True):
    """What people decided, as the engine compares it in a language."""

    meanings: Mapping[str, tuple[str, ...]]
    rules: Sequence[Rule]


_known: dict[int, tuple[Decisions, dict[str, _Understood]]] = {}


def _understood(decisions: Decisions, language: str) -> _Understood:
    """Analysed once per state of the tables and language: a few hundred groups cost milliseconds."""
    known = _known.get(id(decisions))
    if known is None or known[0] is not decisions:
        if len(_known) > 20:
            _known.clear()
        known = _known[id(decisions)] = (decisions, {})
    if language not in known[1]:
        analysed = engines[ENGINE].analysed
        known[1][language] = _Understood(
            meanings(decisions.synonyms, language, analysed),
            # A query of any language of the shop: each is compared as its visitors' words are.
            [replace(rule, words=analysed(rule.words, language)) for rule in decisions.rules],
        )
    return known[1][language]


def _meanings(decisions: Decisions, language: str) -> Mapping[str, tuple[str, ...]]:
    return _understood(decisions, language).meanings


# -- copies of what lists are made of


async def decided(tags: Tags, database: Database, shop: Shop) -> Decisions:
    """What people of a shop decided, from a copy that their changes drop."""

    async def load(keys: list[UUID]) -> Mapping[UUID, tuple[Decisions, Iterable[str]]]:
        async with database.reading() as connection:
            return {
                id: (
                    Decisions(
                        await synonyms(connection, shop_id=id),
                        await rules(connection, shop_id=id, at=_LONG_AGO),
                    ),
                    (_rules_changed(id), _CATEGORIES),
                )
                for id in keys
            }

    found = await tags.copies("search.decisions", size=100).many([shop.id], load)
    return found.get(shop.id, Decisions([], []))


_LONG_AGO = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


async def cards(tags: Tags, database: Database, language: str, ids: Sequence[UUID]) -> list[ProductCard]:
    """Cards in the order asked, from copies; what is not shown any more is left out."""

    async def load(keys: list[tuple[str, UUID]]) -> Mapping[tuple[str, UUID], tuple[ProductCard, Iterable[str]]]:
        async with database.reading() as connection:
            return {
                (wanted, card.id): (card, (_product_changed(card.id), _product_state_changed(card.id)))
                for wanted in {wanted for wanted, _ in keys}
                for card in await catalog.product_cards(
                    connection, product_ids=[id for other, id in keys if other == wanted], language=wanted
                )
            }

    found = await tags.copies("search.cards", size=_MOST_CARDS).many([(language, id) for id in ids], load)
    there = [found[language, id] for id in ids if (language, id) in found]
    return [card for card in there if card.state in ("active", "phase_out")]


async def _tree(tags: Tags, database: Database, language: str) -> list[_Department]:
    async def load(keys: list[str]) -> Mapping[str, tuple[list[_Department], Iterable[str]]]:
        async with database.reading() as connection:
            return {
                one: (_departments(await catalog.category_tree(connection, language=one)), (_CATEGORIES,))
                for one in keys
            }

    copies = tags.copies("search.categories", size=20, lasts_seconds=_POPULAR_SECONDS)
    return (await copies.many([language], load)).get(language, [])


class _AskedOften:
    """What visitors asked for, found by how it begins."""

    def __init__(self, said: Sequence[str]) -> None:
        """`said` begins with what was asked most often."""
        self._place = {one: place for place, one in enumerate(said)}
        self._sorted = sorted(said)

    def beginning(self, typed: str, limit: int) -> list[str]:
        begin = bisect_left(self._sorted, typed)
        end = bisect_left(self._sorted, typed + _AFTER_ALL, begin)
        return nsmallest(limit, self._sorted[begin:end], key=self._place.__getitem__)


async def _asked_often(tags: Tags, database: Database, shop: Shop, language: str) -> _AskedOften:
    async def load(keys: list[tuple[UUID, str]]) -> Mapping[tuple[UUID, str], tuple[_AskedOften, Iterable[str]]]:
        async with database.reading() as conn:
            return {
                (id, one): (
                    _AskedOften(
                        await popular(conn, shop_id=id, language=one, at_least=_ASKED_AT_LEAST, limit=_POPULAR)
                    ),
                    (),
                )
                for id, one in keys
            }

    copies = tags.copies("search.popular", size=20, lasts_seconds=_POPULAR_SECONDS)
    found = await copies.many([(shop.id, language)], load)
    return found.get((shop.id, language)) or _AskedOften([])


# -- the index itself


def index_of(settings: Settings, shop: Shop) -> Index:
    """The index of a shop on this host."""
    return engines[ENGINE].open(settings.home / FOLDER, shop.code, tuple(sorted(shop.languages)))


async def standing(database: Database, settings: Settings, shop: Shop) -> Standing | None:
    """How the index of a shop stands on this host; None while there is none that can be used."""
    async with database.reading() as conn:
        head = await conn.one(EVENTS.head, Place)
    index = index_of(settings, shop)
    mark = index.mark()
    if mark is None:
        return None
    return Standing(index.size(), max(0, head.position - int(mark.partition(":")[0])))


async def shops_with_pages(database: Database) -> list[Shop]:
    """The shops whose visitors search."""
    async with database.reading() as conn:
        return [shop for shop in (await parties.shops(conn)).items if shop.channel == "web"]
