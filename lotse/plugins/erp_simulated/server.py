"""The simulated ERP as a server: trades by itself, sends files to Lotse, takes Lotse's webhooks.

| request | does |
|---|---|
| `POST /hooks` | takes a webhook; verifies it if a secret (`--secret whsec_…`) is given |
| `GET /` | its books: what it knows, what it heard, what waits to be sent |
"""

import asyncio
import os
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import structlog
from aiohttp import web

from lotse.kernel.settings import Settings, SettingsError
from lotse.kernel.webhooks.rules import signature
from lotse.plugins.erp_simulated.book import Book, FaultsUnreadable, File, Wire, parsed

log = structlog.get_logger()

PREFIX = "LOTSE_ERP_SIMULATED_"
SOURCE = "erp"
# A change now and then, as in a small house.
ROUND_SECONDS = 2.0
RETRY_SECONDS = 5.0
# What a signed message may be old: the tolerance of the specification's libraries.
TOLERANCE_SECONDS = 300
ARTICLES = ("Zelt", "Isomatte", "Kocher", "Stirnlampe", "Rucksack", "Trinkflasche", "Schlafsack", "Karte")


class ErpUnusable(SettingsError):
    """One line that says why it does not start."""


async def serve(
    listener: socket.socket, stop: asyncio.Event, *, settings: Settings, options: Mapping[str, Any]
) -> None:
    """Answer and trade until `stop` is set. Options: `faults` (text), `seed`, `secret`. Raises `ErpUnusable`."""
    url, token = os.environ.get(PREFIX + "URL", ""), os.environ.get(PREFIX + "TOKEN", "")
    if not url or not token:
        raise ErpUnusable(f"the simulated ERP needs {PREFIX}URL and {PREFIX}TOKEN (lotse token new erp --scope …)")
    try:
        faults = parsed(options.get("faults") or "")
    except FaultsUnreadable as error:
        raise ErpUnusable(str(error)) from None
    place = os.environ.get(PREFIX + "LOCATION", "")
    own = Erp(Wire(faults, int(options.get("seed") or 1)), url.rstrip("/"), token, options.get("secret") or "", place)
    runner = web.AppRunner(own.application(), access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            trading = asyncio.create_task(own.trade(session), name="simulated erp")
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({trading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if trading.done():
                trading.result()
            trading.cancel()
            await asyncio.gather(trading, return_exceptions=True)
    finally:
        await runner.cleanup()


class Erp:
    """The ERP: its books, its wire, and how it speaks with Lotse."""

    def __init__(self, wire: Wire, url: str, token: str, secret: str, location: str) -> None:
        self.book = Book()
        self._wire = wire
        self._url = url
        self._token = token
        self._secret = secret
        self._location = location
        self._sent = 0

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1024 * 1024)
        app.router.add_post("/hooks", self._hook)
        app.router.add_get("/", self._front)
        return app

    async def trade(self, session: aiohttp.ClientSession) -> None:
        """Say something new, send what is due, for ever."""
        for number, name in enumerate(ARTICLES, 1):
            sku, at = f"ERP-{number:03}", datetime.now(UTC)
            self._wire.send(self.book.change_article(sku, at, name=name, brand="Fjord", language="de"))
            self._wire.send(self.book.change_price(sku, str(Decimal(number * 10) - Decimal("0.01")), at))
            self.book.shelve(sku, 20, at)
        step = 0
        while True:
            step += 1
            sku, at = f"ERP-{step % len(ARTICLES) + 1:03}", datetime.now(UTC)
            if step % 3 == 0:
                self._wire.send(self.book.change_price(sku, f"{10 + step % 90}.90", at))
            elif step % 3 == 1 and self._location:
                self.book.shelve(sku, 5, at)
                self._wire.send(self.book.count(sku, self._location, at))
            for file in self._wire.due():
                await self._send(session, file)
            await asyncio.sleep(ROUND_SECONDS)

    async def _send(self, session: aiohttp.ClientSession, file: File) -> None:
        """Until it is taken; one whose answer is lost is sent again under its key."""
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": file.key_of(self._started)}
        params = {"source": SOURCE, "format": "jsonl", "name": f"{file.key}.jsonl"}
        for _ in range(2 if self._wire.rolls("lose") else 1):
            while True:
                try:
                    async with session.post(
                        f"{self._url}/api/v1/imports/{file.kind}", params=params, data=file.body(), headers=headers
                    ) as response:
                        if response.status < 500:
                            self._sent += 1
                            if response.status >= 400:
                                log.warning("file refused", kind=file.kind, answer=(await response.text())[:300])
                            break
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    log.info("Lotse does not answer", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)

    _started = str(time.time_ns())

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        message_id = request.headers.get("webhook-id", "")
        if self._secret and not self._is_signed(request, message_id, body):
            return web.Response(status=401, text="the signature is not ours")
        if self._wire.rolls("fail"):
            return web.Response(status=500, text="simulated")
        self.book.hear(message_id, msgspec.json.decode(body))
        return web.Response(status=500 if self._wire.rolls("forget") else 204)

    def _is_signed(self, request: web.Request, message_id: str, body: bytes) -> bool:
        stamp = request.headers.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE_SECONDS:
            return False
        expected = signature(self._secret, message_id, datetime.fromtimestamp(int(stamp), UTC), body)
        return expected in request.headers.get("webhook-signature", "").split()

    async def _front(self, request: web.Request) -> web.Response:
        book = self.book
        told = {
            "articles": book.articles,
            "prices": book.prices,
            "files_sent": self._sent,
            "webhooks_heard": len(book.heard),
            "orders": list(book.orders.values())[-20:],
            "sold": dict(book.sold),
        }
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")
