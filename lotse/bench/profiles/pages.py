"""`pages`: what one `pages` process does on a shop of 49,000 articles: kept pages beside the same server's bare answer,
and how long one visitor waits for pages that are not kept.

The articles are those of `lotse import demo-large` where their folder is there (LOTSE_DATA, or ../shared/data), else
made ones. `static` and `cached` take turns, each with the same number of clients; the bare answer has the size of the
packed page. Pages that are not kept are asked for by one client, each address once, product, category, search and
suggestions in turns. Events of behaviour are told to the `api` while a visitor turns kept pages as fast as they come.
"""

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import httpx
from msgspec import Struct, structs

from lotse.bench import cpu
from lotse.bench.arena import QUIET, Arena, Host, database_in, open_shop, temporary_home
from lotse.bench.client import Job
from lotse.bench.events import events_per_second
from lotse.bench.load import Load, drive, percentile
from lotse.bench.profile import BenchFailed, Options, Profile, Report, Say
from lotse.bench.shop import Shop
from lotse.domains.behaviour.contracts import LogBusy
from lotse.domains.search import queries
from lotse.domains.search.contracts import Question
from lotse.domains.search.rules import shown_facets
from lotse.kernel import clock, runtime
from lotse.kernel.db import Database, opened
from lotse.kernel.desk.desk import running
from lotse.kernel.ids import uuid7
from lotse.kernel.seams import folders
from lotse.kernel.settings import Settings
from lotse.web.server import listen_tcp
from lotse.web.supervisor import Supervisor, base_environment

COLLECTION = "demo-large"
# As many as `demo-large` brings.
ARTICLES = 49_000
# Enough that the server never waits for a client, few enough that none waits long.
CLIENTS = 32
# Pages that visitors share out among themselves: what is hot in a shop.
KEPT_PAGES = 50
# A round is this many pairs: other tenants of a machine take more of one second than of the next (the same bare server
# was seen to give 6,000 and 20,000 answers a second within a minute), and many short pairs say more than few long ones.
_PAIRS = 3
# One visitor: so many answers make a p95 that does not jump. In turns, for the same reason as pairs.
LOOKS = 400
_TURNS = 4
# As many articles as a page of a list has.
_MET_BY = 24
# A worker that has nothing to do looks at its queues a few times a second.
_IDLE_CORES = 0.1
_MOST_WAITED_SECONDS = 300
# An index of 49,000 articles is built in half a minute; on a machine that is busy with other things it took four.
_MOST_INDEX_SECONDS = 900
_SAID_EVERY_SECONDS = 10
_ACCEPT = "accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\naccept-language: de,en;q=0.5\r\n"
_AGENT = (
    "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36\r\n"
)


class Figures(Struct, frozen=True, kw_only=True):
    """Rates are of one process, times are milliseconds at one client. What could not be measured is null, and
    `missing` says why."""

    bench: str
    catalogue: str
    articles: int
    page_bytes: int
    static_per_second: float
    cached_per_second: float
    cached_ratio: float
    product_p95_ms: float
    category_p95_ms: float
    search_p95_ms: float | None
    suggest_p95_ms: float | None
    events_per_second: float | None
    events_refused: int
    product_p50_ms: float
    category_p50_ms: float
    import_per_second: float | None
    missing: dict[str, str]
    errors: int


