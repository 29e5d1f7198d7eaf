"""Pages that list articles: search and categories with facets, suggestions while somebody types."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import structlog
from litestar import Request, Response, get
from litestar.params import Parameter
from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.behaviour.contracts import SearchMade, Shown
from lotse.domains.behaviour.rules import scrubbed
from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import (
    CategoryChanged,
    CategoryPage,
    ProductCard,
    ProductChanged,
    ProductStateChanged,
)
from lotse.domains.parties.contracts import Shop
from lotse.domains.search import commands, queries, rules
from lotse.domains.search.contracts import (
    IN_STOCK,
    STOCK,
    Asked,
    FacetCount,
    Filters,
    Index,
    NoIndex,
    Question,
    RulesChanged,
    Sort,
    Step,
    above_articles,
)
from lotse.kernel import clock
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Connection, Database
from lotse.kernel.money import minor_digits
from lotse.kernel.pages.crumbs import breadcrumbs
from lotse.kernel.pages.deciding import Point, decide, note, point
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of, tagged

AnyRequest = Request[Any, Any, Any]

_log = structlog.get_logger("lotse.search")

# Divides by two, three and four: no row is left open in any width.
_IN_A_LIST = 24
# How often the loop turns until statements that were begun are on their way: a task, a connection, a message.
_TURNS = 8
# Searches are counted in memory and written now and then; a process that dies forgets a few counts.
_WRITTEN_EVERY_SECONDS = 5.0
_MOST_COUNTED = 500
Words = Annotated[str, Parameter(query="q")]

SORTS: Mapping[Sort, str] = {
    "relevance": N_("Best match"),
    "newest": N_("Newest first"),
    "price": N_("Price: low to high"),
    "price_down": N_("Price: high to low"),
    "name": N_("A to Z"),
}
_USUAL: Sort = "relevance"
# In which order whoever searches and chooses none gets what was found.
ORDER = point(
    "search.order",
    N_("Order of what a search finds"),
    {name: SORTS[name] for name in ("relevance", "newest", "price")},
    pages=["/search"],
)
# The same for who looks through a department.
DEPARTMENT = point(
    "category.order",
    N_("Order of what stands in a department"),
    {name: SORTS[name] for name in ("relevance", "newest", "price")},
    pages=["/c/{slug}"],
)
# Names of facets whose label is not the name itself.
LABELS = {"gender": N_("For"), "brand": N_("Brand"), "article_type": N_("Kind"), "usage": N_("Occasion")}

_product_changed = tagged(ProductChanged)
_product_state_changed = tagged(ProductStateChanged)
_rules_changed = tagged(RulesChanged)
_CATEGORIES = any_of(CategoryChanged)


class Value(NamedTuple):
    """A value of a facet as it can be ticked. A tuple: a page shows two hundred, and a template that takes one apart
    is done in half of the time."""

    id: str
    value: str
    label: str
    articles: int
    chosen: bool


class Facet(Struct, frozen=True):
    """A facet beside a list; `open` shows its values at once."""

    name: str
    label: str
    values: list[Value]
    open: bool


class Chip(Struct, frozen=True):
    """What is chosen, with the address of the list without it."""

    label: str
    href: str


class Listing(Struct, frozen=True):
    """A list as it is shown: cards from place `offset` + 1 on. `step` is what had to be loosened to find anything."""

    question: Question
    cards: list[ProductCard]
    total: int
    offset: int
    facets: list[Facet]
    price: tuple[int, int] | None
    in_stock: Value | None
    step: Step | None
    used: str
    instead: str


# -- the pages


@get("/c/{slug:str}", guards=[public], opt={"kept": True})
async def category(request: AnyRequest, view: View, database: Database, shop: Shop, slug: str) -> Response[str]:
    """A department with facets. Without an index the plain list: the shop sells all the same."""
    async with database.reading() as connection:
        found = await catalog.category_by_slug(connection, slug=slug, language=view.language)
    if found is None:
        raise NotFound(what="category", id=slug)
    try:
        question = question_of(request, shop, view, category=found.slug)
        question, chosen = _sorted(request, question, DEPARTMENT)
        listing = await _listing(request, view, database, shop, question)
    except NoIndex:
        return await _plain_category(view, database, shop, found)
    _stands(request, view, shop, listing)
    # Further pages, and what somebody is choosing from, are about the articles alone.
    is_plain = not question.offset and not question.filters.narrowed
    return view.show(
        "search/category.html",
        **(await _above(view, database, shop, found) if is_plain else {"above": []}),
        category=found,
        described=_described(view, found),
        listing=listing,
        **_around(view, shop, listing, chosen, f"/c/{slug}"),
    )


@get("/search", guards=[public])
async def search(request: AnyRequest, view: View, database: Database, shop: Shop, words: Words = "") -> Response[str]:
    """What visitors look for. No words find everything."""
    question = question_of(request, shop, view, words=words)
    question, chosen = _sorted(request, question, ORDER)
    house = await _house(request, view, database, shop, question.words, loosely=False)
    if house.named:
        # "Shipping" is no slip of "skipping".
        question = replace(question, spelled=False)
    try:
        listing = await _listing(request, view, database, shop, question)
    except NoIndex:
        return await _plain_search(request, view, database, shop, question)
    if listing.step and not house.named:
        house = await _house(request, view, database, shop, question.words, loosely=True)
    # Who looked for a page of the house, and got it, did not look for articles in vain.
    if rules.counted(question) and (listing.step is None or not house.named):
        # A slip of the fingers is a search for what was meant.
        meant = listing.used if listing.step == "spelling" else question.words
        _count(request, database, shop, view.language, meant, rules.found_by(listing.step, listing.total))
    _note(question, listing)
    return view.show(
        "search/search.html",
        listing=listing,
        typed=question.words,
        house=house.pages,
        **_around(view, shop, listing, chosen, "/search"),
    )


@get("/search/suggest", guards=[public])
async def suggest(request: AnyRequest, view: View, database: Database, shop: Shop, words: Words = "") -> Response[str]:
    """What stands below the search field while somebody types: queries, departments, articles."""
    process = request.app.state.process
    found = await queries.suggestions(process.tags, process.settings, database, shop, view.language, words)
    asked = [id for its in found.variants.values() for id in its]
    _, cards = await asyncio.gather(
        view.ask({"card.offer": asked}), queries.cards(process.tags, database, view.language, found.articles)
    )
    shown = [id for card in cards for id in card.variant_ids]
    if not set(shown) <= set(asked):
        await view.ask({"card.offer": shown})  # changed within the last second
    house = await _house(request, view, database, shop, found.words, loosely=not cards, typing=True)
    return view.show("search/suggest.html", found=found, cards=cards, house=house, words=found.words)


# -- how a list is put together


def question_of(request: AnyRequest, shop: Shop, view: View, *, words: str = "", category: str = "") -> Question:
    """The question of an address. What it says wrong is left out."""
    given = request.query_params
    digits = minor_digits(shop.currency)
    page = rules.page_of(str(given.get("page", "")))
    return Question(
        words=" ".join(words.replace("\0", " ").split())[:200],
        language=view.language,
        filters=rules.filters_of(given.multi_items(), category=category, digits=digits),
        sort=rules.sort_of(str(given.get("sort", ""))),
        offset=(page - 1) * _IN_A_LIST,
        limit=_IN_A_LIST,
        spelled=given.get("as") != "typed",
    )


async def _listing(request: AnyRequest, view: View, database: Database, shop: Shop, question: Question) -> Listing:
    process = request.app.state.process
    decisions = await queries.decided(process.tags, database, shop)
    index = queries.index_of(process.settings, shop)
    question = queries.decided_for(question, decisions, at=view.question.at)
    answer, step, asked = await queries.ordered(index, replace(question, counts=False))
    # What the cards are, what they cost and what is there is asked at the same time; prices first, because with them
    # there is most to do. Facets are counted while the database reads.
    _, cards, (facets, in_stock, price) = await asyncio.gather(
        _ask_variants(view, [id for its in answer.variants.values() for id in its]),
        queries.cards(process.tags, database, view.language, answer.ids),
        _narrowing(view, index, asked, answer.total, counts=step != "popular"),
    )
    if any(not set(card.variant_ids) <= set(answer.variants.get(card.id, ())) for card in cards):
        await _ask_cards(view, cards)  # pinned, or changed within the last second
    return Listing(asked, cards, answer.total, asked.offset, facets, price, in_stock, step, answer.used, answer.instead)


async def _narrowing(
    view: View, index: Index, question: Question, total: int, *, counts: bool
) -> tuple[list[Facet], Value, tuple[int, int] | None]:
    """What a list can be narrowed by: facets, what is in stock, prices. Counted on this thread and not in another one:
    that would wait for the interpreter, and whoever visits for both."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    counted, price = index.counted(question) if counts else ([], None)
    said = view.site.templates.gettext(view.language)
    stock = next((facet.values[0][1] for facet in counted if facet.name == STOCK and facet.values), 0)
    chosen = STOCK in question.filters.facets
    in_stock = Value("f-stock", IN_STOCK, said(N_("In stock now")), stock, chosen)
    return _facets(counted, total, question.filters, said), in_stock, price


