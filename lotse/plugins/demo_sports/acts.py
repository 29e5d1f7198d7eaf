"""What the buttons of the live page do: a flash sale, the last piece, a killed process. Each says what came of it.

An act prepares its stage with the commands that staff use (a counted stock) and then only watches from outside: what is
sold is sold over HTTP, and what it claims is read back from the books.
"""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID, uuid4

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from lotse.domains.catalog.rules import full_name
from lotse.domains.inventory.commands import ensure_stock, move_goods
from lotse.domains.inventory.contracts import MoveRequest, StockChange, StockKey
from lotse.domains.inventory.queries import location_by_code, stock_of_variants
from lotse.domains.orders.queries import count_placed
from lotse.domains.parties.queries import shop_by_code
from lotse.kernel import clock, standing
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings
from lotse.plugins.demo_sports import retailer
from lotse.plugins.demo_sports.assortment import WAREHOUSE, Assortment, Product, Variant
from lotse.plugins.demo_sports.buyers import Buyers, House, NoAnswer, recent
from lotse.plugins.demo_sports.people import PEOPLE

log = structlog.get_logger("lotse.demo")

FLASH_PIECES = 200
FLASH_BUYERS = 1_000
# Requests of the crowd under way at a time: what 1,000 browsers are, seen from a server that works on 512 at once.
_FLASH_CONNECTIONS = 400
_FLASH_PATIENCE_SECONDS = 60.0
# Every so often the page is told how far it is.
_PROGRESS_SECONDS = 0.25
# Which processes may be killed, and for how long they are waited for.
VICTIMS = ("worker", "desk", "pages", "api")
_BACK_SECONDS = 180.0
_BEFORE_SECONDS, _AFTER_SECONDS = 3.0, 2.5
_LOOK_SECONDS = 0.05

Phase = Literal["idle", "running", "done", "failed"]


class Busy(Refusal, status=409, title="One after the other: an act is under way"):
    act: str


class NoVictim(Refusal, status=404, title="There is no such process here"):
    """Only processes that `lotse up` looks after can be killed by a button."""

    role: str


class Flash(Struct):
    """A flash sale. `left` and `in_books` are read from Lotse after the crowd has gone."""

    phase: Phase = "idle"
    article: str = ""
    pieces: int = FLASH_PIECES
    buyers: int = FLASH_BUYERS
    sold: int = 0
    refused: int = 0
    failed: int = 0
    seconds: float = 0.0
    left: int | None = None
    in_books: int | None = None


class Kill(Struct):
    """A process that was killed. `answered` orders were confirmed to buyers around it, `lost` are not in the books."""

    phase: Phase = "idle"
    role: str = ""
    pid: int | None = None
    new_pid: int | None = None
    seconds: float = 0.0
    answered: int = 0
    in_books: int | None = None
    lost: int | None = None


class LastPiece(Struct, frozen=True):
    """What two windows try to buy, and what both send."""

    article: str
    offer_id: UUID
    total_minor: int
    currency: str
    contact: dict[str, Any]


