"""`backoffice`: how fast people get on who work in it: pages of the orders table over a million orders, the command
palette, and fifty thousand prices changed at once and undone.

One person clicks through the real roles over HTTP, page after page, signed in like anybody; pictures and styles are not
fetched. Search is the palette (asked while somebody types) and the search field of the orders in turns.
"""

import asyncio
import random
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from urllib.parse import quote

import aiohttp
from msgspec import Struct

from lotse.bench import history
from lotse.bench.arena import Arena, arena
from lotse.bench.load import percentile
from lotse.bench.profile import BenchFailed, Options, Profile, Report, Say
from lotse.kernel import clock
from lotse.kernel.auth import staff
from lotse.kernel.auth.principal import ALL, SYSTEM
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

SQL = statements("lotse.bench", "office")
# `--orders` may ask for fewer; ten million are for `scale`.
MOST_ORDERS = 1_000_000
PRICES = 50_000
# After some pages in each direction plans are made and caches are warm.
WARM = 20
# What the issue promises.
TABLE_P95_MS = 60.0
# A change that takes longer has failed.
_BULK_SECONDS = 300.0


class Figures(Struct, frozen=True, kw_only=True):
    """The JSON line."""

    bench: str
    orders: int
    orders_table_p50_ms: float
    orders_table_p95_ms: float
    prices_table_p95_ms: float
    search_p50_ms: float
    search_p95_ms: float
    bulk_prices: int
    bulk_prices_per_second: float
    bulk_plan_seconds: float
    bulk_apply_seconds: float
    bulk_undo_seconds: float


async def run(settings: Settings, options: Options, say: Say) -> Report:
    """Set up, measure, take down."""
    orders = min(options.orders, MOST_ORDERS)
    async with arena(settings, options, say, roles=("desk", "worker", "pages", "api")) as place:
        await history.grow(place.dsn, place.shop, after=0, orders=orders, of=orders, say=say, tables=history.SHOWN)
        say(f"{PRICES:,} prices")
        await _priced(place)
        async with signed_in(place) as person:
            found = await measure(person, place, orders, options)
    return Report(found, table(found), ok=found.orders_table_p95_ms < TABLE_P95_MS)


async def measure(person: "Person", place: Arena, orders: int, options: Options) -> Figures:
    """Pages, palette, prices; each for `--seconds`."""
    chance = random.Random(options.seed or 1)
    async with place.database.reading() as conn:
        numbers: list[str] = await conn.values(SQL.numbers)
    pages = await person.pages("/office/orders", options.seconds)
    prices = await person.pages("/office/prices", options.seconds / 2)
    search = await person.searches([number[: chance.randint(4, len(number))] for number in numbers], options.seconds)
    plan, apply, undo, changed = await person.changes()
    return Figures(
        bench="backoffice",
        orders=orders,
        orders_table_p50_ms=percentile(pages, 0.5),
        orders_table_p95_ms=percentile(pages, 0.95),
        prices_table_p95_ms=percentile(prices, 0.95),
        search_p50_ms=percentile(search, 0.5),
        search_p95_ms=percentile(search, 0.95),
        bulk_prices=changed,
        bulk_prices_per_second=round(changed / (plan + apply), 1),
        bulk_plan_seconds=round(plan, 2),
        bulk_apply_seconds=round(apply, 2),
        bulk_undo_seconds=round(undo, 2),
    )


async def _priced(place: Arena) -> None:
    """As many articles with prices as are to be changed."""
    async with place.database.transaction() as tx:
        await tx.raw.execute("set local statement_timeout = 0")
        await tx.execute(SQL.draft, first=1, last=PRICES - len(place.shop.offers))
        for statement in (SQL.products, SQL.texts, SQL.variants):
            await tx.execute(statement)
        await tx.execute(SQL.prices, shop_id=place.shop.shop_id)
    async with place.database.single() as conn:
        await conn.raw.execute("set statement_timeout = 0")
        await conn.raw.execute(SQL.analyze.sql)


# -- the person


@asynccontextmanager
async def signed_in(place: Arena) -> AsyncIterator["Person"]:
    """Somebody with an account, for as long as the block lasts."""
    password = secrets.token_urlsafe(16)
    async with place.database.transaction() as tx:
        await staff.add(
            tx,
            login="bench",
            name="Bench",
            password_hash=staff.hashed(password),
            scopes=[ALL],
            actor=str(SYSTEM),
            at=clock.now(),
        )
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar, headers={"Accept-Language": "en"}) as session:
        person = Person(session, place)
        await person.sign_in("bench", password)
        yield person


