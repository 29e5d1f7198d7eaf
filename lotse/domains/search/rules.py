"""What a list is narrowed to by its address, which decisions hold for it, by which steps it is loosened. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import get_args
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from rapidfuzz.distance import OSA

from lotse.domains.search.contracts import (
    IN_STOCK,
    STOCK,
    FacetCount,
    Filters,
    HousePage,
    Question,
    Rule,
    Sort,
    Steer,
    Step,
    Synonyms,
    Target,
)

# Prefix of a facet's name in an address: ?f.colour=red&f.colour=blue
FACET = "f."
SORTS: tuple[Sort, ...] = get_args(Sort)
# Pages of the house beside a list: who asks for one means one, or does not know its name.
_PAGES = 3
# What is shorter begins, or is near, too many words.
_SHORTEST_BEGINNING = 3
_SHORTEST_STEM = 5
_SHORTEST_MISSPELT = 6
# What a word of a query is to a page, and what that is worth: what the page is called, what that begins with, what it
# is about, nearly what it is called.
_CALLED, _BEGUN, _ABOUT, _NEAR = 4, 3, 2, 1
# What somebody ticks in one list, and what a name or value may be long; more was not made by our pages.
_MAX_FACETS = 12
_MAX_VALUES = 40
_MAX_LETTERS = 100
_MAX_PRICE_MINOR = 10**12
_MAX_PAGE = 400
# Facets that people expect first; the others follow by how many of the articles have them.
_FIRST = ("brand", "size", "colour", "gender", "sport")
_MOST_FACETS = 9
# A facet that fewer than one of eight have, or in which nearly everything has a value of its own, narrows nothing.
_ENOUGH = 8


def filters_of(pairs: Iterable[tuple[str, str]], *, category: str = "", digits: int = 2) -> Filters:
    """The filters of an address. What cannot be one is left out: an address is typed by anybody."""
    facets: dict[str, list[str]] = {}
    prices: dict[str, int | None] = {}
    for name, value in pairs:
        if name in ("from", "to"):
            prices[name] = _minor(value, digits)
        elif name.startswith(FACET) and 0 < len(name) - len(FACET) <= _MAX_LETTERS and 0 < len(value) <= _MAX_LETTERS:
            values = facets.setdefault(name.removeprefix(FACET), [])
            if value not in values and len(values) < _MAX_VALUES and "\0" not in name + value:
                values.append(value)
    if facets.get(STOCK) not in (None, [IN_STOCK]):
        del facets[STOCK]
    chosen = {name: tuple(values) for name, values in list(facets.items())[:_MAX_FACETS] if values}
    return Filters(category, chosen, prices.get("from"), prices.get("to"))


def pairs_of(filters: Filters, *, digits: int = 2) -> list[tuple[str, str]]:
    """The filters as an address has them, in one order."""
    found = [(f"{FACET}{name}", value) for name, values in sorted(filters.facets.items()) for value in values]
    for name, minor in (("from", filters.price_from), ("to", filters.price_to)):
        if minor is not None:
            found.append((name, plain(minor, digits)))
    return found


def without(filters: Filters, name: str, value: str | None = None) -> Filters:
    """The filters without one value of a facet, without a facet, or (`price`) without prices."""
    if name == "price":
        return replace(filters, price_from=None, price_to=None)
    facets = dict(filters.facets)
    left = tuple(one for one in facets.pop(name, ()) if value is not None and one != value)
    return replace(filters, facets={**facets, name: left} if left else facets)


def plain(minor: int, digits: int) -> str:
    """An amount as somebody types it."""
    amount = Decimal(minor).scaleb(-digits)
    return str(amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount)


def sort_of(text: str) -> Sort:
    """A way to sort, the fitting one for anything else."""
    return text if text in SORTS else "relevance"


def page_of(text: str) -> int:
    """A page number from 1 on; the first one for anything else."""
    return min(int(text), _MAX_PAGE) if text.isascii() and text.isdigit() and 0 < len(text) <= 6 and int(text) else 1


def shown_facets(facets: Sequence[FacetCount], total: int, chosen: Filters) -> list[FacetCount]:
    """The facets worth a place beside the list, in the order in which people look for them."""

    def telling(facet: FacetCount) -> bool:
        if facet.name in chosen.facets:
            return True
        there = [count for _, count in facet.values if count]
        if len(there) < 2 or facet.covered * _ENOUGH < total:
            return False
        return len(there) <= 3 or sum(there) >= len(there) * 1.25

    def order(facet: FacetCount) -> tuple[int, int, str]:
        first = _FIRST.index(facet.name) if facet.name in _FIRST else len(_FIRST)
        return first, -facet.covered, facet.name

    found = sorted((facet for facet in facets if facet.name != STOCK and telling(facet)), key=order)
    kept = found[:_MOST_FACETS]
    return kept + [facet for facet in found[_MOST_FACETS:] if facet.name in chosen.facets]


def steer_for(
    rules: Sequence[Rule], *, words: str, category: str, at: datetime
) -> tuple[Steer, dict[tuple[str, str, str], Rule]]:
    """The decisions that hold for a list at a moment, and which rule stands behind each target."""
    pins: dict[int, UUID] = {}
    boosts: list[Target] = []
    buries: list[Target] = []
    behind: dict[tuple[str, str, str], Rule] = {}
    for rule in rules:
        mine = (words and rule.words == words) or (category and not words and rule.category == category)
        if not mine or (rule.valid_from and rule.valid_from > at) or (rule.valid_to and rule.valid_to <= at):
            continue
        target = Target(rule.target, rule.value, rule.name)
        if rule.act == "pin" and rule.place is not None:
            pins.setdefault(rule.place, UUID(rule.value))
        elif rule.act == "boost":
            boosts.append(target)
        elif rule.act == "bury":
            buries.append(target)
        behind[rule.target, rule.name, rule.value] = rule
    return Steer(pins, tuple(boosts), tuple(buries)), behind


def meanings(
    groups: Sequence[Synonyms], language: str, analysed: Callable[[str, str], str]
) -> dict[str, tuple[str, ...]]:
    """For each word or phrase of a language, as the engine compares them, what else it means, as people write it."""
    found: dict[str, list[str]] = {}
    for group in groups:
        if group.language != language:
            continue
        said = [(analysed(word, language), word) for word in group.words]
        for i, (key, _) in enumerate(said):
            if key and (i == 0 or not group.one_way):
                # With a hyphen it is the same word, and yet more: its pieces are words, too.
                found.setdefault(key, []).extend(word for other, word in said if other != key or "-" in word)
    return {key: tuple(dict.fromkeys(words)) for key, words in found.items()}


class KnownPage(Struct, frozen=True):
    """A page of the house with its words as the engine compares them: those that it is called by, and those that say
    what it is about. `spelt`: what it is called by as people write it, in small letters."""

    page: HousePage
    called: frozenset[str]
    about: frozenset[str]
    spelt: frozenset[str]


class ForHouse(Struct, frozen=True):
    """Pages of the house that words lead to, the best first. `named`: that one is called, or is about, just these
    words: whoever writes them means it, and not an article of nearly that name."""

    pages: Sequence[HousePage] = ()
    named: bool = False


def known_page(page: HousePage, analysed: Callable[[str], str]) -> KnownPage:
    """A page with its words analysed."""
    called = {word for said in (page.title, *page.words) for word in analysed(said).split()}
    # Word by word: the engine compares no more than a query's worth at once.
    about = {word for said in page.about.split() for word in analysed(said).split()}
    spelt = {word for said in (page.title, *page.words) for word in said.lower().split()}
    return KnownPage(page, frozenset(called), frozenset(about), frozenset(spelt))


def pages_for(
    asked: Sequence[str],
    pages: Sequence[KnownPage],
    meant: Mapping[str, Sequence[str]],
    *,
    loosely: bool,
    typed: str = "",
) -> ForHouse:
    """The pages that words lead to, as the engine compares them. `meant`: what else a word means.

    A page is called by one of the words at least. Where articles have all words, so must it; `loosely`, where they have
    not, half of them are enough, and a word may be misspelt or go on ("Versandkostenpauschale"), unless another page is
    called so. `typed`: the last word as somebody is writing it, which may be a beginning of one. Stems and synonyms
    are not: "legging" has the stem of "leg", which begins "legal".
    """
    begun = typed.lower() if len(typed) >= _SHORTEST_BEGINNING else ""
    last = len(asked) - 1
    needed = len(asked) / 2 if loosely else len(asked)
    found: list[tuple[Sequence[int], HousePage]] = []
    for known in pages:
        grades = [
            _grade((word, *meant.get(word, ())), known, loosely=loosely, begun=begun if place == last else "")
            for place, word in enumerate(asked)
        ]
        if not {_CALLED, _BEGUN, _NEAR}.isdisjoint(grades) and sum(map(bool, grades)) >= needed:
            found.append((grades, known.page))
    surely = [one for one in found if not {_CALLED, _BEGUN}.isdisjoint(one[0])]
    best = sorted(surely or found, key=lambda one: -sum(one[0]))[:_PAGES]
    return ForHouse([page for _, page in best], any({_CALLED, _ABOUT}.issuperset(grades) for grades, _ in best))


def _grade(readings: Sequence[str], known: KnownPage, *, loosely: bool, begun: str) -> int:
    if not known.called.isdisjoint(readings):
        return _CALLED
    if begun and any(one.startswith(begun) for one in known.spelt):
        return _BEGUN
    if not known.about.isdisjoint(readings):
        return _ABOUT
    return _NEAR if loosely and any(_is_near(word, one) for word in readings for one in known.called) else 0


def _is_near(word: str, called: str) -> bool:
    return (len(called) >= _SHORTEST_STEM and word.startswith(called)) or (
        len(word) >= _SHORTEST_MISSPELT and OSA.distance(word, called, score_cutoff=1) <= 1
    )


def loosened(question: Question) -> list[tuple[Step, Question]]:
    """What to try for a question without a result, in order: without the filters, with some of the words."""
    steps: list[tuple[Step, Question]] = []
    bare = replace(question, filters=Filters(question.filters.category))
    if question.filters.narrowed:
        steps.append(("filters", bare))
    if question.words:
        anywhere = replace(bare, filters=Filters())
        if question.filters.category:
            steps.append(("filters", anywhere))
        steps.append(("some_words", replace(anywhere, any_words=True)))
    return steps


def counted(question: Question) -> bool:
    """Whether a list is a search that says what visitors look for: further pages and what one of them narrowed say
    nothing of the words."""
    return bool(question.words) and not question.offset and not question.filters.narrowed


def found_by(step: Step | None, total: int) -> int:
    """How much a search found of what was asked for: some of its words, or what is popular instead, is nothing."""
    return 0 if step in ("some_words", "popular") else total


def worth_counting(words: str) -> bool:
    """Whether a query may be written down: what looks like a mail address, a number of somebody's or a key is not."""
    return 2 <= len(words) <= 80 and "@" not in words and sum(c.isdigit() for c in words) <= 6 and "\0" not in words


def _minor(text: str, digits: int) -> int | None:
    text = text.strip().replace(",", ".")
    if not 0 < len(text) <= 15 or not text.isascii():
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount.scaleb(digits) <= _MAX_PRICE_MINOR:
        return None
    return int(amount.scaleb(digits))
