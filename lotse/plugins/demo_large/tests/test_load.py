"""A small folder into a real database: once, twice, killed, changed, refused."""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lotse.domains.catalog.queries import product_by_slug, variant_by_sku
from lotse.domains.inventory.queries import stock_of_variants
from lotse.domains.parties.queries import shops
from lotse.domains.pricing.queries import price_history, prices_at
from lotse.kernel import check
from lotse.kernel.db import Database, opened
from lotse.kernel.desk.desk import OutcomeUnknown, running
from lotse.kernel.idempotency import Key
from lotse.plugins.demo_large import derive, load
from lotse.plugins.demo_large.load import NothingToBring, Report, bring
from lotse.testing import Databases

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
FOOD = [
    ("4006381333931", "Bio Apfelsaft 1 l", "Äpfel", 0.1),
    ("4006381333948", "Bio Apfelsaft 0,5 l", "Äpfel", 0.1),
    ("4000417025005", "Vollmilch Schokolade", None, 300.0),
    ("4000417025006", "Falsche Ziffer", None, None),
]
FASHION = [
    (1, "Men", "Apparel", "Topwear", "Tshirts", "Red", "Summer", 2012, "Casual", "Nike Men Red Tee"),
    (2, "Men", "Apparel", "Topwear", "Tshirts", "Blue", "Summer", 2012, "Casual", "Nike Men Blue Tee"),
    (3, None, None, None, None, None, None, None, None, None),
]
PHONES: list[dict[str, Any]] = [
    {"name": "Acme - Charger - Black", "brand": "Acme", "categories": ["Cell Phones", "Chargers"], "price": 9.99,
     "image": "https://example.org/1/1234567_sb.jpg", "popularity": 3, "description": "It charges."},
]  # fmt: skip


def written(folder: Path, *, food: Any = FOOD, phones: Any = PHONES) -> Path:
    for name in ("openfoodfacts_de", "fashion_styles", "bestbuy"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as conn:
        conn.execute("create table food (gtin varchar, name varchar, ingredients varchar, fat float)")
        conn.executemany("insert into food values (?, ?, ?, ?)", food)
        conn.table("food").write_parquet(str(folder / "openfoodfacts_de" / "products.parquet"))
        conn.execute(
            'create table styles (id bigint, gender varchar, "masterCategory" varchar, "subCategory" varchar, '
            '"articleType" varchar, "baseColour" varchar, season varchar, year bigint, usage varchar, '
            '"productDisplayName" varchar)'
        )
        conn.executemany("insert into styles values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", FASHION)
        conn.table("styles").write_parquet(str(folder / "fashion_styles" / "styles.parquet"))
    (folder / "bestbuy" / "products.json.gz").write_bytes(gzip.compress(json.dumps(phones).encode()))
    return folder


@pytest.fixture
async def empty(databases: Databases) -> AsyncIterator[Database]:
    """A database in which nobody trades yet."""
    async with opened(databases.migrated()) as database:
        yield database


class Dying:
    """A desk that goes away after some requests."""

    def __init__(self, desk: Any, lasts: int) -> None:
        self._desk, self._left = desk, lasts

    async def submit(self, kind: str, request: Any, answer: Any, *, key: Key, at: datetime) -> Any:
        self._left -= 1
        if self._left < 0:
            raise OutcomeUnknown(key=key.key)
        return await self._desk.submit(kind, request, answer, key=key, at=at)


async def brought(database: Database, folder: Path, home: Path, *, lasts: int = 10**9) -> Report:
    async with running(database.dsn) as desk:
        return await bring(database, Dying(desk, lasts), folder, home=home, at=AT, progress=lambda *_: None)


def listed(report: Report) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(report.rejects).read_text("utf-8").splitlines()]


