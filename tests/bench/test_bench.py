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

import pytest
from msgspec import structs

from lotse.bench import books, compare, load, pgbench
from lotse.bench.arena import Arena, arena
from lotse.bench.client import Job
from lotse.bench.profile import BenchFailed, Options, known
from lotse.bench.profiles import hot, orders
from lotse.kernel.settings import Settings

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
    async with arena(settings, structs.replace(SHORT, desks=1), lambda text: None) as made:
        yield made


@pytest.mark.parametrize("profile", [orders, hot], ids=["orders", "hot"])
async def test_a_short_run_counts_right(profile: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    # Every transaction of every side is counted against its rows and sums within the run; it raises if one differs.
    monkeypatch.setattr(compare, "PROBES", (1,))
    report = await profile.run(settings, SHORT, lambda text: None)
    found = json.loads(json.dumps({name: getattr(report.figures, name) for name in report.figures.__struct_fields__}))
    assert set(found) == FIELDS
    assert report.ok
    assert (found["errors"], found["oversold"]) == (0, 0)
    assert found["rate"] > 0 and found["compared"] > 0 and found["compared_ordinary"] > 0
    assert found["p50"] <= found["p95"] <= found["p99"]
    assert found["batch_mean"] >= 1
    assert found["sold"] == 200 if profile is hot else found["sold"] > 0
    assert "Compared: orders of two lines" in report.table


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
            "select distinct octet_length(body_hash), octet_length(answer) / 10, length(key)"
            " from kernel.idempotency where principal = 'guest'"
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
