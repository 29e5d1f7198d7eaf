"""Imports: an empty installation begins with files; rows are refused one by one; the same file again changes nothing;
a stopped run goes on; what another has the say over becomes a difference."""

import json
import resource
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.catalog.commands import put_products, rename_category
from lotse.domains.catalog.contracts import PutProduct, Text
from lotse.domains.catalog.queries import product_by_slug, successor, variant_ids_by_sku
from lotse.domains.inventory.commands import count_goods, move_goods
from lotse.domains.inventory.contracts import (
    Count,
    CountOverruled,
    DocumentKind,
    InvalidCount,
    MoveRequest,
    StockChange,
    StockKey,
)
from lotse.domains.inventory.queries import location_by_code, stock_of_variants
from lotse.domains.inventory.rules import difference
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.orders.commands import sale_of_till, till_key
from lotse.domains.orders.commands import sell as place_sale
from lotse.domains.orders.contracts import TillLine, TillSale
from lotse.domains.parties.queries import shop_by_code
from lotse.domains.pools.commands import POOLS, PoolRow, move, pool, was_counted_since
from lotse.domains.pools.contracts import Cause
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.domains.pricing.queries import prices_at
from lotse.kernel import audit, masters
from lotse.kernel.db import Database, opened
from lotse.kernel.desk import Desk, Draft
from lotse.kernel.desk.desk import running
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.imports import drop, runs
from lotse.kernel.imports.contracts import FileNotTaken, Import, ImportNotOpen, UnknownImport, UnknownImportKind
from lotse.kernel.imports.reading import delimiter_of, heading, records
from lotse.kernel.masters import NotTheMaster
from lotse.kernel.refusals import Invalid
from lotse.testing import Databases

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)

SHOPS = "code,name,currency,country,timezone,languages\nhaus,Sporthaus,EUR,DE,Europe/Berlin,de|en\n"
LOCATIONS = "code,kind,name,city,country,timezone,shops\nlager,warehouse,Lager,Kiel,DE,Europe/Berlin,haus\n"
ARTICLES = """sku;product;name;brand;category;options.size;gtin
SHOE-42;runner;Läufer;Fjord;Schuhe > Laufen;42;
SHOE-43;runner;;;;43;4006381333931
BALL;;Ball "Eins";Fjord;Bälle;;
"""
PRICES = "sku,price\nSHOE-42,99.90\nSHOE-43,99.9\nBALL,19\n"
STOCK = "sku,location,quantity,counted_at\nSHOE-42,lager,10,2026-03-01T08:00:00Z\nBALL,lager,47,2026-03-01T08:00:00Z\n"


class House(Struct, frozen=True):
    db: Database
    desk: Desk

    async def take(self, kind: str, text: str | bytes, *, at: datetime = AT, until: Any = None, **more: Any) -> Import:
        body = text.encode() if isinstance(text, str) else text
        pieces = [body[i : i + 1_000] for i in range(0, len(body), 1_000)]
        given: Mapping[str, Any] = {"name": f"{kind}.csv", "format": "csv", "by": "test", "at": at, **more}
        id = await runs.receive(self.db, runs.in_pieces(pieces), kind=kind, **given)
        return await runs.run(self.db, self.desk, import_id=id, at=at, until=until)

    async def on_hand(self, sku: str) -> int:
        async with self.db.reading() as conn:
            ids = await variant_ids_by_sku(conn, skus=[sku])
            return sum(line.on_hand for line in await stock_of_variants(conn, variant_ids=[ids[sku]]))

    async def price(self, sku: str, at: datetime = AT) -> Decimal | None:
        async with self.db.reading() as conn:
            shop = await shop_by_code(conn, code="haus")
            assert shop
            ids = await variant_ids_by_sku(conn, skus=[sku])
            found = await prices_at(conn, shop_id=shop.id, variant_ids=[ids[sku]], at=at)
            return found[0].unit_price if found else None

    async def refused(self, done: Import) -> list[tuple[int, str, str]]:
        async with self.db.reading() as conn:
            page = await runs.refused_rows(conn, import_id=done.id, limit=200)
            return [(row.line, row.field, row.code) for row in page.items]