async def holdings(database: Database) -> dict[str, Any]:
    found: dict[str, Any] = {}
    async with database.reading() as conn:
        for name, text in {
            "products": "select slug, brand, tax_class, attributes, changed_at from catalog.products order by slug",
            "texts": "select language, name, description from catalog.product_texts order by 1, 2",
            "variants": "select sku, gtin, options, position from catalog.variants order by sku",
            "homes": "select count(*) from catalog.product_categories",
            "offers": "select count(*) from offers.offers",
            "prices": "select unit_price, reason from pricing.prices order by id",
            "movements": "select reason, delta, note from pools.movements order by 2, 1",
            "outbox": "select count(*) from kernel.outbox",
            "changes": "select count(*) from kernel.audit",
        }.items():
            found[name] = [tuple(row) for row in await conn.raw.fetch(text)]
    return found


async def test_a_folder_becomes_a_shop_once(empty: Database, tmp_path: Path) -> None:
    folder = written(tmp_path / "data")
    report = await brought(empty, folder, tmp_path)
    assert (report.articles, report.products, report.new) == (6, 4, 6)
    assert (report.rejected, report.fields, report.unreadable, report.failed) == (2, 1, 0, False)
    rejected = listed(report)
    assert [(one["file"], one["row"], one["field"], one["taken"]) for one in rejected] == [
        ("openfoodfacts_de/products.parquet", 3, "fat", True),
        ("openfoodfacts_de/products.parquet", 4, "gtin", False),
        ("fashion_styles/styles.parquet", 3, "productDisplayName", False),
    ]
    assert not await check.run(empty)

    async with empty.reading() as conn:
        [shop] = [one for one in (await shops(conn)).items if one.channel == "web"]
        small = await variant_by_sku(conn, sku="OFF-4006381333948", language="de")
        assert small is not None
        assert (small.name, small.options, small.tax_class) == ("Bio Apfelsaft", {"content": "500 ml"}, "standard")
        page = await product_by_slug(conn, slug=small.slug, language="de")
        assert page is not None
        assert [variant.options["content"] for variant in page.variants] == ["500 ml", "1 l"]
        assert page.attributes["derived"] == ["price", "stock", "category"]
        assert [place.name for place in page.path] == ["Lebensmittel", "Säfte und Nektare"]
        [price] = await prices_at(conn, shop_id=shop.id, variant_ids=[small.id], at=AT)
        [past] = await price_history(conn, shop_id=shop.id, variant_id=small.id)
        assert past.reason == "derived, the source has none"
        [line] = await stock_of_variants(conn, variant_ids=[small.id])
        assert line.on_hand == derive.stock("OFF-4006381333948")
        phone = await variant_by_sku(conn, sku="BB-1234567", language="de")
        assert phone is not None
        [charged] = await prices_at(conn, shop_id=shop.id, variant_ids=[phone.id], at=AT)
        assert charged.unit_price == Decimal("9.99")
        assert price.unit_price is not None
        assert price.unit_price > 0

    before = await holdings(empty)
    again = await brought(empty, folder, tmp_path)
    assert (again.articles, again.new, again.rejected) == (6, 0, 2)
    assert await holdings(empty) == before


async def test_a_run_that_was_killed_goes_on(empty: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path / "data")
    monkeypatch.setattr(load, "BATCH", 1)
    for lasts in (0, 1):
        with pytest.raises(OutcomeUnknown):
            await brought(empty, folder, tmp_path, lasts=lasts)
    report = await brought(empty, folder, tmp_path)
    assert report.articles == 6
    async with empty.reading() as conn:
        found = await conn.raw.fetch(
            "select v.sku, p.on_hand from inventory.stock s join catalog.variants v on v.id = s.variant_id "
            "join pools.pools p on p.id = s.pool_id"
        )
    assert {row["sku"]: row["on_hand"] for row in found} == {row["sku"]: derive.stock(row["sku"]) for row in found}
    assert len(found) == 6


