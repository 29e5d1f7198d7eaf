"""The roles: what each kind of process of Lotse does. `lotse role NAME` is one of them; `lotse up` runs them all.

| role | does | listens on |
|---|---|---|
| `desk` | commits what takes or gives quantities, in batches | `run/desk.sock` |
| `api` | answers JSON and posts; hands every other request to `pages` | the public port |
| `pages` | renders HTML | `run/pages.sock`, or `LOTSE_PAGES_LISTEN` |
| `worker` | relays events, runs reactions and jobs | nothing |
"""

import asyncio
import gc
import os
import socket
from collections.abc import Awaitable, Callable, Mapping

import structlog
import uvloop

from lotse.kernel import logs, runtime
from lotse.kernel.postgres import attached
from lotse.kernel.settings import Settings
from lotse.web.lifeline import Lifeline

log = structlog.get_logger()

# The supervisor keeps the public socket open across restarts of the role and passes it on by its number.
LISTEN_VARIABLE = "LOTSE_LISTEN_FD"

# With a core to share, a process of this weight gets a third of what one of the others gets (sched(7)).
PAGES_NICE = 5

Run = Callable[[Settings, str, asyncio.Event, Lifeline], Awaitable[None]]


async def desk(settings: Settings, dsn: str, stop: asyncio.Event, lifeline: Lifeline) -> None:
    """Commit what other roles ask for over the socket."""
    from lotse.kernel.desk import socket as desk_socket
    from lotse.kernel.desk.desk import running

    async with running(dsn) as own:
        serving = asyncio.create_task(desk_socket.serve(own, runtime.desk_socket(settings)), name="desk socket")
        _ready(lifeline)
        await _until(stop, serving)


async def api(settings: Settings, dsn: str, stop: asyncio.Event, lifeline: Lifeline) -> None:
    """Answer on the public port."""
    from lotse.web.door import door
    from lotse.web.process import process
    from lotse.web.server import listen_tcp, serve

    async with process(settings, dsn, "api") as own, door(own) as application:
        passed = os.environ.pop(LISTEN_VARIABLE, None)
        listener = socket.socket(fileno=int(passed)) if passed else listen_tcp(settings.host, settings.port)
        _ready(lifeline)
        await serve(application, listener, stop)


async def pages(settings: Settings, dsn: str, stop: asyncio.Event, lifeline: Lifeline) -> None:
    """Render for the front, or for a proxy."""
    from lotse.web.app import make_pages, page_routes
    from lotse.web.lingering import Lingering
    from lotse.web.observe import Observed
    from lotse.web.process import process
    from lotse.web.proxied import Proxied
    from lotse.web.server import listen_tcp, listen_unix, serve
    from lotse.web.storefront.deciding import assignments
    from lotse.web.storefront.keeping import Places, kept_pages
    from lotse.web.storefront.leading import Leading
    from lotse.web.storefront.swift import Swift
    from lotse.web.storefront.watching import Watching

    # Loads every domain's pages, and with them the points that experiments decide at.
    routes = page_routes()
    async with (
        process(settings, dsn, "pages") as own,
        assignments(own.database, own.links, own.tags) as assigned,
    ):
        # Behind the front, which logs every request already, only what is notable is worth a second line.
        places = Places(own)
        kept = kept_pages(Leading(make_pages(own), own), own, places)
        watching = Watching(kept, own, assigned, routes)
        observed = Observed(watching, "pages", "notable", trusts_request_ids=True)
        if settings.pages_listen:
            host, _, port = settings.pages_listen.rpartition(":")
            listener = listen_tcp(host.strip("[]"), int(port))
        else:
            listener = listen_unix(runtime.pages_socket(settings))
        # Rendering takes whatever CPU there is. On a small machine the desk and the api come first: a page that waits
        # some milliseconds more is the smaller harm (463 orders/s instead of 413 beside pages at full load, on cores
        # that were busy with other work). Not before it is ready: one that started under full load with little weight
        # needed more than a minute, was taken for hung, and began anew.
        os.nice(PAGES_NICE)
        _ready(lifeline)
        swift = Swift(Lingering(Proxied(observed)), kept, places, watching)
        await serve(swift, listener, stop)
        swift.count()


async def worker(settings: Settings, dsn: str, stop: asyncio.Event, lifeline: Lifeline) -> None:
    """Relay events, react to them, run jobs."""
    from lotse.kernel import worker as kernel_worker

    _ready(lifeline)
    await kernel_worker.run(settings, dsn, stop)


ROLES: Mapping[str, Run] = {"desk": desk, "worker": worker, "pages": pages, "api": api}


def run(name: str, settings: Settings) -> None:
    """Be one role until SIGTERM, SIGINT, or the supervisor's end."""
    logs.configure(settings, name)
    lifeline = Lifeline.from_environment()
    with attached(settings) as dsn:
        uvloop.run(_main(ROLES[name], settings, dsn, lifeline))


async def _main(role: Run, settings: Settings, dsn: str, lifeline: Lifeline) -> None:
    from lotse.web.server import stop_on_signals

    stop = asyncio.Event()
    stop_on_signals(stop)
    await role(settings, dsn, stop, lifeline)


def _ready(lifeline: Lifeline) -> None:
    """All is imported and open: from now on requests come."""
    # What was made until now lives for ever, so no collection needs to look at it again. And requests leave few cycles:
    # by the default, the objects of two or three orders set off a search for garbage, which took a tenth of their time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    lifeline.ready()


async def _until(stop: asyncio.Event, working: "asyncio.Task[None]") -> None:
    """Until told to stop; what ends the work before that is an error of this role."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({stopping, working}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        await working
        raise RuntimeError(f"{working.get_name()} ended by itself")
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