@pytest.fixture(scope="module")
async def house(databases: Databases) -> AsyncIterator[House]:
    dsn = databases.migrated()
    async with opened(dsn, role="test imports") as database, running(dsn) as desk:
        own = House(database, desk)
        # How an empty installation begins.
        for kind, text in (("shops", SHOPS), ("locations", LOCATIONS), ("articles", ARTICLES), ("prices", PRICES)):
            done = await own.take(kind, text, options={"language": "de"})
            assert (done.state, done.refused) == ("done", 0), await own.refused(done)
        done = await own.take("stock", STOCK)
        assert (done.state, done.changed) == ("done", 2), await own.refused(done)
        yield own


def counts(done: Import) -> tuple[int, int, int, int, int]:
    return done.created, done.changed, done.unchanged, done.held, done.refused


# -- the beginning


async def test_files_make_a_shop_that_sells(house: House):
    async with house.db.reading() as conn:
        shop = await shop_by_code(conn, code="haus")
        assert shop and shop.languages == ["de", "en"]
        page = await product_by_slug(conn, slug="runner", language="de")
        assert page and page.name == "Läufer"
        assert [(v.sku, v.options, v.gtin) for v in page.variants] == [
            ("SHOE-42", {"size": "42"}, None),
            ("SHOE-43", {"size": "43"}, "4006381333931"),
        ]
        assert [step.name for step in page.path] == ["Schuhe", "Laufen"]
        ids = await variant_ids_by_sku(conn, skus=["SHOE-42", "SHOE-43", "BALL"])
        assert len(await offers_for_variants(conn, shop_id=shop.id, variant_ids=list(ids.values()))) == 3
        ball = await product_by_slug(conn, slug="ball-eins-ball", language="de")
        assert ball and ball.name == 'Ball "Eins"'
    assert await house.price("SHOE-42") == Decimal("99.9")
    assert await house.on_hand("BALL") == 47


@pytest.mark.parametrize(
    ("kind", "text", "rows"),
    [
        ("shops", SHOPS, 1),
        ("locations", LOCATIONS, 1),
        ("articles", ARTICLES, 3),
        ("prices", PRICES, 3),
        ("stock", STOCK, 2),
    ],
)
async def test_the_same_file_again_changes_nothing(house: House, kind: str, text: str, rows: int):
    done = await house.take(kind, text, options={"language": "de"}, at=AT + timedelta(hours=1))
    assert counts(done) == (0, 0, rows, 0, 0)


async def test_customers(house: House):
    text = "number,name,email,street,postcode,city\nK1,Ida Müller,ida@example.org,Weg 1,24103,Kiel\n"
    assert counts(await house.take("customers", text)) == (1, 0, 0, 0, 0)
    assert counts(await house.take("customers", text)) == (0, 0, 1, 0, 0)
    changed = "number,email\nK1,mueller@example.org\n"
    assert counts(await house.take("customers", changed)) == (0, 1, 0, 0, 0)
    assert counts(await house.take("customers", text.replace("ida@", "mueller@"))) == (0, 0, 1, 0, 0)


# -- rows that are refused, one by one


async def test_bad_rows_are_named_and_the_others_go_in(house: House):
    text = (
        "sku,price,valid_from\n"
        "BALL,20,\n"
        "NOSUCH,1,\n"
        "SHOE-42,abc,\n"
        "SHOE-43,-1,\n"
        ",5,\n"
        "SHOE-42,101,2026-01-01\n"
        "\n"
        'SHOE-42,"10\n1",\n'
        "SHOE-43,102,2026-04-01T00:00:00+02:00,more\n"
        "SHOE-42,100,2020-01-01T00:00:00Z\n"
    )
    done = await house.take("prices", text, at=AT + timedelta(hours=2))
    assert await house.refused(done) == [
        (3, "variant", "unknown-variant"),
        (4, "price", "row-refused"),
        (5, "variant_id", "invalid-price"),
        (6, "sku", "row-refused"),
        (7, "valid_from", "row-refused"),
        (9, "price", "row-refused"),
        (11, "row", "row-refused"),
    ]
    assert done.changed == 2
    assert await house.price("BALL", AT + timedelta(hours=3)) == 20
    assert await house.price("SHOE-42", AT + timedelta(hours=3)) == 100, "a moment that has passed means at once"
    await house.take("prices", PRICES, at=AT + timedelta(hours=3))


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"sku\nA\n" * 0, "not empty"),
        (b"name,price\nA,1\n", "a column sku"),
        (b"sku,price,colour\nA,1,red\n", "not colour"),
        (b"sku,sku\nA,1\n", "each column once"),
        (b"\xff\xfe\x00\n", "UTF-8"),
    ],
)
async def test_files_that_are_none(house: House, body: bytes, rule: str):
    try:
        done = await house.take("prices", body)
    except FileNotTaken as refusal:
        assert rule in refusal.rule
    else:
        assert (done.state, rule in done.reason) == ("failed", True), done.reason


