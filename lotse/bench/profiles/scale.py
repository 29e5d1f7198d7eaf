"""`scale`: how rate and p99 grow from 1 to 256 clients, and from a thousand to ten million orders that are there.

Takes most of an hour and some 40 GB of disk below LOTSE_HOME/bench-scale. Each point that was measured is kept there:
run it again to go on after an interruption. At its end it draws the charts and writes the tables of
docs/performance.md (in a checkout; otherwise into the working directory) and removes its database.
"""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Struct, structs

from lotse.bench import arena, compare, history, pgbench
from lotse.bench.arena import Arena
from lotse.bench.charts import Series, line_chart
from lotse.bench.history import PRELOAD
from lotse.bench.load import percentile
from lotse.bench.profile import BenchFailed, Options, Profile, Report, Say
from lotse.bench.profiles.orders import placing
from lotse.bench.shop import Shop
from lotse.kernel import clock, migrate
from lotse.kernel.postgres import attached
from lotse.kernel.settings import Settings

CLIENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
ORDERS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
# Up to here each point is measured on a fresh copy, because a round writes as many orders as are there.
COPIED = 1_000_000
BEGIN, END = "<!-- scale: written by `lotse bench scale` -->", "<!-- /scale -->"


class Point(Struct, frozen=True, kw_only=True):
    """One point: how many clients, how many orders there were when it began, what came out."""

    clients: int
    orders: int
    rate: float
    p50: float
    p99: float
    leanest: float | None
    ordinary: float | None
    batch_mean: float


class Measured(Struct, frozen=True, kw_only=True):
    """The JSON line: points by clients (with the fewest orders) and by orders (with `--clients`)."""

    bench: str
    desks: int
    seconds: float
    rounds: int
    by_clients: list[Point]
    by_orders: list[Point]


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Measure what is not measured yet; then draw and write."""
    if settings.database_url:
        raise BenchFailed(
            "scale fills a database of its own with millions of orders: run it without LOTSE_DATABASE_URL"
        )
    state = _State(settings.home / "bench-scale")
    own = structs.replace(settings, home=state.folder)
    sizes = [size for size in ORDERS if size < options.orders] + [options.orders]
    with attached(own) as dsn:
        arena.allow_connections(dsn)
    with attached(own) as dsn:
        migrate.upgrade(dsn)
        goods = await state.shop(dsn, options.articles)
        for size in sizes:
            wanted = [options.clients]
            if size == sizes[0]:
                wanted = sorted({*wanted, *(clients for clients in CLIENTS if clients <= options.most_clients)})
            missing = [clients for clients in wanted if not state.has(clients, size)]
            if not missing:
                continue
            for before, step in pairwise((0, *sizes)):
                if step <= size:
                    await history.grow(dsn, goods, after=before, orders=step, of=sizes[-1], say=say)
            for clients in missing:
                say(f"{size:,} orders, {clients} clients")
                with_clients = structs.replace(options, clients=clients)
                async with _place(own, with_clients, dsn, goods, say, copied=size <= COPIED) as place:
                    state.keep(await _point(own, with_clients, place, size))
    measured = Measured(
        bench="scale",
        desks=options.desks,
        seconds=options.seconds,
        rounds=options.rounds,
        by_clients=sorted((p for p in state.points if p.orders == sizes[0]), key=lambda p: p.clients),
        by_orders=sorted((p for p in state.points if p.clients == options.clients), key=lambda p: p.orders),
    )
    written = publish(measured, options.clients, _docs())
    shutil.rmtree(state.folder)
    return Report(measured, written)


class _State:
    """The folder that outlives an interruption: the database, the shop in it, the points so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shop = folder / "shop.json"
        self._points = folder / "points.json"
        if folder.exists() and not self._shop.is_file():
            shutil.rmtree(folder)  # it never got as far as a shop
        self.points: list[Point] = []
        if self._points.is_file():
            self.points = msgspec.json.decode(self._points.read_bytes(), type=list[Point])

    async def shop(self, dsn: str, articles: int) -> Shop:
        if self._shop.is_file():
            return msgspec.json.decode(self._shop.read_bytes(), type=Shop)
        goods = await arena.open_shop(dsn, articles)
        self._shop.write_bytes(msgspec.json.encode(goods))
        return goods

    def has(self, clients: int, orders: int) -> bool:
        return any(point.clients == clients and point.orders == orders for point in self.points)

    def keep(self, point: Point) -> None:
        self.points.append(point)
        fresh = self._points.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self.points))
        fresh.replace(self._points)


@asynccontextmanager
async def _place(
    settings: Settings, options: Options, dsn: str, goods: Shop, say: Say, *, copied: bool
) -> AsyncIterator[Arena]:
    """The roles on the database, or on a copy of it that is dropped afterwards."""
    parts = urlsplit(dsn)
    used = urlunsplit(parts._replace(path="/lotse_bench_copy")) if copied else dsn
    server = urlunsplit(parts._replace(path="/postgres"))
    name = parts.path.removeprefix("/")
    if copied:
        arena.administer(server, "drop database if exists lotse_bench_copy with (force)")
        arena.administer(server, f'create database lotse_bench_copy template "{name}" strategy file_copy')
    try:
        async with arena.hosts_on(settings, options, settings.home, used, goods, say) as place:
            yield place
    finally:
        if copied:
            arena.administer(server, "drop database if exists lotse_bench_copy with (force)")


