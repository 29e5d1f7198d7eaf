"""Simulated buyers: they trade in the web shop, at the tills and on the marketplace, over the API that everybody has.

Everything that is sold here is sold over HTTP: `POST /api/v1/orders`, baskets, `POST /api/v1/sales` with a token. The
process is of low priority, asks with few connections, and keeps away for as long as it is told to (`Retry-After`), so
that it is the first to wait when the machine is busy and never the reason.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.parties.queries import shop_by_code
from lotse.domains.pricing.queries import prices_at
from lotse.kernel import clock
from lotse.kernel.auth import tokens
from lotse.kernel.auth.principal import SYSTEM
from lotse.kernel.db import Database
from lotse.plugins.demo_sports import retailer
from lotse.plugins.demo_sports.assortment import WAREHOUSE, Assortment
from lotse.plugins.demo_sports.people import PEOPLE
from lotse.plugins.demo_sports.season import Shelves, Way
from lotse.plugins.demo_sports.stores import STORES

log = structlog.get_logger("lotse.buyers")

Pace = Literal["pause", "calm", "busy", "rush"]
# Buyers who come in a second.
PACES: dict[Pace, float] = {"pause": 0.0, "calm": 1.5, "busy": 10.0, "rush": 50.0}
# Buyers who are served at a time; who comes meanwhile goes elsewhere. A tenth of what the API works on at once.
MOST_AT_ONCE = 48
# Who gets no answer asks again with the same key for this long: a role that is restarted is back before.
PATIENCE_SECONDS = 25.0
# How much of the trade is in what is in the window: few articles, so that one can see their stock fall.
STARS = 8
_STAR_SHARE = 0.3
_STAR_PIECES = 90
# Somebody looks at the shelves so often, and a delivery is under way for so long.
_SHELVES_SECONDS = 10.0
_DELIVERY_SECONDS = 12.0
_FILL_UP_SECONDS = 90.0
_TOKEN_DAYS = 366
_TOKEN = "demo: tills and marketplace"
_TILL_SHARE, _WEB_SHARE = 0.56, 0.34
_BASKET_SHARE, _CANCEL_SHARE = 0.3, 0.02
RIGHTS = ("sales.write", "inventory.write")


class Article(Struct):
    """What is sold, as this house's buyers know it; a price that has changed is learnt from the refusal."""

    sku: str
    variant_id: UUID
    offer_id: UUID
    price_minor: int


class Counts(Struct):
    """Since this process began. `refused`: named refusals (sold out); `turned_away`: told to come back later."""

    orders: int = 0
    refused: int = 0
    turned_away: int = 0
    failed: int = 0


class NoAnswer(Exception):
    """Nobody answered for as long as a buyer waits."""


class House(Struct, frozen=True):
    """What the buyers of this database know by heart."""

    articles: dict[str, Article]
    shelves: Shelves
    token: str

    @staticmethod
    async def known(db: Database, goods: Assortment, seed: int) -> "House | None":
        """None if the demo retailer is not there."""
        skus = [variant.sku for product in goods.products for variant in product.variants]
        at = clock.now()
        async with db.transaction() as tx:
            shop = await shop_by_code(tx, code=retailer.CODE)
            if shop is None:
                return None
            ids = await variant_ids_by_sku(tx, skus=skus)
            variant_ids = list(ids.values())
            offers = {
                one.variant_id: one.id
                for one in await offers_for_variants(tx, shop_id=shop.id, variant_ids=variant_ids)
            }
            prices = {
                one.variant_id: int(one.unit_price * 100)
                for one in await prices_at(tx, shop_id=shop.id, variant_ids=variant_ids, at=at)
                if one.unit_price is not None and one.min_quantity == 1
            }
            # Its secret is only in this process: that of the process before is good for nothing any more.
            for old in await tokens.all_tokens(tx):
                if old.name == _TOKEN and old.revoked_at is None:
                    await tokens.revoke(tx, id=old.id, actor=str(SYSTEM), at=at)
            made = await tokens.make(tx, name=_TOKEN, scopes=list(RIGHTS), days=_TOKEN_DAYS, actor=str(SYSTEM), at=at)
        articles = {
            sku: Article(sku, id, offers[id], prices[id]) for sku, id in ids.items() if id in offers and id in prices
        }
        return House(articles, Shelves(goods, seed), made.secret)