async def test_refusals_of_a_file(house: House):
    with pytest.raises(UnknownImportKind):
        await house.take("nonsense", "a\n")
    with pytest.raises(Invalid):
        await house.take("prices", PRICES, source="Big ERP!")
    with pytest.raises(Invalid):
        await house.take("prices", PRICES, options={"encoding": "ebcdic"})
    with pytest.raises(FileNotTaken):
        await house.take("prices", "x" * 100, max_bytes=10)
    with pytest.raises(UnknownImport):
        await runs.run(house.db, house.desk, import_id=uuid7(), at=AT)


async def test_json_lines_and_old_spreadsheets(house: House):
    lines = "\n".join(
        json.dumps(row)
        for row in ({"sku": "SHOE-42", "attributes": {"drop_mm": 8}}, {"sku": "SHOE-42", "color": "x"}, ["no"])
    )
    done = await house.take("articles", lines + "\n{", format="jsonl", options={"language": "de"})
    assert counts(done) == (0, 1, 0, 0, 3)
    assert [line for line, _, _ in await house.refused(done)] == [2, 3, 4]
    old = "sku;summary\r\nBALL;Für draußen\r\n".encode("cp1252")
    done = await house.take("articles", old, options={"language": "de", "encoding": "windows-1252"})
    assert counts(done) == (0, 1, 0, 0, 0)
    async with house.db.reading() as conn:
        ball = await product_by_slug(conn, slug="ball-eins-ball", language="de")
        assert ball and (ball.summary, ball.name) == ("Für draußen", 'Ball "Eins"')


# -- dry runs, resuming


async def test_a_dry_run_says_what_would_be_and_does_nothing(house: House):
    done = await house.take("prices", "sku,price\nBALL,1\nNOSUCH,1\n", dry_run=True, at=AT + timedelta(hours=4))
    assert counts(done) == (0, 1, 0, 0, 1)
    assert await house.price("BALL", AT + timedelta(hours=5)) != 1
    before = await house.on_hand("BALL")
    assert counts(await house.take("stock", "sku,location,quantity\nBALL,lager,1\n", dry_run=True)) == (0, 1, 0, 0, 0)
    assert await house.on_hand("BALL") == before


