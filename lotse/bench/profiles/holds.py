"""`holds`: two articles are held and taken, held again and given back, at the desks' own sockets.

There is no endpoint that only holds (a hold is part of a payment), so this measures the desk without HTTP. A hold with
its end counts as one; half of them are claimed, half are released.
"""

from lotse.bench import books, compare, load
from lotse.bench.arena import Arena, arena
from lotse.bench.compare import Side, Sides
from lotse.bench.holding import Holding
from lotse.bench.load import Load
from lotse.bench.profile import Options, Profile, Report, Say
from lotse.kernel.settings import Settings

SIDES = Sides(
    (
        Side(
            "one statement each",
            ("articles_uniform", "hold_leanest", "claim_leanest", "hold_leanest", "release_leanest"),
        ),
    ),
    Side(
        "a statement per row",
        ("articles_uniform", "hold_ordinary", "claim_ordinary", "hold_ordinary", "release_ordinary"),
    ),
    per_script=2,
)

SAID = """\
Compared: holds of two articles of {articles:,}, each held and then ended, half claimed and half released; two requests
each, at the desk's own socket and not over HTTP. pgbench writes the same rows, one transaction per request, and is
given every value. The same PostgreSQL at the same durability, in turns: {rounds} rounds of {seconds:g} s each, medians.
Latency is that of a request; pieces sold are those of the claimed holds."""


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, measure, take down."""
    async with arena(settings, options, say, roles=("desk",)) as place:
        return await measure(settings, place, options)


async def measure(settings: Settings, place: Arena, options: Options) -> Report:
    """Take turns, report."""
    turns = await compare.take_turns(
        settings,
        place,
        options,
        load=lambda warm, seconds, seed: holding(
            place, _job(place, clients=options.clients, warm_seconds=warm, seconds=seconds, seed=seed)
        ),
        one=lambda: holding(place, _job(place, clients=1, warm_seconds=0, seconds=0, seed=0, once=True)),
        sides=SIDES,
        unit="holds",
    )
    sold = 2 * sum(done.placed for done in turns.lotse)
    oversold = await books.oversold(place.database)
    found = compare.figures("holds", options, turns, sold=sold, oversold=oversold)
    said = SAID.format(articles=options.articles, rounds=options.rounds, seconds=options.seconds)
    table = compare.table(found, turns, said, unit="holds", by="at the desk's socket")
    return Report(found, table, ok=not found.errors and not oversold)


async def holding(place: Arena, job: Holding) -> Load:
    """One round of Lotse."""
    return await load.drive(place, job, module="lotse.bench.holding")


def _job(place: Arena, *, clients: int, warm_seconds: float, seconds: float, seed: int, once: bool = False) -> Holding:
    return Holding(
        sockets=[str(host.desk_socket) for host in place.hosts],
        clients=clients,
        warm_seconds=warm_seconds,
        seconds=seconds,
        first=place.shop.first_pool,
        last=place.shop.last_pool,
        seed=seed,
        once=once,
    )


PROFILE = Profile("holds", "hold, then claim or release, at the desk's socket, beside pgbench", run)
