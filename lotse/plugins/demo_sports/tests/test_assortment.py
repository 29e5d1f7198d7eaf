"""What the assortment promises: enough of everything, whole, told in both languages, the same for the same seed."""

import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from stdnum import ean
from stdnum.de import vat

from lotse.plugins.demo_sports import retailer
from lotse.plugins.demo_sports.assortment import LANGUAGES, TOLD, WAREHOUSE, Assortment, assortment
from lotse.plugins.demo_sports.departments import DEPARTMENTS
from lotse.plugins.demo_sports.kinds import KINDS
from lotse.plugins.demo_sports.people import PEOPLE
from lotse.plugins.demo_sports.stores import STORES
from lotse.plugins.demo_sports.vocabulary import BRANDS, COLOURS, FLAVOURS

PO = Path(__file__).parents[1] / "locale" / "de" / "LC_MESSAGES" / "lotse.po"

# Runs in a process of its own: hashes everything that the demo is made of.
DIGEST = """
import hashlib, msgspec
from lotse.plugins.demo_sports.assortment import assortment
from lotse.plugins.demo_sports.drawings.scenes import TILES, hero, logo, tile
goods = assortment(7)
digest = hashlib.sha256(msgspec.json.encode(goods))
for product in goods.products:
    for picture in product.pictures:
        digest.update(picture.svg.encode())
for svg in (hero(), logo(), *map(tile, TILES)):
    digest.update(svg.encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def goods() -> Assortment:
    return assortment()


def variants(goods: Assortment):
    return [variant for product in goods.products for variant in product.variants]


def test_there_is_enough(goods: Assortment):
    assert len(DEPARTMENTS) == 12
    assert 150 <= len(goods.products) <= 250
    assert 1_200 <= len(variants(goods)) <= 2_000
    # Every department has something to show, and every product stands in one.
    roots = {category.slug for category in goods.categories if not category.parent}
    assert len(roots) == 12
    for root in roots:
        assert sum(product.categories[0].startswith(f"{root}-") for product in goods.products) >= 8


def test_the_same_bytes_in_every_process():
    def digest(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert digest("1") == digest("2")


def test_the_seed_moves_prices_and_stock_only(goods: Assortment):
    other = assortment(1)
    assert [(p.slug, p.name, p.description, p.pictures) for p in other.products] == [
        (p.slug, p.name, p.description, p.pictures) for p in goods.products
    ]
    assert [(v.sku, v.gtin, v.options) for v in variants(other)] == [
        (v.sku, v.gtin, v.options) for v in variants(goods)
    ]
    assert [v.stock for v in variants(other)] != [v.stock for v in variants(goods)]


def test_numbers_are_valid_and_unique(goods: Assortment):
    all_variants = variants(goods)
    gtins = [variant.gtin for variant in all_variants]
    assert all(ean.is_valid(gtin) and len(gtin) == 13 for gtin in gtins)
    # The prefix that GS1 sets aside for demonstrations: none of these is on a real thing.
    assert all(gtin.startswith("952") for gtin in gtins)
    assert len(set(gtins)) == len(gtins)
    assert len({variant.sku for variant in all_variants}) == len(all_variants)
    assert all(len(variant.sku) <= 64 for variant in all_variants)
    assert len({product.slug for product in goods.products}) == len(goods.products)


def test_variants_of_a_product_differ(goods: Assortment):
    for product in goods.products:
        options = [tuple(sorted(variant.options.items())) for variant in product.variants]
        assert len(set(options)) == len(options), product.slug


def test_every_price_is_one_that_a_house_would_print(goods: Assortment):
    for variant in variants(goods):
        for price in (variant.price, variant.regular):
            if price is not None:
                ending = f"{price:.2f}"[-3:]
                assert ending == (".99" if price < 20 else ".95" if price < 300 else ".00"), (variant.sku, price)
        assert variant.regular is None or variant.price < variant.regular
    reduced = sum(variant.regular is not None for variant in variants(goods))
    assert 0.03 < reduced / len(variants(goods)) < 0.3


def test_books_are_never_reduced_and_taxed_less(goods: Assortment):
    """Book prices are bound (BuchPrG); food and books carry the reduced rate (UStG s.12(2))."""
    for product in goods.products:
        section = KINDS[product.model[2]].section
        assert (product.tax_class == "reduced") == (section in ("food", "reading")), product.slug
        if section == "reading":
            assert all(variant.regular is None for variant in product.variants)


def test_texts_stand_in_both_languages_with_every_fact_filled(goods: Assortment):
    for product in goods.products:
        for language in LANGUAGES:
            name, summary, description = (
                words.in_(language) for words in (product.name, product.summary, product.description)
            )
            assert 5 <= len(name) <= 80, name
            assert len(summary) >= 15, name
            assert len(description) >= 50, name
            for text in (name, summary, description):
                assert not re.search(r"[{}]|None|  ", text), text
        assert product.description.de != product.description.en


def test_every_variant_can_be_seen(goods: Assortment):
    for product in goods.products:
        looks = {picture.look for picture in product.pictures}
        assert len(product.pictures) >= 2, product.slug
        assert all(picture.alt.de and picture.alt.en for picture in product.pictures)
        for variant in product.variants:
            shown = {value for name, value in variant.options.items() if name in ("colour", "flavour")}
            assert shown <= looks, variant.sku


def test_offers_name_their_maker(goods: Assortment):
    """Regulation (EU) 2023/988, Art. 19: name, postal and electronic address of the manufacturer."""
    for product in goods.products:
        assert re.search(r"\d{4,5} .+@.+\.example$", str(product.attributes["manufacturer"])), product.slug


def test_stock_lies_as_in_a_real_house(goods: Assortment):
    places = {place.code for place in retailer.PLACES}
    all_variants = variants(goods)
    for variant in all_variants:
        assert {one.location for one in variant.stock} <= places
        assert all(0 < one.quantity < 1_000 for one in variant.stock)
    totals = [sum(one.quantity for one in variant.stock) for variant in all_variants]
    gone, low = totals.count(0), sum(0 < total <= 3 for total in totals)
    assert 0.02 < gone / len(totals) < 0.15
    assert 0.02 < low / len(totals) < 0.15
    deep = sum(one.quantity for variant in all_variants for one in variant.stock if one.location == WAREHOUSE)
    assert deep > 0.6 * sum(totals)


def test_the_house_is_nobody_real():
    assert vat.is_valid(retailer.VAT_ID)
    mails = [retailer.EMAIL, *(brand.email for brand in BRANDS.values()), *(one.email for one in retailer.CUSTOMERS)]
    mails += [mail for _, mail, _ in PEOPLE]
    assert all(mail.endswith(".example") and mail.isascii() for mail in mails)
    # Bundesnetzagentur, numbers for media productions: Berlin, Frankfurt, Hamburg, Köln, München.
    free = ("+49 30 23125 ", "+49 69 90009 ", "+49 40 66969 ", "+49 221 4710 ", "+49 89 99998 ")
    assert all(place.phone.startswith(free) for place in retailer.PLACES)
    assert len({place.phone for place in retailer.PLACES}) == len(retailer.PLACES)


def test_there_is_one_warehouse_and_thirty_stores_across_the_country():
    assert [place.kind for place in retailer.PLACES].count("store") == len({store.city for store in STORES}) == 30
    # Germany lies between these (degrees north and east); from the sea to the lake.
    assert all(47.2 < store.latitude < 55.1 and 5.8 < store.longitude < 15.1 for store in STORES)
    assert max(store.latitude for store in STORES) - min(store.latitude for store in STORES) > 6


def test_what_pages_say_of_goods_is_there_in_german(goods: Assortment):
    """Option values and attributes are English messages; `locale` holds the German ones, and no more."""
    with PO.open("rb") as file:
        messages = {str(message.id): str(message.string) for message in read_po(file, locale="de") if message.id}
    said = {colour.name.en for colour in (*COLOURS.values(), *FLAVOURS.values())}
    for product in goods.products:
        for name, value in product.attributes.items():
            if name != "manufacturer" and isinstance(value, str) and "°C" not in value.split(",")[0]:
                said.add(value)
    assert said - set(messages) == set()
    assert all(messages.values())
    labels = {_label(name) for name in (*TOLD.values(), "comfort_temperature", "limit_temperature")}
    # These three are words of the catalogue already.
    assert labels - set(messages) <= {"Weight", "Length", "Width", "Thickness"}


@pytest.mark.parametrize("language", ["de", "en"])
def test_its_words_mean_nothing_else_on_other_pages(language: str):
    """All messages share one catalogue: the "Last" of a shoe once said on every page when something was last seen."""
    own, lotse = PO.parents[2] / language / "LC_MESSAGES" / PO.name, Path(str(files("lotse"))) / "locale" / "de"
    with (lotse / "LC_MESSAGES" / PO.name).open("rb") as file:
        elsewhere = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    with own.open("rb") as file:
        mine = {str(message.id): str(message.string) for message in read_po(file) if message.id}
    assert mine
    for said in mine.keys() & elsewhere.keys():
        assert mine[said] == (elsewhere[said] if language == "de" else said)


def _label(name: str) -> str:
    units = {"mm", "cm", "cm2", "m", "km", "g", "kg", "mg", "gsm", "bar", "kcal", "lux", "lumen", "watt"}
    quantity, _, unit = name.rpartition("_")
    return (quantity if unit in units and quantity else name).replace("_", " ").capitalize()


def test_food_is_stored_and_not_cared_for(goods: Assortment):
    """“Care: store cool and dry” is said of nothing that is eaten."""
    for product in goods.products:
        is_food = any("flavour" in variant.options for variant in product.variants)
        assert ("storage" in product.attributes) == is_food, product.slug
        assert not (is_food and "care" in product.attributes), product.slug