async def test_a_stopped_run_goes_on_where_it_was(house: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(runs.importer_of("articles"), "batch", 7)
    text = "sku,name\n" + "".join(f"RES-{n},Thing {n}\n" for n in range(50))
    stopped = await house.take("articles", text, until=lambda: True)
    assert (stopped.state, stopped.created, stopped.line) == ("running", 7, 9)
    async with house.db.transaction() as tx:
        await runs.cancel(tx, import_id=stopped.id, by="test", at=AT)
        with pytest.raises(ImportNotOpen):
            await runs.cancel(tx, import_id=stopped.id, by="test", at=AT)
    assert (await runs.run(house.db, house.desk, import_id=stopped.id, at=AT)).state == "cancelled"
    async with house.db.transaction() as tx:
        await runs.resume(tx, import_id=stopped.id)
        with pytest.raises(ImportNotOpen):
            await runs.resume(tx, import_id=stopped.id)
    done = await runs.run(house.db, house.desk, import_id=stopped.id, at=AT)
    assert (done.state, done.created, done.percent) == ("done", 50, 100)


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=8), st.integers(1, 60))
def test_rows_are_the_same_wherever_the_file_is_cut(rows: list[tuple[str, str]], cut: int):
    """Read from any place at which a row begins, with any amount at hand."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["a", "b"])
    plain = [(a.replace("\0", "").replace("\r", ""), b.replace("\0", "").replace("\r", "")) for a, b in rows]
    writer.writerows(plain)
    body = out.getvalue().encode("utf-8", "replace")
    columns, at, lines = heading(body)
    line, found = 1 + lines, []
    size = cut
    while at < len(body):
        piece = body[at : at + size]
        took = 0
        for one in records(
            piece, format="csv", columns=columns, delimiter=delimiter_of("a,b"), encoding="utf-8", line=line,
            last=at + size >= len(body),
        ):  # fmt: skip
            took += one.size
            line += one.lines
            if one.row:
                found.append(one.row)
        at += took
        size = cut if took else size * 2
    expected = [
        {name: cell.strip() for name, cell in zip("ab", row, strict=True) if cell.strip()}
        for row in ((a.encode("utf-8", "replace").decode(), b.encode("utf-8", "replace").decode()) for a, b in plain)
    ]
    assert found == [row for row in expected if row]


@pytest.mark.slow
async def test_a_hundred_thousand_rows_take_no_more_memory(house: House):
    async def lines() -> AsyncIterator[bytes]:
        yield b"sku,location,quantity,lot\n"
        for thousand in range(100):
            yield b"".join(b"BALL,lager,0,L%d\n" % (thousand * 1_000 + n) for n in range(1_000))

    id = await runs.receive(house.db, lines(), kind="stock", name="stock.csv", format="csv", by="test", at=AT)
    for _ in range(5):
        await runs.step(house.db, house.desk, import_id=id, at=AT)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = await runs.run(house.db, house.desk, import_id=id, at=AT)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert counts(done) == (0, 0, 100_000, 0, 0)
    assert grown < 20_000, f"{grown} KiB more"


# -- stock of a moment


async def sell(house: House, sku: str, quantity: int, at: datetime) -> None:
    async with house.db.reading() as conn:
        ids = await variant_ids_by_sku(conn, skus=[sku])
        [line] = await stock_of_variants(conn, variant_ids=[ids[sku]])
    request = MoveRequest(
        document_id=uuid7(),
        kind="adjustment",
        changes=(StockChange(line.pool_id, -quantity),),
        actor="test",
        occurred_at=at,
    )
    await move_goods(house.desk, request=request, key=key_for("test", str(request.document_id), request))


async def test_a_figure_of_a_moment_never_undoes_later_sales(house: House):
    counted = AT + timedelta(hours=1)
    await house.take("articles", "sku,name\nCAP,Kappe\n")
    await house.take("stock", "sku,location,quantity,counted_at\nCAP,lager,30,2026-03-01T08:00:00Z\n")
    await sell(house, "CAP", 4, counted - timedelta(minutes=5))
    await sell(house, "CAP", 3, counted + timedelta(minutes=5))
    figure = f"sku,location,quantity,counted_at\nCAP,lager,25,{counted.isoformat()}\n"
    assert counts(await house.take("stock", figure, at=AT + timedelta(hours=2))) == (0, 1, 0, 0, 0)
    assert await house.on_hand("CAP") == 22, "25 were there at one; three were sold since"
    await sell(house, "CAP", 2, AT + timedelta(hours=3))
    assert counts(await house.take("stock", figure, at=AT + timedelta(hours=4))) == (0, 0, 1, 0, 0)
    assert await house.on_hand("CAP") == 20
    older = figure.replace(counted.isoformat(), (counted - timedelta(hours=1)).isoformat())
    done = await house.take("stock", older, at=AT + timedelta(hours=5))
    assert await house.refused(done) == [(2, "counted_at", "count-overruled")]
    await sell(house, "CAP", 20, AT + timedelta(hours=6))
    below = figure.replace(",25,", ",24,")  # at one o'clock only 24: then one was sold that was not there
    done = await house.take("stock", below, at=AT + timedelta(hours=7))
    assert await house.on_hand("CAP") == 0 and done.refused == 1


async def till(house: House, sku: str, quantity: int, at: datetime) -> None:
    """A till tells of a sale, some time after it."""
    line = TillLine(sku=sku, quantity=quantity, gross_minor=1_000 * quantity)
    sale = TillSale(till="T1", receipt=uuid7().hex, location="lager", lines=(line,), occurred_at=at)
    async with house.db.transaction() as tx:
        shop = await shop_by_code(tx, code="haus")
        assert shop
        request = await sale_of_till(tx, shop=shop, sale=sale, actor="till")
    await place_sale(house.desk, request=request, key=till_key(sale))


async def test_a_till_that_tells_late_takes_nothing_from_a_shelf_twice(house: House):
    """At ten there are 30; two go unheard at eleven, at twelve somebody counts 28. Then the till tells."""
    counted = AT - timedelta(hours=1)
    await house.take("articles", "sku,name\nHAT,Hut\n")
    await house.take("stock", "sku,location,quantity,counted_at\nHAT,lager,30,2026-03-01T08:00:00Z\n")
    figure = f"sku,location,quantity,counted_at\nHAT,lager,28,{counted.isoformat()}\n"
    assert counts(await house.take("stock", figure)) == (0, 1, 0, 0, 0)
    await till(house, "HAT", 2, counted - timedelta(hours=1))
    assert await house.on_hand("HAT") == 28, "they were gone when it was counted"
    await till(house, "HAT", 3, counted + timedelta(minutes=1))
    assert await house.on_hand("HAT") == 25, "they were there when it was counted"
    assert counts(await house.take("stock", figure)) == (0, 0, 1, 0, 0), "the same figure finds nothing to book"
    assert await house.on_hand("HAT") == 25
    # A figure that is refused was no count: what is told late counts as it did before.
    await sell(house, "HAT", 25, AT)
    nothing = figure.replace(",28,", ",1,").replace(counted.isoformat(), (counted + timedelta(minutes=2)).isoformat())
    assert (await house.take("stock", nothing, at=AT + timedelta(hours=1))).refused == 1
    async with house.db.reading() as conn:
        ids = await variant_ids_by_sku(conn, skus=["HAT"])
        [line] = await stock_of_variants(conn, variant_ids=[ids["HAT"]])
        mark = await conn.raw.fetchval("select counted_at from pools.pools where id = $1", line.pool_id)
    assert mark == counted


async def test_a_delivery_that_is_told_late_was_counted_with_the_rest(house: House):
    await house.take("articles", "sku,name\nBAG,Tasche\n")
    await house.take("stock", "sku,location,quantity,counted_at\nBAG,lager,9,2026-03-01T08:00:00Z\n")
    async with house.db.reading() as conn:
        ids = await variant_ids_by_sku(conn, skus=["BAG"])
        [line] = await stock_of_variants(conn, variant_ids=[ids["BAG"]])
    for moment, expected in ((AT - timedelta(days=1), 9), (AT, 13)):
        request = MoveRequest(
            document_id=uuid7(),
            kind="receipt",
            changes=(StockChange(line.pool_id, 4),),
            actor="test",
            occurred_at=moment,
        )
        key = key_for("test", str(request.document_id), request)
        moved = await move_goods(house.desk, request=request, key=key)
        assert moved.on_hand == (expected,) and await house.on_hand("BAG") == expected


async def test_moved_goods_are_in_the_log_once_with_from_where(house: House):
    """The desk is another process than the page: it says what it is told of who asked."""
    await house.take("articles", "sku,name\nNET,Netz\n")
    await house.take("stock", "sku,location,quantity,counted_at\nNET,lager,9,2026-03-01T08:00:00Z\n")
    async with house.db.reading() as conn:
        ids = await variant_ids_by_sku(conn, skus=["NET"])
        [line] = await stock_of_variants(conn, variant_ids=[ids["NET"]])
    told = audit.origin.set(audit.Origin("page", "/office/stock", "2001:db8::7", "session-7", "request-7"))
    try:
        changes: tuple[tuple[DocumentKind, int], ...] = (("receipt", 4), ("adjustment", -2))
        for kind, delta in changes:
            request = MoveRequest(
                document_id=uuid7(),
                kind=kind,
                changes=(StockChange(line.pool_id, delta),),
                note="broken",
                actor="staff:7",
                occurred_at=AT,
            )
            await move_goods(house.desk, request=request, key=key_for("test", str(request.document_id), request))
            async with house.db.reading() as conn:
                [entry] = await audit.history(conn, subject=f"inventory.document:{request.document_id}")
            assert (entry.actor, entry.reason) == ("staff:7", "broken")
            assert (entry.origin, entry.address, entry.session) == ("/office/stock", "2001:db8::7", "session-7")
            assert entry.new == {"kind": kind, "reference": "", "positions": 1, "pieces": delta}
    finally:
        audit.origin.reset(told)


async def test_counts_are_refused_by_name(house: House):
    async with house.db.reading() as conn:
        ids = await variant_ids_by_sku(conn, skus=["SHOE-43"])
        place = await location_by_code(conn, code="lager")
        shop = await shop_by_code(conn, code="haus")
    assert place and shop
    key = StockKey(ids["SHOE-43"], place.id, shop.owner_party_id)
    with pytest.raises(InvalidCount):
        await count_goods(house.db, house.desk, [Count(key, -1, AT)], by="test", at=AT)
    with pytest.raises(InvalidCount):
        await count_goods(house.db, house.desk, [Count(key, 1, AT + timedelta(days=1))], by="test", at=AT)
    with pytest.raises(InvalidCount):
        await count_goods(house.db, house.desk, [Count(key, 1, AT)] * 2, by="test", at=AT)
    [done] = await count_goods(house.db, house.desk, [Count(key, 5, AT)], by="test", at=AT)
    assert (done.expected, done.delta) == (0, 5)
    with pytest.raises(CountOverruled):
        await count_goods(house.db, house.desk, [Count(key, 5, AT - timedelta(days=1))], by="test", at=AT)


Story = st.lists(st.tuples(st.sampled_from(["sale", "figure"]), st.integers(0, 20), st.integers(0, 50)), max_size=30)


@settings(max_examples=300)
@given(Story)
def test_figures_of_moments(story: list[tuple[str, int, int]]):
    """The rule alone: movements as (moment, delta). After any story the books of a figure's moment say the figure,
    unless a later figure overruled it, and what moved later moved by as much as it did."""
    movements: list[tuple[int, int]] = []
    latest = -1

    def books(moment: int) -> int:
        return sum(delta for at, delta in movements if at <= moment)

    for kind, moment, quantity in story:
        if kind == "sale":
            movements.append((moment, -quantity))
            continue
        if moment < latest:
            continue  # overruled
        later = [one for one in movements if one[0] > moment]
        before = books(99) - books(moment)
        movements.append((moment, difference(quantity, books(moment))))
        latest = moment
        assert books(moment) == quantity
        assert [one for one in movements if one[0] > moment] == later
        assert books(99) - books(moment) == before
        assert difference(quantity, books(moment)) == 0, "the same figure again books nothing"


# What a shelf sees: a sale at a moment that is told some time after it, or a count at a moment that arrives later.
Shelf = st.lists(
    st.tuples(st.sampled_from(["sale", "count"]), st.integers(0, 40), st.integers(0, 20), st.integers(1, 3)),
    max_size=25,
)


@settings(max_examples=300)
@given(Shelf)
def test_books_and_shelf_agree_whatever_comes_late(happenings: list[tuple[str, int, int, int]]):
    """Sales in any order before and after counts: once all is told, the books say what lies there, and at the moment
    of the last count they say its figure. Movements are the desk's own, made by its functions."""
    begin, pool_id = 100, 7

    def moment(minute: int) -> datetime:
        return AT + timedelta(minutes=minute)

    def shelf(minute: int) -> int:
        return begin - sum(pieces for kind, at, _, pieces in happenings if kind == "sale" and at <= minute)

    draft = Draft(AT, AT, {})
    draft.put(POOLS, pool_id, PoolRow(pool_id, begin, 0))
    movements: list[tuple[datetime, int]] = []

    def moved(delta: int, at: datetime, reason: str) -> None:
        move(draft, pool_id, delta, Cause(reason, "test", uuid7(), "test", at))
        movements.append((at, delta))

    def books(at: datetime) -> int:
        return begin + sum(delta for then, delta in movements if then <= at)

    latest = -1
    for kind, at, _, pieces in sorted(happenings, key=lambda one: one[1] + one[2]):
        if kind == "sale":
            if was_counted_since(draft, pool_id, moment(at)):
                moved(pieces, moment(at), "counted")
            moved(-pieces, moment(at), "sold")
            continue
        if at < latest:
            continue  # overruled
        latest = at
        draft.put(POOLS, pool_id, replace(pool(draft, pool_id), counted_at=moment(at)))
        if delta := difference(shelf(at), books(moment(at))):
            moved(delta, moment(at), "adjusted")
        assert books(moment(at)) == shelf(at)
    assert pool(draft, pool_id).on_hand == shelf(99), "nothing is undone, nothing is taken twice"
    if latest >= 0:
        assert books(moment(latest)) == shelf(latest)


