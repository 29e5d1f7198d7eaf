"""Search for programs: the same lists and suggestions as the pages."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.domains.catalog.contracts import ProductCard
from lotse.domains.parties.contracts import Shop
from lotse.domains.search import queries, rules
from lotse.domains.search.contracts import FacetCount, NoIndex, Question, Sort, Step
from lotse.kernel import clock
from lotse.kernel.db import Database
from lotse.kernel.http import public
from lotse.kernel.money import minor_digits

MAX_FOUND = 100
Words = Annotated[str, Parameter(query="q", max_length=2_000, description="What a visitor would type.")]
Language = Annotated[
    str | None,
    Parameter(
        pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,
        description="Of the visitor, e.g. `de`; without it the shop's own.",
    ),
]


class FoundArticle(Struct, frozen=True):
    """An article at its place in the whole list, from 1 on."""

    id: str
    position: int
    slug: str
    name: str
    brand: str
    media: str | None
    variant_ids: list[str]


class Found(Struct, frozen=True):
    """A part of a list. `step` says what was loosened to find anything: `total` counts nothing of what is
    `popular` instead. `used` are the words that were searched then, `instead` others that would find more. `price` is
    the span of what is found, in minor units."""

    total: int
    articles: list[FoundArticle]
    facets: list[FacetCount]
    price: tuple[int, int] | None
    step: Step | None
    used: str
    instead: str


class Suggested(Struct, frozen=True):
    """What somebody who typed so far may want."""

    queries: list[str]
    categories: list[tuple[str, str]]
    articles: list[FoundArticle]


@get("/search", guards=[public], refusals=(NoIndex,), tags=["search"])
async def find(
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    words: Words = "",
    language: Language = None,
    category: Annotated[str, Parameter(max_length=120, description="The slug of a category.")] = "",
    sort: Annotated[Sort, Parameter(description="The order of the list.")] = "relevance",
    offset: Annotated[int, Parameter(ge=0, le=10_000)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=MAX_FOUND)] = 24,
) -> Found:
    """Search, or list a category. Facets narrow it as on pages: `f.brand=…&f.colour=…`, prices `from` and `to`."""
    process = request.app.state.process
    filters = rules.filters_of(
        request.query_params.multi_items(), category=category, digits=minor_digits(shop.currency)
    )
    question = Question(
        words=" ".join(words.replace("\0", " ").split())[:200],
        language=language or shop.language,
        filters=filters,
        sort=sort,
        offset=offset,
        limit=limit,
    )
    decisions = await queries.decided(process.tags, database, shop)
    question = queries.decided_for(question, decisions, at=clock.now())
    answer, step, _ = await queries.ordered(queries.index_of(process.settings, shop), question)
    cards = await queries.cards(process.tags, database, question.language, answer.ids)
    places = {id: place for place, id in enumerate(answer.ids, start=offset + 1)}
    return Found(
        answer.total,
        [_article(card, places[card.id]) for card in cards],
        answer.facets,
        answer.price,
        step,
        answer.used,
        answer.instead,
    )


@get("/suggest", guards=[public], tags=["search"])
async def suggest(
    request: Request[Any, Any, Any], database: Database, shop: Shop, words: Words = "", language: Language = None
) -> Suggested:
    """Queries, categories (slug and name) and articles for the beginnings of words."""
    process = request.app.state.process
    language = language or shop.language
    found = await queries.suggestions(process.tags, process.settings, database, shop, language, words)
    cards = await queries.cards(process.tags, database, language, found.articles)
    return Suggested(
        found.queries,
        [(one.slug, one.name) for one in found.categories],
        [_article(card, place) for place, card in enumerate(cards, start=1)],
    )


def _article(card: ProductCard, position: int) -> FoundArticle:
    return FoundArticle(
        str(card.id), position, card.slug, card.name, card.brand, card.media, [str(id) for id in card.variant_ids]
    )


routes = (find, suggest)