class Acts:
    """The buttons. One act of a kind at a time."""

    def __init__(
        self, settings: Settings, url: str, db: Database, desk: Desk, goods: Assortment, house: House, buyers: Buyers
    ) -> None:
        self.flash = Flash()
        self.kill = Kill()
        self._settings = settings
        self._url = url
        self._db = db
        self._desk = desk
        self._house = house
        self._buyers = buyers
        self._racket = _stage(goods, "rackets", 0)
        self._last = _stage(goods, "rackets", 1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- flash sale

    def start_flash(self, actor: str) -> Flash:
        """Refusal: `Busy`."""
        if self.flash.phase == "running":
            raise Busy(act="flash sale")
        product, _ = self._racket
        self.flash = Flash(phase="running", article=product.name.de)
        self._begin(self._sell_out(self.flash, actor))
        return self.flash

    async def _sell_out(self, flash: Flash, actor: str) -> None:
        _, variant = self._racket
        article = self._house.articles[variant.sku]
        try:
            await self._count(variant, flash.pieces, actor, "flash sale")
            began = time.monotonic()
            placed: list[UUID] = []
            connector = aiohttp.TCPConnector(limit=_FLASH_CONNECTIONS)
            timeout = aiohttp.ClientTimeout(total=_FLASH_PATIENCE_SECONDS)
            async with aiohttp.ClientSession(self._url, connector=connector, timeout=timeout) as session:

                async def want(number: int) -> None:
                    _, email, address = PEOPLE[number % len(PEOPLE)]
                    asked = {
                        "contact": {"email": email, "billing": address},
                        "method": "invoice",
                        "total_minor": article.price_minor,
                        "lines": [{"offer_id": article.offer_id, "quantity": 1}],
                    }
                    try:
                        status, answer = await self._buyers.post(
                            "/api/v1/orders", asked, session=session, patience=_FLASH_PATIENCE_SECONDS
                        )
                        if status == 409 and str(answer.get("type")).endswith(":price-changed"):
                            article.price_minor = int(answer["total_minor"])
                            asked["total_minor"] = article.price_minor
                            status, answer = await self._buyers.post(
                                "/api/v1/orders", asked, session=session, patience=_FLASH_PATIENCE_SECONDS
                            )
                    except (NoAnswer, aiohttp.ClientError, msgspec.DecodeError):
                        flash.failed += 1
                        return
                    if status == 201:
                        flash.sold += 1
                        placed.append(UUID(answer["order"]["order_id"]))
                    elif status == 409:
                        flash.refused += 1
                    else:
                        flash.failed += 1
                    flash.seconds = time.monotonic() - began

                await asyncio.gather(*(want(number) for number in range(flash.buyers)))
            flash.seconds = time.monotonic() - began
            flash.in_books = await self._in_books(placed)
            flash.left = await self._on_hand(variant)
            flash.phase = "done"
        except Exception as error:
            flash.phase = "failed"
            log.error("the flash sale failed", exc_info=error)
            raise

    # -- the last piece

    async def set_last_piece(self, actor: str) -> LastPiece:
        """One piece is left of an article; what a window must send to buy it."""
        product, variant = self._last
        await self._count(variant, 1, actor, "the last piece")
        article = self._house.articles[variant.sku]
        _, email, address = PEOPLE[0]
        return LastPiece(
            full_name(product.name.de, variant.options, "de"),
            article.offer_id,
            article.price_minor,
            retailer.CURRENCY,
            msgspec.to_builtins({"email": email, "billing": address}),
        )

    # -- kill

    def start_kill(self, role: str) -> Kill:
        """Refusals: `Busy`, `NoVictim`."""
        if self.kill.phase == "running":
            raise Busy(act="kill")
        found = next((one for one in standing.read(self._settings) if one.role == role), None)
        if role not in VICTIMS or found is None or found.pid is None or not found.ready:
            raise NoVictim(role=role)
        self.kill = Kill(phase="running", role=role, pid=found.pid)
        self._begin(self._kill(self.kill, found))
        return self.kill

    async def _kill(self, kill: Kill, victim: standing.Process) -> None:
        # Somebody must be buying, or nothing could be lost.
        self._buyers.at_least("busy")
        began = time.monotonic()
        try:
            await asyncio.sleep(_BEFORE_SECONDS)
            struck = time.monotonic()
            os.kill(victim.pid or 0, signal.SIGKILL)
            while time.monotonic() < struck + _BACK_SECONDS:
                await asyncio.sleep(_LOOK_SECONDS)
                kill.seconds = time.monotonic() - struck
                kill.answered = len(recent(self._buyers.answered, began))
                now = next((one for one in standing.read(self._settings) if one.role == kill.role), None)
                if now and now.ready and now.starts > victim.starts:
                    kill.new_pid = now.pid
                    break
            else:
                kill.phase = "failed"
                return
            await asyncio.sleep(_AFTER_SECONDS)
            answered = recent(self._buyers.answered, began)
            kill.answered = len(answered)
            kill.in_books = await self._in_books(answered)
            kill.lost = kill.answered - kill.in_books
            kill.phase = "done"
        except ProcessLookupError:
            kill.phase = "failed"
        finally:
            self._buyers.at_least("pause")

    # -- the stage

    async def _count(self, variant: Variant, pieces: int, actor: str, note: str) -> None:
        """Make it so that exactly so many pieces are there, all in the warehouse: a stock-taking, as staff book it."""
        article = self._house.articles[variant.sku]
        async with self._db.transaction() as tx:
            shop = await shop_by_code(tx, code=retailer.CODE)
            warehouse = await location_by_code(tx, code=WAREHOUSE)
            if shop is None or warehouse is None:
                raise LookupError("the demo retailer is not here")
            key = StockKey(article.variant_id, warehouse.id, shop.owner_party_id)
            [pool] = await ensure_stock(tx, [key], at=clock.now())
            lines = await stock_of_variants(tx, variant_ids=[article.variant_id])
        changes = tuple(
            StockChange(line.pool_id, delta)
            for line in lines
            if (delta := (pieces if line.pool_id == pool else 0) - line.on_hand)
        )
        if changes:
            document = uuid4()
            request = MoveRequest(
                document_id=document,
                kind="adjustment",
                changes=changes,
                reference=note,
                note=note,
                actor=actor,
                occurred_at=clock.now(),
            )
            await move_goods(self._desk, request=request, key=key_for("demo", str(document), note))

    async def _on_hand(self, variant: Variant) -> int:
        article = self._house.articles[variant.sku]
        async with self._db.reading() as conn:
            return sum(line.on_hand for line in await stock_of_variants(conn, variant_ids=[article.variant_id]))

    async def _in_books(self, order_ids: Sequence[UUID]) -> int:
        async with self._db.reading() as conn:
            return await count_placed(conn, order_ids=order_ids)

    def _begin(self, act: Any) -> None:
        task = asyncio.create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _stage(goods: Assortment, department: str, index: int) -> tuple[Product, Variant]:
    """A product of a department and its first variant; nobody else sells it meanwhile."""
    product = [one for one in goods.products if one.model[0] == department][index]
    return product, product.variants[0]


def reserved(goods: Assortment) -> list[str]:
    """SKUs that only the buttons sell."""
    return [_stage(goods, "rackets", index)[1].sku for index in (0, 1)]
