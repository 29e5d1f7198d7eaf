"""An ERP that has no business: it keeps books of articles, prices and a shelf, tells Lotse of them, hears of orders,
and does all of it badly.

`lotse simulate erp` is that system as a server: it sends files to Lotse's API, takes Lotse's webhooks at `/hooks`, and
delays, repeats, reorders and fails as it is told. `LOTSE_ERP_SIMULATED_URL` is Lotse's address, `..._TOKEN` a token of
its API with `imports.write`, `..._LOCATION` the code of the place whose shelf it counts.
"""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

from lotse.kernel.seams import Simulator, simulators
from lotse.kernel.settings import Settings


async def erp(listener: socket.socket, stop: asyncio.Event, *, settings: Settings, options: Mapping[str, Any]) -> None:
    """See `server.serve`. Imported when it is run, not with every process."""
    from lotse.plugins.erp_simulated.server import serve

    await serve(listener, stop, settings=settings, options=options)


def environment(url: str) -> dict[str, str] | None:
    """It is led to Lotse and not Lotse to it, so it does not start by itself beside the demo."""
    return None


simulators.register("erp", Simulator(erp, environment))
