"""Lotse and pgbench in turns: the same PostgreSQL, the same tables, the same rows per order, the same durability.

The sides take turns round by round, so that whatever changes meanwhile (tables grow, the disk has a bad moment) meets
all of them. Before each turn statistics are made fresh and a checkpoint is taken; after each turn the books must agree.
"""

from collections.abc import Awaitable, Callable, Sequence
from statistics import median

from msgspec import Struct, structs

from lotse.bench import books, pgbench
from lotse.bench.arena import Arena
from lotse.bench.load import Load, percentile
from lotse.bench.pgbench import Outcome
from lotse.bench.profile import BenchFailed, Options
from lotse.kernel.settings import Settings

# Where pgbench is at its best is looked for among these.
PROBES = (1, 4, 8, 16, 32, 64)


class Side(Struct, frozen=True):
    """A side of pgbench: scripts that make one transaction together."""

    name: str
    scripts: tuple[str, ...]


class Sides(Struct, frozen=True):
    """What Lotse is compared with: one round trip per order, in several forms, and a statement per row."""

    leanest: tuple[Side, ...]
    ordinary: Side
    # How much of what is counted one run of a script is.
    per_script: int = 1


def order_sides(articles: str) -> Sides:
    """The scripts of an order of two lines; `articles` is the script that draws the two."""
    return Sides(
        (
            Side("one statement", (articles, "order_leanest")),
            Side("one function", (articles, "order_function")),
        ),
        Side("a statement per row", (articles, "order_ordinary")),
    )


class Turns(Struct, frozen=True):
    """What was measured, turn by turn. `best` is the leanest script at the number of clients where it is fastest."""

    lotse: list[Load]
    leanest: list[Outcome]
    best: list[Outcome]
    ordinary: list[Outcome]
    best_clients: int
    form: str


class Figures(Struct, frozen=True, kw_only=True):
    """The JSON line. Rates are per second, medians of the rounds; percentiles are of all measured requests, in ms.

    `cpu_*` are cores in use, medians of the rounds; `cpu_postgres` is null if the server runs elsewhere.
    """

    bench: str
    clients: int
    desks: int
    seconds: float
    rounds: int
    rate: float
    compared: float
    ratio: float
    ratio_best: float
    compared_ordinary: float
    ratio_ordinary: float
    p50: float
    p95: float
    p99: float
    errors: int
    sold: int
    oversold: int
    batch_mean: float
    cpu_client: float
    cpu_server: float
    cpu_desk: float
    cpu_postgres: float


async def take_turns(
    settings: Settings,
    arena: Arena,
    options: Options,
    *,
    load: Callable[[float, float, int], Awaitable[Load]],
    one: Callable[[], Awaitable[Load]],
    sides: Sides,
    unit: str = "orders",
) -> Turns:
    """All rounds. `load(warm_seconds, seconds, seed)` is Lotse's turn; `one` places exactly one order by Lotse.

    Raises `BenchFailed` if a side writes other rows than the others, or if the books do not agree after a turn.
    """
    variables = {"first": arena.shop.first_pool, "last": arena.shop.last_pool}
    each = await _rows_of_one(settings, arena, one, (*sides.leanest, sides.ordinary), variables)

    async def measured(side: Side, clients: int, seconds: float) -> Outcome:
        await arena.settle()
        if clients > (room := await arena.room()):
            raise BenchFailed(f"the server has room for {room} clients of pgbench: raise its max_connections")
        before = await books.rows(arena.database)
        used = arena.usage()
        outcome = await pgbench.run(
            settings, arena.dsn, side.scripts, clients=clients, seconds=seconds, variables=variables
        )
        used = arena.usage().since(used)
        written = (await books.rows(arena.database)).since(before)
        books.refuse_other_rows(written, each, outcome.transactions, f"pgbench {side.name}")
        await books.refuse_differences(arena.database, f"a round of pgbench {side.name}")
        outcome = structs.replace(outcome, rate=outcome.rate * sides.per_script)
        cost = used.postgres / (outcome.transactions * sides.per_script) * 1e6
        arena.say(
            f"  pgbench {side.name}, {clients} clients: {outcome.rate:,.0f} {unit}/s, "
            f"{cost:.0f} µs of PostgreSQL's CPU for one"
        )
        return outcome

    arena.say("probing pgbench: which form, and how many clients")
    forms = {side: await measured(side, options.clients, options.probe_seconds) for side in sides.leanest}
    leanest = max(forms, key=lambda side: forms[side].rate)
    probes = {
        clients: await measured(leanest, clients, options.probe_seconds)
        for clients in PROBES
        if clients != options.clients
    }
    probes[options.clients] = forms[leanest]
    best_clients = max(probes, key=lambda clients: probes[clients].rate)
    turns = Turns([], [], [], [], best_clients, leanest.name)
    for number in range(1, options.rounds + 1):
        arena.say(f"round {number} of {options.rounds}")
        await arena.settle()
        before = await books.rows(arena.database)
        done = await load(options.warm_seconds, options.seconds, number)
        written = (await books.rows(arena.database)).since(before)
        if done.errors:
            raise BenchFailed(f"{done.errors} errors, answers by status {done.by_status}: {done.sample[-600:]}")
        books.refuse_other_rows(written, each, done.placed, "Lotse")
        await books.refuse_differences(arena.database, "a round of Lotse")
        latencies = sorted(done.latencies_ms)
        arena.say(
            f"  Lotse, {options.clients} clients: {done.rate:,.0f} {unit}/s, p99 {percentile(latencies, 0.99):.1f} ms, "
            f"{done.cpu_postgres / done.rate * 1e6 if done.rate else 0:.0f} µs of PostgreSQL's CPU for one"
        )
        turns.lotse.append(done)
        turns.leanest.append(await measured(leanest, options.clients, options.seconds))
        if best_clients != options.clients:
            turns.best.append(await measured(leanest, best_clients, options.seconds))
        turns.ordinary.append(await measured(sides.ordinary, options.clients, options.seconds))
    return turns


