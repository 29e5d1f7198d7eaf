"""Addresses as filters, decisions by their time, the ladder of loosening; and no input that is an error."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lotse.domains.search.contracts import FacetCount, Filters, HousePage, Question, Rule, Synonyms
from lotse.domains.search.rules import (
    counted,
    filters_of,
    found_by,
    known_page,
    loosened,
    meanings,
    page_of,
    pages_for,
    pairs_of,
    shown_facets,
    sort_of,
    steer_for,
    without,
    worth_counting,
)

AT = datetime(2026, 5, 1, tzinfo=UTC)
SHOP = UUID(int=1)


@pytest.mark.parametrize(
    ("pairs", "facets", "prices"),
    [
        ([("f.colour", "red"), ("f.colour", "blue")], {"colour": ("red", "blue")}, (None, None)),
        ([("f.colour", "red"), ("f.colour", "red")], {"colour": ("red",)}, (None, None)),
        ([("f.", "x"), ("f.size", ""), ("q", "y"), ("f.x", "a\0")], {}, (None, None)),
        ([("f.stock", "no")], {}, (None, None)),
        ([("from", "9,99"), ("to", "20")], {}, (999, 2000)),
        ([("from", "-1"), ("to", "NaN")], {}, (None, None)),
        ([("from", "1e99"), ("to", "x" * 500)], {}, (None, None)),
    ],
)
def test_what_cannot_be_a_filter_is_left_out(
    pairs: list[tuple[str, str]], facets: dict[str, tuple[str, ...]], prices: tuple[int | None, int | None]
):
    found = filters_of(pairs)
    assert (found.facets, (found.price_from, found.price_to)) == (facets, prices)


@given(st.lists(st.tuples(st.sampled_from(["f.a", "f.b", "from", "to", "f.stock", "x"]), st.text(max_size=20))))
def test_an_address_of_filters_leads_back_to_them(pairs: list[tuple[str, str]]):
    filters = filters_of(pairs)
    assert filters_of(pairs_of(filters)) == filters
    for name in filters.facets:
        assert name not in without(filters, name).facets


@given(st.text(max_size=30))
def test_any_text_is_a_page_and_a_sort(text: str):
    assert 1 <= page_of(text) <= 400
    assert sort_of(text) in ("relevance", "newest", "price", "price_down", "name")


def rule(act: str, *, words: str = "schuh", begins: int = -1, ends: int = 1, place: int | None = None) -> Rule:
    return Rule(
        UUID(int=9), SHOP, words, "", act, "product", "", str(UUID(int=5)), place, "because",  # type: ignore[arg-type]
        AT + timedelta(days=begins), AT + timedelta(days=ends),
    )  # fmt: skip


def test_decisions_hold_in_their_time_and_for_their_list():
    pinned, behind = steer_for([rule("pin", place=2)], words="schuh", category="", at=AT)
    assert pinned.pins == {2: UUID(int=5)} and behind["product", "", str(UUID(int=5))].reason == "because"
    for other in (
        rule("pin", place=2, begins=1, ends=2),
        rule("pin", place=2, ends=0),
        rule("pin", words="x", place=2),
    ):
        assert not steer_for([other], words="schuh", category="", at=AT)[0].pins
    assert steer_for([rule("bury")], words="schuh", category="", at=AT)[0].buries


def test_synonyms_go_both_ways_or_one():
    both = Synonyms(UUID(int=1), SHOP, "de", ["handy", "smartphone"], False, AT)
    one = Synonyms(UUID(int=2), SHOP, "de", ["sneaker", "schuh"], True, AT)
    other = Synonyms(UUID(int=3), SHOP, "en", ["a", "b"], False, AT)
    found = meanings([both, one, other], "de", lambda text, _: text)
    assert found == {"handy": ("smartphone",), "smartphone": ("handy",), "sneaker": ("schuh",)}


def test_a_search_is_loosened_in_named_steps():
    asked = Question(words="roter ball", language="de", filters=Filters("team", {"colour": ("red",)}))
    assert [step for step, _ in loosened(asked)] == ["filters", "filters", "some_words"]
    assert loosened(asked)[0][1].filters == Filters("team")
    assert loosened(Question(language="de")) == []


def test_only_the_words_themselves_are_counted():
    asked = Question(words="ball", language="de")
    assert counted(asked)
    for other in (replace(asked, words=""), replace(asked, offset=24), replace(asked, filters=Filters(price_to=5))):
        assert not counted(other)
    assert [found_by(step, 7) for step in (None, "spelling", "some_words", "popular")] == [7, 7, 0, 0]


def test_facets_that_narrow_nothing_are_not_shown():
    many = FacetCount("model", [(str(i), 1) for i in range(50)], 50)
    one = FacetCount("gender", [("Men", 50)], 50)
    brand = FacetCount("brand", [("A", 30), ("B", 20)], 50)
    colour = FacetCount("colour", [("red", 40), ("blue", 10)], 50)
    assert [facet.name for facet in shown_facets([many, one, colour, brand], 50, Filters())] == ["brand", "colour"]
    chosen = Filters(facets={"gender": ("Men",)})
    assert "gender" in [facet.name for facet in shown_facets([many, one, colour, brand], 50, chosen)]


@pytest.mark.parametrize(
    ("words", "worth"), [("laufschuhe", True), ("me@example.org", False), ("0171 2345678", False), ("x", False)]
)
def test_what_may_be_somebodys_is_not_written_down(words: str, worth: bool):
    assert worth_counting(words) is worth


DELIVERY = HousePage("/delivery", "Versand und Zahlung", ("versandkosten", "lieferung"))
STORES = HousePage("/stores", "Filialen", ("filiale", "öffnungszeiten"), "Hamburg Köln")
SIZES = HousePage("/info/sizes", "Größen und Passform", (), "Welche Größe passt")
IMPRINT = HousePage("/imprint", "Impressum", ("legal", "contact"))
WITHDRAW = HousePage("/withdraw", "Widerrufen", ("contract",))
HOUSE = [known_page(page, str.lower) for page in (DELIVERY, STORES, SIZES, WITHDRAW, IMPRINT)]


@pytest.mark.parametrize(
    ("asked", "loosely", "typed", "paths", "named"),
    [
        ("versandkosten", True, "", ["/delivery"], True),
        ("filiale hamburg", False, "", ["/stores"], True),
        ("hamburg", True, "", [], False),  # is about it, but not called so
        ("versandkostenpauschale", True, "", ["/delivery"], False),
        ("versandksten", True, "", ["/delivery"], False),
        ("versandksten", False, "", [], False),  # articles have that word
        ("lieferung jacken", True, "", ["/delivery"], False),
        ("lieferung jacken", False, "", [], False),  # there are articles with both words
        ("öffn", False, "öffn", ["/stores"], False),
        ("öffn", False, "", [], False),
        ("öf", False, "öf", [], False),
        ("leg", False, "Legging", [], False),  # "leg" is its stem, and nobody's beginning
        ("leg", False, "Leg", ["/imprint"], False),
        ("contact", True, "", ["/imprint"], True),  # "contract" is no slip of what another page is called
        ("retoure", True, "", ["/delivery"], True),  # means "lieferung" here
        ("retoure", False, "retoure", ["/delivery"], True),
        ("laufschuhe", True, "laufschuhe", [], False),
        ("", True, "", [], False),
    ],
)
def test_words_lead_to_pages_of_the_house(asked: str, loosely: bool, typed: str, paths: list[str], named: bool):
    meant = {"retoure": ["lieferung"]}
    found = pages_for(asked.split(), HOUSE, meant, loosely=loosely, typed=typed)
    assert ([page.path for page in found.pages], found.named) == (paths, named)


@given(st.lists(st.text(max_size=12), max_size=4), st.booleans(), st.text(max_size=12))
def test_any_words_lead_to_a_few_pages_at_most(asked: list[str], loosely: bool, typed: str):
    found = pages_for(asked, HOUSE, {}, loosely=loosely, typed=typed)
    assert len(found.pages) <= 3
    assert found.pages or not found.named
