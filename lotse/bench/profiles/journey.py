"""`journey`: whole purchases with rendered pages, and placing orders while pages render at full load.

A journey is what a browser without scripts does: look at a product, add it and another article (two form posts, each
followed to the rendered basket), open the checkout, order (form post), and follow to the order's page. Eight requests,
five pages; answers are compressed. The shop is the demo retailer, with everything in stock.

In the second part visitors load product, basket and checkout as fast as the shop answers, and buyers place orders of
two lines over `POST /api/v1/orders` beside them. All roles run, the worker too, on the same cores as the clients.
"""

import asyncio
import os
import random
import re
import sys
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.bench import cpu, shop
from lotse.bench.arena import Arena, database_in, hosts_on, temporary_home
from lotse.bench.client import Job
from lotse.bench.load import Load, drive, percentile
from lotse.bench.profile import BenchFailed, Options, Profile, Report, Say
from lotse.bench.shop import Shop, buyer
from lotse.bench.visitors import Walk, Walked
from lotse.domains.checkout.contracts import StoredBasket, StoredLine
from lotse.domains.checkout.queries import articles, put_together, terms_of_sale
from lotse.domains.parties.queries import shops
from lotse.kernel import check, clock
from lotse.kernel.db import opened
from lotse.kernel.ids import uuid7
from lotse.kernel.settings import Settings

ROLES = ("desk", "worker", "pages", "api")
# A visitor waits for each answer; so many at once keep two cores busy, more only wait.
VISITORS = 16
PAIRS = 2_000
_PATIENCE_SECONDS = 60.0


