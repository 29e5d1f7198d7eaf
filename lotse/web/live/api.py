"""The stream of what is sold, and the buttons of the demo. Answered by the api, which has the visitors' connections."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Stream
from msgspec import Struct

from lotse.domains.parties.contracts import Shop
from lotse.kernel.db import Database
from lotse.kernel.http import Principal, needs
from lotse.kernel.settings import Settings
from lotse.web.live.demo import ActRefused, BuyersAway, NotTheDemo, known_buyers
from lotse.web.live.hub import Hub, TooManyWatchers, Watcher

# A stream ends by itself before the deadline of every request (30 s) cuts it off, and the browser goes on with the next
# one where this ended. So nobody holds a place for ever, and a process that stops waits for nobody.
STREAM_SECONDS = 25.0
RETRY_MS = 400
_HEADERS = {
    "Cache-Control": "no-store",
    # Of nginx: hand each frame on as it comes.
    "X-Accel-Buffering": "no",
}


class Act(Struct, frozen=True):
    """What a button says: the pace that buyers shall come at, or the process to kill."""

    pace: Literal["pause", "calm", "busy", "rush"] | None = None
    role: str = ""


@get("/live/events", guards=[needs("live.read")], refusals=(TooManyWatchers,), include_in_schema=False)
async def events(
    request: Request[Any, Any, Any],
    database: Database,
    settings: Settings,
    shop: Shop,
    after: Annotated[int | None, Parameter(ge=0, le=2**63 - 1)] = None,
) -> Stream:
    """Server-sent events: `snapshot`, then `sales`, `top` and `figures` as they change. Resumes after
    `Last-Event-ID` (or `after`), a position in the event log."""
    hub = _hub(request, database, settings, shop)
    watcher = await hub.join(_position(request.headers.get("last-event-id"), after))
    return Stream(_frames(hub, watcher), media_type="text/event-stream", headers=_HEADERS)


@post("/demo/{act:str}", guards=[needs("demo.act")], refusals=(NotTheDemo, BuyersAway, ActRefused), tags=["demo"])
async def press(
    principal: Principal,
    act: Annotated[str, Parameter(pattern="^(pace|flash-sale|kill|last-piece)$")],
    data: Act,
    idempotency_key: str,
) -> Response[bytes]:
    """Press a button of the live page: `pace`, `flash-sale`, `kill`, `last-piece`. Only beside the demo."""
    body = {name: value for name, value in msgspec.structs.asdict(data).items() if value}
    said = await known_buyers().act(act, body, actor=str(principal))
    return Response(bytes(said), media_type="application/json", status_code=200)


async def _frames(hub: Hub, watcher: Watcher) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    until = loop.time() + STREAM_SECONDS
    try:
        yield b"retry: %d\n\n" % RETRY_MS
        while not watcher.gone and loop.time() < until:
            yield await watcher.next()
    finally:
        hub.leave(watcher)


def _hub(request: Request[Any, Any, Any], database: Database, settings: Settings, shop: Shop) -> Hub:
    """The one of this process."""
    state = request.app.state
    if getattr(state, "live_hub", None) is None:
        state.live_hub = Hub(database, settings, shop)
    return state.live_hub


def _position(header: str | None, after: int | None) -> int | None:
    """Where the browser was; what is no position counts as nowhere."""
    if header and header.isdigit() and len(header) < 19:
        return int(header)
    return after


api = (events, press)
