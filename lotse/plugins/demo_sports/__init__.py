"""The demo retailer: an invented sports house, made from a seed, with pictures drawn by code."""

import asyncio
import math
import os
import secrets
import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.seams import Simulator, retailers, simulators
from lotse.kernel.settings import Settings

# How many orders the season has; tests want few.
ORDERS_VARIABLE = "LOTSE_DEMO_ORDERS"
# How long the season may be loaded before the shop opens; `lotse up` says it.
SECONDS_VARIABLE = "LOTSE_DEMO_SECONDS"


async def demo(
    database: Database,
    desk: Desk,
    *,
    seed: int,
    at: datetime,
    progress: Callable[..., None],
) -> None:
    """See `load.load`. Models and drawings are imported when the demo is loaded, not with every process."""
    from lotse.plugins.demo_sports.load import load
    from lotse.plugins.demo_sports.season import ORDERS

    orders = int(os.environ.get(ORDERS_VARIABLE) or ORDERS)
    seconds = float(os.environ.get(SECONDS_VARIABLE) or math.inf)
    await load(database, desk, seed=seed, at=at, progress=progress, seconds=seconds, orders=orders)


# How the live page reaches the buyers: LOTSE_LIVE_URL and LOTSE_LIVE_SECRET, drawn at each start.
PREFIX = "LOTSE_LIVE_"
# `off`, or the pace that they begin with: pause, calm, busy, rush.
LIVE_VARIABLE = "LOTSE_LIVE"


async def buyers(
    listener: socket.socket, stop: asyncio.Event, *, settings: Settings, options: Mapping[str, Any]
) -> None:
    """See `control.serve`."""
    from lotse.plugins.demo_sports.control import serve

    await serve(listener, stop, settings=settings, options=options)


def environment(url: str) -> dict[str, str] | None:
    """What leads the live page to the buyers; None if nobody shall buy."""
    if os.environ.get(LIVE_VARIABLE, "").strip().lower() in ("off", "no", "false", "0"):
        return None
    return {PREFIX + "URL": url, PREFIX + "SECRET": secrets.token_urlsafe(24)}


retailers.register("demo", demo)
simulators.register("buyers", Simulator(buyers, environment))
