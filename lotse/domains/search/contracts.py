"""What is asked of a search engine and what it answers; what a shop's people decide about its search.

An *engine* keeps an index per shop and answers `Question`s; `lotse.plugins.search_tantivy` is the one that Lotse
brings. Another one (OpenSearch) fills the same protocols and is registered on `engines` under its name. Which words are
the same (synonyms) and what is pinned comes with the question, so a change of them needs no new index.
"""

from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol
from uuid import UUID

from markupsafe import Markup
from msgspec import Struct

from lotse.domains.parties.contracts import Shop
from lotse.kernel.db import Connection, Database
from lotse.kernel.refusals import Refusal
from lotse.kernel.seams import Seam

Sort = Literal["relevance", "newest", "price", "price_down", "name"]
# pin: stands at a place. boost: stands higher than its words alone would bring it. bury: stands after all others.
Act = Literal["pin", "boost", "bury"]
# What a rule acts on: one article, or all of a brand, a category or a value of a facet.
TargetKind = Literal["product", "brand", "category", "value"]
# The named steps by which a search without a result is loosened, in the order in which they are tried.
Step = Literal["spelling", "filters", "some_words", "popular"]

# The facet that says whether something is there; it is a fact of each variant, like its size.
STOCK = "stock"
IN_STOCK = "yes"
BRAND = "brand"


class Texts(Struct, frozen=True):
    """A product's words in one language: `categories` are the names of its categories and of those above, `kinds` only
    those that it stands in itself, `values` its attributes and options as people read them."""

    name: str
    summary: str = ""
    description: str = ""
    kinds: Sequence[str] = ()
    categories: Sequence[str] = ()
    values: Sequence[str] = ()


class Document(Struct, frozen=True):
    """A product as an index knows it.

    `facets` are names of attributes and options with their values as the catalogue writes them; `combinations` what
    goes together in one variant that can be bought (size, colour, whether it is there): 42 and red are asked of one
    shoe. `weight` (0.5 to 1.5) is how likely it is what somebody wants, whatever they ask. `due` is when it has to be
    looked at again although nothing happens (a price begins); `sign` stands for what no event tells (what is there).
    `variants` are those that sell, in their order.
    """

    id: UUID
    texts: Mapping[str, Texts]
    brand: str = ""
    codes: Sequence[str] = ()
    categories: Sequence[str] = ()
    facets: Mapping[str, Sequence[str]] = {}
    combinations: Sequence[Mapping[str, str]] = ()
    price_minor: int | None = None
    in_stock: bool = False
    weight: float = 1.0
    added: int = 0
    due: datetime | None = None
    sign: int = 0
    variants: Sequence[UUID] = ()


class Target(Struct, frozen=True):
    """What a rule acts on. `name` is the facet's for a `value`; `value` a product's id, a brand, a slug."""

    kind: TargetKind
    value: str
    name: str = ""


class Steer(Struct, frozen=True):
    """What people decided about this list: pins by place (1 is the first), boosts, buries."""

    pins: Mapping[int, UUID] = {}
    boosts: tuple[Target, ...] = ()
    buries: tuple[Target, ...] = ()


class Filters(Struct, frozen=True):
    """What a list is narrowed to: of each facet any of the values; prices in minor units, both ends included."""

    category: str = ""
    facets: Mapping[str, tuple[str, ...]] = {}
    price_from: int | None = None
    price_to: int | None = None

    @property
    def narrowed(self) -> bool:
        """Whether anything but the category is chosen."""
        return bool(self.facets) or self.price_from is not None or self.price_to is not None


class Question(Struct, frozen=True, kw_only=True):
    """What is asked of an index. Without `words` everything that passes the filters is found.

    `synonyms` are groups of words that mean the same in `language`. With `any_words` not every word must be there, but
    the more the better; with `typing` the last word may be a beginning. `spelled` False takes the words as they are.
    `counts`: whether facets are counted.
    """

    words: str = ""
    language: str
    filters: Filters = Filters()
    sort: Sort = "relevance"
    offset: int = 0
    limit: int = 24
    synonyms: Mapping[str, tuple[str, ...]] = {}
    steer: Steer = Steer()
    any_words: bool = False
    typing: bool = False
    spelled: bool = True
    counts: bool = True


