"""Where a run takes place: a database of its own, a shop, and the real roles as processes; all gone afterwards.

Each *host* is a folder with one `api` and one desk (and one `pages`, if the profile needs it) that share nothing with
the other hosts but PostgreSQL, as on machines of their own: the api of a host asks the desk of its host. The worker
does not run during a measurement: relay and reactions are not part of placing an order, and pgbench has none either.
"""

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct, structs
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from lotse.bench import cpu, shop
from lotse.bench.books import STATEMENTS
from lotse.bench.pgbench import script
from lotse.bench.profile import Options, Say
from lotse.bench.shop import Shop
from lotse.kernel import migrate, relay, runtime
from lotse.kernel.db import Database, opened
from lotse.kernel.postgres import attached
from lotse.kernel.settings import Settings
from lotse.kernel.tags import POLL_SECONDS
from lotse.web.roles import LISTEN_VARIABLE
from lotse.web.server import listen_tcp
from lotse.web.supervisor import Supervisor, base_environment

# A line per request goes to a log that nobody reads here; what is notable still appears.
QUIET = {"LOTSE_ACCESS_LOG": "notable", "LOTSE_LOG_LEVEL": "warning"}

# Lotse needs a handful per process, pgbench one per client: 256 of them beside four hosts.
CONNECTIONS = 400


class Host:
    """One host: its address, its processes, its metrics."""

    def __init__(self, address: tuple[str, int], metrics: Path, settings: Settings, supervisor: Supervisor) -> None:
        self.address = address
        self.settings = settings
        self._metrics = metrics
        self._supervisor = supervisor

    def pids(self, *roles: str) -> list[int]:
        """The processes of these roles."""
        return [child.pid for child in self._supervisor.children if child.role in roles and child.pid]

    @property
    def desk_socket(self) -> Path:
        return runtime.desk_socket(self.settings)

    def batches(self) -> tuple[float, float]:
        """How many batches this host's desk has committed, and how many requests were in them."""
        registry = self._registry()
        count = registry.get_sample_value("lotse_desk_batch_size_count") or 0.0
        return count, registry.get_sample_value("lotse_desk_batch_size_sum") or 0.0

    def left_out(self) -> int:
        """How many answers to slots were late or failed: pages that were sent without them."""
        return int(
            sum(
                sample.value
                for metric in self._registry().collect()
                for sample in metric.samples
                if sample.name == "lotse_slot_answers_total" and sample.labels["outcome"] != "answered"
            )
        )

    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self._metrics))  # type: ignore[no-untyped-call]
        return registry


class Usage(Struct, frozen=True):
    """CPU seconds so far, and what the desks have committed."""

    server: float
    desk: float
    postgres: float
    batches: float
    requests: float

    def since(self, before: "Usage") -> "Usage":
        return Usage(*(mine - its for mine, its in zip(structs.astuple(self), structs.astuple(before), strict=True)))


class Arena:
    """What profiles work with."""

    def __init__(
        self, database: Database, goods: Shop, hosts: Sequence[Host], postmaster: int | None, say: Say
    ) -> None:
        self.database = database
        self.shop = goods
        self.hosts = hosts
        self.say = say
        self._postmaster = postmaster

    @property
    def dsn(self) -> str:
        return self.database.dsn

    @property
    def addresses(self) -> list[tuple[str, int]]:
        return [host.address for host in self.hosts]

    def usage(self) -> Usage:
        """CPU time so far: `server` is api and pages, `postgres` all processes of a server on this machine."""
        counted = [host.batches() for host in self.hosts]
        return Usage(
            cpu.of_processes(pid for host in self.hosts for pid in host.pids("api", "pages")),
            cpu.of_processes(pid for host in self.hosts for pid in host.pids("desk")),
            cpu.of_server(self._postmaster) if self._postmaster else 0.0,
            sum(batches for batches, _ in counted),
            sum(requests for _, requests in counted),
        )

    async def room(self) -> int:
        """How many connections the server still has for pgbench; hosts may open a few more meanwhile."""
        async with self.database.reading() as conn:
            free: int = await conn.value(STATEMENTS.free_connections)
        return max(1, free - 10 * len(self.hosts))

    async def settle(self) -> None:
        """Before each round of either side: statistics are fresh and a checkpoint is behind us, not ahead.

        The outbox is emptied as the worker does it, and every process has heard that it is: where events lag, copies of
        master data are good for half a minute only, and a round would begin by reading all of it anew.
        """
        async with self.database.reading() as conn:
            await relay.move_all(conn)
            await conn.raw.execute("set statement_timeout = 0")  # ours alone; tables may be large here
            await conn.raw.execute("analyze")
            await conn.raw.execute("checkpoint")
        await asyncio.sleep(POLL_SECONDS + 0.2)


