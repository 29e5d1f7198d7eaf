"""The demo retailer: an invented sports house, made from a seed, with pictures drawn by code."""

import math
import os
from collections.abc import Callable
from datetime import datetime

from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.seams import retailers

# How many orders the season has; tests want few.
ORDERS_VARIABLE = "LOTSE_DEMO_ORDERS"


async def demo(
    database: Database,
    desk: Desk,
    *,
    seed: int,
    at: datetime,
    progress: Callable[..., None],
    seconds: float = math.inf,
) -> None:
    """See `load.load`. Models and drawings are imported when the demo is loaded, not with every process."""
    from lotse.plugins.demo_sports.load import load
    from lotse.plugins.demo_sports.season import ORDERS

    orders = int(os.environ.get(ORDERS_VARIABLE) or ORDERS)
    await load(database, desk, seed=seed, at=at, progress=progress, seconds=seconds, orders=orders)


retailers.register("demo", demo)
