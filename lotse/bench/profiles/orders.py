"""`orders`: two-line orders by guests over HTTP, every pair of articles as likely as any other, plenty of stock."""

import random

from lotse.bench import compare, load
from lotse.bench.arena import Arena, arena
from lotse.bench.client import Job
from lotse.bench.compare import Side
from lotse.bench.load import Load
from lotse.bench.profile import Options, Profile, Report, Say
from lotse.kernel.settings import Settings

# Different pairs of one round; drawn anew for the next.
PAIRS = 20_000
LEANEST = Side("leanest statement", ("articles_uniform", "order_leanest"))
ORDINARY = Side("statement per row", ("articles_uniform", "order_ordinary"))

SAID = (
    "Compared: orders of two lines over HTTP/1.1 (keep-alive, a new Idempotency-Key each), of {articles:,} articles; "
    "pgbench writes the same rows\nfor one order per transaction, given all values, over its Unix socket. "
    "The same PostgreSQL in turns, {rounds} rounds of {seconds:g} s each, medians."
)


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, take turns, report."""
    async with arena(settings, options, say) as place:
        turns = await compare.take_turns(
            settings,
            place,
            options,
            load=lambda warm, seconds, seed: placing(place, options, warm, seconds, seed),
            one=lambda: one_order(place),
            leanest=LEANEST,
            ordinary=ORDINARY,
        )
        sold = 2 * sum(done.placed for done in turns.lotse)
        found = compare.figures("orders", options, turns, sold=sold, oversold=0)
    said = SAID.format(articles=options.articles, rounds=options.rounds, seconds=options.seconds)
    return Report(found, compare.table(found, turns, said), ok=found.errors == 0)


async def placing(place: Arena, options: Options, warm_seconds: float, seconds: float, seed: int) -> Load:
    """One round of Lotse."""
    draw = random.Random(seed)
    offers = place.shop.offers
    head, tails = load.orders(draw.sample(offers, 2) for _ in range(PAIRS))  # type: ignore[misc]
    job = Job(
        addresses=place.addresses,
        clients=options.clients,
        warm_seconds=warm_seconds,
        seconds=seconds,
        head=head,
        tails=tails,
        seed=seed,
    )
    return await load.drive(place, job)


async def one_order(place: Arena) -> Load:
    """Exactly one order."""
    head, tails = load.orders([(place.shop.offers[0], place.shop.offers[-1])])
    return await load.drive(
        place,
        Job(addresses=place.addresses[:1], clients=1, warm_seconds=0, seconds=0, head=head, tails=tails),
    )


PROFILE = Profile("orders", "two-line orders over HTTP, uniform over 5,000 articles, beside pgbench", run)
