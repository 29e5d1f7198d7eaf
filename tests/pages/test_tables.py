"""The page kit's tables against real PostgreSQL: what an address asks, pages by keyset, changes of many rows, files."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.kernel.auth.principal import ALL, Principal, holding
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.pages import bulk, export, intake, listing, query
from lotse.kernel.pages.table import Bulk, Change, Column, Edit, Field, No, Option, Scope, Search, Table, Work
from lotse.kernel.paging import BadCursor
from lotse.kernel.sql import Statement
from lotse.testing import Fresh

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
KIM = Principal("staff", "00000000-0000-7000-8000-000000000001", "Kim", holding(ALL))
SCOPE = Scope(UUID(int=1), "EUR", "en", "Europe/Berlin", AT, KIM, "things.write")
ROWS = 23


class Thing(Struct, frozen=True):
    id: UUID
    code: str
    kind: str
    price: Decimal
    made_at: datetime
    currency: str = "EUR"


class By(Struct, frozen=True):
    by: int
    reason: Annotated[str, Meta(min_length=1)]


def same(text: str, **values: Any) -> str:
    """English, as `_` says it."""
    return text % values if values else text


def change(work: Work, values: Mapping[str, Any]) -> Mapping[str, Any] | No:
    new = values["price"] + work.typed.by
    return {"price": new} if new >= 0 else No("It would be %(price)s.", {"price": str(new)})


@pytest.fixture
async def things(db: Database, fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Table]:
    """A table of things of its own: codes T00 to T22, prices 0 to 22, kinds in turns, one day apart."""
    name = f"public.{fresh.text('things').replace('-', '_')}"
    async with db.transaction() as tx:
        await tx.raw.execute(
            f"create table {name} (id uuid primary key, code text, kind text, price numeric, made_at timestamptz)"
        )
        await tx.raw.executemany(
            f"insert into {name} values ($1, $2, $3, $4, $5)",
            [
                (uuid7(), f"T{n:02}", ("red", "blue")[n % 2], Decimal(n), datetime(2026, 1, 1 + n, 12, tzinfo=UTC))
                for n in range(ROWS)
            ],
        )

    async def values(conn: Connection, work: Work, ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, Any]]:
        found = await conn.raw.fetch(f"select id, price from {name} where id = any($1)", list(ids))
        return {row["id"]: {"price": row["price"]} for row in found}

    async def write(tx: Transaction, work: Work, changes: Sequence[Change]) -> Mapping[UUID, No]:
        await tx.raw.executemany(
            f"update {name} set price = $2 where id = $1", [(one.id, one.new["price"]) for one in changes]
        )
        return {}

    async def ids(conn: Connection, scope: Scope, codes: Sequence[str]) -> Mapping[str, UUID]:
        found = await conn.raw.fetch(f"select code, id from {name} where code = any($1)", list(codes))
        return {row["code"]: row["id"] for row in found}

    table = Table(
        name="test.things",
        path="/office/things",
        title="Things",
        right="things.read",
        where="shop",
        statement=Statement("test", "things", f"select id, code, kind, price, made_at, 'EUR' as currency from {name}"),
        row=Thing,
        key="id",
        label="code",
        order="-id",
        columns=(
            Column("code", "Code", sort=True, filter="begins"),
            Column(
                "kind", "Kind", kind="choice", filter="choice", options={"red": Option("red"), "blue": Option("blue")}
            ),
            Column("price", "Price", kind="price", sort=True, filter="range"),
            Column("made_at", "Made", kind="moment", filter="range"),
        ),
        search=Search("t.code = :code", lambda text: {"code": text.upper()}, "Code"),
        edit=Edit(
            "things.write",
            ("price",),
            values,
            write,
            bulks=(Bulk("add", "Add", By, (Field("by", "By"), Field("reason", "Why")), change),),
            intake=Bulk("file", "File", By, (Field("reason", "Why"),), lambda work, values: values),
            ids=ids,
        ),
    )
    monkeypatch.setattr(bulk, "tables", lambda: [table])
    yield table
    async with db.transaction() as tx:
        await tx.raw.execute(f"drop table {name}")


async def codes(db: Database, table: Table, given: list[tuple[str, str]], size: int = 50) -> list[str]:
    async with db.reading() as conn:
        rows, _ = await query.page(conn, table, SCOPE, query.asked(table, given), size=size)
    return [row.code for row in rows.items]


# -- what an address asks


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("q", "t07")], ["T07"]),
        ([("price.from", "20"), ("sort", "price")], ["T20", "T21", "T22"]),
        ([("price.from", "1,5"), ("price.to", "3.0"), ("sort", "-price")], ["T03", "T02"]),
        ([("kind", "red"), ("price.to", "4"), ("sort", "code")], ["T00", "T02", "T04"]),
        ([("kind", "red"), ("kind", "blue"), ("price.to", "1"), ("sort", "code")], ["T00", "T01"]),
        ([("code", "t0"), ("price.from", "8"), ("sort", "code")], ["T08", "T09"]),
        # A day ends where the next one begins, in the table's zone: noon in UTC is that day in Berlin.
        ([("made_at.from", "2026-01-03"), ("made_at.to", "2026-01-04"), ("sort", "code")], ["T02", "T03"]),
        # What the table does not know is passed over, and nothing typed becomes SQL.
        ([("colour", "red"), ("sort", "price; drop table x"), ("price.to", "0")], ["T00"]),
        ([("code", "T0' or true --")], []),
    ],
)
async def test_filters(db: Database, things: Table, given: list[tuple[str, str]], expected: list[str]) -> None:
    assert await codes(db, things, given) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("price.from", "cheap"), query.NOT_A_NUMBER),
        (("made_at.from", "yesterday"), query.NOT_A_DAY),
        (("made_at.to", "9999-12-31"), query.NOT_A_DAY),
        (("kind", "green"), query.NOT_A_CHOICE),
    ],
)
async def test_a_filter_that_cannot_be_read_is_named_and_left_out(
    db: Database, things: Table, given: tuple[str, str], message: str
) -> None:
    async with db.reading() as conn:
        rows, wrong = await query.page(conn, things, SCOPE, query.asked(things, [given]))
    assert [one.message for one in wrong] == [message]
    assert len(rows.items) == ROWS


@pytest.mark.parametrize("sort", ["id", "-id", "code", "-price", "made_at"])
async def test_pages_go_forth_and_back_and_show_every_row_once(db: Database, things: Table, sort: str) -> None:
    whole = await codes(db, things, [("sort", sort)])
    seen: list[str] = []
    pages: list[query.Rows] = []
    mark: list[tuple[str, str]] = []
    async with db.reading() as conn:
        while True:
            rows, _ = await query.page(conn, things, SCOPE, query.asked(things, [("sort", sort), *mark]), size=5)
            seen += [row.code for row in rows.items]
            pages.append(rows)
            if rows.after is None:
                break
            mark = [("after", rows.after)]
        assert seen == whole and len(whole) == ROWS and pages[0].before is None
        back, _ = await query.page(
            conn, things, SCOPE, query.asked(things, [("sort", sort), ("before", pages[2].before or "")]), size=5
        )
        assert back.items == pages[1].items and back.before and back.after
        first, _ = await query.page(
            conn, things, SCOPE, query.asked(things, [("sort", sort), ("before", pages[1].before or "")]), size=5
        )
        assert first.items == pages[0].items and first.before is None


async def test_a_cursor_of_another_order_is_refused(db: Database, things: Table) -> None:
    async with db.reading() as conn:
        rows, _ = await query.page(conn, things, SCOPE, query.asked(things, [("sort", "code")]), size=5)
        with pytest.raises(BadCursor):
            await query.page(conn, things, SCOPE, query.asked(things, [("sort", "price"), ("after", rows.after or "")]))


def test_an_address_says_what_was_asked_and_nothing_else(things: Table) -> None:
    given = [("q", "a b"), ("kind", "red"), ("kind", "blue"), ("columns", "price,code"), ("sort", "price"), ("x", "1")]
    wanted = query.asked(things, [*given, ("after", "old")])
    assert wanted.query(things) == "q=a+b&kind=red&kind=blue&sort=price&columns=price%2Ccode"
    assert wanted.query(things, q=None, kind=None, sort=None, columns=None) == ""


def test_a_table_opens_with_what_is_asked_of_it_and_shows_everything_when_told_to(things: Table) -> None:
    work = replace(things, begin="kind=red", _by_name={})
    opened = query.asked(work, [("language", "de"), ("part", "count"), ("q", "")])
    assert opened.filters == {"kind": ["red"]} and opened.query(work) == "kind=red"
    whole = query.asked(work, [("all", "yes")])
    assert not whole.is_filtered
    assert whole.query(work) == "all=yes" and whole.query(work, part="count") == "all=yes&part=count"
    # Without the filter it is everything, and not the beginning again.
    assert opened.query(work, kind=None) == "all=yes"
    assert query.asked(work, [("price.to", "3")]).filters == {"price.to": ["3"]}


async def test_pages_go_by_several_keys(db: Database, things: Table) -> None:
    twins = replace(things, key=("kind", "id"), order="-kind", edit=None, _by_name={})
    whole = await codes(db, twins, [])
    assert whole == [f"T{n:02}" for n in range(22, -1, -2)] + [f"T{n:02}" for n in range(21, 0, -2)]
    seen: list[str] = []
    mark: list[tuple[str, str]] = []
    async with db.reading() as conn:
        while True:
            rows, _ = await query.page(conn, twins, SCOPE, query.asked(twins, mark), size=5)
            seen += [row.code for row in rows.items]
            if rows.after is None:
                break
            mark = [("after", rows.after)]
    assert seen == whole
    assert twins.id(rows.items[0]) == f"blue.{rows.items[0].id}"


async def test_choices_that_are_data_are_read_for_the_page(db: Database, things: Table) -> None:
    async def kinds(conn: Connection, scope: Scope) -> Mapping[str, Option]:
        return {"red": Option("rosso"), "green": Option("verde")}

    column = Column("kind", "Kind", kind="choice", filter="choice", choices=kinds)
    table = replace(things, columns=(column, *things.columns[2:]), edit=None, label="", search=None, _by_name={})
    async with db.reading() as conn:
        shown = await listing.chosen_from(table, conn, SCOPE)
        # What is no choice finds nothing, and is no mistake: a choice may have gone since the link was made.
        rows, wrong = await query.page(conn, table, SCOPE, query.asked(table, [("kind", "violet")]))
    assert shown.column("kind").options["red"].label == "rosso" and not table.column("kind").options
    assert (rows.items, wrong) == ([], [])


async def test_a_count_stops_where_it_is_told_to(db: Database, things: Table) -> None:
    async with db.reading() as conn:
        wanted = query.asked(things, [])
        assert await query.count(conn, things, SCOPE, wanted) == ROWS
        assert await query.count(conn, things, SCOPE, wanted, most=10) == 11


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"key": "number"}, "no field number"),
        ({"columns": (Column("colour", "Colour"),)}, "no field colour"),
        ({"columns": (Column("kind", "Kind", kind="choice", filter="choice"),)}, "no options"),
        ({"order": "-made_at"}, "not sorted by"),
        ({"key": ("id", "number")}, "no field number"),
    ],
)
def test_a_description_that_cannot_work_is_found_when_it_is_made(broken: dict[str, Any], said: str) -> None:
    whole: dict[str, Any] = {
        "name": "test.broken",
        "path": "/x",
        "title": "X",
        "right": "x.read",
        "where": "shop",
        "statement": Statement("test", "x", "select 1"),
        "row": Thing,
        "key": "id",
        "order": "-id",
        "columns": (Column("made_at", "Made"),),
    }
    with pytest.raises(ValueError, match=said):
        Table(**{**whole, **broken})


# -- changes of many rows


async def planned(db: Database, table: Table, given: list[tuple[str, str]], by: int) -> bulk.BulkChange:
    async with db.transaction() as tx:
        ids = await query.keys(tx, table, SCOPE, query.asked(table, given), most=100)
        one = bulk.action_of(table, "add")
        id = await bulk.begin(tx, table, one, SCOPE, typed=By(by, "spring"), rows=bulk.given(ids))
    return await bulk.run(db, id, at=AT)


async def moved(db: Database, change: bulk.BulkChange, to_state: str) -> bulk.BulkChange:
    async with db.transaction() as tx:
        await bulk.move(tx, change.id, from_state=change.state, to_state=to_state, by=SCOPE.by, at=AT)
    return await bulk.run(db, change.id, at=AT)


async def test_what_was_shown_is_applied_and_undone_as_a_whole(db: Database, things: Table) -> None:
    before = await codes(db, things, [("sort", "-price")])
    change = await planned(db, things, [("price.to", "9")], -3)
    # 0, 1 and 2 would fall below nothing.
    assert (change.state, change.changes, change.refused, change.same) == ("planned", 7, 3, 0)
    async with db.reading() as conn:
        [first, *_] = await bulk.some(conn, change.id, "refused", 5)
    assert (first.refusal, first.said) == ("It would be %(price)s.", {"price": "-1"})
    applied = await moved(db, change, "applying")
    assert (applied.state, applied.done, applied.failed) == ("applied", 7, 0)
    assert await codes(db, things, [("price.to", "2"), ("price.from", "0"), ("sort", "code")]) == [
        "T00", "T01", "T02", "T03", "T04", "T05",
    ]  # fmt: skip
    undone = await moved(db, applied, "undoing")
    assert (undone.state, undone.undone, undone.undo_failed) == ("undone", 7, 0)
    assert await codes(db, things, [("sort", "-price")]) == before


async def test_a_row_that_somebody_changed_meanwhile_is_refused_by_name(db: Database, things: Table) -> None:
    change = await planned(db, things, [("price.from", "20")], 5)
    await poke(db, things, "T21", 99)
    applied = await moved(db, change, "applying")
    assert (applied.done, applied.failed) == (2, 1)
    await poke(db, things, "T22", 98)
    undone = await moved(db, applied, "undoing")
    assert (undone.undone, undone.undo_failed) == (1, 1)
    async with db.reading() as conn:
        [kept] = await bulk.some(conn, change.id, "undo_failed", 5)
    assert (kept.label, kept.refusal, kept.said) == ("T22", bulk.CHANGED_SINCE, {"now": "98", "old": "27"})


async def test_a_change_that_changes_nothing_says_so(db: Database, things: Table) -> None:
    change = await planned(db, things, [], 0)
    assert (change.changes, change.same, change.chosen) == (0, ROWS, ROWS)


async def test_nobody_applies_twice(db: Database, things: Table) -> None:
    change = await planned(db, things, [("q", "t05")], 1)
    applied = await moved(db, change, "applying")
    with pytest.raises(bulk.NotInThisState):
        await moved(db, change, "applying")
    assert (await moved(db, applied, "undoing")).state == "undone"


async def test_a_run_that_was_interrupted_goes_on(db: Database, things: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    change = await planned(db, things, [("sort", "code")], 1)
    monkeypatch.setattr(bulk, "CHUNK", 4)
    monkeypatch.setattr(bulk._rows, "__defaults__", (4,))  # pyright: ignore[reportPrivateUsage]
    written = bulk._written  # pyright: ignore[reportPrivateUsage]
    calls = 0

    async def dies(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise asyncio.CancelledError
        return await written(*args, **more)

    monkeypatch.setattr(bulk, "_written", dies)
    async with db.transaction() as tx:
        await bulk.move(tx, change.id, from_state="planned", to_state="applying", by=SCOPE.by, at=AT)
    with pytest.raises(asyncio.CancelledError):
        await bulk.run(db, change.id, at=AT)
    async with db.reading() as conn:
        halfway = await conn.one(bulk.SQL.change, bulk.BulkChange, id=change.id)
    assert (halfway.state, halfway.done, halfway.percent) == ("applying", 8, 34)
    assert (await bulk.run(db, change.id, at=AT)).done == ROWS
    assert await codes(db, things, [("price.to", "1"), ("sort", "code")]) == ["T00"]


async def poke(db: Database, table: Table, code: str, price: int) -> None:
    name = table.statement.sql.rpartition(" from ")[2]
    async with db.transaction() as tx:
        await tx.raw.execute(f"update {name} set price = $2 where code = $1", code, price)


# -- files


def sheet(*rows: str) -> bytes:
    return "\n".join(["id;Code;Price;Price (as saved)", *rows]).encode()


async def taken(db: Database, table: Table, content: bytes, name: str = "t.csv") -> bulk.BulkChange:
    found = intake.read(table, SCOPE, name, content, [same])
    async with db.transaction() as tx:
        assert table.edit and table.edit.ids and table.edit.intake
        named = await table.edit.ids(tx, SCOPE, [line.label for line in found if line.label])
        ids = [id for line in found if (id := line.id or named.get(line.label))]
        rows = intake.rows_of(table, found, named, await query.seen(tx, table, SCOPE, ids))
        id = await bulk.begin(tx, table, table.edit.intake, SCOPE, typed=By(0, "file"), rows=rows)
    return await bulk.run(db, id, at=AT)


@pytest.mark.parametrize(
    ("line", "changes", "refusal"),
    [
        (";T05;7,50;5", 1, None),
        (";T05;7.50;", 1, None),
        (";T05;5;5", 0, None),
        # Somebody changed it after the file was saved; here nobody touched it in the file.
        (";T05;4;4", 0, None),
        (";T05;7;4", 0, bulk.CHANGED_SINCE),
        (";T99;7;", 0, intake.NO_ROW),
        (";;7;", 0, intake.NAMES_NONE),
        (";T05;dear;", 0, intake.NOT_READ),
        ("nonsense;T05;7;", 0, intake.NO_ROW),
        (f"{UUID(int=7)};;7;", 0, intake.NO_ROW),
    ],
)
async def test_lines_of_a_file(db: Database, things: Table, line: str, changes: int, refusal: str | None) -> None:
    change = await taken(db, things, sheet(line))
    assert (change.changes, change.refused) == (changes, int(refusal is not None))
    async with db.reading() as conn:
        refused = await bulk.some(conn, change.id, "refused", 5)
    assert [(row.refusal, row.line) for row in refused] == ([(refusal, 2)] if refusal else [])


async def test_a_row_stands_once_in_a_file(db: Database, things: Table) -> None:
    change = await taken(db, things, sheet(";T05;7;", ";T05;8;"))
    assert (change.changes, change.refused) == (1, 1)


@pytest.mark.parametrize(
    ("content", "refused"),
    [
        (b"", intake.FileUnreadable),
        (b"PK\x03\x04 no archive", intake.FileUnreadable),
        (b"Colour;Size\nred;5", intake.NothingToChange),
    ],
)
def test_what_is_no_such_file_is_refused(things: Table, content: bytes, refused: type[Exception]) -> None:
    with pytest.raises(refused):
        intake.read(things, SCOPE, "t.csv", content, [same])


class Looking:
    """As much of a view as a file needs."""

    text = staticmethod(same)

    class locale:
        number_symbols: dict[str, dict[str, str]] = {"latn": {"decimal": ","}}  # noqa: RUF012


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_a_file_comes_back_as_it_went(db: Database, things: Table, kind: str) -> None:
    view: Any = Looking
    wanted = query.asked(things, [("sort", "code")])
    write = export._csv if kind == "csv" else export._xlsx  # pyright: ignore[reportPrivateUsage]
    content = b"".join([piece async for piece in write(things, view, db, SCOPE, wanted)])
    found = intake.read(things, SCOPE, f"t.{kind}", content, [same])
    assert [(line.label, line.new["price"], line.was["price"]) for line in found][:2] == [
        ("T00", Decimal(0), Decimal(0)),
        ("T01", Decimal(1), Decimal(1)),
    ]
    change = await taken(db, things, content, f"t.{kind}")
    assert (change.chosen, change.changes, change.refused, change.same) == (ROWS, 0, 0, ROWS)


@pytest.mark.parametrize("text", ["=1+1", "+49", "-5", "@x"])
def test_no_cell_of_a_csv_file_is_run_as_a_formula(text: str) -> None:
    said = export._said(text, comma=False)  # pyright: ignore[reportPrivateUsage]
    assert said.startswith("'")
    assert intake._text(said) == text  # pyright: ignore[reportPrivateUsage]