@asynccontextmanager
async def arena(
    settings: Settings, options: Options, say: Say, *, roles: Sequence[str] = ("desk", "api")
) -> AsyncIterator[Arena]:
    """Set up, hand over, take everything down."""
    with temporary_home() as home, database_in(settings, home) as dsn:
        say(f"a shop with {options.articles:,} articles")
        goods = await open_shop(dsn, options.articles)
        say(f"{options.desks} x {' + '.join(roles)}")
        async with hosts_on(settings, options, home, dsn, goods, say, roles=roles) as made:
            yield made


async def open_shop(dsn: str, articles: int) -> Shop:
    """The shop in an empty database, with what the worker would have done and what pgbench needs."""
    async with opened(dsn, role="lotse bench", connections=2) as database:
        goods = await shop.opened(database, articles=articles)
        async with database.transaction() as tx:
            # The worker's job; without it this month's rows would lie in the default partitions.
            await tx.execute(STATEMENTS.ensure_months)
            await tx.raw.execute(script("function").read_text("utf-8"))
    return goods


@asynccontextmanager
async def hosts_on(
    settings: Settings,
    options: Options,
    home: Path,
    dsn: str,
    goods: Shop,
    say: Say,
    *,
    roles: Sequence[str] = ("desk", "api"),
) -> AsyncIterator[Arena]:
    """As many hosts as there shall be desks, on a database that has a shop."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(opened(dsn, role="lotse bench", connections=2))
        hosts = [
            await stack.enter_async_context(host(settings, home / f"host-{number}", dsn, roles))
            for number in range(1, options.desks + 1)
        ]
        yield Arena(database, goods, hosts, await _postmaster(database), say)


@asynccontextmanager
async def host(settings: Settings, home: Path, dsn: str, roles: Sequence[str]) -> AsyncIterator[Host]:
    """One host's processes, on a free port."""
    home.mkdir(mode=0o700, exist_ok=True)  # noqa: ASYNC240 - nobody waits for us yet
    own = structs.replace(settings, home=home, database_url=dsn)
    folder = runtime.metrics_folder(own)
    with listen_tcp("127.0.0.1", 0) as listener:
        address: tuple[str, int] = listener.getsockname()
        environment = base_environment(
            {**QUIET, "LOTSE_HOME": str(home), "LOTSE_DATABASE_URL": dsn, "LOTSE_PORT": str(address[1])}
        )
        supervisor = Supervisor(environment, folder)
        try:
            await supervisor.start(roles, {"api": {LISTEN_VARIABLE: listener.fileno()}})
            yield Host(address, folder, own, supervisor)
        finally:
            await supervisor.stop()
            _remove_runtime(own)


def new_home(prefix: str) -> Path:
    """A private folder on a disk: /tmp is often memory, where fsync costs nothing. Short, for the sockets' sake."""
    disk = Path("/var/tmp")  # noqa: S108 - mkdtemp makes a private folder
    chosen = os.environ.get("TMPDIR") or (disk if os.access(disk, os.W_OK) else None)
    return Path(tempfile.mkdtemp(prefix=prefix, dir=chosen))


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A home of our own for as long as the block lasts."""
    home = new_home("lotse-bench-")
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def database_in(settings: Settings, home: Path) -> Iterator[str]:
    """An empty database with the schema: the embedded server at its own settings, or a new one on the given server."""
    if not settings.database_url:
        own = structs.replace(settings, home=home)
        with attached(own) as dsn:
            allow_connections(dsn)
        with attached(own) as dsn:
            migrate.upgrade(dsn)
            yield dsn
        return
    name = f"lotse_bench_{secrets.token_hex(4)}"
    with attached(settings) as given:
        administer(given, f"create database \"{name}\" encoding 'UTF8' template template0")
        try:
            dsn = urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
            migrate.upgrade(dsn)
            yield dsn
        finally:
            administer(given, f'drop database if exists "{name}" with (force)')


def allow_connections(dsn: str) -> None:
    """Let pgbench have a connection per client; holds from the server's next start on. All else stays as it is."""
    administer(dsn, f"alter system set max_connections = {CONNECTIONS}")


def administer(dsn: str, command: str) -> None:
    """A command that no transaction may hold, such as `create database`."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(command.encode())


async def _postmaster(database: Database) -> int | None:
    """The server's first process, if it runs on this machine."""
    async with database.reading() as conn:
        local = await conn.value(STATEMENTS.is_local)
        backend = await conn.value(STATEMENTS.backend)
    return cpu.parent_of(backend) if local else None


def _remove_runtime(settings: Settings) -> None:
    folder = runtime.folder(settings)
    if settings.home not in folder.parents:
        shutil.rmtree(folder, ignore_errors=True)
