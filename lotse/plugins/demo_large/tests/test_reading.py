"""What a row means: words, sizes, colours, languages, what is refused. No database."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lotse.plugins.demo_large import derive, words
from lotse.plugins.demo_large.article import Article, Rejected, RowProblem, Source, Unreadable
from lotse.plugins.demo_large.electronics import Electronics
from lotse.plugins.demo_large.fashion import Fashion
from lotse.plugins.demo_large.files import objects, parquet
from lotse.plugins.demo_large.food import Food, group_of
from lotse.plugins.demo_large.load import SOURCES, Reader, batches
from lotse.plugins.demo_large.sorting import Sorter


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Hengstenberg Mild Sauerkraut 400G", (400, "g", "400G")),
        ("Schweppes Russian Wild Berry 1, 25l", (1250, "ml", "1, 25l")),
        ("Hipp Pasta 2X190G 6M", (380, "g", "2X190G")),
        ("75CL Jus Pomme", (750, "ml", "75CL")),
        ("Krüger Schokotrunk 1kg", (1000, "g", "1kg")),
        ("Vital Drink, 1000 ML (1,39 / 100ML)", (1000, "ml", "1000 ML")),
        ("Preis / 100 g", None),
        ("Vitamin B12", None),
        ("7 Kräuter", None),
        ("999999 kg Gold", None),
    ],
)
def test_package_sizes(name: str, found: Any) -> None:
    assert words.content_of(name) == found


def test_a_name_without_its_size() -> None:
    assert words.without("Tiger Picnic, 23 GR", "23 GR") == "Tiger Picnic"
    assert words.without("Davert (65 G) Porridge", "65 G") == "Davert Porridge"
    assert words.amount_text(1250, "ml") == "1.25 l"
    assert words.amount_text(250, "g") == "250 g"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Wall Charger - Black/Gray", ("Wall Charger", "Black/Gray")),
        ("Case for Apple - Rose Gold", ("Case for Apple", "Rose gold")),
        ("Phone - Unlocked", None),
        ("Charger - Light", None),
        ("- Black", None),
        ("Black", None),
    ],
)
def test_colours_at_the_end(name: str, found: Any) -> None:
    assert words.colour_at_the_end(name) == found


@pytest.mark.parametrize(
    ("name", "more", "hint", "language"),
    [
        ("Grüne Linsen", "", "fr", "de"),
        ("Galettes de riz nature", "", "de", "fr"),
        ("Beans with Tomato", "", "de", "en"),
        ("Halloumi", "Milch, Salz, Zucker", "fr", "de"),
        ("Twix", "", "fr", "fr"),
    ],
)
def test_languages(name: str, more: str, hint: str, language: str) -> None:
    assert words.language_of(name, more, hint) == language


def test_departments_follow_from_names() -> None:
    assert [group_of(name).slug for name in ("Apfelsaft", "Frische Milch", "Weizenbier", "Zzz")] == [
        "juice",
        "dairy",
        "beer",
        "other",
    ]
    # Drinks at the standard rate, what is eaten at the reduced one.
    assert [group_of(name).tax_class for name in ("Apfelsaft", "Frische Milch", "Zzz")] == [
        "standard",
        "reduced",
        "reduced",
    ]


def test_what_is_derived_is_the_same_for_ever() -> None:
    assert (derive.price("OFF-1", Decimal(2)), derive.stock("OFF-1")) == (Decimal("1.49"), 0)
    assert min(derive.price(f"x{n}", Decimal("0.01")) for n in range(50)) == Decimal("0.19")
    assert 0 in {derive.stock(f"x{n}") for n in range(100)}


FOOD = {
    "gtin": "4006381333931",
    "name": " Bio  Apfelsaft &quot;naturtr&uuml;b&quot; 1 l",
    "ingredients": "_Apfel_",
    "fat": 0.1,
}


@pytest.mark.parametrize(
    ("source", "columns", "field"),
    [
        (Food(), FOOD | {"gtin": None}, "gtin"),
        (Food(), FOOD | {"gtin": "4006381333930"}, "gtin"),
        (Food(), FOOD | {"gtin": "12ab"}, "gtin"),
        (Food(), FOOD | {"name": None}, "name"),
        (Food(), FOOD | {"name": " \0 - "}, "name"),
        (Food(), FOOD | {"name": "x" * 301}, "name"),
        (Fashion(), {"id": "x", "productDisplayName": "Shirt"}, "id"),
        (Fashion(), {"id": 1, "productDisplayName": None}, "productDisplayName"),
        (Electronics(), {"name": ""}, "name"),
        (Electronics(), {"name": "Phone", "price": "free"}, "price"),
        (Electronics(), {"name": "Phone", "price": -1}, "price"),
        (Electronics(), {"name": "Phone", "price": True}, "price"),
        (Electronics(), {"name": "Phone", "price": "NaN"}, "price"),
    ],
)
def test_rows_that_cannot_be_taken(source: Source, columns: dict[str, Any], field: str) -> None:
    with pytest.raises(RowProblem) as caught:
        source.article(1, columns, [])
    assert caught.value.field == field


def test_food() -> None:
    left_out: list[tuple[str, str]] = []
    article = Food().article(3, FOOD | {"salt": 848.0, "sugar": "much"}, left_out)
    assert article.name == 'Bio Apfelsaft "naturtrüb" 1 l'
    assert article.attributes == {"content_ml": 1000, "fat_per_100_g": 0.1}
    assert (article.sku, article.language, article.description) == ("OFF-4006381333931", "de", "Zutaten: Apfel")
    assert [field for field, _ in left_out] == ["sugar", "salt"]
    assert article.derived == ("price", "stock", "category")


def test_fashion() -> None:
    row = {
        "id": 17278,
        "productDisplayName": "Mark Taylor Men Striped Navy Blue Trousers",
        "gender": "Men",
        "masterCategory": "Apparel",
        "subCategory": "Apparel",
        "articleType": "Trousers",
        "baseColour": "Navy Blue",
        "season": None,
        "year": 2012.0,
        "usage": "NA",
    }
    article = Fashion().article(1, row, [])
    assert (article.brand, article.group_name) == ("Mark Taylor", "Mark Taylor Men Striped Trousers")
    assert article.options == {"colour": "Navy Blue"}
    assert article.attributes == {"gender": "Men", "article_type": "Trousers", "collection": "2012"}
    assert [place.slug for place in article.path] == ["fashion", "fashion-apparel", "fashion-apparel-trousers"]


def test_electronics() -> None:
    row = {
        "name": "Insignia™ - Case - Black",
        "brand": "Insignia™",
        "categories": ["Cell Phones", "Cases"],
        "price": 9.99,
        "image": "https://example.org/1/4984700_sb.jpg",
        "popularity": 7,
    }
    article = Electronics().article(1, row, [])
    assert (article.sku, article.price, article.derived) == ("BB-4984700", Decimal("9.99"), ("stock", "currency"))
    assert [place.slug for place in article.path] == [
        "electronics",
        "electronics-cell-phones",
        "electronics-cell-phones-cases",
    ]
    without = Electronics().article(1, {"name": "Thing", "categories": "none"}, left_out := [])
    assert (without.price, without.derived, len(without.path)) == (None, ("price", "stock"), 1)
    assert [field for field, _ in left_out] == ["categories"]


def fashion(id: int, name: str, colour: str) -> Article:
    return Fashion().article(id, {"id": id, "productDisplayName": name, "baseColour": colour, "articleType": "Tee"}, [])


def test_colours_of_one_name_are_one_product_and_namesakes_are_not() -> None:
    articles = [
        fashion(1, "Nike Men Red Tee", "Red"),
        fashion(2, "Idee Men Black Sunglasses", "Black"),
        fashion(3, "Nike Men Blue Tee", "Blue"),
        fashion(4, "Idee Men Black Sunglasses", "Black"),
        fashion(5, "Idee Men Brown Sunglasses", "Brown"),
    ]
    sorter = Sorter()
    for article in articles:
        sorter.count(article)
    sorter.counted()
    drafts = list(sorter.drafts(articles))
    assert [[article.key for article in draft.articles] for draft in drafts] == [["2"], ["1", "3"], ["4"], ["5"]]
    together = drafts[1].product
    assert together.texts[0].name == "Nike Men Tee"
    assert [variant.options["colour"] for variant in together.variants] == ["Red", "Blue"]
    assert len({draft.product.slug for draft in drafts}) == 4
    assert [len(batch) for batch in batches(iter(drafts))] == [4]


def test_broken_json_is_told_and_read_on(tmp_path: Path) -> None:
    path = tmp_path / "products.json"
    path.write_text('[{"name": "A"}, {"name": nope}, {"name": "B"}, 7')
    rows = list(objects(path))
    assert [row if isinstance(row, dict) else row.field for _, row in rows] == [{"name": "A"}, "row", {"name": "B"}]
    lines = tmp_path / "lines.json"
    lines.write_text('{"name": "A"}\n{"name": "B"}\n')
    assert [row for _, row in objects(lines)] == [{"name": "A"}, {"name": "B"}]
    (tmp_path / "no.json").write_text("hello")
    with pytest.raises(Unreadable):
        list(objects(tmp_path / "no.json"))


def test_a_file_that_breaks_off_is_read_until_there(tmp_path: Path) -> None:
    path = tmp_path / "products.json.gz"
    whole = gzip.compress(json.dumps([{"name": f"Article {n}", "brand": f"{n * 7919}"} for n in range(500)]).encode())
    path.write_bytes(whole[: len(whole) // 2])
    rows = list(objects(path))
    assert isinstance(rows[0][1], dict)
    assert isinstance(rows[-1][1], RowProblem)


def test_files_that_are_none_are_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(b"PAR1 no")
    with pytest.raises(Unreadable):
        list(parquet(path, ("gtin",), ()))
    duckdb.sql("select 1 as other").write_parquet(str(path))
    with pytest.raises(Unreadable, match="gtin, name missing"):
        list(parquet(path, ("gtin", "name"), ()))


class Listed:
    """Rejects without a file."""

    def __init__(self) -> None:
        self.rejected: list[Rejected] = []

    def add(self, rejected: Rejected) -> None:
        self.rejected.append(rejected)


@pytest.mark.data
def test_the_real_files_are_read_nearly_whole(data: Path) -> None:
    for source in SOURCES:
        [path] = sorted((data / source.folder).glob(source.pattern))
        rejects: Any = Listed()
        seen = 0
        for number, article in enumerate(Reader(source, path, data, rejects).articles(), start=1):
            seen = number
            assert article.path[0].slug in ("food", "fashion", "electronics")
            if number == 1_500:  # the whole takes seconds; the rest is like these
                break
        assert seen == 1_500
        assert sum(1 for one in rejects.rejected if not one.taken) <= 5
