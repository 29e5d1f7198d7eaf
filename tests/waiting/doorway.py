"""A front door with a shop of one sentence behind it, in this process or as one of its own:

python -m tests.waiting.doorway DSN SHOP      prints its port, serves until it is killed
"""

import asyncio
import sys
from typing import Any
from uuid import UUID

from msgspec import Struct

from lotse.kernel.db import Database, opened
from lotse.kernel.waiting import rooms
from lotse.kernel.waiting.rooms import Rooms
from lotse.web.bounds import Bound
from lotse.web.front import Posts
from lotse.web.observe import Observed
from lotse.web.server import listen_tcp, serve
from lotse.web.waiting.gate import Gate

FREE = [("GET", "/imprint"), ("GET", "/order/{token:str}")]


class Shop(Struct, frozen=True):
    id: UUID


async def shop(scope: Any, _receive: Any, send: Any) -> None:
    """The shop behind the door."""
    if scope["path"].endswith("/waiting/parts"):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    headers = [(b"set-cookie", b"lotse_basket=1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"in the shop"})


def gate(kept: Rooms, database: Database, id: UUID, app: Any = shop, most: int = 100) -> Gate:
    async def main_shop() -> Shop:
        return Shop(id)

    return Gate(
        app,
        kept,
        database,
        shop=main_shop,
        languages=lambda _: ["en", "de"],
        free=Posts(FREE),
        pages=Bound("test", most, 1.0),
    )


async def _main(dsn: str, id: UUID) -> None:
    async with opened(dsn) as database, rooms.opened(database) as kept:
        listener = listen_tcp("127.0.0.1", 0)
        print(listener.getsockname()[1], flush=True)
        await serve(Observed(gate(kept, database, id), "test", "off"), listener, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], UUID(sys.argv[2])))