def _facets(counted: Sequence[FacetCount], total: int, filters: Filters, said: Callable[[str], str]) -> list[Facet]:
    shown = rules.shown_facets(counted, total, filters)
    found: list[Facet] = []
    for place, facet in enumerate(shown):
        chosen = filters.facets.get(facet.name, ())
        there = [(value, count) for value, count in facet.values if count or value in chosen]
        if facet.name in ("size", "collection"):
            there.sort(key=lambda pair: _as_size(pair[0]))
        values = [
            Value(f"f-{place}-{number}", value, said(value), count, value in chosen)
            for number, (value, count) in enumerate(there)
        ]
        found.append(Facet(facet.name, _labelled(facet.name, said), values, bool(chosen) or place < 3))
    return found


def label_of(view: View, name: str) -> str:
    """The name of a facet in the visitor's language."""
    return _labelled(name, view.text)


def labelled(name: str) -> str:
    """What a facet is called, to be said in a language."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _labelled(name: str, said: Callable[[str], str]) -> str:
    return said(labelled(name))


_LETTER_SIZES = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "3XL", "4XL")


def _as_size(value: str) -> tuple[int, float, str]:
    """Sizes in the order of a rail: letters, then numbers, then the rest."""
    if value in _LETTER_SIZES:
        return 0, float(_LETTER_SIZES.index(value)), value
    number = value.replace(",", ".").split()[0].split("-")[0].split("x")[0] if value.strip() else ""
    try:
        return 1, float(number), value
    except ValueError:
        return 2, 0.0, value


def _sorted(request: AnyRequest, question: Question, order: Point) -> tuple[Question, Sort | None]:
    """The question in the order that the visitor chose, else as is decided; and what was chosen: whoever chose is no
    part of an experiment."""
    if request.query_params.get("sort"):
        return question, question.sort
    return replace(question, sort=rules.sort_of(decide(order))), None


def _around(view: View, shop: Shop, listing: Listing, chosen: Sort | None, path: str) -> dict[str, Any]:
    """What a list's template needs beside the list: addresses of other sorts, pages, and without each choice. An order
    that was chosen stays in all of them, whatever is decided for addresses without one."""
    question = listing.question
    digits = minor_digits(shop.currency)
    bare = view.href(path)

    def asked(filters: Filters) -> str:
        words = [("q", question.words)] if question.words else []
        return urlencode([*words, *rules.pairs_of(filters, digits=digits)])

    def href(asked: str, sort: Sort | None = chosen, page: int = 1, spelling: str = "") -> str:
        parts = (asked, f"sort={sort}" if sort else "", f"page={page}" * (page > 1), spelling)
        query = "&".join(part for part in parts if part)
        return f"{bare}?{query}" if query else bare

    filters = question.filters
    chips = [
        Chip(
            view.text(N_("In stock now")) if name == STOCK else f"{label_of(view, name)}: {view.text(value)}",
            href(asked(rules.without(filters, name, value))),
        )
        for name, values in filters.facets.items()
        for value in values
    ]
    if filters.price_from is not None or filters.price_to is not None:
        chips.append(Chip(_price_said(view, shop, filters), href(asked(rules.without(filters, "price")))))
    here = asked(filters)
    page = listing.offset // _IN_A_LIST + 1
    pages = -(-listing.total // _IN_A_LIST)
    return {
        "action": bare,
        "filters": filters,
        "facet_prefix": rules.FACET,
        "chips": chips,
        "bare": href(asked(Filters())),
        "chosen_sort": chosen,
        "sorts": [
            # The plain address is that of the usual order.
            (code, view.text(label), href(here, None if code == question.sort == _USUAL and not chosen else code))
            for code, label in SORTS.items()
        ],
        "page": page,
        "list_page": page,
        "pages": pages,
        "previous": href(here, page=page - 1) if page > 1 else "",
        "next": href(here, page=page + 1) if page < pages else "",
        "as_typed": href(here, spelling="as=typed"),
        "instead": view.href(path, q=listing.instead) if listing.instead else "",
    }


def _price_said(view: View, shop: Shop, filters: Filters) -> str:
    """The bounds of the price in words."""
    environment: Any = view.site.templates.environment(view.language)  # what Jinja holds for templates has no types
    low, high = (
        None if minor is None else str(environment.filters["money"](minor, shop.currency))
        for minor in (filters.price_from, filters.price_to)
    )
    if low is None:
        said = view.text(N_("up to %(amount)s"), amount=high)
    else:
        said = f"{low} – {high}" if high is not None else view.text(N_("from %(amount)s"), amount=low)
    return f"{view.text(N_('Price'))}: {said}"


async def _plain_category(view: View, database: Database, shop: Shop, found: CategoryPage) -> Response[str]:
    """What is shown until there is an index. No event tells of one, so this page says no `shows` and is not kept."""
    async with database.reading() as connection:
        page = await catalog.products_in_category(
            connection, category_id=found.id, language=view.language, limit=_IN_A_LIST
        )
    listing = _unindexed(Question(language=view.language, filters=Filters(found.slug)), page.items)
    await _ask_cards(view, listing.cards)
    return view.show(
        "search/category.html",
        **await _above(view, database, shop, found),
        category=found,
        described=_described(view, found),
        listing=listing,
        preparing=True,
        **_bare(view),
    )


async def _above(view: View, database: Database, shop: Shop, category: CategoryPage) -> dict[str, Any]:
    """What stands above the articles, and the headers that it needs."""
    asked = [await above_articles[name](view, database, shop, category.id) for name in above_articles]
    found = [one for one in asked if one is not None]
    return {
        "above": [one.html for one in found],
        "headers": {name: value for one in found for name, value in one.headers.items()},
    }


def _described(view: View, found: CategoryPage) -> dict[str, Any]:
    """The way to a category, for search engines."""
    way = [(view.text(N_("Home")), "/"), *((step.name, f"/c/{step.slug}") for step in found.path)]
    return {"@context": "https://schema.org", **breadcrumbs(view, way)}


async def _house(
    request: AnyRequest,
    view: View,
    database: Database,
    shop: Shop,
    words: str,
    *,
    loosely: bool,
    typing: bool = False,
) -> rules.ForHouse:
    return await queries.pages_of_the_house(
        request.app.state.process.tags,
        database,
        shop,
        view.language,
        words,
        gettext=view.site.templates.gettext,
        at=view.question.at,
        loosely=loosely,
        typing=typing,
    )


async def _plain_search(
    request: AnyRequest, view: View, database: Database, shop: Shop, question: Question
) -> Response[str]:
    async with database.reading() as connection:
        cards = (
            await catalog.search_simple(connection, text=question.words, language=view.language, limit=_IN_A_LIST)
            if question.words
            else []
        )
    listing = _unindexed(question, cards)
    _note(question, listing)
    await _ask_cards(view, cards)
    house = await _house(request, view, database, shop, question.words, loosely=not cards)
    return view.show(
        "search/search.html", listing=listing, typed=question.words, house=house.pages, preparing=True, **_bare(view)
    )


def _note(question: Question, listing: Listing) -> None:
    """What was shown of what was found, for the log of behaviour."""
    shown = [Shown(card.id, listing.offset + place) for place, card in enumerate(listing.cards, 1)]
    note(SearchMade(scrubbed(question.words), listing.total, shown, question.sort))


def _unindexed(question: Question, cards: list[ProductCard]) -> Listing:
    return Listing(question, cards, len(cards), 0, [], None, None, None, "", "")


def _bare(view: View) -> dict[str, Any]:
    return {
        "path": "",
        "filters": Filters(),
        "facet_prefix": "",
        "chips": [],
        "chosen_sort": None,
        "sorts": [],
        "page": 1,
        "pages": 1,
    }


async def _ask_cards(view: View, cards: Iterable[ProductCard]) -> None:
    await _ask_variants(view, [id for card in cards for id in card.variant_ids])


async def _ask_variants(view: View, ids: Sequence[UUID]) -> None:
    await view.ask({"card.offer": ids, "card.stock": ids})


# -- how long a category may be kept


def _stands(request: AnyRequest, view: View, shop: Shop, listing: Listing) -> None:
    """A kept page lives as long as the index would list the same: looked at again as stock is, without the database."""
    view.shows(
        *(tag(card.id) for card in listing.cards for tag in (_product_changed, _product_state_changed)),
        _rules_changed(shop.id),
        types=(_CATEGORIES,),
    )
    index = queries.index_of(request.app.state.process.settings, shop)
    looks = _looks_of(request)
    # Without the synonyms, which are hundreds and change with the rules: a millisecond to write out.
    key = (shop.id, repr(replace(listing.question, synonyms={})))
    if len(looks.questions) > _MOST_COUNTED * 10:
        looks.questions.clear()
    looks.questions[key] = (index, listing.question)
    view.stands(Standing(signs={key: _sign([card.id for card in listing.cards], listing.total)}), looks.look)


class _Looks:
    """The questions of kept pages, by what stands for them among their signs."""

    def __init__(self) -> None:
        self.questions: dict[Any, tuple[Any, Question]] = {}

    async def look(self, connection: Connection, keys: Sequence[Any]) -> Mapping[Any, Any]:
        found: dict[Any, Any] = {}
        for key in keys:
            there = self.questions.get(key)
            if there is None:
                continue  # forgotten: the page is rendered anew
            index, question = there
            try:
                answer, _, _ = await queries.ordered(index, replace(question, counts=False))
            except NoIndex:
                continue
            found[key] = _sign(answer.ids, answer.total)
        return found


def _looks_of(request: AnyRequest) -> _Looks:
    state = request.app.state
    looks = state.get("search_looks")
    if looks is None:
        looks = state["search_looks"] = _Looks()
    return looks


def _sign(ids: Sequence[UUID], total: int) -> int:
    return hash((tuple(ids), total))


# -- counting what was searched for


class _Counts:
    """What was searched for since the last write."""

    def __init__(self) -> None:
        self.counted: dict[tuple[UUID, str, str], tuple[int, int]] = {}
        self.writing: asyncio.Task[None] | None = None


def _count(request: AnyRequest, database: Database, shop: Shop, language: str, words: str, found: int) -> None:
    words = " ".join(words.lower().split())
    if not rules.worth_counting(words):
        return
    state = request.app.state
    counts: _Counts = state.get("search_counts") or _Counts()
    state["search_counts"] = counts
    key = (shop.id, language, words)
    if key not in counts.counted and len(counts.counted) >= _MOST_COUNTED:
        return  # somebody types at random; what people ask comes again
    asked, _ = counts.counted.get(key, (0, 0))
    counts.counted[key] = asked + 1, found
    if counts.writing is None or counts.writing.done():
        counts.writing = asyncio.create_task(_write(database, counts))


async def _write(database: Database, counts: _Counts) -> None:
    await asyncio.sleep(_WRITTEN_EVERY_SECONDS)
    taken, counts.counted = counts.counted, {}
    asked = [Asked(shop, language, words, *numbers) for (shop, language, words), numbers in taken.items()]
    try:
        async with database.transaction() as tx:
            await commands.count_asked(tx, asked, at=clock.now())
    except Exception as error:  # counts are no reason to disturb anybody; the log has them
        _log.warning("searches were not counted", searches=len(asked), error=str(error))