# -- masters


async def test_masters_decide(house: House):
    await house.take("articles", "sku,name,brand\nMAT,Matte,Alt\n", options={"language": "de"})
    theirs = "sku,name,brand\nMAT,Yogamatte,Neu\n"
    done = await house.take("articles", theirs, source="erp", options={"language": "de"})
    assert counts(done) == (0, 0, 0, 1, 0), "without a setting Lotse has the say"
    async with house.db.transaction() as tx:
        await masters.set_master(tx, kind="articles", field="brand", master="erp", by="test", at=AT)
    done = await house.take("articles", theirs, source="erp", options={"language": "de"})
    assert counts(done) == (0, 0, 0, 1, 0)
    async with house.db.reading() as conn:
        mat = await product_by_slug(conn, slug="matte-mat", language="de")
        assert mat and (mat.name, mat.brand) == ("Matte", "Neu")
        page = await masters.differences(conn, source="erp")
        [found] = [one for one in page.items if one.key == "MAT"]
        assert (found.field, found.ours, found.theirs) == ("name", "Matte", "Yogamatte")
        with pytest.raises(NotTheMaster):
            await masters.refuse_foreign(conn, "articles", ["brand"])
        await masters.refuse_foreign(conn, "articles", ["name"])
        await masters.refuse_foreign(conn, "articles", ["brand"], source="erp")
    # What the ERP has the say over is refused to people here; the rest is theirs.
    async with house.db.transaction() as tx:
        kept = PutProduct(slug="matte-mat", brand="Neu", texts=(Text("de", "Matte"),))
        await put_products(tx, [kept], by="staff", at=AT)
        with pytest.raises(NotTheMaster) as refusal:
            await put_products(tx, [replace(kept, brand="Eigen")], by="staff", at=AT)
        assert (refusal.value.field, refusal.value.master) == ("brand", "erp")
    # Ours is kept: said again it stays decided, said otherwise it is there again.
    async with house.db.transaction() as tx:
        assert await masters.keep_ours(tx, [found.id], by="test", at=AT) == 1
    await house.take("articles", theirs, source="erp", options={"language": "de"})
    assert "MAT" not in await open_keys(house)
    await house.take("articles", theirs.replace("Yogamatte", "Matte lang"), source="erp", options={"language": "de"})
    assert "MAT" in await open_keys(house)
    assert await runs.take_theirs(house.db, house.desk, ids=[found.id], by="test", at=AT) == 1
    async with house.db.reading() as conn:
        mat = await product_by_slug(conn, slug="matte-mat", language="de")
        assert mat and mat.name == "Matte lang"
    assert "MAT" not in await open_keys(house)
    # What does not exist may be made by who has the say over everything.
    done = await house.take("articles", "sku,name\nNEW-1,Neues\n", source="erp")
    assert counts(done) == (0, 0, 0, 1, 0) and "NEW-1" in await open_keys(house)
    async with house.db.transaction() as tx:
        await masters.set_master(tx, kind="articles", field="*", master="erp", by="test", at=AT)
        await masters.set_master(tx, kind="articles", field="name", master="lotse", by="test", at=AT)
    done = await house.take("articles", "sku,name\nNEW-1,Neues\n", source="erp")
    assert counts(done) == (1, 0, 0, 0, 0)
    async with house.db.transaction() as tx:
        for field in ("*", "name", "brand"):
            await masters.set_master(tx, kind="articles", field=field, master=None, by="test", at=AT)
        with pytest.raises(Invalid):
            await masters.set_master(tx, kind="articles", field="name", master="Big ERP", by="test", at=AT)


