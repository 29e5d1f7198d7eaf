"""Which shop a request is for. One installation may hold many; this one serves its main web shop at every address."""

import time
from typing import Any

from litestar import Request

from lotse.domains.parties import queries as parties
from lotse.domains.parties.contracts import Shop
from lotse.kernel.db import Database
from lotse.kernel.refusals import Refusal

# Shops change a few times a year; a change is seen everywhere within this.
REMEMBERED_SECONDS = 5.0


class NoShop(Refusal, status=503, title="There is no shop here yet"):
    """The database holds no web shop: load the demo (`lotse demo`) or make one."""


async def shop_of(request: Request[Any, Any, Any]) -> Shop:
    """The web shop of this request. Refusal: `NoShop`."""
    state = request.app.state
    until, shop = getattr(state, "shop", (0.0, None))
    if shop is None or time.monotonic() > until:
        shop = await _main_shop(state.database)
        state.shop = (time.monotonic() + REMEMBERED_SECONDS, shop)
    return shop


class MainShop:
    """The web shop, for what stands before any request's application."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[float, Shop] | None = None

    async def __call__(self) -> Shop:
        """Refusal: `NoShop`."""
        if self._known is None or time.monotonic() > self._known[0]:
            self._known = time.monotonic() + REMEMBERED_SECONDS, await _main_shop(self._database)
        return self._known[1]

    def known(self) -> Shop | None:
        """The shop, if nothing needs to be read for it."""
        return self._known[1] if self._known and time.monotonic() <= self._known[0] else None


async def _main_shop(database: Database) -> Shop:
    async with database.reading() as conn:
        found = [shop for shop in (await parties.shops(conn)).items if shop.channel == "web"]
    if not found:
        raise NoShop()
    return min(found, key=lambda shop: shop.id)  # the oldest
