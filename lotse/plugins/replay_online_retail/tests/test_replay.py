"""A small source through the real desk and a real database: once, twice, interrupted, changed, refused."""

import csv
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.customers.queries import addresses, customers_by_number
from lotse.domains.inventory.queries import stock_of_variants
from lotse.domains.orders.queries import id_of_number, order
from lotse.kernel.db import Database, opened
from lotse.kernel.desk import Desk
from lotse.kernel.desk.desk import OutcomeUnknown, running
from lotse.kernel.idempotency import Key
from lotse.plugins.replay_online_retail.house import natural_key
from lotse.plugins.replay_online_retail.replay import Report, SourceChanged, replay
from lotse.plugins.replay_online_retail.steps import Stepper
from lotse.testing import Databases

HEAD = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
UK = "United Kingdom"
ROWS = [
    ["1001", "22", "TEA SET", "6", "2010-12-01 08:26", "2.55", "17850", UK],
    ["1001", "22", "TEA SET", "6", "2010-12-01 08:26", "2.55", "17850", UK],
    ["1001", "23", "JUG", "3", "2010-12-01 08:27", "0.115", "17850", UK],
    ["1001", "POST", "POSTAGE", "1", "2010-12-01 08:26", "18", "17850", UK],
    ["1001", "M", "Manual", "1", "2010-12-01 08:26", "1.5", "17850", UK],
    ["1002", "23", "JUG", "4", "2010-12-02 09:00", "1.25", "", "France"],
    ["1003", "22", "damages", "-2", "2010-12-03 09:00", "0", "", UK],
    ["1004", "23", "found", "5", "2010-12-03 09:30", "0", "", UK],
    ["C1005", "22", "TEA SET", "-8", "2010-12-04 10:00", "2.55", "17850", UK],
    ["C1005", "POST", "POSTAGE", "-1", "2010-12-04 10:00", "18", "17850", UK],
    ["C1006", "23", "JUG", "-1", "2010-12-05 10:00", "9.95", "17850", UK],
    ["C1007", "AMAZONFEE", "AMAZON FEE", "-1", "2010-12-06 10:00", "135.41", "", UK],
    ["A1008", "B", "Adjust bad debt", "1", "2010-12-06 11:00", "-110.62", "", UK],
    ["1009", "22", "TEA SET", "0", "2010-12-06 12:00", "2.55", "17850", UK],
    ["1010", "22", "TEA SET", "1", "2010-12-06 12:00", "-2.55", "17850", UK],
    ["1011", "22", "TEA SET", "10", "2011-01-10 12:00", "2.35", "17850", "Cyprus"],
    ["1013", "22", "TEA SET", "2", "", "1.25", "17850", UK],
    ["1012", "24", "NEW JUG", "10", "2011-01-11 12:00", "words", "17850", UK],
]
SUM_MINOR = 1530 * 2 + 35 + 1800 + 150 + 500 - 2040 - 1800 - 995 - 13541 - 11062 - 255 + 2350 + 250


