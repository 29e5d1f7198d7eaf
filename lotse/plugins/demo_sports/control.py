"""The process of the simulated buyers, and how the live page speaks to it: JSON over HTTP on this machine.

| request | does |
|---|---|
| `GET /state` | pace, counts, acts, how much of the season is loaded |
| `POST /pace` | `{"pace": "busy"}` |
| `POST /flash-sale`, `/kill`, `/last-piece` | begin an act (`acts`) |

Every request carries the secret that `lotse up` drew for it and for those who show the page.
"""

import asyncio
import hmac
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog
from aiohttp import web
from msgspec import Struct

from lotse.kernel import runtime
from lotse.kernel.db import Database, opened
from lotse.kernel.desk.socket import connected
from lotse.kernel.idempotency import key_for, recall
from lotse.kernel.postgres import attached
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings, SettingsError
from lotse.plugins.demo_sports import LIVE_VARIABLE, PREFIX, trade
from lotse.plugins.demo_sports.acts import Acts, Flash, Kill, reserved
from lotse.plugins.demo_sports.assortment import assortment
from lotse.plugins.demo_sports.buyers import Buyers, Counts, House, Pace, pace_of

log = structlog.get_logger("lotse.demo")

# The database is there before us, the demo too; this is for who starts the process by hand before both.
_RETRY_SECONDS = 2.0
# Whoever sells for real comes first (sched(7)); the pages role has 5.
NICE = 10
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SeasonLoaded(Struct):
    """How many orders of the past are in the books, of how many; None of both while nobody knows."""

    loaded: int = 0
    total: int = 0


class State(Struct):
    """What the page shows of this process."""

    pace: Pace
    counts: Counts
    flash: Flash
    kill: Kill
    season: SeasonLoaded


class _Pace(Struct, frozen=True):
    pace: Pace


class _Kill(Struct, frozen=True):
    role: str


async def serve(
    listener: socket.socket, stop: asyncio.Event, *, settings: Settings, options: Mapping[str, Any]
) -> None:
    """Trade and answer until `stop` is set. Raises `SettingsError` without a secret."""
    secret = options.get("secret") or os.environ.get(PREFIX + "SECRET", "")
    if not secret:
        raise SettingsError(f"the simulated buyers need --secret or {PREFIX}SECRET")
    os.nice(NICE)
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    url = f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
    stopping = asyncio.create_task(stop.wait())
    with attached(settings) as dsn:
        async with (
            opened(dsn, role="lotse buyers", connections=3) as db,
            connected(runtime.desk_socket(settings)) as desk,
        ):
            working = asyncio.create_task(_Work(settings, url, secret, db, desk, listener).run())
            await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if working.done():
                await working
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


class _Work:
    def __init__(self, settings: Settings, url: str, secret: str, db: Database, desk: Any, listener: socket.socket):
        self._settings = settings
        self._url = url
        self._secret = secret
        self._db = db
        self._desk = desk
        self._listener = listener
        self._season = SeasonLoaded()

    async def run(self) -> None:
        begun = await self._begun()
        goods = await asyncio.to_thread(assortment, begun.seed)
        house = await House.known(self._db, goods, begun.seed)
        while house is None:
            await asyncio.sleep(_RETRY_SECONDS)
            house = await House.known(self._db, goods, begun.seed)
        pace = pace_of(os.environ.get(LIVE_VARIABLE, ""))
        self._buyers = Buyers(self._url, house, pace=pace, reserved=reserved(goods))
        self._acts = Acts(self._settings, self._url, self._db, self._desk, goods, house, self._buyers)
        runner = web.AppRunner(self._application(), access_log=None, handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.SockSite(runner, self._listener).start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._buyers.run())
                group.create_task(self._load())
        finally:
            await self._acts.stop()
            await runner.cleanup()

    async def _begun(self) -> trade.Begun:
        while True:
            async with self._db.reading() as conn:
                found = await recall(conn, key_for(trade.ACTOR, "begun", "begun", natural=True), trade.Begun)
            if found is not None:
                return found
            await asyncio.sleep(_RETRY_SECONDS)

    async def _load(self) -> None:
        """The rest of the season, beside the trade of today."""
        while True:
            try:
                await trade.go_on(self._db, self._desk, counted=self._counted)
                return
            except (Refusal, OSError) as interrupted:  # a desk that was killed: what was answered is not sent again
                log.warning("the season goes on in a moment", error=repr(interrupted))
                await asyncio.sleep(_RETRY_SECONDS)

    def _counted(self, loaded: int, total: int) -> None:
        self._season = SeasonLoaded(loaded, total)

    def _application(self) -> web.Application:
        app = web.Application(middlewares=[self._guarded])
        app.add_routes(
            [
                web.get("/state", self._state),
                web.post("/pace", self._set_pace),
                web.post("/flash-sale", self._flash),
                web.post("/kill", self._kill),
                web.post("/last-piece", self._last_piece),
            ]
        )
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self._secret}"):
            return _answer({"title": "no"}, status=401)
        try:
            return await handler(request)
        except Refusal as refusal:
            found = {"title": type(refusal).title, "code": refusal.code, **msgspec.to_builtins(refusal.facts())}
            return _answer(found, status=type(refusal).status)
        except msgspec.MsgspecError as error:
            return _answer({"title": str(error), "code": "invalid"}, status=400)

    async def _state(self, _: web.Request) -> web.Response:
        buyers, acts = self._buyers, self._acts
        return _answer(State(buyers.pace, buyers.counts, acts.flash, acts.kill, self._season))

    async def _set_pace(self, request: web.Request) -> web.Response:
        self._buyers.pace = msgspec.json.decode(await request.read(), type=_Pace).pace
        return await self._state(request)

    async def _flash(self, request: web.Request) -> web.Response:
        return _answer(self._acts.start_flash(_actor(request)), status=202)

    async def _kill(self, request: web.Request) -> web.Response:
        wanted = msgspec.json.decode(await request.read(), type=_Kill)
        return _answer(self._acts.start_kill(wanted.role), status=202)

    async def _last_piece(self, request: web.Request) -> web.Response:
        return _answer(await self._acts.set_last_piece(_actor(request)))


def _actor(request: web.Request) -> str:
    return request.headers.get("x-actor", "demo")[:200]


def _answer(content: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
