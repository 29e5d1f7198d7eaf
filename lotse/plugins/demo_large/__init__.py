"""A big catalogue: some 49,000 real articles of food, fashion and electronics, brought into one shop from a folder."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.seams import folders


async def bring(
    database: Database, desk: Desk, folder: Path, *, home: Path, at: datetime, progress: Callable[..., None]
):
    """See `load.bring`. DuckDB and the readers are imported when a folder is brought in, not with every process."""
    from lotse.plugins.demo_large.load import bring

    return await bring(database, desk, folder, home=home, at=at, progress=progress)


folders.register("demo-large", bring)