class FacetCount(Struct, frozen=True):
    """A facet with how many articles each value would leave; the most frequent first. `covered`: how many of the found
    articles have it at all."""

    name: str
    values: list[tuple[str, int]]
    covered: int


class Answer(Struct, frozen=True):
    """Articles in their order from `offset` on, of `total`. `price` is the span of what is found whatever prices are
    chosen. `used` are the words that were searched if they are not those that were typed; `instead` others that would
    find much more. `variants` are those of each article as the index knows them: prices and stock are asked for before
    the articles themselves are read. `only_pinned`: nothing fits the question, but people pinned something to it."""

    ids: list[UUID]
    total: int
    facets: list[FacetCount] = []
    price: tuple[int, int] | None = None
    used: str = ""
    instead: str = ""
    variants: Mapping[UUID, Sequence[UUID]] = {}
    only_pinned: bool = False

    @property
    def met(self) -> bool:
        """Whether anything fits the question by itself."""
        return self.total > 0 and not self.only_pinned


class Why(Struct, frozen=True):
    """Why an article stands where it does, for staff."""

    id: UUID
    score: float
    parts: list[str]


class Standing(Struct, frozen=True):
    """How a shop's index stands on this host: its articles, and the events of the log that it has not read yet."""

    articles: int
    behind: int


