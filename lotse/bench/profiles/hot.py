"""`hot`: everybody wants one article. First with plenty of it, for the rate; then with exactly so many pieces.

Each order has two lines, the one article and any other, so that both sides write the same rows as in `orders`; what
differs is that all of them need the same pool.
"""

import random
from uuid import UUID

from lotse.bench import books, compare, load, shop
from lotse.bench.arena import Arena, arena
from lotse.bench.books import STATEMENTS
from lotse.bench.load import Load
from lotse.bench.profile import BenchFailed, Options, Profile, Report, Say
from lotse.kernel.settings import Settings

# Selling out takes seconds; longer than this it hangs.
SELLING_OUT_SECONDS = 120.0

SAID = """\
Compared: orders of two lines, one of them always the same article, the other any of {others:,}; so every order needs
the same pool. pgbench writes the same rows for one order per transaction and is given every value. The same PostgreSQL
at the same durability, in turns: {rounds} rounds of {seconds:g} s each, medians.
Then {pieces:,} pieces of the article: {sold:,} sold, {refused:,} buyers told that there are no more."""


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, measure, take down."""
    async with arena(settings, options, say) as place:
        return await measure(settings, place, options)


async def measure(settings: Settings, place: Arena, options: Options) -> Report:
    """Take turns, sell out, report."""
    turns = await compare.take_turns(
        settings,
        place,
        options,
        load=lambda warm, seconds, seed: placing(place, options, warm, seconds, seed),
        one=lambda: load.place_one(place, (place.shop.offers[0], place.shop.offers[-1])),
        sides=compare.order_sides("articles_hot"),
    )
    place.say(f"selling {options.pieces:,} pieces")
    sold, refused = await sell_out(place, options)
    await books.refuse_differences(place.database, "selling out")
    oversold = max(await books.oversold(place.database), sold - options.pieces)
    found = compare.figures("hot", options, turns, sold=sold, oversold=oversold)
    said = SAID.format(
        others=options.articles - 1,
        pieces=options.pieces,
        sold=sold,
        refused=refused,
        rounds=options.rounds,
        seconds=options.seconds,
    )
    ok = not found.errors and not oversold and sold == options.pieces
    return Report(found, compare.table(found, turns, said), ok=ok)


async def placing(place: Arena, options: Options, warm_seconds: float, seconds: float, seed: int) -> Load:
    """One round of Lotse."""
    return await load.place_orders(
        place, pairs(place, seed), clients=options.clients, warm_seconds=warm_seconds, seconds=seconds, seed=seed
    )


def pairs(place: Arena, seed: int) -> list[tuple[UUID, UUID]]:
    """The hot article beside any other; half of them name it first."""
    draw = random.Random(seed)
    *others, hot = place.shop.offers
    some = [(hot, other) for other in draw.sample(others, min(len(others), 5_000))]
    return [pair if draw.random() < 0.5 else (pair[1], pair[0]) for pair in some]


async def sell_out(place: Arena, options: Options) -> tuple[int, int]:
    """Leave exactly so many pieces and let buyers come until all were refused; pieces sold, refusals."""
    hot = place.shop.last_pool
    async with place.database.reading() as conn:
        on_hand: int = await conn.value(STATEMENTS.on_hand, pool_id=hot)
        before: int = await conn.value(STATEMENTS.sold_of, pool_id=hot)
    await shop.stock(place.database, "adjustment", [(hot, options.pieces - on_hand)])
    done = await load.place_orders(
        place,
        pairs(place, 0),
        clients=options.clients,
        warm_seconds=0,
        seconds=SELLING_OUT_SECONDS,
        seed=0,
        until_sold_out=True,
    )
    if done.errors:
        raise BenchFailed(f"{done.errors} errors while selling out, answers by status {done.by_status}: {done.sample}")
    async with place.database.reading() as conn:
        sold: int = await conn.value(STATEMENTS.sold_of, pool_id=hot) - before
    if sold != done.placed:
        raise BenchFailed(f"{done.placed} orders were acknowledged and {sold} pieces were sold")
    return sold, done.by_status.get(load.SOLD_OUT, 0)


PROFILE = Profile("hot", "everybody wants one article, beside pgbench; then it sells out", run)
