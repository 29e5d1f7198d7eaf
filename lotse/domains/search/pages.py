"""Pages that list articles: search and categories with facets, suggestions; in the back office what people decide."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from litestar import Request, Response, get, post
from litestar.params import Parameter
from msgspec import Meta, Struct
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
    Act,
    Answer,
    Asked,
    FacetCount,
    Filters,
    NoIndex,
    PutRule,
    Question,
    Rule,
    RulesChanged,
    Sort,
    Step,
    TargetKind,
    engines,
)
from lotse.kernel import clock
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.money import minor_digits
from lotse.kernel.pages.crumbs import breadcrumbs
from lotse.kernel.pages.deciding import decide, note, point
from lotse.kernel.pages.forms import checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of, tagged

AnyRequest = Request[Any, Any, Any]

_log = structlog.get_logger("lotse.search")

# Divides by two, three and four: no row is left open in any width.
_IN_A_LIST = 24
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
# In which order whoever searches and chooses none gets what was found.
ORDER = point(
    "search.order",
    N_("Order of what a search finds"),
    {name: SORTS[name] for name in ("relevance", "newest", "price")},
    pages=["/search"],
)
# Names of facets whose label is not the name itself.
LABELS = {"gender": N_("For"), "brand": N_("Brand"), "article_type": N_("Kind"), "usage": N_("Occasion")}

_product_changed = tagged(ProductChanged)
_product_state_changed = tagged(ProductStateChanged)
_rules_changed = tagged(RulesChanged)
_CATEGORIES = any_of(CategoryChanged)


class Value(Struct, frozen=True):
    """A value of a facet as it can be ticked."""

    value: str
    label: str
    count: int
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
        listing = await _listing(request, view, database, shop, question)
    except NoIndex:
        return await _plain_category(view, database, found)
    _stands(request, view, shop, listing)
    return view.show(
        "search/category.html",
        category=found,
        described=_described(view, found),
        listing=listing,
        **_around(view, shop, listing, f"/c/{slug}"),
    )


@get("/search", guards=[public])
async def search(request: AnyRequest, view: View, database: Database, shop: Shop, words: Words = "") -> Response[str]:
    """What visitors look for. No words find everything."""
    question = question_of(request, shop, view, words=words)
    if not request.query_params.get("sort"):
        question = replace(question, sort=rules.sort_of(decide(ORDER)))
    try:
        listing = await _listing(request, view, database, shop, question)
    except NoIndex:
        return await _plain_search(view, database, question)
    if question.words and not question.offset:
        _count(request, database, shop, view.language, question.words, 0 if listing.step else listing.total)
    _note(question, listing)
    return view.show(
        "search/search.html", listing=listing, typed=question.words, **_around(view, shop, listing, "/search")
    )


@get("/search/suggest", guards=[public])
async def suggest(request: AnyRequest, view: View, database: Database, shop: Shop, words: Words = "") -> Response[str]:
    """What stands below the search field while somebody types: queries, departments, articles."""
    process = request.app.state.process
    found = await queries.suggestions(process.tags, process.settings, database, shop, view.language, words)
    asked = [its[0] for its in found.variants.values() if its]
    cards, _ = await asyncio.gather(
        queries.cards(process.tags, database, view.language, found.articles), view.ask({"card.offer": asked})
    )
    first = [card.variant_ids[0] for card in cards if card.variant_ids]
    if not set(first) <= set(asked):
        await view.ask({"card.offer": first})  # changed within the last second
    return view.show("search/suggest.html", found=found, cards=cards, words=found.words)


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
    facets, price = index.counted(asked) if step != "popular" else ([], None)
    # What the cards are, what they cost and what is there is asked at the same time.
    cards, _ = await asyncio.gather(
        queries.cards(process.tags, database, view.language, answer.ids),
        _ask_variants(view, [id for its in answer.variants.values() for id in its]),
    )
    if any(not set(card.variant_ids) <= set(answer.variants.get(card.id, ())) for card in cards):
        await _ask_cards(view, cards)  # pinned, or changed within the last second
    stock = next((facet for facet in facets if facet.name == STOCK), None)
    chosen = STOCK in asked.filters.facets
    return Listing(
        asked,
        cards,
        answer.total,
        asked.offset,
        _facets(view, facets, answer.total, asked.filters),
        price,
        Value(IN_STOCK, view.text(N_("In stock now")), stock.values[0][1] if stock and stock.values else 0, chosen),
        step,
        answer.used,
        answer.instead,
    )


def _facets(view: View, counted: Sequence[FacetCount], total: int, filters: Filters) -> list[Facet]:
    shown = rules.shown_facets(counted, total, filters)
    found: list[Facet] = []
    said = view.site.templates.gettext(view.language)
    for place, facet in enumerate(shown):
        chosen = filters.facets.get(facet.name, ())
        values = [
            Value(value, said(value), count, value in chosen)
            for value, count in facet.values
            if count or value in chosen
        ]
        if facet.name in ("size", "collection"):
            values.sort(key=lambda value: _as_size(value.value))
        found.append(Facet(facet.name, label_of(view, facet.name), values, bool(chosen) or place < 3))
    return found


def label_of(view: View, name: str) -> str:
    """The name of a facet in the visitor's language."""
    return view.text(LABELS.get(name, name.replace("_", " ").capitalize()))


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