def written(folder: Path, rows: list[list[str]]) -> Path:
    folder.mkdir(exist_ok=True)
    with (folder / "a.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEAD, *rows])
    return folder


@pytest.fixture
async def empty(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database that nobody has traded in, and a home for the list of what could not be mapped."""
    monkeypatch.setenv("LOTSE_HOME", str(tmp_path / "home"))
    async with opened(databases.migrated()) as database:
        yield database


async def replayed(database: Database, folder: Path, said: list[str] | None = None, *, lasts: int = 10**9) -> Report:
    def progress(*parts: Any) -> None:
        if said is not None:
            said.append(" ".join(map(str, parts)))

    async with running(database.dsn) as desk:
        return await replay(database, Dying(desk, lasts), folder, progress=progress)


class Dying:
    """A desk that goes away after some requests."""

    def __init__(self, desk: Desk, lasts: int) -> None:
        self._desk = desk
        self._left = lasts

    async def submit(self, kind: str, request: Any, answer: Any, *, key: Key, at: datetime) -> Any:
        self._left -= 1
        if self._left < 0:
            raise OutcomeUnknown(key=key.key)
        return await self._desk.submit(kind, request, answer, key=key, at=at)


async def holdings(database: Database) -> dict[str, Any]:
    """What a replay leaves behind, without ids and times of recording."""
    async with database.reading() as conn:
        found: dict[str, Any] = {}
        for name, text in {
            "orders": "select number, gross_minor, placed_at from orders.orders order by number",
            "lines": "select sku, quantity, gross_minor, unit_price from orders.lines order by 1, 2, 3",
            "amendments": "select kind, reason, gross_minor, occurred_at from orders.amendments order by 1, 2, 3",
            "entries": "select account, kind, amount_minor, period from ledger.entries order by 1, 2, 3, 4",
            "movements": "select reason, delta, note, occurred_at from pools.movements order by 1, 2, 3, 4",
            "pools": "select on_hand, held from pools.pools order by 1, 2",
            "events": "select type, count(*) from kernel.event_log group by type order by type",
        }.items():
            found[name] = [tuple(row) for row in await conn.raw.fetch(text)]
        return found


async def test_a_source_is_replayed_and_its_money_is_all_there(empty: Database, tmp_path: Path) -> None:
    said: list[str] = []
    report = await replayed(empty, written(tmp_path / "source", ROWS), said)
    assert structs.replace(report, seconds=0) == Report(
        orders=3,
        lines=len(ROWS),
        returns=1,
        credits=1,
        adjustments=2,
        unmapped=4,
        customers=1,
        articles=2,
        turnover_minor=1530 * 2 + 35 + 1800 + 500 + 2350,
        refunds_minor=2040 + 1800 + 995,
        entries_minor=150 - 13541 - 11062 - 255 + 250,
        difference_minor=0,
        seconds=0,
        check="ok",
        changed=report.changed,
    )
    assert report.turnover_minor - report.refunds_minor + report.entries_minor == SUM_MINOR
    listed = [
        json.loads(line)
        for line in (tmp_path / "home" / "replay" / "online-retail-unmapped.jsonl").read_text().splitlines()
    ]
    assert sorted((line["row"], line["reason"]) for line in listed) == [
        (14, "a quantity of zero"),
        (15, "a negative price"),
        (17, "no date"),
        (18, "a unit price that is not a number up to ten million"),
    ]
    assert any("4 lines could not be mapped" in line for line in said)


async def test_what_it_leaves_behind(empty: Database, tmp_path: Path) -> None:
    await replayed(empty, written(tmp_path / "source", ROWS))
    async with empty.reading() as conn:
        order_id = await id_of_number(conn, number="OR-1001")
        assert order_id is not None
        sale = await order(conn, order_id=order_id)
        assert sale is not None
        lines = [(line.sku, line.kind, line.quantity, line.gross_minor, line.taken_back) for line in sale.lines]
        assert lines == [
            ("22", "goods", 6, 1530, 6),
            ("22", "goods", 6, 1530, 2),
            ("23", "goods", 3, 35, 0),
            ("POST", "shipping", 1, 1800, 1),
        ]
        assert sale.placed_at.isoformat() == "2010-12-01T08:26:00+00:00"
        assert {line.tax_code for line in sale.lines} == {"not-recorded"}
        assert [(note.kind, note.gross_minor) for note in sale.amendments] == [("return", 2040 + 1800)]
        customer = (await customers_by_number(conn, numbers=["OR-17850"]))["OR-17850"]
        assert {address.country for address in await addresses(conn, customer_id=customer.id)} == {"GB", "CY"}
        variants = await variant_ids_by_sku(conn, skus=["22", "23"])
        stock = {
            line.variant_id: line.on_hand for line in await stock_of_variants(conn, variant_ids=list(variants.values()))
        }
        # 22: 14 leave in December, a reserve of 4 is delivered with them, 8 come back; January's 10 are there.
        # 23: 7 leave, a reserve of 2, then 5 are found and 1 comes back.
        assert {sku: stock[variant_id] for sku, variant_id in variants.items()} == {"22": 2, "23": 8}


async def test_a_second_run_changes_nothing_and_says_so(empty: Database, tmp_path: Path) -> None:
    folder = written(tmp_path / "source", ROWS)
    first = await replayed(empty, folder)
    before = await holdings(empty)
    said: list[str] = []
    second = await replayed(empty, folder, said)
    assert await holdings(empty) == before
    assert structs.replace(second, seconds=0, changed=0) == structs.replace(first, seconds=0, changed=0)
    assert second.changed == 0
    assert any(line.startswith("nothing changed") for line in said)


async def test_an_interrupted_run_ends_the_same(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOTSE_HOME", str(tmp_path / "home"))
    folder = written(tmp_path / "source", ROWS)
    async with opened(databases.migrated()) as database:
        whole = await replayed(database, folder)
        wanted = await holdings(database)
    for lasts in (0, 1, 3, 5):
        async with opened(databases.migrated()) as database:
            with pytest.raises(OutcomeUnknown):
                await replayed(database, folder, lasts=lasts)
            resumed = await replayed(database, folder)
            found = await holdings(database)
        assert structs.replace(resumed, seconds=0, changed=0) == structs.replace(whole, seconds=0, changed=0)
        # How often a shelf runs out in between depends on the batches.
        assert {name: rows for name, rows in found.items() if name != "events"} == {
            name: rows for name, rows in wanted.items() if name != "events"
        }


async def test_later_months_may_be_added(empty: Database, tmp_path: Path) -> None:
    december = [row for row in ROWS if "" < row[4] < "2011"]
    await replayed(empty, written(tmp_path / "source", december))
    report = await replayed(empty, written(tmp_path / "source", ROWS))
    assert (report.orders, report.difference_minor, report.check) == (3, 0, "ok")


async def test_a_changed_source_is_refused(empty: Database, tmp_path: Path) -> None:
    await replayed(empty, written(tmp_path / "source", ROWS))
    changed = [[*ROWS[0][:3], "7", *ROWS[0][4:]], *ROWS[1:]]
    with pytest.raises(SourceChanged):
        await replayed(empty, written(tmp_path / "source", changed))


async def test_a_refused_order_is_listed_and_its_money_waits(empty: Database, tmp_path: Path) -> None:
    """An invoice of more lines than an order may have, and a credit note that takes back of it."""
    long = [["2001", "22", "TEA SET", "1", "2010-12-01 08:00", "1.25", "17850", UK] for _ in range(2_001)]
    rows = [*long, ["C2002", "22", "TEA SET", "-1", "2010-12-02 08:00", "1.25", "17850", UK], *ROWS]
    folder = written(tmp_path / "source", rows)
    report = await replayed(empty, folder)
    assert report.unmapped == 4 + 2_001 + 1
    assert (report.orders, report.returns, report.difference_minor, report.check) == (3, 1, 0, "ok")
    again = await replayed(empty, folder)
    assert structs.replace(again, seconds=0, changed=0) == structs.replace(report, seconds=0, changed=0)
    assert again.changed == 0


def test_keys_say_what_the_source_says_and_no_more() -> None:
    from lotse.plugins.replay_online_retail.tests.test_mapping import NOON, facts, line

    def keys(*lines: Any) -> list[tuple[str, bytes]]:
        return [(step.key.key, step.key.body_hash) for _, some in Stepper().of(facts(*lines), NOON) for step in some]

    one = line("1", "22", 2, "1.5")
    moved = structs.replace(one, file="b.csv", row=77)
    assert keys(one) == keys(moved)
    assert keys(one) != keys(structs.replace(one, description="TEA POT"))
    twice = [line("3", "M", 1, "5"), line("3", "M", 1, "5")]
    assert [key for key, _ in keys(*twice)] == ["online-retail:3:entry:1", "online-retail:3:entry:2"]
    assert natural_key("1", b"").natural
