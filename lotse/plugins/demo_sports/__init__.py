"""The demo retailer: an invented sports house, made from a seed, with pictures drawn by code."""

from collections.abc import Callable
from datetime import datetime

from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.seams import retailers


async def demo(database: Database, desk: Desk, *, seed: int, at: datetime, progress: Callable[..., None]) -> None:
    """See `load.load`. Models and drawings are imported when the demo is loaded, not with every process."""
    from lotse.plugins.demo_sports.load import load

    await load(database, desk, seed=seed, at=at, progress=progress)


retailers.register("demo", demo)
