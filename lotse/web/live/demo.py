"""The simulated buyers beside the demo, as the live page reaches them. `lotse up` tells where they are."""

import os
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from lotse.kernel.refusals import Refusal

LIVE = "/office/live"
URL_VARIABLE = "LOTSE_LIVE_URL"
SECRET_VARIABLE = "LOTSE_LIVE_SECRET"
# Stage-setting is a stock-taking; looks at the state come every second and are left out when they take long.
ACT_SECONDS = 15.0
LOOK_SECONDS = 0.8


class NotTheDemo(Refusal, status=404, title="This is no demo: there are no simulated buyers here"):
    """`lotse up` starts them beside the demo retailer only."""


class BuyersAway(Refusal, status=503, title="The simulated buyers are being restarted; try again in a second"):
    retry_after_seconds: int = 1


class ActRefused(Refusal, status=409, title="This cannot be done now"):
    """In the words of who refused it."""

    reason: str


class Buyers(Struct, frozen=True):
    """Where they are, and the secret that we share with them."""

    url: str
    secret: str

    async def state(self, session: aiohttp.ClientSession) -> msgspec.Raw | None:
        """As they say it; None while they are away."""
        try:
            timeout = aiohttp.ClientTimeout(total=LOOK_SECONDS)
            async with session.get(f"{self.url}/state", headers=self._headers(""), timeout=timeout) as response:
                return msgspec.Raw(await response.read()) if response.status == 200 else None
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def act(self, name: str, body: Any, *, actor: str) -> msgspec.Raw:
        """Have something done. Refusals: `BuyersAway`, `ActRefused`."""
        timeout = aiohttp.ClientTimeout(total=ACT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    f"{self.url}/{name}", data=msgspec.json.encode(body), headers=self._headers(actor)
                ) as response,
            ):
                said = await response.read()
                if response.status < 400:
                    return msgspec.Raw(said)
                title = msgspec.json.decode(said).get("title", "") if response.status < 500 else ""
                raise ActRefused(reason=str(title) or f"status {response.status}")
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise BuyersAway() from None

    def _headers(self, actor: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}", "X-Actor": actor}


def buyers() -> Buyers | None:
    """None where there are none: then the page has no buttons."""
    url, secret = os.environ.get(URL_VARIABLE, ""), os.environ.get(SECRET_VARIABLE, "")
    return Buyers(url, secret) if url and secret else None


def known_buyers() -> Buyers:
    """Refusal: `NotTheDemo`."""
    found = buyers()
    if found is None:
        raise NotTheDemo()
    return found