async def open_keys(house: House) -> set[str]:
    async with house.db.reading() as conn:
        return {one.key for one in (await masters.differences(conn)).items}


async def test_a_price_that_another_has_the_say_over_is_refused_to_people(house: House):
    async with house.db.transaction() as tx:
        await masters.set_master(tx, kind="prices", field="price", master="erp", by="test", at=AT)
        shop = await shop_by_code(tx, code="haus")
        ids = await variant_ids_by_sku(tx, skus=["BALL"])
        assert shop
        wanted = SetPrice(shop_id=shop.id, variant_id=ids["BALL"], currency="EUR", unit_price=Decimal(5))
        with pytest.raises(NotTheMaster):
            await set_prices(tx, [wanted], by="staff", at=AT)
        await masters.set_master(tx, kind="prices", field="price", master=None, by="test", at=AT)


async def test_what_was_said_earlier_and_comes_later_changes_nothing(house: House):
    await house.take("articles", "sku,name\nROD,Angel\n", options={"language": "de"})
    text = "sku,brand,changed_at\nROD,{},{}\n"
    new = await house.take("articles", text.format("New", "2026-03-01T10:00:00Z"))
    old = await house.take("articles", text.format("Old", "2026-03-01T09:00:00Z"))
    assert (counts(new), counts(old)) == ((0, 1, 0, 0, 0), (0, 0, 1, 0, 0))
    async with house.db.reading() as conn:
        rod = await product_by_slug(conn, slug="angel-rod", language="de")
        assert rod and rod.brand == "New"