class Index(Protocol):
    """One shop's index. Reading is for every process, writing for one at a time per index."""

    async def search(self, question: Question) -> Answer: ...

    def counted(self, question: Question) -> tuple[list[FacetCount], tuple[int, int] | None]:
        """The facets and the price that `search` answers with its counts; from any thread, beside other work."""
        ...

    async def complete(self, question: Question, limit: int) -> list[str]:
        """Whole queries that begin with what was typed and find something; the best first."""
        ...

    async def explain(self, question: Question, ids: Sequence[UUID]) -> list[Why]: ...

    def mark(self) -> str | None:
        """What the last write was marked with; None if there is no index that this version can use."""
        ...

    def stamp(self) -> str:
        """Another text as soon as answers may differ."""
        ...

    def size(self) -> int:
        """How many articles it has; none while there is no index."""
        ...

    async def rebuild(self, documents: AsyncIterable[Sequence[Document]], mark: str) -> int:
        """A new index beside the old one, which answers until the new one is whole; how many documents it has."""
        ...

    async def write(self, documents: Sequence[Document], gone: Sequence[UUID], mark: str) -> None:
        """Put documents in the place of what has their ids, take away others; all at once. Without a mark the last one
        stays."""
        ...

    async def due(self, at: datetime) -> list[UUID]:
        """What asked to be looked at again by now."""
        ...

    async def signs(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        """The signs of those of the documents that there are."""
        ...


class Engine(Protocol):
    """Opens indexes."""

    def open(self, folder: Path, shop: str, languages: Sequence[str]) -> Index:
        """The index of a shop (its code), whether there is one yet or not."""
        ...

    def analysed(self, text: str, language: str) -> str:
        """Text as it is compared: two texts that mean the same query give the same."""
        ...

    def beginnings(self, language: str) -> Sequence[Sequence[str]]:
        """Groups of words that mean the same in any shop, to begin its table of synonyms with."""
        ...


# Who answers questions: an `Engine` per name. Lotse asks the one called `tantivy`; filled by search_*.
engines: Seam[Engine] = Seam("search engines", since="0.2.0")


# -- pages of the house


class HousePage(Struct, frozen=True):
    """A page of the shop that is about no article: delivery, stores, what staff wrote. `words` are others that people
    ask for it by, in any language; `about` says in a sentence what it is about. `language`: what the title is written
    in, where that is not the visitor's."""

    path: str
    title: str
    words: Sequence[str] = ()
    about: str = ""
    language: str = ""


class HousePages(Protocol):
    """Says which pages of the house a shop has at a moment, in a language; `said` gives a message in it. With them the
    types of events (`tags.any_of`) after which they are others; what no event tells is known within a minute."""

    async def __call__(
        self, conn: Connection, *, shop: Shop, language: str, said: Callable[[str], str], at: datetime
    ) -> tuple[Sequence[HousePage], Sequence[str]]: ...


# Who has pages that a search leads to beside articles: all that are registered are asked. Lotse's own and those that
# staff published come with `lotse.web.storefront`.
house_pages: Seam[HousePages] = Seam("pages of the house", since="0.1.0")


# -- what stands above a department's articles


class Above(Struct, frozen=True):
    """What stands above the articles of a department: HTML of a template, and headers that its page needs for it."""

    html: Markup
    headers: Mapping[str, str]


class AboveArticles(Protocol):
    """Says what stands above a department's articles, None for nothing. `view` is the page's `kernel.pages.view.View`
    (contracts know no templates): it renders, and is told how long this stands (`stands`)."""

    async def __call__(self, view: Any, database: Database, shop: Shop, category_id: UUID) -> Above | None: ...


# Who has something to show above a department's articles: all that are registered are asked. The blocks that staff put
# there come with `lotse.web.storefront`.
above_articles: Seam[AboveArticles] = Seam("above a department's articles", since="0.1.0")


# -- what people decide


class Synonyms(Struct, frozen=True):
    """Words that mean the same in a shop and a language. Of a one-way group whoever asks for the first word also finds
    the others, and not the other way round."""

    id: UUID
    shop_id: UUID
    language: str
    words: list[str]
    one_way: bool
    changed_at: datetime


class Rule(Struct, frozen=True):
    """A decision about one list: the results of a query or a category (then `words` is empty)."""

    id: UUID
    shop_id: UUID
    words: str
    category: str
    act: Act
    target: TargetKind
    name: str
    value: str
    place: int | None
    reason: str
    valid_from: datetime | None
    valid_to: datetime | None


class RuleRow(Struct, frozen=True):
    """A rule in the back office's table; `list` is the query or the category, `target_label` what it acts on."""

    id: UUID
    shop_id: UUID
    list: str
    act: Act
    target_label: str
    place: int | None
    reason: str
    valid_from: datetime | None
    valid_to: datetime | None
    changed_at: datetime
    changed_by: str


class PutRule(Struct, frozen=True, kw_only=True):
    """A rule to make or, with the id of one, to overwrite."""

    id: UUID | None = None
    shop_id: UUID
    words: str = ""
    category: str = ""
    act: Act
    target: TargetKind
    name: str = ""
    value: str
    place: int | None = None
    reason: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None


class AskedRow(Struct, frozen=True):
    """What was searched for, without who: how often, how much it found the last time."""

    id: str
    shop_id: UUID
    language: str
    words: str
    asked: int
    found: int
    last_at: datetime


class Asked(Struct, frozen=True):
    """Searches to count: `found` is what the last of them found."""

    shop_id: UUID
    language: str
    words: str
    asked: int
    found: int


class RulesChanged(Struct, frozen=True, tag="search.RulesChanged"):
    """Synonyms or rules of a shop changed: lists may differ."""

    shop_id: UUID
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.shop_id)


class UnknownRule(Refusal, status=404, title="There is no such rule"):
    """No rule or group of synonyms has this id."""

    id: UUID


class RuleIncomplete(Refusal, status=422, title="The rule does not say enough"):
    """`missing` says what it lacks: a list, a place for a pin, an article that exists."""

    missing: str


class UnknownTarget(Refusal, status=422, title="There is nothing of that name"):
    """No category, brand or value is called so; `known` are some that are."""

    value: str
    known: str


class PlaceTaken(Refusal, status=409, title="Another article is pinned there"):
    """One place of a list holds one article."""

    place: int


class TooFewWords(Refusal, status=422, title="Synonyms are two words at least"):
    """A word alone means nothing else."""

    words: str


class NoIndex(Refusal, status=503, title="The search is being prepared"):
    """The index is not there yet; the worker builds it. `retry_seconds` is when to ask again."""

    retry_seconds: int