async def _rows_of_one(
    settings: Settings,
    arena: Arena,
    one: Callable[[], Awaitable[Load]],
    sides: Sequence[Side],
    variables: dict[str, int],
) -> books.Rows:
    """The rows of one order; the same on every side, or the comparison compares different things."""
    before = await books.rows(arena.database)
    placed = await one()
    if placed.placed != 1:
        raise BenchFailed(f"the first order was answered {placed.by_status}: {placed.sample[-600:]}")
    after = await books.rows(arena.database)
    each = after.since(before)
    for side in sides:
        before = after
        await pgbench.run(settings, arena.dsn, side.scripts, clients=1, transactions=1, variables=variables)
        after = await books.rows(arena.database)
        books.refuse_other_rows(after.since(before), each, 1, f"pgbench {side.name}")
    await books.refuse_differences(arena.database, "one order by each side")
    return each


def figures(bench: str, options: Options, turns: Turns, *, sold: int, oversold: int) -> Figures:
    """The one line."""
    rate = median(load.rate for load in turns.lotse)
    leanest = median(outcome.rate for outcome in turns.leanest)
    best = max(leanest, median(outcome.rate for outcome in turns.best) if turns.best else 0.0)
    ordinary = median(outcome.rate for outcome in turns.ordinary)
    latencies = sorted(ms for load in turns.lotse for ms in load.latencies_ms)
    batches = sum(load.batches for load in turns.lotse)
    return Figures(
        bench=bench,
        clients=options.clients,
        desks=options.desks,
        seconds=options.seconds,
        rounds=options.rounds,
        rate=round(rate, 1),
        compared=round(leanest, 1),
        ratio=round(rate / leanest, 3),
        ratio_best=round(rate / best, 3),
        compared_ordinary=round(ordinary, 1),
        ratio_ordinary=round(rate / ordinary, 3),
        p50=round(percentile(latencies, 0.5), 2),
        p95=round(percentile(latencies, 0.95), 2),
        p99=round(percentile(latencies, 0.99), 2),
        errors=sum(load.errors for load in turns.lotse),
        sold=sold,
        oversold=oversold,
        batch_mean=round(sum(load.requests for load in turns.lotse) / batches, 1) if batches else 0.0,
        cpu_client=round(median(load.cpu_client for load in turns.lotse), 2),
        cpu_server=round(median(load.cpu_server for load in turns.lotse), 2),
        cpu_desk=round(median(load.cpu_desk for load in turns.lotse), 2),
        cpu_postgres=round(median(load.cpu_postgres for load in turns.lotse), 2),
    )


def table(found: Figures, turns: Turns, said: str, *, unit: str = "orders", by: str = "over HTTP") -> str:
    """The same for people."""
    rows: list[tuple[str, str, str]] = [
        (f"Lotse {by}, {found.clients} clients", f"{found.rate:,.0f}", ""),
        (f"pgbench, leanest ({turns.form}), {found.clients} clients", f"{found.compared:,.0f}", f"{found.ratio:.2f} x"),
    ]
    if turns.best:
        best = median(outcome.rate for outcome in turns.best)
        rows.append(
            (
                f"pgbench, leanest, {turns.best_clients} clients (its best)",
                f"{best:,.0f}",
                f"{found.ratio_best:.2f} x",
            )
        )
    rows.append(
        (
            f"pgbench, a statement per row, {found.clients} clients",
            f"{found.compared_ordinary:,.0f}",
            f"{found.ratio_ordinary:.2f} x",
        )
    )
    wide = max(len(name) for name, _, _ in rows)
    lines = [f"{'':{wide}}  {unit + '/s':>10}  {'Lotse is':>9}"]
    lines += [f"{name:{wide}}  {rate:>10}  {ratio:>9}" for name, rate, ratio in rows]
    shares = {name: getattr(found, f"cpu_{name}") for name in ("client", "server", "desk", "postgres")}
    each = ", ".join(f"{name} {cores:.2f} ({cores / found.rate * 1e6:.0f} µs)" for name, cores in shares.items())
    lines += [
        "",
        f"latency: p50 {found.p50} ms, p95 {found.p95} ms, p99 {found.p99} ms; errors {found.errors}",
        f"requests per batch: {found.batch_mean}",
        f"cores in use (CPU time per {unit.removesuffix('s')}): {each}",
        f"pieces sold {found.sold:,}, oversold {found.oversold}, deadlocks 0; the books agreed after every round",
        "",
        said,
    ]
    return "\n".join(lines)