class Scene(Struct, frozen=True):
    """A running `pages` process on the shop."""

    arena: Arena
    address: tuple[str, int]
    api: tuple[str, int]
    catalogue: str
    articles: int
    import_per_second: float | None
    products: list[str]
    categories: list[str]
    words: list[str]


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, measure."""
    async with _scene(settings, options, say) as scene:
        errors = 0
        draw = random.Random(options.seed or 1)
        products = draw.sample(scene.products, min(len(scene.products), KEPT_PAGES + LOOKS))
        hot = products[:KEPT_PAGES]
        page_bytes = await _size(scene.address, hot)
        static: list[float] = []
        cached: list[float] = []
        async with _still(page_bytes) as bare:
            for number in range(options.rounds * _PAIRS):
                for name, address, rates in (("static", bare, static), ("cached", scene.address, cached)):
                    load = await _loaded(scene, options, address, hot)
                    errors += load.errors
                    rates.append(load.rate)
                    say(f"pair {number + 1}: {name} {load.rate:,.0f}/s, client {load.cpu_client:.2f} cores")
        missing: dict[str, str] = {}
        # A word in the address that no page reads: each is an address of its own, so none is kept.
        departments = [f"/c/{draw.choice(scene.categories)}?n={number}" for number in range(LOOKS)]
        begun = [word[: draw.randint(2, max(2, len(word)))] for word in scene.words]
        kinds = {
            "product": [f"/p/{slug}" for slug in products[KEPT_PAGES:]],
            "category": departments,
            "search": [f"/search?q={quote(word)}" for word in scene.words],
            "suggest": [f"/search/suggest?q={quote(word)}" for word in begun],
        }
        # Each answer counts its facets.
        await _answers(scene, "search", kinds, missing, shows='id="facets"')
        await _answers(scene, "suggest", kinds, missing)
        looks, bad = await _looks(scene, kinds)
        errors += bad
        events, refused = await _events(scene, options, hot, missing)
    found = Figures(
        bench="pages",
        catalogue=scene.catalogue,
        articles=scene.articles,
        page_bytes=page_bytes,
        static_per_second=round(median(static)),
        cached_per_second=round(median(cached)),
        cached_ratio=round(median(mine / its for mine, its in zip(cached, static, strict=True)), 3),
        product_p95_ms=looks["product"].p95,
        category_p95_ms=looks["category"].p95,
        search_p95_ms=looks["search"].p95 if "search" in looks else None,
        suggest_p95_ms=looks["suggest"].p95 if "suggest" in looks else None,
        events_per_second=events,
        events_refused=refused,
        product_p50_ms=looks["product"].p50,
        category_p50_ms=looks["category"].p50,
        import_per_second=scene.import_per_second,
        missing=missing,
        errors=errors,
    )
    return Report(found, _table(found), ok=not errors)


@asynccontextmanager
async def _scene(settings: Settings, options: Options, say: Say) -> AsyncIterator[Scene]:
    with temporary_home() as home, database_in(settings, home) as dsn:
        folder = _folder()
        speed: float | None = None
        if folder is not None and COLLECTION in folders:
            say(f"{COLLECTION}: {folder}")
            async with opened(dsn, role="lotse bench") as database, running(dsn) as desk:
                report = await folders[COLLECTION](
                    database,
                    desk,
                    folder,
                    home=home,
                    at=clock.now(),
                    progress=lambda *said: say(" ".join(map(str, said))),
                )
            goods, articles, speed = Shop(uuid7(), uuid7(), [], 0), int(report.articles), report.articles_per_second
        else:
            say(f"a shop with {ARTICLES:,} made articles; LOTSE_DATA would lead to real ones")
            goods, articles = await open_shop(dsn, ARTICLES), ARTICLES
        async with opened(dsn, role="lotse bench", connections=2) as database:
            products, categories, words = await _goods(database)
            async with _pages(settings, home, dsn) as (host, address, api):
                arena = Arena(database, goods, [host], None, say)
                say("settling")
                await arena.settle()
                await _indexed(host, database, say)
                words = await _faceted(host, database, words)
                await _idle(host)
                kind = COLLECTION if speed is not None else "made"
                yield Scene(arena, address, api, kind, articles, speed, products, categories, words)


def _folder() -> Path | None:
    """The folder of real articles, as tests find it."""
    given = os.environ.get("LOTSE_DATA")
    folder = Path(given) if given else Path.cwd().parent / "shared" / "data"
    return folder if folder.is_dir() else None


@asynccontextmanager
async def _pages(
    settings: Settings, home: Path, dsn: str
) -> AsyncIterator[tuple[Host, tuple[str, int], tuple[str, int]]]:
    """One `pages` process with an address of its own, as a proxy reaches it, and the `api` that takes events. The
    worker builds what pages search in."""
    own = structs.replace(settings, home=home / "host-1", database_url=dsn)
    own.home.mkdir(mode=0o700, exist_ok=True)
    folder = runtime.metrics_folder(own)
    address, api = ("127.0.0.1", _free_port()), ("127.0.0.1", _free_port())
    environment = base_environment(
        {
            **QUIET,
            "LOTSE_HOME": str(own.home),
            "LOTSE_DATABASE_URL": dsn,
            "LOTSE_PAGES_LISTEN": f"{address[0]}:{address[1]}",
            "LOTSE_HOST": api[0],
            "LOTSE_PORT": str(api[1]),
            # All of them come from one address here.
            "LOTSE_EVENTS_PER_ADDRESS": "1000000",
        }
    )
    supervisor = Supervisor(environment, folder)
    try:
        await supervisor.start(("worker", "pages", "api"), {})
        yield Host(address, folder, own, supervisor), address, api
    finally:
        await supervisor.stop()


async def _indexed(host: Host, database: Database, say: Say) -> None:
    """Until the search index has read the whole log. A worker builds it in a process of its own, so that the worker
    itself seems to have nothing to do meanwhile."""
    left: list[str] = []
    for second in range(_MOST_INDEX_SECONDS):
        shops = await queries.shops_with_pages(database)
        found = [(shop.code, await queries.standing(database, host.settings, shop)) for shop in shops]
        left = [
            f"{code} is {standing.behind} events behind" if standing else f"{code} has none yet"
            for code, standing in found
            if standing is None or standing.behind
        ]
        if not left:
            say("search index: " + ", ".join(f"{one.articles:,} articles of {code}" for code, one in found if one))
            return
        if second % _SAID_EVERY_SECONDS == 0:
            say(f"search index: {', '.join(left)}")
        await asyncio.sleep(1)
    raise BenchFailed(f"the search index was not whole after {_MOST_INDEX_SECONDS} s: {', '.join(left)}")


async def _faceted(host: Host, database: Database, words: Sequence[str]) -> list[str]:
    """The first of these whose lists have facets: some words the search passes over ("ganz"), others find what is all
    alike. Asked here, in another process, so that the one that is measured has heard of none of them."""
    shop = (await queries.shops_with_pages(database))[0]
    index = queries.index_of(host.settings, shop)
    found: list[str] = []
    for word in words:
        answer, step, asked = await queries.ordered(index, Question(words=word, language=shop.language))
        if step != "popular" and shown_facets(answer.facets, answer.total, asked.filters):
            found.append(word)
        if len(found) == LOOKS:
            break
    return found


async def _idle(host: Host) -> None:
    """Until the worker has done what so many new articles set off."""
    for _ in range(_MOST_WAITED_SECONDS):
        before = cpu.of_processes(host.pids("worker"))
        await asyncio.sleep(1)
        if cpu.of_processes(host.pids("worker")) - before < _IDLE_CORES:
            return
    raise BenchFailed("the worker did not come to rest")


def _free_port() -> int:
    with listen_tcp("127.0.0.1", 0) as listener:
        return int(listener.getsockname()[1])


@asynccontextmanager
async def _still(size: int) -> AsyncIterator[tuple[str, int]]:
    address = ("127.0.0.1", _free_port())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lotse.bench.still", str(address[1]), str(size)),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        if process.stdout is None or await process.stdout.readline() != b"ready\n":
            raise BenchFailed("the bare server did not start; its own words stand above")
        yield address
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def _goods(database: Database) -> tuple[list[str], list[str], list[str]]:
    """Addresses of products and categories, and words that may fill a page, in an order of their own: most of all words
    that are in names are in one only, and what finds one article has no facets to count."""
    async with database.reading() as conn:
        rows = await conn.raw.fetch("select slug from catalog.products where state = 'active' order by slug")
        departments = await conn.raw.fetch(
            "select distinct c.slug from catalog.categories c"
            " join catalog.product_categories p on p.category_id = c.id order by c.slug"
        )
        names = await conn.raw.fetch("select name from catalog.product_texts")
    having = Counter(
        word for row in names for word in set(str(row["name"]).split()) if len(word) > 3 and word.isalpha()
    )
    words = sorted(word for word, articles in having.items() if articles >= _MET_BY) or sorted(having)
    random.Random(2).shuffle(words)
    slugs = [str(row["slug"]) for row in rows]
    return slugs, [str(row["slug"]) for row in departments] or [""], words


def _request(address: tuple[str, int], path: str) -> bytes:
    host = f"{address[0]}:{address[1]}"
    head = f"GET {path} HTTP/1.1\r\nhost: {host}\r\n{_AGENT}{_ACCEPT}accept-encoding: gzip, deflate, br, zstd\r\n\r\n"
    return head.encode()


async def _size(address: tuple[str, int], slugs: Sequence[str]) -> int:
    """The middle size of these answers as they are sent, with their heads; keeps the pages on the way."""
    sizes: list[int] = []
    async with httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}", timeout=30) as client:
        for slug in slugs:
            headers = {"accept-encoding": "gzip, deflate, br, zstd", "accept-language": "de,en;q=0.5"}
            async with client.stream("GET", f"/p/{slug}", headers=headers) as answer:
                if answer.status_code != 200:
                    raise BenchFailed(f"/p/{slug} was answered {answer.status_code}")
                head = sum(len(name) + len(value) + len(": \r\n") for name, value in answer.headers.raw)
                sizes.append(head + sum([len(piece) async for piece in answer.aiter_raw()]))
    return int(median(sizes))


async def _loaded(scene: Scene, options: Options, address: tuple[str, int], slugs: Sequence[str]) -> Load:
    job = Job(
        addresses=[address],
        clients=min(options.clients, CLIENTS),
        warm_seconds=min(options.warm_seconds, options.seconds) / _PAIRS,
        seconds=options.seconds / _PAIRS,
        head=b"",
        tails=[_request(address, f"/p/{slug}") for slug in slugs],
        keyed=False,
        expected=200,
    )
    return await drive(scene.arena, job)


class _Waited(Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float


async def _looks(scene: Scene, kinds: Mapping[str, Sequence[str]]) -> tuple[dict[str, _Waited], int]:
    """What one visitor waits who looks at each of these once, and what went wrong. The kinds take turns; figures are
    medians of the turns."""
    waited: dict[str, list[_Waited]] = {kind: [] for kind in kinds}
    errors = 0
    for turn in range(_TURNS):
        for kind, paths in kinds.items():
            one, bad = await _looked(scene, paths[turn::_TURNS])
            errors += bad
            waited[kind].append(one)
            scene.arena.say(f"turn {turn + 1}: {kind} p50 {one.p50:.1f}, p95 {one.p95:.1f} ms")
    found = {
        kind: _Waited(round(median(one.p50 for one in turns), 2), round(median(one.p95 for one in turns), 2))
        for kind, turns in waited.items()
    }
    return found, errors


async def _looked(scene: Scene, paths: Sequence[str]) -> tuple[_Waited, int]:
    """The first tenth warms up."""
    job = Job(
        addresses=[scene.address],
        clients=1,
        warm_seconds=0,
        seconds=3600,
        head=b"",
        tails=[_request(scene.address, path) for path in paths],
        keyed=False,
        expected=200,
        most=len(paths),
    )
    load = await drive(scene.arena, job)
    times = sorted(load.latencies_ms[len(load.latencies_ms) // 10 :])
    return _Waited(percentile(times, 0.50), percentile(times, 0.95)), load.errors


async def _events(
    scene: Scene, options: Options, slugs: Sequence[str], missing: dict[str, str]
) -> tuple[float | None, int]:
    """Events taken a second, while one visitor looks at kept pages without a pause; and how many batches were refused
    because the log was full: they come as fast as they are answered, and one slow write of the disk fills it."""
    job = Job(
        addresses=[scene.address],
        clients=1,
        warm_seconds=0,
        seconds=options.seconds,
        head=b"",
        tails=[_request(scene.address, f"/p/{slug}") for slug in slugs],
        keyed=False,
        expected=200,
    )
    telling = asyncio.to_thread(
        events_per_second, f"http://{scene.api[0]}:{scene.api[1]}", seconds=max(1.0, options.seconds)
    )
    try:
        taken, load = await asyncio.gather(telling, drive(scene.arena, job))
    except OSError as error:
        missing["events_per_second"] = repr(error)
        return None, 0
    scene.arena.say(f"events: {taken.events_per_second:,.0f}/s beside {load.rate:,.0f} pages/s")
    if not set(taken.statuses) <= {204, LogBusy.status}:
        missing["events_per_second"] = f"answers by status: {taken.statuses}"
        return None, 0
    return taken.events_per_second, taken.statuses.get(LogBusy.status, 0)


async def _answers(
    scene: Scene, name: str, kinds: dict[str, list[str]], missing: dict[str, str], *, shows: str = ""
) -> None:
    """Whether the first of a kind is answered as it should be; else the kind is left out, and `missing` says why."""
    paths = kinds[name]
    wrong = "no word of this catalogue finds articles that differ"
    if paths:
        try:
            async with httpx.AsyncClient(
                base_url=f"http://{scene.address[0]}:{scene.address[1]}", timeout=30
            ) as client:
                answer = await client.get(paths[0])
        except httpx.HTTPError as error:
            wrong = f"{paths[0]}: {error!r}"
        else:
            if answer.status_code != 200:
                wrong = f"{paths[0].partition('?')[0]} was answered {answer.status_code}"
            else:
                wrong = "" if shows in answer.text else f"{paths[0]} shows no {shows}"
    if wrong:
        missing[f"{name}_p95_ms"] = wrong
        del kinds[name]


def _table(found: Figures) -> str:
    lines: list[tuple[str, Any]] = [
        (name.replace("_", " "), value) for name, value in structs.asdict(found).items() if name != "missing"
    ]
    lines += [(f"{name.replace('_', ' ')}: missing", reason) for name, reason in found.missing.items()]
    return "\n".join(
        f"{name:24} {value:,}" if isinstance(value, int | float) else f"{name:24} {value}" for name, value in lines
    )


PROFILE = Profile("pages", "kept pages beside a bare answer, and pages that are not kept", run)
