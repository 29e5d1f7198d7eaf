"""A payment provider that takes no money: the adapter that a real one would have, and its other side as a server.

`lotse simulate psp` is that server: it speaks HTTP, keeps its books on disk, shows a payment page, sends signed
webhooks, and fails in every way that it is told to. `LOTSE_PAY_SIMULATED_URL` names its address, `..._SECRET` what both
sides sign with, `..._CAPTURE=at_once` has money taken with the authorisation.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from typing import Any

from lotse.domains.payments.contracts import providers
from lotse.kernel.seams import Simulator, simulators
from lotse.kernel.settings import Settings
from lotse.plugins.pay_simulated.provider import PREFIX, Simulated


async def psp(listener: socket.socket, stop: asyncio.Event, *, settings: Settings, options: Mapping[str, Any]) -> None:
    """See `server.serve`. Imported when it is run, not with every process."""
    from lotse.plugins.pay_simulated.server import serve

    await serve(listener, stop, settings=settings, options=options)


def environment(url: str) -> dict[str, str] | None:
    """What leads our side to a server that is started beside it; None if it was told of another one."""
    if os.environ.get(PREFIX + "URL"):
        return None
    return {PREFIX + "URL": url, PREFIX + "SECRET": secrets.token_urlsafe(24)}


providers.register("simulated", Simulated())
simulators.register("psp", Simulator(psp, environment))