def _around(view: View, shop: Shop, listing: Listing, path: str) -> dict[str, Any]:
    """What a list's template needs beside the list: addresses of other sorts, pages, and without each choice."""
    question = listing.question
    digits = minor_digits(shop.currency)

    def href(filters: Filters, sort: Sort = question.sort, page: int = 1, typed: bool = False) -> str:
        pairs = [("q", question.words)] if question.words else []
        pairs += rules.pairs_of(filters, digits=digits)
        pairs += [("sort", sort)] if sort != "relevance" else []
        pairs += [("page", str(page))] if page > 1 else []
        pairs += [("as", "typed")] if typed else []
        return view.href(path) + (f"?{urlencode(pairs)}" if pairs else "")

    filters = question.filters
    chips = [
        Chip(
            view.text(N_("In stock now")) if name == STOCK else f"{label_of(view, name)}: {view.text(value)}",
            href(rules.without(filters, name, value)),
        )
        for name, values in filters.facets.items()
        for value in values
    ]
    if filters.price_from is not None or filters.price_to is not None:
        low = rules.plain(filters.price_from, digits) if filters.price_from is not None else ""
        high = rules.plain(filters.price_to, digits) if filters.price_to is not None else ""
        chips.append(
            Chip(f"{view.text(N_('Price'))}: {low} – {high} {shop.currency}", href(rules.without(filters, "price")))
        )
    page = listing.offset // _IN_A_LIST + 1
    pages = -(-listing.total // _IN_A_LIST)
    return {
        "path": view.href(path),
        "filters": filters,
        "facet_prefix": rules.FACET,
        "price_from": rules.plain(filters.price_from, digits) if filters.price_from is not None else "",
        "price_to": rules.plain(filters.price_to, digits) if filters.price_to is not None else "",
        "span": tuple(rules.plain(minor, digits) for minor in listing.price) if listing.price else None,
        "chips": chips,
        "bare": href(Filters()),
        "sorts": [(code, view.text(label), href(filters, code)) for code, label in SORTS.items()],
        "page": page,
        "pages": pages,
        "previous": href(filters, page=page - 1) if page > 1 else "",
        "next": href(filters, page=page + 1) if page < pages else "",
        "as_typed": href(filters, typed=True),
        "instead": view.href(path, q=listing.instead) if listing.instead else "",
    }


async def _plain_category(view: View, database: Database, found: CategoryPage) -> Response[str]:
    async with database.reading() as connection:
        page = await catalog.products_in_category(
            connection, category_id=found.id, language=view.language, limit=_IN_A_LIST
        )
    listing = _unindexed(Question(language=view.language, filters=Filters(found.slug)), page.items)
    await _ask_cards(view, listing.cards)
    return view.show(
        "search/category.html",
        category=found,
        described=_described(view, found),
        listing=listing,
        preparing=True,
        **_bare(view),
    )


def _described(view: View, found: CategoryPage) -> dict[str, Any]:
    """The way to a category, for search engines."""
    way = [(view.text(N_("Home")), "/"), *((step.name, f"/c/{step.slug}") for step in found.path)]
    return {"@context": "https://schema.org", **breadcrumbs(view, way)}


async def _plain_search(view: View, database: Database, question: Question) -> Response[str]:
    async with database.reading() as connection:
        cards = (
            await catalog.search_simple(connection, text=question.words, language=view.language, limit=_IN_A_LIST)
            if question.words
            else []
        )
    listing = _unindexed(question, cards)
    _note(question, listing)
    await _ask_cards(view, cards)
    return view.show("search/search.html", listing=listing, typed=question.words, preparing=True, **_bare(view))


def _note(question: Question, listing: Listing) -> None:
    """What was shown of what was found, for the log of behaviour."""
    shown = [Shown(card.id, listing.offset + place) for place, card in enumerate(listing.cards, 1)]
    note(SearchMade(scrubbed(question.words), listing.total, shown, question.sort))


def _unindexed(question: Question, cards: list[ProductCard]) -> Listing:
    return Listing(question, cards, len(cards), 0, [], None, None, None, "", "")


def _bare(view: View) -> dict[str, Any]:
    return {"path": "", "filters": Filters(), "facet_prefix": "", "chips": [], "sorts": [], "page": 1, "pages": 1}


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


# -- back office: what people decide

REFUSED = {
    "unknown-rule": N_("Somebody else has taken it away meanwhile."),
    "rule-incomplete": N_("The rule does not say enough: %(missing)s."),
    "place-taken": N_("Another article is pinned at this place in that time."),
    "too-few-words": N_("Two words at least, with a comma between them."),
}
ACTS = {"pin": N_("Pin to a place"), "boost": N_("Move up"), "bury": N_("Move to the end")}
TARGETS = {
    "product": N_("an article (its address in the shop or its number)"),
    "brand": N_("a brand"),
    "category": N_("a category (its address in the shop)"),
    "value": N_("a value, as colour: Red"),
}
_TRIED = 12
_READS = needs("search.read", "shop")
_WRITES = needs("search.write", "shop")


class NewRule(Struct, frozen=True):
    """What is typed to make a rule. `list` is a query, or a category's address after `c/`."""

    list: Annotated[str, Meta(min_length=1, max_length=120)]
    act: Act
    target: TargetKind
    value: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: Annotated[str, Meta(min_length=1, max_length=300)]
    place: Annotated[int, Meta(ge=1, le=24)] | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class NewSynonyms(Struct, frozen=True):
    """What is typed to make a group of synonyms, or with `id` to change one."""

    language: Annotated[str, Meta(min_length=2, max_length=35)]
    words: Annotated[str, Meta(min_length=3, max_length=600)]
    one_way: bool = False
    id: UUID | None = None


class Taken(Struct, frozen=True):
    """What is taken away."""

    id: UUID


class Tried(Struct, frozen=True):
    """An article where a visitor would see it, with why."""

    place: int
    card: ProductCard
    score: float
    parts: list[str]
    rule: Rule | None


@get("/office/search", guards=[_READS])
async def office_search(
    request: AnyRequest,
    view: View,
    database: Database,
    shop: Shop,
    principal: Principal,
    draft: Draft | None,
    words: Words = "",
    language: Annotated[str, Parameter(max_length=35)] = "",
) -> Response[str]:
    """Try the search and see why; rules, searches without a result, synonyms."""
    language = language if language in shop.languages else shop.language
    tried, answer, step = await _tried(request, view, database, shop, words, language) if words else ([], None, None)
    async with database.reading() as connection:
        found = await queries.rule_rows(connection, shop_id=shop.id, language=view.language)
        groups = await queries.synonyms(connection, shop_id=shop.id)
        missed = await queries.asked_in_vain(connection, shop_id=shop.id)
    return view.show(
        "search/office_search.html",
        typed=draft.typed if draft else {},
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("search.write"),
        words=words,
        chosen_language=language,
        tried=tried,
        answer=answer,
        step=step,
        rules=found,
        groups=[one for one in groups if one.language == language],
        missed=missed,
        acts=ACTS,
        targets=TARGETS,
    )


async def _tried(
    request: AnyRequest, view: View, database: Database, shop: Shop, words: str, language: str
) -> tuple[list[Tried], Answer | None, Step | None]:
    process = request.app.state.process
    index = queries.index_of(process.settings, shop)
    decisions = await queries.decided(process.tags, database, shop)
    category = words.removeprefix("c/") if words.startswith("c/") else ""
    question = Question(
        words="" if category else words[:200],
        language=language,
        filters=Filters(category),
        limit=_TRIED,
        counts=False,
    )
    question = queries.decided_for(question, decisions, at=view.question.at)
    comparable = engines[queries.ENGINE].analysed(question.words, language) if question.words else ""
    _, behind = rules.steer_for(decisions.rules, words=comparable, category=category, at=view.question.at)
    try:
        answer, step, asked = await queries.ordered(index, question)
        why = {one.id: one for one in await index.explain(asked, answer.ids)}
    except NoIndex:
        return [], None, None
    cards = await queries.cards(process.tags, database, view.language, answer.ids)
    return (
        [
            Tried(
                place,
                card,
                why[card.id].score if card.id in why else 0.0,
                why[card.id].parts if card.id in why else [],
                behind.get(("product", "", str(card.id))) or behind.get(("brand", "", card.brand)),
            )
            for place, card in enumerate(cards, start=1)
        ],
        answer,
        step,
    )


@post("/office/search/rules", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def save_rule(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Make a rule."""
    typed = checked(await request.form(), NewRule)
    zone = ZoneInfo(shop.timezone)
    category = typed.list.removeprefix("c/") if typed.list.startswith("c/") else ""
    words = "" if category else typed.list
    name, _, value = typed.value.partition(":") if typed.target == "value" else ("", "", typed.value)
    async with database.transaction() as tx:
        if typed.target == "product":
            value = await _product_named(tx, value.strip(), shop)
        rule = PutRule(
            shop_id=shop.id,
            words=words,
            category=category,
            act=typed.act,
            target=typed.target,
            name=name.strip(),
            value=value.strip(),
            place=typed.place,
            reason=typed.reason,
            valid_from=datetime.combine(typed.valid_from, time.min, zone) if typed.valid_from else None,
            # To the end of that day.
            valid_to=datetime.combine(typed.valid_to, time.min, zone) + timedelta(days=1) if typed.valid_to else None,
        )
        comparable = engines[queries.ENGINE].analysed(words, shop.language) if words else ""
        await commands.put_rule(tx, rule, comparable=comparable, by=str(principal), at=at)
    return _back(typed.list)


async def _product_named(tx: Connection, said: str, shop: Shop) -> str:
    """The id of an article by its address, its number or its id; what is none of them stays, to be refused."""
    slug = said.rstrip("/").rpartition("/p/")[2].partition("?")[0] if "/p/" in said else said
    page = await catalog.product_by_slug(tx, slug=slug, language=shop.language, everything=True)
    if page is not None:
        return str(page.id)
    card = await catalog.variant_by_sku(tx, sku=said, language=shop.language)
    return str(card.product_id) if card else said


@post("/office/search/rules/delete", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def delete_rule(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Take a rule away."""
    typed = checked(await request.form(), Taken)
    async with database.transaction() as tx:
        await commands.delete_rule(tx, id=typed.id, shop_id=shop.id, by=str(principal), at=at)
    return _back()


@post("/office/search/synonyms", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def save_synonyms(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Make a group of synonyms, or change one."""
    typed = checked(await request.form(), NewSynonyms)
    async with database.transaction() as tx:
        await commands.put_synonyms(
            tx,
            id=typed.id,
            shop_id=shop.id,
            language=typed.language if typed.language in shop.languages else shop.language,
            words=typed.words.split(","),
            one_way=typed.one_way,
            by=str(principal),
            at=at,
        )
    return _back(language=typed.language)


@post("/office/search/synonyms/delete", guards=[_WRITES], opt={"form": "/office/search"}, status_code=303)
async def delete_synonyms(
    request: AnyRequest, database: Database, shop: Shop, principal: Principal, at: datetime
) -> Response[Any]:
    """Take a group away."""
    typed = checked(await request.form(), Taken)
    async with database.transaction() as tx:
        await commands.delete_synonyms(tx, id=typed.id, shop_id=shop.id, by=str(principal), at=at)
    return _back()


def _back(words: str = "", language: str = "") -> Response[Any]:
    query = urlencode([(name, value) for name, value in (("q", words), ("language", language)) if value])
    return Response("", status_code=303, headers={"Location": f"/office/search?{query}" if query else "/office/search"})


routes = (
    category,
    search,
    suggest,
    office_search,
    save_rule,
    delete_rule,
    save_synonyms,
    delete_synonyms,
)
places = (Place("/office/search", N_("Search"), "search", "", "search.read", "goods", 50),)
