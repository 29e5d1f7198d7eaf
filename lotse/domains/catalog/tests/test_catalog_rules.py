"""GTINs, slugs, searches, moves and trees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from lotse.domains.catalog.contracts import CategoryCycle, InvalidGtin, PutCategory
from lotse.domains.catalog.rules import (
    MOVES,
    allowed,
    check_slug,
    checked_gtin,
    full_name,
    levels,
    search_digits,
    search_terms,
    search_words,
)
from lotse.kernel.refusals import Invalid


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("96385074", "96385074"),  # GTIN-8
        ("036000291452", "036000291452"),  # GTIN-12
        ("4006381333931", "4006381333931"),  # GTIN-13
        ("10614141543219", "10614141543219"),  # GTIN-14
        ("4 006381-333931", "4006381333931"),
    ],
)
def test_what_is_a_gtin(given, stored):
    assert checked_gtin(given, "sku") == stored


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ("", "8, 12, 13 or 14 digits"),
        ("123456789", "8, 12, 13 or 14 digits"),
        ("12345678905123456", "8, 12, 13 or 14 digits"),
        ("400638133393X", "digits only"),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "digits only"),
        ("4006381333932", "the last digit is the check digit of the others"),
    ],
)
def test_what_is_no_gtin(given, rule):
    with pytest.raises(InvalidGtin) as refused:
        checked_gtin(given, "sku-1")
    assert refused.value == InvalidGtin(gtin=given, sku="sku-1", rule=rule)


@given(st.sampled_from([7, 11, 12, 13]).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)), st.data())
def test_one_wrong_digit_is_always_found(body: str, data: st.DataObject):
    gtin = body + ean.calc_check_digit(body)
    assert checked_gtin(gtin, "sku") == gtin
    place = data.draw(st.integers(0, len(gtin) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != gtin[place]]))
    with pytest.raises(InvalidGtin):
        checked_gtin(gtin[:place] + other + gtin[place + 1 :], "sku")


@pytest.mark.parametrize("slug", ["a", "trail-shoe-42", "x" * 120])
def test_what_is_a_slug(slug):
    check_slug(slug, "slug")


@pytest.mark.parametrize("slug", ["", "-a", "a-", "a--b", "A", "ä", "a b", "a/b", "x" * 121, "a\n"])
def test_what_is_no_slug(slug):
    with pytest.raises(Invalid):
        check_slug(slug, "slug")


def test_moves():
    """As a table: rows from, columns to. What was shown becomes a draft only through the archive."""
    states = ("draft", "active", "phase_out", "archived")
    table = {state: "".join("x" if allowed(state, wanted) else "." for wanted in states) for state in states}
    assert table == {"draft": "xx.x", "active": ".xxx", "phase_out": ".xxx", "archived": "x..x"}
    assert set(MOVES) == set(states)


def put(slug: str, parent: str | None = None) -> PutCategory:
    return PutCategory(slug=slug, parent=parent, texts=())


@given(st.permutations([put("a"), put("b", "a"), put("c", "b"), put("d", "a"), put("e", "elsewhere"), put("f", "e")]))
def test_parents_are_written_before_their_children(categories: list[PutCategory]):
    found = levels(categories)
    assert [sorted(category.slug for _, category in level) for level in found] == [["a", "e"], ["b", "d", "f"], ["c"]]
    assert {place: category for level in found for place, category in level} == dict(enumerate(categories))


@pytest.mark.parametrize(
    "categories",
    [[put("a", "a")], [put("a", "b"), put("b", "a")], [put("x"), put("a", "c"), put("b", "a"), put("c", "b")]],
)
def test_a_cycle_in_the_call_is_named(categories):
    with pytest.raises(CategoryCycle):
        levels(categories)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("  ", ""),
        ("& | ! ( ) :* '", ""),
        ("Lauf schuh", "'Lauf':* & 'schuh':*"),
        ("o'neill", "'oneill':*"),
        ("42,5", "'42,5':*"),
        ("a b c d e f g h i j k l", " & ".join(f"'{letter}':*" for letter in "abcdefghij")),
    ],
)
def test_words_to_search(text, words):
    assert search_words(text) == words


@given(st.text())
def test_no_text_breaks_a_search(text: str):
    terms = search_terms(text)
    assert "\0" not in "".join(str(value) for value in terms.values())
    assert search_digits(text) == "" or search_digits(text).isdigit()


@pytest.mark.parametrize(
    ("options", "language", "said"),
    [
        ({"colour": "Royal blue", "size": "42"}, "de", "Strom 3, Königsblau, 42"),
        ({"colour": "Royal blue", "size": "42"}, "de-AT", "Strom 3, Königsblau, 42"),
        ({"colour": "Royal blue", "size": "42"}, "en", "Strom 3, Royal blue, 42"),
        ({"colour": "Royal blue"}, "fr", "Strom 3, Royal blue"),  # a language without words
        ({"colour": "", "size": "a colour nobody knows"}, "de", "Strom 3, a colour nobody knows"),
        ({}, "de", "Strom 3"),
    ],
)
def test_a_variant_is_named_in_the_words_of_the_reader(options: dict[str, str], language: str, said: str):
    assert full_name("Strom 3", options, language) == said
