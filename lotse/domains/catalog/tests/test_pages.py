"""Which variant a page shows, which choices it offers, and how facts read."""

from typing import Any, cast

from msgspec import structs

from lotse.domains.catalog.contracts import Picture, ProductPage, Variant
from lotse.domains.catalog.pages.shop import chosen_variant, fact_of, look_of, options_of, pictures_of, safety_of
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.formatting import locale_of

PRODUCT = uuid7()


class Words:
    """What the functions need of a view."""

    def __init__(self, language: str = "en") -> None:
        self.locale = locale_of(language)

    def text(self, message: str, **values: Any) -> str:
        return message % values if values else message


VIEW = cast(Any, Words())


def variant(colour: str, size: str) -> Variant:
    return Variant(uuid7(), PRODUCT, f"{colour}-{size}", None, {"size": size, "colour": colour}, "piece", 0, "active")


RED_S, RED_M, BLUE_M = variant("red", "S"), variant("red", "M"), variant("blue", "M")
VARIANTS = [RED_S, RED_M, BLUE_M]
PICTURES = [Picture(0, "red.svg", "red", ""), Picture(1, "blue.svg", "blue", ""), Picture(2, "box.svg", None, "")]
PAGE = ProductPage(PRODUCT, "shirt", "active", "", "standard", {}, "en", "Shirt", "", "", VARIANTS, PICTURES, [])


def test_the_address_chooses_the_variant_else_the_first_that_is_there() -> None:
    assert chosen_variant(VARIANTS, "blue-M", set()) == BLUE_M
    assert chosen_variant(VARIANTS, "red-S", {RED_S.id}) == RED_S, "what somebody asked for is shown, sold out or not"
    assert chosen_variant(VARIANTS, "nothing", set()) == RED_S
    assert chosen_variant(VARIANTS, None, {RED_S.id}) == RED_M
    assert chosen_variant(VARIANTS, None, {v.id for v in VARIANTS}) == RED_S
    assert chosen_variant([], None, set()) is None


def test_the_look_comes_first_with_its_picture() -> None:
    assert look_of(PAGE) == "colour"
    colour, size = options_of(VIEW, PAGE, RED_S, set())
    assert [(value.label, value.media, value.is_chosen) for value in colour.values] == [
        ("red", "red.svg", True),
        ("blue", "blue.svg", False),
    ]
    assert [value.label for value in size.values] == ["S", "M"]
    assert (colour.label, colour.chosen_label, size.chosen_label) == ("Colour", "red", "S")


def test_a_choice_leads_to_the_variant_that_differs_least() -> None:
    colour, size = options_of(VIEW, PAGE, RED_S, set())
    # There is no blue S: the link leads to blue in M, and the colour is not struck out.
    assert [(value.sku, value.exists) for value in colour.values] == [("red-S", True), ("blue-M", True)]
    assert [(value.sku, value.exists) for value in size.values] == [("red-S", True), ("red-M", True)]
    _, size = options_of(VIEW, PAGE, BLUE_M, set())
    assert [(value.sku, value.exists) for value in size.values] == [("red-S", False), ("blue-M", True)]


def test_what_is_sold_out_is_struck_out() -> None:
    colour, size = options_of(VIEW, PAGE, RED_S, {RED_M.id, BLUE_M.id})
    assert [value.exists for value in size.values] == [True, False]
    assert [value.exists for value in colour.values] == [True, False]


def test_pictures_are_of_the_look_and_of_all_looks() -> None:
    assert [picture.media for picture in pictures_of(PICTURES, "blue")] == ["blue.svg", "box.svg"]
    assert pictures_of(PICTURES[:1], "green") == PICTURES[:1], "better another colour than nothing"
    assert pictures_of(PICTURES, None) == PICTURES


def test_a_fact_has_the_unit_that_its_name_ends_in() -> None:
    german = cast(Any, Words("de"))
    assert fact_of(VIEW, "weight_g", 1268) == ("Weight", "1,268\u00a0g")
    assert fact_of(german, "drop_mm", "7.5") == ("Drop", "7,5\u00a0mm")
    assert fact_of(VIEW, "studs", 12) == ("Studs", "12")
    assert fact_of(VIEW, "waterproof", True) == ("Waterproof", "yes")
    assert fact_of(VIEW, "fits", ["S", "M"]) == ("Fits", "S, M")
    assert fact_of(VIEW, "care", "100 % wool") == ("Care", "100 % wool")


def test_a_maker_has_its_country_by_name() -> None:
    made = {"manufacturer": "Ulmer Schuh SA, Gasse 12, 89073 Ulm, DE, post@ulm.example", "warnings": "DE, AT"}
    page = structs.replace(PAGE, attributes=made)
    assert safety_of(VIEW, page).maker == "Ulmer Schuh SA, Gasse 12, 89073 Ulm, Germany, post@ulm.example"
    assert "89073 Ulm, Deutschland," in safety_of(cast(Any, Words("de")), page).maker
    assert safety_of(VIEW, page).warnings == "DE, AT"