class Person:
    """Somebody who is signed in."""

    def __init__(self, session: aiohttp.ClientSession, place: Arena) -> None:
        host, port = place.addresses[0]
        self._origin = f"http://{host}:{port}"
        self._session = session

    async def sign_in(self, login: str, password: str) -> None:
        status, _, _ = await self._post("/signin", {"login": login, "password": password})
        if status != 303:
            raise BenchFailed(f"signing in was answered with {status}")

    async def pages(self, path: str, seconds: float) -> list[float]:
        """Times of pages: from the newest on, page after page, and anew; in ms, sorted."""
        times: list[float] = []
        ends = time.perf_counter() + seconds
        address = path
        count = 0
        while time.perf_counter() < ends or count < WARM + 20:
            text, ms = await self._get(address)
            if "data-row=" not in text:
                raise BenchFailed(f"{address} shows no rows")
            following = re.search(r'href="([^"]+)" rel="next"', text)
            # Deep pages cost what the first one costs; every fiftieth begins anew.
            address = unescape(following[1]) if following and count % 50 != 49 else path
            count += 1
            if count > WARM:
                times.append(ms)
        return sorted(times)

    async def searches(self, typed: list[str], seconds: float) -> list[float]:
        """Times of the palette and of the table's search, in turns; in ms, sorted."""
        times: list[float] = []
        ends = time.perf_counter() + seconds
        count = 0
        while time.perf_counter() < ends or count < WARM + 20:
            word = quote(typed[count // 2 % len(typed)])
            address = f"/office/find?q={word}" if count % 2 else f"/office/orders?q={word}"
            _, ms = await self._get(address, part=bool(count % 2))
            count += 1
            if count > WARM:
                times.append(ms)
        return sorted(times)

    async def changes(self) -> tuple[float, float, float, int]:
        """All prices by ten percent, to .99, and back: seconds until planned, applied, undone; how many."""
        text, _ = await self._get("/office/prices")
        token = re.search(r'name="_csrf" value="([^"]+)"', text)
        form = {
            "_csrf": unescape(token[1]) if token else "",
            "bulk": "change",
            "query": "",
            "all": "yes",
            "go": "yes",
            "how": "percent",
            "amount": "-10",
            "rounding": "to_cent",
            "reason": "bench",
        }
        began = time.perf_counter()
        status, location, said = await self._post("/office/prices/change", form)
        if status != 303:
            raise BenchFailed(f"the change of prices was answered with {status}: {said[:300]}")
        await self._until(location, "planned")
        planned = time.perf_counter()
        await self._post(f"{location}/apply", form)
        await self._until(location, "applied")
        applied = time.perf_counter()
        await self._post(f"{location}/undo", form)
        text = await self._until(location, "undone")
        undone = time.perf_counter()
        figures = re.findall(r"<strong>([\d,]+)</strong>", text)
        return planned - began, applied - planned, undone - applied, int(figures[0].replace(",", ""))

    async def _until(self, address: str, state: str) -> str:
        ends = time.perf_counter() + _BULK_SECONDS
        while time.perf_counter() < ends:
            text, _ = await self._get(address)
            if f'data-state="{state}"' in text:
                return text
            await asyncio.sleep(0.1)
        raise BenchFailed(f"the change of prices is not {state} after {_BULK_SECONDS:g} s")

    async def _get(self, path: str, *, part: bool = False) -> tuple[str, float]:
        began = time.perf_counter()
        headers = {"HX-Request": "true"} if part else {}
        async with self._session.get(self._origin + path, headers=headers, allow_redirects=False) as answer:
            text = await answer.text()
        if answer.status != 200:
            raise BenchFailed(f"{path} was answered with {answer.status}: {text[:300]}")
        return text, (time.perf_counter() - began) * 1000

    async def _post(self, path: str, form: dict[str, str]) -> tuple[int, str, str]:
        headers = {"Origin": self._origin, "Sec-Fetch-Site": "same-origin"}
        async with self._session.post(self._origin + path, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", ""), await answer.text()


def table(found: Figures) -> str:
    """For people."""
    return "\n".join(
        [
            f"orders table over {found.orders:,} orders   p50 {found.orders_table_p50_ms:6.1f} ms"
            f"   p95 {found.orders_table_p95_ms:6.1f} ms",
            f"prices table over {PRICES:,} articles           p95 {found.prices_table_p95_ms:6.1f} ms",
            f"palette and search       p50 {found.search_p50_ms:6.1f} ms   p95 {found.search_p95_ms:6.1f} ms",
            f"{found.bulk_prices:,} prices: planned in {found.bulk_plan_seconds:g} s, changed in"
            f" {found.bulk_apply_seconds:g} s, undone in {found.bulk_undo_seconds:g} s;"
            f" {found.bulk_prices_per_second:,.0f} prices/s",
        ]
    )


PROFILE = Profile("backoffice", "pages of a million orders, the palette, fifty thousand prices changed at once", run)
