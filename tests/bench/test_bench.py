"""The short form of `lotse bench`: a second per round, one round. What is counted must be right; how fast it is, is not
asked here, because a machine that runs tests measures nothing."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lotse.bench import books, compare, history, load, pgbench, shop
from lotse.bench.arena import Arena, arena, open_shop
from lotse.bench.charts import Series, line_chart
from lotse.bench.client import Job
from lotse.bench.profile import BenchFailed, Options, known
from lotse.bench.profiles import holds, hot, orders, scale
from lotse.kernel.db import opened
from lotse.kernel.settings import Settings
from lotse.testing import Databases

SHORT = Options(seconds=1, clients=8, desks=2, rounds=1, warm_seconds=0.2, probe_seconds=1, articles=50, pieces=200)
# Exactly these, and which bench it was.
FIELDS = {
    *("bench", "clients", "desks", "seconds", "rounds", "rate", "compared", "ratio", "ratio_best"),
    *("compared_ordinary", "ratio_ordinary", "p50", "p95", "p99", "errors", "sold", "oversold", "batch_mean"),
    *("cpu_client", "cpu_server", "cpu_desk", "cpu_postgres"),
}


@pytest.fixture(scope="module")
async def place(anyio_backend: Any, settings: Settings) -> AsyncIterator[Arena]:
    """Roles and a shop, on a database of their own of the test server."""
    async with arena(settings, SHORT, lambda text: None) as made:
        yield made


@pytest.mark.parametrize("profile", [orders, hot, holds], ids=["orders", "hot", "holds"])
async def test_a_short_run_counts_right(
    profile: Any, place: Arena, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    # Every transaction of every side is counted against its rows and sums within the run; it raises if one differs.
    # Each probe is a second of both cores. That pgbench is at its best with another number of clients is tried once.
    monkeypatch.setattr(compare, "PROBES", (1,) if profile is orders else (SHORT.clients,))
    report = await profile.measure(settings, place, SHORT)
    found = json.loads(json.dumps({name: getattr(report.figures, name) for name in report.figures.__struct_fields__}))
    assert set(found) == FIELDS
    assert report.ok
    assert (found["errors"], found["oversold"]) == (0, 0)
    assert found["rate"] > 0 and found["compared"] > 0 and found["compared_ordinary"] > 0
    assert found["p50"] <= found["p95"] <= found["p99"]
    assert found["batch_mean"] >= 1
    assert found["sold"] == 200 if profile is hot else found["sold"] > 0
    assert "Compared: " in report.table
    if profile is hot:  # for those who come after us
        await shop.stock(place.database, "receipt", [(place.shop.last_pool, shop.PLENTY)])


async def test_every_side_writes_the_same_rows(place: Arena, settings: Settings):
    two = compare.order_sides("articles_uniform")
    before = await books.rows(place.database)
    await load.place_one(place, (place.shop.offers[0], place.shop.offers[1]))
    after = await books.rows(place.database)
    each = after.since(before)
    assert each == books.Rows(
        orders=1,
        lines=2,
        contacts=1,
        releases=1,
        movements=2,
        holds=0,
        hold_lines=0,
        holders=0,
        entries=3,
        payments=1,
        receipts=0,
        outbox=1,
        idempotency=1,
    )
    variables = {"first": place.shop.first_pool, "last": place.shop.last_pool}
    for side in (*two.leanest, two.ordinary):
        before = await books.rows(place.database)
        await pgbench.run(settings, place.dsn, side.scripts, clients=2, transactions=3, variables=variables)
        assert (await books.rows(place.database)).since(before) == each.times(6), side.name
    assert await books.differences(place.database) == []

    # Columns that one side leaves empty would make its rows lighter.
    async with place.database.reading() as conn:
        for table in ("orders.orders", "orders.lines", "orders.contacts", "ledger.entries", "payments.payments"):
            kinds = await conn.raw.fetch(
                f"""select distinct array(
                        select key from jsonb_each(to_jsonb(t)) where value = 'null' order by key
                    ) as empty
                    from {table} as t"""
            )
            expected = 2 if table == "ledger.entries" else 1  # only tax has a note
            assert len(kinds) == expected, f"{table}: {[kind['empty'] for kind in kinds]}"
        sizes = await conn.raw.fetch(
            "select distinct octet_length(body_hash), octet_length(answer), length(key) from kernel.idempotency"
            " where principal = 'guest' and encode(answer, 'escape') like '%order_id%'"
        )
        assert len(sizes) == 1, sizes


@pytest.mark.parametrize("form", ["order_leanest", "order_function"])
async def test_a_statement_that_cannot_serve_both_lines_writes_nothing(form: str, place: Arena, settings: Settings):
    first, last = place.shop.first_pool, place.shop.last_pool
    async with place.database.transaction() as tx:
        on_hand = await tx.raw.fetchval("update pools.pools set held = on_hand where id = $1 returning on_hand", last)
    before = await books.rows(place.database)
    with pytest.raises(BenchFailed, match=r"null value in column|not enough in stock"):
        await pgbench.run(
            settings,
            place.dsn,
            ("articles_hot", form),
            clients=1,
            transactions=1,
            variables={"first": first, "last": last},
        )
    assert await books.rows(place.database) == before
    async with place.database.reading() as conn:
        assert await conn.raw.fetchval("select on_hand from pools.pools where id = $1", last) == on_hand
    async with place.database.transaction() as tx:
        await tx.raw.execute("update pools.pools set held = 0 where id = $1", last)


def test_percentiles_are_the_nearest_rank():
    ranked = [float(number) for number in range(1, 101)]
    assert [load.percentile(ranked, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50, 95, 99, 100]
    assert load.percentile([7.0], 0.5) == 7.0
    assert load.percentile([], 0.5) == 0.0


def test_scripts_are_found():
    for name in ("articles_uniform", "articles_hot", "order_leanest", "order_function", "order_ordinary", "function"):
        assert pgbench.script(name).is_file(), name


def test_an_unknown_benchmark_names_those_there_are(tmp_path: Path):
    done = lotse("nonsense", tmp_path)
    out, errors = done.communicate(timeout=60)
    assert (done.returncode, out) == (1, "")
    assert "there is no benchmark named nonsense" in errors and "orders:" in errors and "Traceback" not in errors
    assert {"orders", "hot"} <= set(known())


def test_ctrl_c_leaves_nothing_behind(tmp_path: Path):
    running = lotse("orders", tmp_path)
    assert running.stderr
    for line in running.stderr:
        if "probing" in line:  # the database, the roles and a pgbench are up
            break
    folders = list(tmp_path.glob("lotse-bench-*"))
    assert len(folders) == 1
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, "")
    assert list(tmp_path.glob("lotse-bench-*")) == []
    assert not [path for path in Path("/proc").glob("[0-9]*/environ") if str(folders[0]).encode() in _bytes(path)]


def lotse(name: str, folder: Path) -> "subprocess.Popen[str]":
    """`lotse bench NAME` with all that it makes in `folder`."""
    environment = {
        key: value for key, value in os.environ.items() if key not in ("LOTSE_DATABASE_URL", "PROMETHEUS_MULTIPROC_DIR")
    }
    return subprocess.Popen(
        [sys.executable, "-m", "lotse", "bench", name, "--seconds", "1", "--rounds", "1", "--clients", "4"],
        env={**environment, "LOTSE_HOME": str(folder / "home"), "TMPDIR": str(folder), "LOTSE_POSTGRES_FSYNC": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_a_lost_connection_is_an_error_and_not_a_sale(place: Arena):
    head, tails = load.orders([(place.shop.offers[0], place.shop.offers[1])])
    bad = Job(
        addresses=place.addresses,
        clients=2,
        warm_seconds=0,
        seconds=0.2,
        head=head.replace(b"POST", b"P\0ST"),
        tails=tails,
    )
    done = await load.drive(place, bad)
    assert done.placed == 0
    assert done.errors >= 2


def test_a_chart_shows_every_point_and_keeps_names_apart():
    near = [Series("one", [(1, 10.0), (64, 400.0)]), Series("other & more", [(1, 20.0), (64, 401.0)])]
    drawn = line_chart("A <title>", "clients", "orders/s", near)
    root = ElementTree.fromstring(drawn)  # well-formed, so everything in it is escaped
    assert len(root.findall(".//{*}circle")) == 4
    names = {text.text: float(text.attrib["y"]) for text in root.findall(".//{*}text") if text.text}
    assert "A <title>" in names
    assert abs(names["one"] - names["other & more"]) >= 15


async def test_a_history_is_written_once_and_its_books_agree(databases: Databases, settings: Settings):
    dsn = databases.migrated()
    goods = await open_shop(dsn, 50)
    said: list[str] = []
    for _ in range(2):  # the second time nothing is missing
        await history.grow(dsn, goods, after=0, orders=1_000, of=2_000, say=said.append)
    await history.grow(dsn, goods, after=1_000, orders=2_000, of=2_000, say=said.append)
    assert len([line for line in said if line.startswith("writing")]) == 2
    async with opened(dsn) as database:
        found = await books.rows(database)
        assert (found.orders, found.lines, found.entries, found.payments) == (2_000, 4_000, 6_000, 2_000)
        assert found.idempotency >= 2_000
        assert await books.differences(database) == []
        async with database.reading() as conn:
            months = await conn.raw.fetchval(
                "select count(distinct tableoid) from ledger.entries"
                " where tableoid <> 'ledger.entries_default'::regclass"
            )
            assert months >= 24


def test_what_was_measured_is_published(tmp_path: Path):
    def point(clients: int, orders: int) -> scale.Point:
        return scale.Point(
            clients=clients,
            orders=orders,
            rate=5_350.4,
            p50=11.0,
            p99=31.5,
            leanest=4_460.0 if clients < 100 else None,
            ordinary=2_030.0 if clients < 100 else None,
            batch_mean=31.0,
        )

    measured = scale.Measured(
        bench="scale",
        desks=1,
        seconds=10,
        rounds=3,
        by_clients=[point(1, 1_000), point(256, 1_000)],
        by_orders=[point(64, 1_000), point(64, 10_000_000)],
    )
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n{scale.BEGIN}\nold\n{scale.END}\nafter\n")
    tables = scale.publish(measured, 64, tmp_path)
    assert page.read_text() == f"# Before\n{scale.BEGIN}\n{tables}\n{scale.END}\nafter\n"
    assert "| 10,000,000 | 5,350 | 11.0 | 31.5 | 31.0 | 4,460 | 2,030 |" in tables
    assert "| 256 | 5,350 | 11.0 | 31.5 | 31.0 |  |  |" in tables
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {
        *("rate-by-clients.svg", "rate-by-orders.svg", "latency-by-clients.svg", "latency-by-orders.svg")
    }