# -- the drop folder


async def test_dropped_files_are_taken_once_they_are_complete(house: House, tmp_path: Path):
    folder = tmp_path / drop.FOLDER
    (folder / "erp").mkdir(parents=True)
    (folder / "prices-today.csv").write_text(PRICES)
    (folder / "erp" / "haus@stock.jsonl").write_text('{"sku": "BALL", "location": "lager", "quantity": 3}\n')
    (folder / "notes.txt").write_text("?")
    (folder / ".prices.csv").write_text("still being written")
    now = datetime.now(UTC)
    assert await drop.look(house.db, tmp_path, at=now) == 0, "not complete yet"
    assert await drop.look(house.db, tmp_path, at=now + timedelta(minutes=1)) == 3
    assert {path.name.split("-", 1)[1] for path in (folder / "done").iterdir()} == {
        "prices-today.csv", "prices-today.csv.txt", "haus@stock.jsonl", "haus@stock.jsonl.txt",
    }  # fmt: skip
    assert len(list((folder / "refused").iterdir())) == 2
    assert (folder / ".prices.csv").exists()
    async with house.db.reading() as conn:
        page = await runs.imports(conn, limit=2)
        assert {(one.kind, one.source, one.state, one.options.get("shop")) for one in page.items} == {
            ("prices", "lotse", "waiting", None),
            ("stock", "erp", "waiting", "haus"),
        }


