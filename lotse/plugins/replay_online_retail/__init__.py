"""Replays the year of a real British web shop (UCI Online Retail) through the real order path."""

from collections.abc import Callable
from pathlib import Path

from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.seams import replays


async def online_retail(database: Database, desk: Desk, folder: Path, *, progress: Callable[..., None]):
    """See `replay.replay`. DuckDB and the mapping are imported when a replay begins, not with every process."""
    from lotse.plugins.replay_online_retail.replay import replay

    return await replay(database, desk, folder, progress=progress)


replays.register("online-retail", online_retail)
