"""`orders`: two-line orders by guests over HTTP, every pair of articles as likely as any other, plenty of stock."""

import random

from lotse.bench import books, compare, load
from lotse.bench.arena import Arena, arena
from lotse.bench.load import Load
from lotse.bench.profile import Options, Profile, Report, Say
from lotse.kernel.settings import Settings

# Different pairs of one round; drawn anew for the next.
PAIRS = 20_000

SAID = """\
Compared: orders of two lines over HTTP/1.1 (keep-alive, a new Idempotency-Key each), drawn from {articles:,} articles.
pgbench writes the same rows for one order per transaction and is given every value. The same PostgreSQL at the same
durability, in turns: {rounds} rounds of {seconds:g} s each, medians."""


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, measure, take down."""
    async with arena(settings, options, say) as place:
        return await measure(settings, place, options)


async def measure(settings: Settings, place: Arena, options: Options) -> Report:
    """Take turns, report."""
    turns = await compare.take_turns(
        settings,
        place,
        options,
        load=lambda warm, seconds, seed: placing(place, options, warm, seconds, seed),
        one=lambda: load.place_one(place, (place.shop.offers[0], place.shop.offers[-1])),
        sides=compare.order_sides("articles_uniform"),
    )
    sold = 2 * sum(done.placed for done in turns.lotse)
    oversold = await books.oversold(place.database)
    found = compare.figures("orders", options, turns, sold=sold, oversold=oversold)
    said = SAID.format(articles=options.articles, rounds=options.rounds, seconds=options.seconds)
    return Report(found, compare.table(found, turns, said), ok=not found.errors and not oversold)


async def placing(place: Arena, options: Options, warm_seconds: float, seconds: float, seed: int) -> Load:
    """One round of Lotse."""
    draw = random.Random(seed)
    pairs = [(one, other) for one, other in (draw.sample(place.shop.offers, 2) for _ in range(PAIRS))]
    return await load.place_orders(
        place, pairs, clients=options.clients, warm_seconds=warm_seconds, seconds=seconds, seed=seed
    )


PROFILE = Profile("orders", "two-line orders over HTTP, uniform over 5,000 articles, beside pgbench", run)