# -- addresses


async def test_a_file_changes_an_address_and_may_go_on_saying_the_old_names(house: House):
    head = "sku,product,slug,name,category\n"
    made = await house.take("articles", head + "KITE,kite,,Drachen,Strand > Drachen\n", options={"language": "de"})
    assert counts(made) == (1, 0, 0, 0, 0), await house.refused(made)
    text = head + "KITE,kite,stunt-kite,Drachen,Strand > Drachen\n"
    renamed = await house.take("articles", text, options={"language": "de"})
    assert counts(renamed) == (0, 1, 0, 0, 0), await house.refused(renamed)
    async with house.db.transaction() as tx:
        found = await product_by_slug(tx, slug="kite", language="de")
        assert found and found.slug == "stunt-kite"
        # Staff give the category another address, too: the file's name for it stands.
        await rename_category(tx, category_id=found.path[-1].id, slug="kites", by="test", at=AT)
    again = await house.take("articles", text + "KITE-2,kite,,,Strand > Drachen\n", options={"language": "de"})
    assert counts(again) == (1, 0, 1, 0, 0), await house.refused(again)
    below = head + "REEL,reel,,Rolle,Strand > Drachen > Zubehör\n"
    assert (await house.take("articles", below, options={"language": "de"})).created == 1
    async with house.db.reading() as conn:
        found = await product_by_slug(conn, slug="stunt-kite", language="de")
        assert found and {v.sku for v in found.variants} == {"KITE", "KITE-2"}
        assert [step.slug for step in found.path] == ["strand", "kites"]
        reel = await product_by_slug(conn, slug="reel", language="de")
        assert reel and [step.slug for step in reel.path] == ["strand", "kites", "strand-drachen-zubehoer"]
    taken = await house.take("articles", head + "REEL,reel,stunt-kite,,\n", options={"language": "de"})
    assert [code for _, _, code in await house.refused(taken)] == ["slug-taken"]


async def test_a_file_says_what_takes_an_articles_place(house: House):
    text = "sku,product,name,successor\nOLD-1,old-one,Alt,NEW-2\nNEW-2,new-two,Neu,\n"
    made = await house.take("articles", text, options={"language": "de"})
    assert counts(made) == (2, 0, 0, 0, 0), await house.refused(made)
    assert counts(await house.take("articles", text, options={"language": "de"})) == (0, 0, 2, 0, 0)
    lost = await house.take("articles", "sku,successor\nNEW-2,nothing\nOLD-1,old-one\n")
    assert [code for _, _, code in await house.refused(lost)] == ["unknown-product", "no-successor"]
    async with house.db.reading() as conn:
        found = await product_by_slug(conn, slug="old-one", language="de")
        assert found
        assert await successor(conn, product_id=found.id) == "new-two"