class Buyers:
    """Everybody who buys, and who fills the shelves behind them."""

    def __init__(self, url: str, house: House, *, pace: Pace, reserved: Iterable[str] = ()) -> None:
        """`reserved` are the SKUs that only the page's buttons sell."""
        self.counts = Counts()
        self.last = ""
        self._house = house
        self._url = url
        self._pace: Pace = pace
        self._at_least: Pace = "pause"
        self._changed = asyncio.Event()
        self._away_until = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._reserved = frozenset(reserved)
        self._random = random.Random()  # what is bought is nobody's to repeat
        self._receipt = 0
        # Receipts of a till are unique for ever; the process is told apart by when it began.
        self._begun = f"{int(time.time()):x}"
        self._sold: dict[tuple[str, str], int] = {}
        self._coming: dict[str, float] = {}
        # Ids of orders as they were answered, with the moment: what must be in the books, whatever is killed.
        self.answered: deque[tuple[float, UUID]] = deque(maxlen=20_000)
        self.stars: tuple[str, ...] = _stars(house, self._reserved)
        self.session: aiohttp.ClientSession | None = None

    @property
    def pace(self) -> Pace:
        return self._pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self._pace = pace
        self._changed.set()

    def at_least(self, pace: Pace) -> None:
        """Trade at least so fast for now; `pause` ends it."""
        self._at_least = pace
        self._changed.set()

    async def run(self) -> None:
        """Trade until cancelled."""
        timeout = aiohttp.ClientTimeout(total=15)
        connector = aiohttp.TCPConnector(limit=MOST_AT_ONCE)
        async with aiohttp.ClientSession(self._url, timeout=timeout, connector=connector) as self.session:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._come())
                    group.create_task(self._watch_shelves())
                    group.create_task(self._fill_up())
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _come(self) -> None:
        while True:
            rate = max(PACES[self._pace], PACES[self._at_least])
            if not rate:
                self._changed.clear()
                await self._changed.wait()
                continue
            await asyncio.sleep(random.expovariate(rate))
            if time.monotonic() < self._away_until or len(self._tasks) >= MOST_AT_ONCE:
                self.counts.turned_away += 1
                continue
            task = asyncio.create_task(self._buy())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _buy(self) -> None:
        try:
            dice = random.random()
            if dice < _TILL_SHARE:
                await self._at_the_till()
            elif dice < _TILL_SHARE + _WEB_SHARE:
                await self._on_the_web()
            else:
                await self._on_the_marketplace()
        except NoAnswer:
            self.counts.failed += 1
        except (aiohttp.ClientError, msgspec.DecodeError, KeyError) as error:
            self.counts.failed += 1
            log.warning("a buyer gave up", error=repr(error))

    # -- the three ways

    async def _at_the_till(self) -> None:
        store = self._house.shelves.store(self._random)
        chosen = self._choose("till", store.code)
        self._receipt += 1
        lines = [
            {"sku": one.sku, "quantity": quantity, "gross_minor": one.price_minor * quantity}
            for one, quantity in chosen
        ]
        sale = {
            "till": f"K{random.randint(1, 4)}_{store.code}",
            "receipt": f"{self._begun}{self._receipt}",
            "location": store.code,
            "lines": lines,
            "method": "card" if random.random() < 0.72 else "cash",
            "occurred_at": datetime.now(UTC).isoformat(),
        }
        await self._sale(retailer.till_shop(store.code), sale, store.code, chosen)

    async def _on_the_marketplace(self) -> None:
        chosen = self._choose("marketplace", "")
        self._receipt += 1
        sale = {
            "till": "SM24",
            "receipt": f"{self._begun}{self._receipt}",
            "location": WAREHOUSE,
            "lines": [
                {"sku": one.sku, "quantity": quantity, "gross_minor": one.price_minor * quantity}
                for one, quantity in chosen
            ],
            "method": "card",
            "occurred_at": datetime.now(UTC).isoformat(),
        }
        await self._sale(retailer.MARKETPLACE, sale, WAREHOUSE, chosen)

    async def _sale(self, shop: str, sale: dict[str, Any], place: str, chosen: list[tuple[Article, int]]) -> None:
        status, answer = await self.post("/api/v1/sales", sale, params={"shop": shop}, token=self._house.token)
        if status == 201:
            self._bought(answer["order_id"])
            for one, quantity in chosen:
                self._sold[one.sku, place] = self._sold.get((one.sku, place), 0) + quantity
        else:
            self._not_sold(answer)

    async def _on_the_web(self) -> None:
        chosen = self._choose("web", "")
        _, email, address = random.choice(PEOPLE)
        contact = {"email": email, "billing": address}
        total = _with_delivery(sum(one.price_minor * quantity for one, quantity in chosen))
        method = "invoice" if random.random() < 0.8 else "prepayment"
        asked: dict[str, Any] = {"contact": contact, "method": method, "total_minor": total}
        if random.random() < _BASKET_SHARE:
            path = await self._with_basket(chosen, asked)
        else:
            path = "/api/v1/orders"
            asked["lines"] = [{"offer_id": one.offer_id, "quantity": quantity} for one, quantity in chosen]
        status, answer = await self.post(path, asked)
        if status == 409 and str(answer.get("type")).endswith(":price-changed"):
            # What somebody at the checkout does: looks at the new total and accepts it.
            for one, quantity in chosen:
                if len(chosen) == 1:
                    one.price_minor = int(answer["total_minor"]) // quantity
            status, answer = await self.post(path, {**asked, "total_minor": answer["total_minor"]})
        if status != 201:
            self._not_sold(answer)
            return
        self._bought(answer["order"]["order_id"])
        for one, quantity in chosen:
            self._sold[one.sku, WAREHOUSE] = self._sold.get((one.sku, WAREHOUSE), 0) + quantity
        if random.random() < _CANCEL_SHARE:
            await asyncio.sleep(random.uniform(2, 8))
            await self.post(f"/api/v1/order-links/{answer['link']}/cancel", {"reason": "changed my mind"})

    async def _with_basket(self, chosen: Sequence[tuple[Article, int]], asked: dict[str, Any]) -> str:
        status, basket = await self.post("/api/v1/baskets", None)
        path = f"/api/v1/baskets/{basket['id']}" if status == 201 else ""
        for one, quantity in chosen if path else ():
            status, shown = await self.post(f"{path}/lines/{one.offer_id}", {"quantity": quantity}, method="PUT")
            if status == 200:
                asked["total_minor"] = shown["total_minor"]
        return f"{path}/order" if path else "/api/v1/orders"

    def _choose(self, way: Way, place: str) -> list[tuple[Article, int]]:
        found: dict[str, int] = {}
        at = clock.now()
        for _ in range(random.choices((1, 2, 3), (62, 28, 10))[0]):
            if way != "till" and random.random() < _STAR_SHARE:
                found[random.choices(self.stars, range(len(self.stars), 0, -1))[0]] = 1
                continue
            store = next((one for one in STORES if one.code == place), None)
            drawn = self._house.shelves.draw(self._random, store, at, -1)
            if drawn and drawn[0].sku in self._house.articles and drawn[0].sku not in self._reserved:
                found[drawn[0].sku] = random.choice((1, 1, 2)) if drawn[1] else 1
        if not found:
            found[self.stars[0]] = 1
        return [(self._house.articles[sku], quantity) for sku, quantity in found.items()]

    def _bought(self, order_id: str) -> None:
        self.counts.orders += 1
        self.answered.append((time.monotonic(), UUID(order_id)))

    def _not_sold(self, problem: dict[str, Any]) -> None:
        self.counts.refused += 1
        self.last = str(problem.get("title", ""))

    # -- asking

    async def post(
        self,
        path: str,
        body: Any,
        *,
        method: str = "POST",
        params: dict[str, str] | None = None,
        token: str = "",
        session: aiohttp.ClientSession | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer. Asked again with the same key where nobody answers or there is no room; then `NoAnswer`.

        Who is told to come back later does so, and for so long nobody else comes either.
        """
        using = session or self.session
        if using is None:
            raise NoAnswer
        headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        sent = msgspec.json.encode(body) if body is not None else b""
        until = time.monotonic() + patience
        pause = 0.3
        while True:
            try:
                async with using.request(method, path, data=sent, headers=headers, params=params) as response:
                    if response.status != 503:
                        said = await response.read()
                        return response.status, msgspec.json.decode(said) if said else {}
                    retry = float(response.headers.get("Retry-After") or 1)
                    if session is None:
                        self._away_until = time.monotonic() + retry
            except (aiohttp.ClientError, TimeoutError, OSError):
                retry = pause
                pause = min(pause * 1.6, 3.0)
            if time.monotonic() + retry > until:
                raise NoAnswer
            await asyncio.sleep(retry * random.uniform(0.7, 1.3))

    # -- deliveries

    async def _watch_shelves(self) -> None:
        """What is in the window is delivered again some time after it has sold out."""
        while True:
            await asyncio.sleep(_SHELVES_SECONDS)
            ids = {self._house.articles[sku].variant_id: sku for sku in self.stars}
            found = await self.available(list(ids))
            now = time.monotonic()
            for id, available in found.items():
                sku = ids[id]
                if available > 1:
                    self._coming.pop(sku, None)
                elif now > self._coming.setdefault(sku, now) + _DELIVERY_SECONDS:
                    del self._coming[sku]
                    await self._deliver(WAREHOUSE, {sku: random.randint(_STAR_PIECES // 2, _STAR_PIECES)})

    async def _fill_up(self) -> None:
        """The shelves of the stores, and of the warehouse but for its window."""
        while True:
            await asyncio.sleep(_FILL_UP_SECONDS)
            sold, self._sold = self._sold, {}
            places: dict[str, dict[str, int]] = {}
            for (sku, place), quantity in sold.items():
                if place != WAREHOUSE or sku not in self.stars:
                    places.setdefault(place, {})[sku] = quantity
            for place, lines in places.items():
                await self._deliver(place, lines)

    async def _deliver(self, place: str, pieces: dict[str, int]) -> None:
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in list(pieces.items())[:1_000]]
        receipt = {"location": place, "lines": lines, "reference": f"N{clock.now():%y%m%d-%H%M%S}"}
        try:
            await self.post("/api/v1/stock/receipts", receipt, token=self._house.token)
        except (NoAnswer, aiohttp.ClientError, msgspec.DecodeError) as error:
            log.warning("a delivery did not arrive", place=place, error=repr(error))

    async def available(self, variant_ids: Sequence[UUID]) -> dict[UUID, int]:
        """How many pieces can be sold; nothing of what nobody answers."""
        if self.session is None:
            return {}
        try:
            query = [("variant", str(id)) for id in variant_ids]
            async with self.session.get("/api/v1/availability", params=query) as response:
                if response.status != 200:
                    return {}
                return {UUID(one["variant_id"]): one["available"] for one in msgspec.json.decode(await response.read())}
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError):
            return {}


def _with_delivery(goods_minor: int) -> int:
    _, price, free = next(one for one in retailer.SHIPPING if one[0] == retailer.COUNTRY)
    return goods_minor if free is not None and goods_minor >= free else goods_minor + price


def _stars(house: House, reserved: frozenset[str]) -> tuple[str, ...]:
    """What is in the window: of as many products, their most wanted variant that is there."""
    found: list[str] = []
    for _, variant in house.shelves.favourites():
        if variant.sku in house.articles and variant.sku not in reserved and variant.stock:
            found.append(variant.sku)
        if len(found) == STARS:
            break
    return tuple(found)


def pace_of(text: str) -> Pace:
    """A pace by name; what is none is calm."""
    known: dict[str, Pace] = {pace: pace for pace in PACES}
    return known.get(text.strip().lower(), "calm")


def recent(answered: Iterable[tuple[float, UUID]], since: float) -> list[UUID]:
    """Ids of orders that were answered since then (monotonic)."""
    return [id for moment, id in answered if moment >= since]