async def test_goods_come_once_although_the_rows_changed_before_they_came(empty: Database, tmp_path: Path) -> None:
    """Killed between a block and its goods, gone on with other rows of the same articles, and with the first ones."""
    first = written(tmp_path / "data")
    with pytest.raises(OutcomeUnknown):
        await brought(empty, first, tmp_path, lasts=0)
    async with empty.reading() as conn:
        opened_places = await conn.raw.fetchval("select count(*) from inventory.stock")
        assert opened_places and not await conn.raw.fetchval("select count(*) from pools.movements")
    food = [(FOOD[0][0], "Bio Apfelsaft naturtrüb 1 l", None, None), *FOOD[1:]]
    for folder in (written(tmp_path / "more", food=food), first):
        await brought(empty, folder, tmp_path)
        async with empty.reading() as conn:
            found = await conn.raw.fetch(
                "select v.sku, p.on_hand from inventory.stock s join catalog.variants v on v.id = s.variant_id "
                "join pools.pools p on p.id = s.pool_id"
            )
        assert len(found) == 6
        assert {row["sku"]: row["on_hand"] for row in found} == {row["sku"]: derive.stock(row["sku"]) for row in found}
    # What was sold out since is not received again.
    async with empty.transaction() as tx:
        await tx.raw.execute("update pools.pools set on_hand = 0")
    report = await brought(empty, written(tmp_path / "last", food=[(*FOOD[0][:1], "Saft 1 l", None, None)]), tmp_path)
    assert report.articles == 4
    async with empty.reading() as conn:
        assert await conn.raw.fetchval("select sum(on_hand) from pools.pools") == 0


async def test_other_rows_of_the_same_form(empty: Database, tmp_path: Path) -> None:
    await brought(empty, written(tmp_path / "data"), tmp_path)
    # A better name; a GTIN twice, the second time with a leading zero; a colour more of what was one article.
    food = [
        (FOOD[0][0], "Bio Apfelsaft naturtrüb 1 l", None, None),
        FOOD[1],
        ("0" + FOOD[1][0], "Zwilling", None, None),
    ]
    phones = [*PHONES, PHONES[0] | {"name": "Acme - Charger - Red", "image": "https://example.org/1/1234568_sb.jpg"}]
    report = await brought(empty, written(tmp_path / "more", food=food, phones=phones), tmp_path)
    assert (report.articles, report.new, report.rejected) == (6, 1, 2)
    async with empty.reading() as conn:
        renamed = await variant_by_sku(conn, sku="OFF-4006381333931", language="de")
        black = await variant_by_sku(conn, sku="BB-1234567", language="en")
        red = await variant_by_sku(conn, sku="BB-1234568", language="en")
        movements = await conn.raw.fetchval("select count(*) from pools.movements")
        stocked = sum(1 for sku in ("OFF-4006381333931", "OFF-4006381333948", "OFF-4000417025005", "FS-1", "FS-2",
                                    "BB-1234567", "BB-1234568") if derive.stock(sku))  # fmt: skip
    assert renamed is not None
    assert renamed.name == "Bio Apfelsaft naturtrüb 1 l"
    # An article stays the product that it was: orders and links point at it.
    assert black is not None
    assert red is not None
    assert black.slug != red.slug
    assert movements == stocked


async def test_what_the_database_refuses_stands_alone(empty: Database, tmp_path: Path) -> None:
    await brought(empty, written(tmp_path / "data"), tmp_path)
    async with empty.transaction() as tx:
        await tx.raw.execute("update catalog.variants set sku = 'OWN-1' where sku = 'OFF-4000417025005'")
    food = [("4000417025005", "Milchschokolade", None, None), ("4006381333955", "Traubensaft", None, None)]
    report = await brought(empty, written(tmp_path / "more", food=food), tmp_path)
    assert report.rejected == 2
    assert ("4000417025005", "gtin") in {(one["key"], one["field"]) for one in listed(report)}
    async with empty.reading() as conn:
        assert await variant_by_sku(conn, sku="OFF-4006381333955", language="de")


async def test_a_folder_with_nothing_in_it(empty: Database, tmp_path: Path) -> None:
    with pytest.raises(NothingToBring):
        await brought(empty, tmp_path, tmp_path)
    (tmp_path / "fashion_styles").mkdir()
    (tmp_path / "fashion_styles" / "styles.parquet").write_bytes(b"no")
    report = await brought(empty, tmp_path, tmp_path)
    assert (report.articles, report.unreadable, report.failed) == (0, 1, True)
