"""`lotse up`: the whole of Lotse on one machine, in one command.

Takes the port first, so that a port in use is said at once and nothing else was started; visitors who come early wait
in its queue. Then the database, its schema, the demo retailer if the database is empty, and the roles.
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog
from msgspec import structs

from lotse.kernel import logs, migrate, runtime, seams
from lotse.kernel.auth.demo import demo_staff
from lotse.kernel.db import opened
from lotse.kernel.postgres import PostgresError, attached, revived
from lotse.kernel.settings import Settings
from lotse.web.commands import demo_unfinished
from lotse.web.roles import LISTEN_VARIABLE
from lotse.web.server import PortTaken, listen_tcp
from lotse.web.supervisor import Supervisor, base_environment

log = structlog.get_logger()

BACK_OFFICE = "/office"
LIVE = "/office/live"
BUYERS = "buyers"
# Read by the plugin whose buyers these are: `off`, or the pace that they begin with.
LIVE_VARIABLE = "LOTSE_LIVE"
# Of the demo's season, what is loaded within this; the rest arrives while the shop is open. Who tries Lotse waits for
# PostgreSQL, schema, goods, this and the roles, on slow machines twice as long as on ours.
SEASON_SECONDS = "25"
_LAST_PORT = 65_535
# Stopped in the opposite order: the door closes first, the desk last, when nobody asks it any more.
ORDER = ("desk", "worker", "pages", "api")
# How often we look whether the database still lives: one look reads a file. Requests wait or are told to repeat.
DATABASE_LOOK_SECONDS = 1.0
# After a start that failed (a full disk), so that the log stays readable.
DATABASE_PAUSE_SECONDS = 10.0


class DemoFailed(Exception):
    """The demo retailer could not be loaded; its own words stand above."""


def up(settings: Settings, *, demo: bool, live: bool | None = None) -> None:
    """Run until SIGTERM, SIGINT or SIGHUP. Raises `PortTaken`, `PostgresError`, `NeverReady`, `DemoFailed`.

    `live`: simulated buyers trade in the demo; None is as the environment says, which is yes.
    """
    if live is not None:
        os.environ[LIVE_VARIABLE] = os.environ.get(LIVE_VARIABLE) or "on" if live else "off"
    with listen_tcp(settings.host, settings.port) as listener, ExitStack() as stack:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)  # until the event loop takes over
        logs.configure(_quietly(settings), "up")
        with _step("PostgreSQL"):
            dsn = stack.enter_context(attached(settings))
        with _step("schema"):
            migrate.upgrade(dsn)
        asyncio.run(_run(settings, dsn, listener, demo))


def _quietly(settings: Settings) -> Settings:
    """Our own steps are told on the terminal; the log of this process adds only what went wrong."""
    return structs.replace(settings, log_level="warning") if settings.log_level == "info" else settings


async def _run(settings: Settings, dsn: str, listener: socket.socket, demo: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    supervisor = Supervisor(
        base_environment(
            {"LOTSE_HOME": str(settings.home), "LOTSE_HOST": settings.host, "LOTSE_PORT": str(settings.port)}
        ),
        runtime.metrics_folder(settings),
    )
    working = asyncio.create_task(_work(supervisor, settings, dsn, listener, demo))
    stopping = asyncio.create_task(stop.wait())
    keeping = asyncio.create_task(_keep_database(settings))
    try:
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()  # raises: it never ends otherwise
        _say("Stopping.")
    finally:
        for task in (working, stopping, keeping):
            task.cancel()
        await asyncio.gather(working, stopping, keeping, return_exceptions=True)
        await supervisor.stop()


async def _work(supervisor: Supervisor, settings: Settings, dsn: str, listener: socket.socket, demo: bool) -> None:
    if demo and (demo_unfinished(settings).exists() or await _is_empty(dsn)):
        _say("  demo retailer (only the first time)")
        await _load_demo(settings)
    simulated = _simulators(supervisor, settings)
    with _step(", ".join([*ORDER, *simulated])):
        passed = {name: {LISTEN_VARIABLE: one.fileno()} for name, one in simulated.items()}
        await supervisor.start(
            [*simulated, *ORDER],
            {"api": {LISTEN_VARIABLE: listener.fileno()}, **passed},
            {name: ("simulate", name) for name in simulated},
        )
    _greet(settings, listener, live=BUYERS in simulated)
    await supervisor.watch()


def _simulators(supervisor: Supervisor, settings: Settings) -> dict[str, socket.socket]:
    """Beside the demo, the other sides of plugins, so that a card payment can be clicked through. A shop of somebody's
    own has none: its buyers must not be offered a way to pay with which no money moves."""
    if demo_staff(settings) is None:
        return {}
    found: dict[str, socket.socket] = {}
    for number, name in enumerate(seams.simulators, 1):
        try:
            # The same port at every start, so that a page that is open in a browser stays good.
            listener = listen_tcp("127.0.0.1", settings.port + number if settings.port + number <= _LAST_PORT else 0)
        except PortTaken:
            listener = listen_tcp("127.0.0.1", 0)
        told = seams.simulators[name].environment(f"http://127.0.0.1:{listener.getsockname()[1]}")
        if told is None:
            listener.close()
            continue
        supervisor.tell(told)
        found[name] = listener
    if BUYERS in found and "LOTSE_ACCESS_LOG" not in os.environ:
        # A line per simulated buyer would hide everything else that is said here.
        supervisor.tell({"LOTSE_ACCESS_LOG": "notable"})
    return found


async def _keep_database(settings: Settings) -> None:
    """Start the embedded server again if it dies under us; the roles find it by themselves."""
    while True:
        await asyncio.sleep(DATABASE_LOOK_SECONDS)
        try:
            if await asyncio.to_thread(revived, settings):
                log.warning("PostgreSQL had died and is up again")
        except PostgresError as error:
            log.error("PostgreSQL died and does not start", error=str(error))
            await asyncio.sleep(DATABASE_PAUSE_SECONDS)


async def _is_empty(dsn: str) -> bool:
    """No shop yet: nobody has begun anything here."""
    from lotse.domains.parties import queries as parties

    async with opened(dsn, role="lotse up", connections=1) as database, database.reading() as conn:
        return not (await parties.shops(conn)).items


async def _load_demo(settings: Settings) -> None:
    """In a process of its own: what it imports and keeps in memory is not needed afterwards."""
    environment = base_environment({"LOTSE_HOME": str(settings.home), "LOTSE_DEMO_SECONDS": SEASON_SECONDS})
    loading = await asyncio.create_subprocess_exec(sys.executable, "-m", "lotse", "demo", env=environment)
    try:
        if await loading.wait() != 0:
            raise DemoFailed("the demo retailer could not be loaded; `lotse up --no-demo` starts without it")
    except asyncio.CancelledError:
        loading.terminate()
        await loading.wait()
        raise


@contextmanager
def _step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took if anybody had to wait for it."""
    began = time.monotonic()
    print(f"  {what} …", end="", flush=True)
    try:
        yield
    except BaseException:
        print(flush=True)
        raise
    seconds = time.monotonic() - began
    print(f" {seconds:.1f} s" if seconds >= 1 else " ready", flush=True)


def _greet(settings: Settings, listener: socket.socket, *, live: bool) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    address = f"http://[{host}]" if ":" in host else f"http://{host}"
    address += f":{listener.getsockname()[1]}"
    staff = demo_staff(settings)
    _say("")
    _say("Lotse is up.")
    if live:
        _say(f"  Live page     {address}{LIVE}   (buyers trade in web, tills and marketplace; the page has the pace)")
    _say(f"  Shop          {address}/")
    sign_in = f"   (sign in as {staff.login}, password {staff.password})" if staff else ""
    _say(f"  Back office   {address}{BACK_OFFICE}{sign_in}")
    _say(f"  API           {address}/api/v1/docs")
    _say("Stop it with Ctrl-C.")


def _say(text: str) -> None:
    print(text, flush=True)


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