async def _point(settings: Settings, options: Options, place: Arena, orders: int) -> Point:
    """Lotse, the leanest statement and a statement per row in turns; pgbench only as far as connections go."""
    sides = compare.order_sides("articles_uniform")
    variables = {"first": place.shop.first_pool, "last": place.shop.last_pool}
    rates: list[float] = []
    latencies: list[float] = []
    compared: dict[str, list[float]] = {"leanest": [], "ordinary": []}
    batches = requests = 0.0
    for number in range(options.rounds):
        await place.settle()
        since = clock.now()
        done = await placing(place, options, options.warm_seconds, options.seconds, number)
        if done.errors:
            raise BenchFailed(f"{done.errors} errors, answers by status {done.by_status}: {done.sample[-600:]}")
        if (written := await _placed_since(place, since)) != done.placed:
            raise BenchFailed(f"{done.placed} orders were acknowledged and {written} are there")
        rates.append(done.rate)
        latencies += done.latencies_ms
        batches, requests = batches + done.batches, requests + done.requests
        place.say(f"  Lotse: {done.rate:,.0f} orders/s, p99 {percentile(sorted(done.latencies_ms), 0.99):.1f} ms")
        if options.clients > await place.room():
            continue
        for what, side in (("leanest", sides.leanest[0]), ("ordinary", sides.ordinary)):
            await place.settle()
            outcome = await pgbench.run(
                settings, place.dsn, side.scripts, clients=options.clients, seconds=options.seconds, variables=variables
            )
            compared[what].append(outcome.rate)
            place.say(f"  pgbench {side.name}: {outcome.rate:,.0f} orders/s")
    latencies.sort()
    return Point(
        clients=options.clients,
        orders=orders,
        rate=round(median(rates), 1),
        p50=round(percentile(latencies, 0.5), 2),
        p99=round(percentile(latencies, 0.99), 2),
        leanest=round(median(compared["leanest"]), 1) if compared["leanest"] else None,
        ordinary=round(median(compared["ordinary"]), 1) if compared["ordinary"] else None,
        batch_mean=round(requests / batches, 1) if batches else 0.0,
    )


async def _placed_since(place: Arena, since: datetime) -> int:
    async with place.database.reading() as conn:
        return await conn.value(PRELOAD.placed_since, since=since)


# -- what is published


def _docs() -> Path:
    """The documentation of a checkout, or the working directory."""
    docs = Path(__file__).parents[3] / "docs"
    return docs if (docs / "performance.md").is_file() else Path.cwd()


def publish(measured: Measured, clients: int, docs: Path) -> str:
    """Draw four charts into `docs/pictures` and put the tables into `docs/performance.md`; the tables."""
    pictures = docs / "pictures"
    pictures.mkdir(exist_ok=True)
    fewest = measured.by_clients[0].orders if measured.by_clients else 0
    by_clients = ("clients", [(point.clients, point) for point in measured.by_clients])
    by_orders = ("orders that are there already", [(point.orders, point) for point in measured.by_orders])
    for name, (axis, points), said in (
        ("clients", by_clients, f"with {fewest:,} orders there"),
        ("orders", by_orders, f"with {clients} clients"),
    ):
        if not points:
            continue
        rates = [
            Series("Lotse over HTTP", [(x, point.rate) for x, point in points]),
            Series("pgbench, leanest", [(x, point.leanest) for x, point in points if point.leanest is not None]),
            Series("pgbench, ordinary", [(x, point.ordinary) for x, point in points if point.ordinary is not None]),
        ]
        waits = [
            Series("p99", [(x, point.p99) for x, point in points]),
            Series("p50", [(x, point.p50) for x, point in points]),
        ]
        _write(pictures / f"rate-by-{name}.svg", f"Orders per second, {said}", axis, "orders/s", rates)
        _write(pictures / f"latency-by-{name}.svg", f"Time to the answer, {said}", axis, "ms", waits)
    tables = "\n\n".join(
        [
            _table("clients", [(f"{point.clients}", point) for point in measured.by_clients]),
            _table("orders there", [(f"{point.orders:,}", point) for point in measured.by_orders]),
        ]
    )
    page = docs / "performance.md"
    if page.is_file():
        text = page.read_text("utf-8")
        if BEGIN in text and END in text:
            before, rest = text.split(BEGIN, 1)
            _, after = rest.split(END, 1)
            page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", "utf-8")
    return tables


def _write(path: Path, title: str, x_label: str, y_label: str, series: Sequence[Series]) -> None:
    path.write_text(line_chart(title, x_label, y_label, [one for one in series if one.points]), "utf-8")


def _table(first: str, points: Sequence[tuple[str, Point]]) -> str:
    lines = [
        f"| {first} | Lotse, orders/s | p50, ms | p99, ms | orders per batch | pgbench leanest | pgbench ordinary |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, point in points:
        leanest, ordinary = (f"{rate:,.0f}" if rate is not None else "" for rate in (point.leanest, point.ordinary))
        lines.append(
            f"| {name} | {point.rate:,.0f} | {point.p50:.1f} | {point.p99:.1f} | {point.batch_mean:.1f} "
            f"| {leanest} | {ordinary} |"
        )
    return "\n".join(lines)


PROFILE = Profile("scale", "rate and p99 by clients and by orders that are there; draws the charts; resumes", run)