class Times(Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class Shares(Struct, frozen=True):
    """Cores in use."""

    client: float
    api: float
    pages: float
    desk: float
    worker: float
    postgres: float


class Figures(Struct, frozen=True, kw_only=True):
    """`rate` is whole journeys per second; `placing_…` is of orders over the API while `pages_meanwhile` render."""

    bench: str
    seconds: float
    rounds: int
    visitors: int
    clients: int
    rate: float
    pages: float
    steps: dict[str, Times]
    cpu: Shares
    cpu_ms_per_journey: float
    placing_rate: float
    placing: Times
    pages_meanwhile: float
    page_times_meanwhile: dict[str, Times]
    cpu_meanwhile: Shares
    # Pieces of pages that were late and left out in the journeys, and in the pages beside placing.
    left_out: int
    left_out_meanwhile: int
    errors: int
    check: str


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, walk, place, check."""
    async with _demo(settings, options, say) as (place, offers):
        products = await _products(place)
        say(f"{len(products)} products, {len(offers):,} offers in stock")
        pairs = await _pairs(place, offers)
        walks: list[tuple[Walked, Shares]] = []
        rounds: list[tuple[Load, Walked, Shares]] = []
        left_out = [0, 0]
        for number in range(options.rounds):
            await place.settle()
            before = place.hosts[0].left_out()
            walks.append(await _walked(place, options, products, "journeys", seed=number))
            between = place.hosts[0].left_out()
            say(f"round {number + 1}: {_rate(walks[-1][0]):,.0f} journeys/s")
            await place.settle()
            rounds.append(await _placed(place, options, products, pairs, seed=number))
            left_out[0] += between - before
            left_out[1] += place.hosts[0].left_out() - between
            say(f"round {number + 1}: {rounds[-1][0].rate:,.0f} orders/s beside {_pages(rounds[-1][1]):,.0f} pages/s")
        wrong = await check.run(place.database)
        found = _figures(
            options, walks, rounds, left_out, check="ok" if not wrong else f"{len(wrong)} differences: {wrong[0]}"
        )
    return Report(found, _table(found), ok=not found.errors and not wrong)


@asynccontextmanager
async def _demo(settings: Settings, options: Options, say: Say) -> AsyncIterator[tuple[Arena, list[UUID]]]:
    if options.desks != 1:
        raise BenchFailed("journey runs on one host; leave --desks at 1")
    with temporary_home() as home, database_in(settings, home) as dsn:
        say("the demo retailer")
        own = home / "host-1"
        await asyncio.to_thread(own.mkdir, mode=0o700)
        environment = {**os.environ, "LOTSE_HOME": str(own), "LOTSE_DATABASE_URL": dsn}
        loading = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lotse", "demo"), env=environment, stdout=asyncio.subprocess.DEVNULL
        )
        if await loading.wait() != 0:
            raise BenchFailed("the demo retailer could not be loaded; its own words stand above")
        async with opened(dsn, role="lotse bench", connections=2) as database:
            async with database.reading() as conn:
                rows = await conn.raw.fetch(
                    "select o.id, s.pool_id, o.shop_id, s.location_id from offers.offers o"
                    " join inventory.stock s on s.variant_id = o.variant_id and s.owner_party_id = o.seller_party_id"
                    " and s.condition = o.condition where o.state = 'active' order by s.pool_id"
                )
            await shop.stock(database, "receipt", [(row["pool_id"], 1_000_000) for row in rows])
        offers = list(dict.fromkeys(row["id"] for row in rows))
        goods = Shop(rows[0]["shop_id"], rows[0]["location_id"], offers, rows[0]["pool_id"])
        say(" + ".join(ROLES))
        async with hosts_on(settings, options, home, dsn, goods, say, roles=ROLES) as place:
            yield place, offers


async def _products(place: Arena) -> list[str]:
    """Every product of the shop by its address, as a visitor finds them: department by department."""
    found: set[str] = set()
    reader = _Reader(place.addresses[0])
    for department in sorted(set(re.findall(r'href="(/c/[a-z0-9-]+)"', await reader.page("/")))):
        following: str | None = department
        while following:
            page = await reader.page(following)
            found |= set(re.findall(r'href="(/p/[a-z0-9-]+)"', page))
            more = re.search(r'rel="next" href="([^"]+)"', page)
            following = more[1].replace("&amp;", "&") if more else None
    # Also their pages: what is not for sale is nobody's journey.
    return [path for path in sorted(found) if 'name="offer_id"' in await reader.page(path)]


class _Reader:
    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address

    async def page(self, path: str) -> str:
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: bench\r\naccept-language: de\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.decode("utf-8", "replace")


async def _pairs(place: Arena, offers: Sequence[UUID]) -> list[bytes]:
    """Bodies of orders of two lines, with the sum that each costs."""
    at = clock.now()
    async with place.database.reading() as conn:
        [own] = [one for one in (await shops(conn)).items if one.id == place.shop.shop_id]
        known = await articles(conn, shop=own, offer_ids=list(offers), language=own.language, at=at)
        terms = await terms_of_sale(conn, shop=own, at=at)
    draw = random.Random(0)
    bodies: list[bytes] = []
    for _ in range(PAIRS):
        chosen = draw.sample(list(known), 2)
        lines = [StoredLine(id, known[id].offer.variant_id, 1, None) for id in chosen]
        basket = StoredBasket(uuid7(), own.id, None, 1, None, at, lines)
        quote = put_together(basket, own, {id: known[id] for id in chosen}, terms, {}, at=at, country="DE")
        wanted = [{"offer_id": id, "quantity": 1} for id in chosen]
        total = quote.priced.gross_minor
        bodies.append(msgspec.json.encode({"lines": wanted, **buyer(), "total_minor": total}))
    return bodies


async def _walked(
    place: Arena, options: Options, products: list[str], what: Any, *, seed: int
) -> tuple[Walked, Shares]:
    walk = Walk(
        address=place.addresses[0],
        what=what,
        visitors=VISITORS,
        warm_seconds=max(options.warm_seconds, 2.0),
        seconds=options.seconds,
        products=products,
        seed=seed,
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lotse.bench.visitors"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us, and we end it
    )
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the visitors were started with pipes")
    try:
        async with asyncio.timeout(walk.warm_seconds + walk.seconds + _PATIENCE_SECONDS):
            process.stdin.write(msgspec.msgpack.encode(walk))
            process.stdin.close()
            await process.stdout.readuntil(b"begin\n")
            before = _used(place)
            await process.stdout.readuntil(b"end\n")
            after = _used(place)
            body = await process.stdout.read()
            if await process.wait() != 0:
                raise BenchFailed("the visitors failed; their own words stand above")
    except (TimeoutError, asyncio.IncompleteReadError):
        raise BenchFailed("the visitors did not come through") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    walked = msgspec.msgpack.decode(body, type=Walked)
    if walked.errors:
        place.say(f"{walked.errors} visitors were sent away, the first: {walked.sample[:600]!r}")
    seconds = walked.measured_seconds
    cores = {name: (after[name] - before[name]) / seconds for name in before}
    return walked, Shares(client=walked.cpu_seconds / seconds, **cores)


async def _placed(
    place: Arena, options: Options, products: list[str], bodies: Sequence[bytes], *, seed: int
) -> tuple[Load, Walked, Shares]:
    """Orders over the API while pages render at full load: the pages begin first and end last."""
    job = Job(
        addresses=place.addresses,
        clients=options.clients,
        warm_seconds=3.0,
        seconds=options.seconds,
        head=(
            b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
            b"Content-Type: application/json\r\nIdempotency-Key: "
        ),
        tails=[b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body for body in bodies],
        seed=seed,
    )
    longer = msgspec.structs.replace(options, seconds=options.seconds + 4.0, warm_seconds=2.0)
    rendering = asyncio.create_task(_walked(place, longer, products, "pages", seed=seed))
    try:
        placed = await drive(place, job)
        walked, shares = await rendering
    finally:
        rendering.cancel()
        await asyncio.gather(rendering, return_exceptions=True)
    if placed.errors:
        place.say(f"{placed.errors} orders went wrong: {placed.by_status} {placed.sample[:600]!r}")
    return placed, walked, shares


def _used(place: Arena) -> dict[str, float]:
    host = place.hosts[0]
    found = {role: cpu.of_processes(host.pids(role)) for role in ("api", "pages", "desk", "worker")}
    return {**found, "postgres": place.usage().postgres}


def _rate(walked: Walked) -> float:
    return walked.done / walked.measured_seconds


def _pages(walked: Walked) -> float:
    return walked.pages / walked.measured_seconds


def _figures(
    options: Options,
    walks: Sequence[tuple[Walked, Shares]],
    rounds: Sequence[tuple[Load, Walked, Shares]],
    left_out: Sequence[int],
    *,
    check: str,
) -> Figures:
    rate = median(_rate(walked) for walked, _ in walks)
    cores = _median_shares([shares for _, shares in walks])
    latencies = [sorted(load.latencies_ms) for load, _, _ in rounds]
    return Figures(
        bench="journey",
        seconds=options.seconds,
        rounds=options.rounds,
        visitors=VISITORS,
        clients=options.clients,
        rate=round(rate, 1),
        pages=round(median(_pages(walked) for walked, _ in walks), 1),
        steps=_steps([walked for walked, _ in walks]),
        cpu=cores,
        cpu_ms_per_journey=round(sum(msgspec.structs.astuple(cores)) / rate * 1000, 2) if rate else 0.0,
        placing_rate=round(median(load.rate for load, _, _ in rounds), 1),
        placing=Times(*(round(median(percentile(one, p) for one in latencies), 1) for p in (0.5, 0.95, 0.99))),
        pages_meanwhile=round(median(_pages(walked) for _, walked, _ in rounds), 1),
        page_times_meanwhile=_steps([walked for _, walked, _ in rounds]),
        cpu_meanwhile=_median_shares([shares for _, _, shares in rounds]),
        left_out=left_out[0],
        left_out_meanwhile=left_out[1],
        errors=sum(walked.errors for walked, _ in walks)
        + sum(load.errors + walked.errors for load, walked, _ in rounds),
        check=check,
    )


def _steps(walks: Sequence[Walked]) -> dict[str, Times]:
    found: dict[str, Times] = {}
    for step in dict.fromkeys(step for walked in walks for step in walked.latencies_ms):
        each: list[list[float]] = []
        for walked in walks:
            latencies = array("d")
            latencies.frombytes(walked.latencies_ms.get(step, b""))
            each.append(sorted(latencies))
        found[step] = Times(*(round(median(percentile(one, p) for one in each), 1) for p in (0.5, 0.95, 0.99)))
    return found


def _median_shares(given: Sequence[Shares]) -> Shares:
    columns: Mapping[str, float] = {
        name: round(median(getattr(shares, name) for shares in given), 2) for name in Shares.__struct_fields__
    }
    return Shares(**columns)


def _table(found: Figures) -> str:
    def cores(shares: Shares) -> str:
        return ", ".join(f"{name} {getattr(shares, name):.2f}" for name in Shares.__struct_fields__)

    def times(steps: Mapping[str, Times]) -> list[str]:
        return [f"  {name:10}{one.p50:9.1f}{one.p95:9.1f}{one.p99:9.1f}" for name, one in steps.items()]

    return "\n".join(
        [
            f"{found.rate:,.1f} journeys/s ({found.pages:,.0f} pages/s), as browsers without scripts make them:",
            "product, two adds each followed to the basket, checkout, order, the order's page; compressed.",
            f"{found.visitors} visitors, medians of {found.rounds} rounds of {found.seconds:g} s; "
            f"{found.cpu_ms_per_journey} ms of CPU each.",
            f"Cores in use: {cores(found.cpu)}",
            f"  {'ms':10}{'p50':>9}{'p95':>9}{'p99':>9}",
            *times(found.steps),
            "",
            f"{found.placing_rate:,.1f} orders/s over the API ({found.clients} clients) beside "
            f"{found.pages_meanwhile:,.0f} pages/s: product, basket, checkout at full load.",
            f"Cores in use: {cores(found.cpu_meanwhile)}",
            *times({"placing": found.placing, **found.page_times_meanwhile}),
            "",
            f"pieces of pages left out because they were late: {found.left_out} in journeys, "
            f"{found.left_out_meanwhile} beside placing",
            f"errors {found.errors}, check {found.check}",
        ]
    )


PROFILE = Profile("journey", "whole purchases with rendered pages, and placing while pages render", run)
