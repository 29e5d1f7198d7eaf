"""What those who run Lotse ask: is the process alive, is it ready for visitors, what do its counters say."""

import asyncio
import ipaddress
from datetime import datetime
from typing import Any, Literal

import asyncpg
from litestar import Request, Response, get
from msgspec import Struct

from lotse.kernel import clock, metrics
from lotse.kernel.auth.authenticate import principal_of
from lotse.kernel.auth.rights import NotSignedIn, public
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "health")
# Asked for by the routes themselves, because this machine needs none.
RIGHTS = frozenset({"metrics.read"})
PATHS = frozenset({"/health", "/ready", "/metrics"})
# A load balancer asks every few seconds; a check that takes longer is an answer too.
CHECK_SECONDS = 2.0
# An event that waits longer than this in the outbox: the relay is down or hopelessly behind.
MAX_RELAY_LAG_SECONDS = 60.0


class Alive(Struct, frozen=True):
    status: Literal["alive"] = "alive"


class Ready(Struct, frozen=True):
    """`checks` says per part `ok`, or what is wrong."""

    ready: bool
    checks: dict[str, str]


@get("/health", guards=[public], include_in_schema=False)
async def health() -> Alive:
    """This process answers. Says nothing about the database: restarting the process would not mend that."""
    return Alive()


@get("/ready", guards=[public], include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> Response[Ready]:
    """Visitors may be sent here: 200, or 503 with what is missing."""
    process = request.app.state.process
    names = ("database", "schema", "desk", "relay")
    checks = (_database(process), _schema(process), _desk(process), _relay(process))
    found: dict[str, str] = dict(zip(names, await asyncio.gather(*map(_bounded, checks)), strict=True))
    is_ready = all(said == "ok" for said in found.values())
    return Response(Ready(is_ready, found), status_code=200 if is_ready else 503, headers={"Cache-Control": "no-store"})


@get("/metrics", guards=[public], include_in_schema=False)
async def metrics_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Prometheus' text format. For this machine, and for tokens with `metrics.read`."""
    if not _is_local(request) and not (await principal_of(request)).may("metrics.read"):
        raise NotSignedIn(right="metrics.read")
    text = await asyncio.to_thread(metrics.exposition)
    return Response(text, headers={"Content-Type": metrics.CONTENT_TYPE})


routes = [health, ready, metrics_page]


def _is_local(request: Request[Any, Any, Any]) -> bool:
    """Asked from this machine, and not through a proxy on it."""
    if any(name in request.headers for name in ("x-forwarded-for", "forwarded")):
        return False
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def _bounded(check: Any) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return f"{type(error).__name__}: {error}"


async def _database(process: Any) -> str:
    async with process.database.reading() as conn:
        await conn.value(SQL.alive)
    return "ok"


async def _schema(process: Any) -> str:
    from lotse.kernel import migrate  # brings a second driver and yoyo, which no request needs

    async with process.database.reading() as conn:
        applied = set(await conn.values(SQL.applied_migrations))
    missing = [name for name in migrate.known() if name not in applied]
    return f"not applied: {', '.join(missing)}" if missing else "ok"


async def _desk(process: Any) -> str:
    return "ok" if await process.desk.ready() else "nobody listens at the desk's socket"


async def _relay(process: Any) -> str:
    async with process.database.reading() as conn:
        oldest: datetime | None = await conn.value(SQL.oldest_unrelayed)
    lag = (clock.now() - oldest).total_seconds() if oldest else 0.0
    return "ok" if lag <= MAX_RELAY_LAG_SECONDS else f"the oldest event waits since {lag:.0f} s"
