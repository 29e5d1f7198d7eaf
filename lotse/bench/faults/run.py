"""Rounds of load, recovery and judgement.

A round is: clients ask for some seconds while the killer works; the load stops; everything recovers by itself, within
bounds; what nobody knows is asked again under its key; holds end; events arrive; then the judge looks at the whole
history of the run, and `lotse check` at the database.
"""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from random import Random
from uuid import uuid4

import aiohttp
import asyncpg
from msgspec import Struct, structs, to_builtins

from lotse.bench.arena import new_home
from lotse.bench.faults import facts, scene, wire
from lotse.bench.faults.facts import READS
from lotse.bench.faults.history import Answered, Asked, Case, History, read
from lotse.bench.faults.judge import Finding, judge
from lotse.bench.faults.killer import KINDS, ROLES, Killer, children, plan
from lotse.bench.faults.listener import WRITES
from lotse.bench.faults.load import API, Client, Line, contact, send
from lotse.bench.faults.provider import Provider
from lotse.bench.faults.scene import Scene
from lotse.bench.profile import BenchFailed, Say
from lotse.domains.inventory.contracts import MoveRequest, StockChange
from lotse.domains.pools.contracts import HoldRequest, Want
from lotse.kernel import check, clock, migrate, runtime
from lotse.kernel.db import Database, opened
from lotse.kernel.desk.desk import running
from lotse.kernel.desk.socket import DeskClient
from lotse.kernel.ids import uuid7
from lotse.kernel.postgres import attached
from lotse.kernel.postgres.cluster import Cluster
from lotse.kernel.settings import Settings

FAULTS = 8
# Pieces of the hot article in each round: fewer than are wanted.
HOT_PIECES = 30
# Who asks when the load stops may be in the midst of its tries; then it dies.
STOPPING_SECONDS = 15.0
# From the last fault to the first order: the longest pause of the supervisor (10 s), the start of a role, and what a
# busy machine adds. A shop that takes longer is stuck.
RECOVERY_SECONDS = 60.0
# A payment that nobody waits for is looked at each minute, and a provider that was away is asked again after a pause.
PAYMENTS_SECONDS = 180.0
# The job that gives back what nobody asks for runs every minute.
SWEEP_SECONDS = 100.0
# How many acknowledged requests are asked again; those whose outcome is unknown all are.
AGAIN = 120
# Of the unknown ones this share is given up for good: they must be there wholly or not at all.
GIVEN_UP = 0.3
_AT_ONCE = 8
# One look at whether something has recovered.
_LOOK_SECONDS = 20.0
_FINDINGS_SHOWN = 40


class Figures(Struct, frozen=True, kw_only=True):
    """What came out. `unknown` counts requests whose clients never learned their outcome during the load."""

    rounds: int
    seed: int
    acknowledged: int
    refused: int
    unknown: int
    asked_again: int
    pages: int
    events: int
    charges: int
    killed: dict[str, int]
    lost: int
    doubled: int
    oversold: int
    misordered: int
    unaccounted_charges: int
    stuck: int
    unexpected: int
    check: str
    slowest_recovery_seconds: float
    seconds: float


class Wanted(Struct, frozen=True, kw_only=True):
    """What a run is asked for."""

    rounds: int = 20
    seconds: float = 10.0
    clients: int = 12
    seed: int | None = None
    # After the last round: wait for the job that gives back what expired, up to a minute and a half.
    patient: bool = True


class Outcome(Struct, frozen=True):
    """The figures, what was found, and the folder that was kept because of it."""

    figures: Figures
    findings: list[Finding]
    kept: Path | None


class Stuck(Exception):
    """Something did not come to its end in time."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        super().__init__(what)
        self.finding = Finding("stuck", what, "", expected, found)


async def run(settings: Settings, wanted: Wanted, say: Say) -> Outcome:
    """The whole run, in a LOTSE_HOME of its own, which is removed if all is well."""
    seed = wanted.seed if wanted.seed is not None else secrets.randbelow(1_000_000)
    say(f"seed {seed}")
    home = new_home("lotse-faults-")
    kept: Path | None = home
    began = asyncio.get_running_loop().time()
    try:
        async with _trial(settings, home, seed, wanted, say) as trial:
            findings: list[Finding] = []
            rounds = 0
            while rounds < wanted.rounds and not findings:
                findings = await trial.round(rounds, last=rounds + 1 == wanted.rounds)
                rounds += 1
            figures = trial.figures(rounds, findings, asyncio.get_running_loop().time() - began)
        if not findings:
            kept = None
        return Outcome(figures, findings, kept)
    finally:
        if kept is None:
            shutil.rmtree(home, ignore_errors=True)
        else:
            say(f"kept for a look: {home}")


def told(outcome: Outcome) -> str:
    """The findings, so that somebody can repeat and follow them; or that there is none."""
    if not outcome.findings:
        return "nothing lost, nothing doubled, nothing oversold"
    shown = [str(finding) for finding in outcome.findings[:_FINDINGS_SHOWN]]
    more = len(outcome.findings) - len(shown)
    figures = outcome.figures
    return "\n".join(
        (
            f"{len(outcome.findings)} findings in round {figures.rounds}; repeat with --seed {figures.seed}",
            *shown,
            *([f"and {more} more"] if more else []),
            f"histories, logs and database: {outcome.kept}",
        )
    )


# -- what a run works on


@asynccontextmanager
async def _trial(settings: Settings, home: Path, seed: int, wanted: Wanted, say: Say) -> "AsyncIterator[Trial]":
    port = _free_port()
    own = structs.replace(settings, home=home, database_url=None, postgres_fsync=True, host="127.0.0.1", port=port)
    histories = home / "histories"
    histories.mkdir(mode=0o700)
    with attached(own) as dsn:
        migrate.upgrade(dsn)
        async with opened(dsn, role="lotse bench", connections=3) as database:
            async with running(dsn) as desk:
                goods = await scene.build(database, desk, clock.now())
            async with database.reading() as conn:
                await conn.raw.execute(WRITES.make_schema.sql)
            async with (
                _providing(home, seed) as provider,
                _up(own, port, provider) as up,
                _listening(dsn, home) as listener,
                wire.to_port(port) as (http, wired_port),
                wire.to_socket(runtime.desk_socket(own), home / "run" / "wire.sock") as desk_wire,
            ):
                trial = Trial(own, database, goods, histories, seed, wanted, say, up, listener, provider)
                trial.wires = {"http_sockets": http, "desk_sockets": desk_wire}
                trial.wired = (f"http://127.0.0.1:{wired_port}", home / "run" / "wire.sock")
                await trial.ready()
                yield trial


class Trial:
    """One `lotse up` and everybody around it."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        goods: Scene,
        histories: Path,
        seed: int,
        wanted: Wanted,
        say: Say,
        up: asyncio.subprocess.Process,
        listener: "Listener",
        provider: Provider,
    ) -> None:
        self.wires: dict[str, wire.Wire] = {}
        self.wired: tuple[str, Path] = ("", Path())
        self._settings = settings
        self._direct = f"http://127.0.0.1:{settings.port}"
        self._database = database
        self._scene = goods
        self._histories = histories
        self._seed = seed
        self._wanted = wanted
        self._say = say
        self._up = up
        self._listener = listener
        self._provider = provider
        self._again = History(histories / "asked-again.jsonl")
        self._killed: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._pages = 0
        self._events = 0
        self._charges = 0
        self._slowest = 0.0
        self._check = "never run"
        self._number = 0

    async def ready(self) -> None:
        """The shop takes its first order. Raises `BenchFailed` if it does not even do that."""
        try:
            await self._recovered("r000")
        except Stuck as stuck:
            raise BenchFailed(f"`lotse up` does not get ready: {stuck.finding}") from None

    async def round(self, number: int, *, last: bool) -> list[Finding]:
        """Load, recovery, judgement; what was found."""
        name = f"r{number + 1:03}"
        loop = asyncio.get_running_loop()
        stopped, again = loop.time(), 0
        try:
            async with self._line(self._direct, runtime.desk_socket(self._settings)) as line:
                await self._receive_hot(line, name)
            unexpected = await self._load(name, number)
            stopped = loop.time()
            await self._recovered(name)
            recovery = loop.time() - stopped
            again = await self._ask_again(name)
            await self._end_payments(by_themselves=last and self._wanted.patient)
            await self._end_holds(name, by_itself=last and self._wanted.patient)
            await self._at_rest(jobs_too=last and self._wanted.patient)
            findings = [*unexpected, *await self._judged()]
        except Stuck as stuck:
            findings = [stuck.finding, *await self._judged_if_possible()]
            recovery = loop.time() - stopped
        self._slowest = max(self._slowest, recovery)
        self._say(
            f"round {number + 1} of {self._wanted.rounds}: {dict(self._outcomes)}, recovered in {recovery:.1f} s, "
            f"{again} asked again, killed {dict(self._killed)}, {len(findings)} findings"
        )
        return findings

    def figures(self, rounds: int, findings: list[Finding], seconds: float) -> Figures:
        count = Counter(finding.kind for finding in findings)
        return Figures(
            rounds=rounds,
            seed=self._seed,
            acknowledged=self._outcomes["acknowledged"],
            refused=self._outcomes["refused"],
            unknown=self._outcomes["unknown"],
            asked_again=self._outcomes["again"],
            pages=self._pages,
            events=self._events,
            charges=self._charges,
            killed=dict(sorted(self._killed.items())),
            lost=count["lost"],
            doubled=count["doubled"],
            oversold=count["oversold"],
            misordered=count["misordered"],
            unaccounted_charges=count["unaccounted"],
            stuck=count["stuck"],
            unexpected=count["unexpected"],
            check=self._check,
            slowest_recovery_seconds=round(self._slowest, 1),
            seconds=round(seconds, 1),
        )

    # -- load

    async def _load(self, name: str, number: int) -> list[Finding]:
        stop = asyncio.Event()
        seconds = self._wanted.seconds
        await self._provider.begins_to_fail()
        async with self._line(*self.wired) as line:
            crowd = _Crowd(name, line, self._scene, self._histories, f"{self._seed} {name}", stop)
            crowd.begin(self._wanted.clients)
            killer = Killer(
                self._up.pid,
                Cluster(self._settings),
                self._database,
                self.wires,
                {
                    "client": crowd.one_dies,
                    "listener": self._listener.dies,
                    "psp": self._provider.dies,
                    "psp_faults": self._provider.worsens,
                },
            )
            await asyncio.gather(
                asyncio.sleep(seconds),
                killer.run(plan(self._seed, number, seconds, faults=FAULTS, kinds=KINDS)),
            )
            stop.set()
            await crowd.end()
        self._killed += killer.killed
        self._pages += sum(client.counts.pages for client in crowd.clients)
        return [
            Finding("unexpected", "a page", name, "a page", said)
            for client in crowd.clients
            for said in client.counts.unexpected
        ]

    @asynccontextmanager
    async def _line(self, base: str, desk: Path) -> AsyncIterator[Line]:
        connector = aiohttp.TCPConnector(limit=100)
        client = DeskClient(desk)
        try:
            async with aiohttp.ClientSession(base, connector=connector) as http:
                yield Line(http, client, self._scene.token)
        finally:
            await client.close()

    async def _receive_hot(self, line: Line, name: str) -> None:
        pool = self._scene.hot.pools[0]
        asked = self._prober(name, "receive")
        request = MoveRequest(
            document_id=uuid7(),
            kind="receipt",
            changes=(StockChange(pool, HOT_PIECES),),
            reference=asked,
            actor=scene.BY,
            occurred_at=clock.now(),
        )
        wants = {str(pool): HOT_PIECES}
        await self._probe(
            line, Asked(id=asked, op="move", address="desk receive", body=_plain(request), key=asked, wants=wants)
        )

    # -- recovery

    async def _recovered(self, name: str) -> None:
        """Every role is there and ready, a page is rendered, an order is placed, the desk answers. Raises `Stuck`."""
        async with self._line(self._direct, runtime.desk_socket(self._settings)) as line:
            await _until("every role is there", RECOVERY_SECONDS, self._all_roles)
            await _until("ready", RECOVERY_SECONDS, lambda: self._is_ready(line))
            await _until("a page is rendered", RECOVERY_SECONDS, lambda: self._shows_a_page(line))
            id = self._prober(name, "order")
            wants = {str(self._scene.articles[1].offer_id): 1}
            body = {
                "lines": [{"offer_id": offer, "quantity": pieces} for offer, pieces in wants.items()],
                "contact": contact(id),
                "method": "invoice",
                "total_minor": self._scene.total(wants),
            }
            await self._probe(
                line, Asked(id=id, op="order", address=f"POST {API}/orders", body=body, key=str(uuid4()), wants=wants)
            )

    async def _all_roles(self) -> str:
        if self._up.returncode is not None:
            raise Stuck("`lotse up` ended", "it lives", f"exit {self._up.returncode}")
        missing = set(ROLES) - children(self._up.pid).keys()
        return f"without {', '.join(sorted(missing))}" if missing else ""

    async def _is_ready(self, line: Line) -> str:
        async with line.http.get("/ready") as response:
            said = await response.text()
        return "" if response.status == 200 else said[:200]

    async def _shows_a_page(self, line: Line) -> str:
        async with line.http.get("/") as response:
            await response.read()
        return "" if response.status == 200 else str(response.status)

    async def _probe(self, line: Line, asked: Asked) -> Case:
        """Ask something that must be answered. Raises `Stuck`."""
        case = self._again.ask(asked)

        async def answered() -> str:
            found = await send(line, asked, 1, lambda: 15.0)
            self._again.answer(case, found)
            # There is plenty of what a probe orders or receives; only a probing hold may find nothing left.
            done = found.outcome == "acknowledged" or (asked.op == "hold" and found.outcome == "refused")
            return "" if done else f"{found.status} {found.refusal}"

        await _until(f"{asked.address} is answered", RECOVERY_SECONDS, answered)
        return case

    # -- the same keys again

    async def _ask_again(self, name: str) -> int:
        """Ask again what nobody knows, and some of what is known; how many."""
        random = Random(f"{self._seed} again {name}")
        cases = read(sorted(self._histories.glob(f"{name}-*.jsonl")))
        for case in cases:
            self._outcomes[case.final.outcome if case.final else "unknown"] += 1
        unknown = [case for case in cases if case.final is None and random.random() >= GIVEN_UP]
        known = [case for case in cases if case.final is not None]
        chosen = [*unknown, *random.sample(known, min(AGAIN, len(known)))]
        gate = asyncio.Semaphore(_AT_ONCE)
        async with self._line(self._direct, runtime.desk_socket(self._settings)) as line:
            await asyncio.gather(*(self._once_more(line, case, gate) for case in chosen))
        self._outcomes["again"] += len(chosen)
        return len(chosen)

    async def _once_more(self, line: Line, case: Case, gate: asyncio.Semaphore) -> None:
        async with gate:
            found: Answered | None = None

            async def answered() -> str:
                nonlocal found
                found = await send(line, case.asked, 1, lambda: 15.0)
                return "" if found.outcome != "unknown" else f"{found.status} {found.refusal}"

            await _until(f"{case.asked.id} is answered when asked again", RECOVERY_SECONDS, answered)
            if found:
                self._again.answer(case, structs.replace(found, outcome="again") if case.final else found)

    # -- rest

    async def _end_payments(self, *, by_themselves: bool) -> None:
        """Every payment becomes an order or nothing: because its buyer looks how it stands, or by jobs alone."""
        await self._provider.calms_down()
        async with self._line(self._direct, runtime.desk_socket(self._settings)) as line:

            async def open_charges() -> str:
                async with self._database.reading() as conn:
                    charges = await conn.raw.fetch(READS.open_charges.sql)
                for charge in () if by_themselves else charges:
                    path = f"{API}/baskets/{charge['basket_id']}/payments/{charge['charge_id']}"
                    async with line.http.get(path) as response:
                        await response.read()
                return f"{len(charges)} charges" if charges else ""

            await _until("payments come to their end", PAYMENTS_SECONDS, open_charges)

    async def _end_holds(self, name: str, *, by_itself: bool) -> None:
        """Wait until every hold is over; then whoever asks for its pool next gives its pieces back, or the job does."""
        async with self._database.reading() as conn:
            ends = await conn.value(READS.last_hold)
        if ends is not None:
            await asyncio.sleep(max(0.0, (ends - clock.now()).total_seconds()) + 0.1)
        if by_itself:
            await _until("holds that are over are given back", SWEEP_SECONDS, self._overdue)
            return
        async with self._line(self._direct, runtime.desk_socket(self._settings)) as line, self._database.reading() as c:
            for pool in await c.values(READS.overdue_pools, at=clock.now()):
                # Whether it gets the piece or not: asking locks the pool.
                request = HoldRequest(
                    hold_id=uuid7(),
                    holder=scene.BY,
                    wants=(Want(1, (pool,)),),
                    expires_at=clock.now() + timedelta(milliseconds=1),
                )
                id = self._prober(name, "hold")
                asked = Asked(
                    id=id, op="hold", address="desk hold", body=_plain(request), key=id, subject=str(request.hold_id)
                )
                held = await self._probe(line, asked)
                if held.acknowledged:
                    id = self._prober(name, "release")
                    body = {"hold_id": str(request.hold_id)}
                    await self._probe(
                        line,
                        Asked(id=id, op="release", address="desk release", body=body, key=id, subject=body["hold_id"]),
                    )

    async def _overdue(self) -> str:
        async with self._database.reading() as conn:
            pools = await conn.values(READS.overdue_pools, at=clock.now())
        return f"pools {pools}" if pools else ""

    async def _at_rest(self, *, jobs_too: bool) -> None:
        """Every event has arrived, every transaction has ended; and every job is done, if somebody waits so long."""

        async def unrest() -> str:
            async with self._database.reading() as conn:
                found = await facts.unrest(conn)
                if jobs_too:
                    found += await facts.unfinished_jobs(conn)
            return "; ".join(f"{one.what}: {one.how}" for one in found)

        await _until("everything comes to rest", PAYMENTS_SECONDS, unrest)

    # -- judgement

    async def _judged(self) -> list[Finding]:
        clients = sorted(self._histories.glob("r*-*.jsonl"))
        cases = read([*clients, self._histories / "asked-again.jsonl"])
        async with self._database.snapshot() as conn:
            await conn.raw.execute("set local statement_timeout = '5min'")  # whole tables, and nobody waits
            found = await facts.gather(conn, at=clock.now())
        found.truth = await self._provider.truth()
        self._events = len(found.events)
        self._charges = len(found.truth)
        differences = await check.run(self._database)
        self._check = "ok" if not differences else "differs"
        return [
            *await asyncio.to_thread(judge, cases, found, self._scene.began),
            *(Finding("lost", "lotse check", one.subject, one.expected, one.found) for one in differences),
        ]

    async def _judged_if_possible(self) -> list[Finding]:
        """What is stuck may also be wrong; where the database is away there is nothing to look at."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return await self._judged()
        return []

    def _prober(self, name: str, what: str) -> str:
        self._number += 1
        return f"{name}-probe-{what}{self._number}"


class _Crowd:
    """The clients of a round. Who dies is replaced."""

    def __init__(self, name: str, line: Line, goods: Scene, folder: Path, seed: str, stop: asyncio.Event) -> None:
        self.clients: list[Client] = []
        self._name = name
        self._line = line
        self._scene = goods
        self._folder = folder
        self._seed = seed
        self._stop = stop
        self._running: list[asyncio.Task[None]] = []

    def begin(self, count: int) -> None:
        for _ in range(count):
            number = len(self.clients)
            seed = f"{self._seed} {number}"
            client = Client(f"c{number:02}", self._name, self._line, self._scene, self._folder, seed)
            self.clients.append(client)
            self._running.append(asyncio.create_task(client.run(self._stop), name=f"client {number}"))

    async def one_dies(self, chance: float) -> bool:
        """In the midst of whatever it is doing: its request is on its way, its hold is nobody's."""
        alive = [task for task in self._running if not task.done()]
        if not alive:
            return False
        alive[int(chance * len(alive))].cancel()
        self.begin(1)
        return True

    async def end(self) -> None:
        """Let them finish; who takes too long dies. Raises what a client failed of: that is a bug of the bench."""
        _, late = await asyncio.wait(self._running, timeout=STOPPING_SECONDS)
        for task in late:
            task.cancel()
        ended = await asyncio.gather(*self._running, return_exceptions=True)
        for client in self.clients:
            client.history.close()
        for error in ended:
            if isinstance(error, Exception):
                raise error


class Listener:
    """The process with the bench's own consumers, started anew when it died."""

    def __init__(self, dsn: str, log: Path) -> None:
        self._dsn = dsn
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "lotse.bench.faults.listener", self._dsn, stdout=log, stderr=log
            )

    async def dies(self, _chance: float) -> bool:
        await self.stop(signal.SIGKILL)
        await self.start()
        return True

    async def stop(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


@asynccontextmanager
async def _listening(dsn: str, home: Path) -> AsyncIterator[Listener]:
    listener = Listener(dsn, home / "listener.log")
    await listener.start()
    try:
        yield listener
    finally:
        await listener.stop(signal.SIGTERM)


@asynccontextmanager
async def _providing(home: Path, seed: int) -> AsyncIterator[Provider]:
    provider = Provider(_free_port(), home, seed)
    await provider.start()
    try:
        yield provider
    finally:
        await provider.stop()


@asynccontextmanager
async def _up(settings: Settings, port: int, provider: Provider) -> AsyncIterator[asyncio.subprocess.Process]:
    """`lotse up` as its users run it; it must also end as they end it."""
    ours = {"LOTSE_DATABASE_URL", "LOTSE_POSTGRES_FSYNC", "LOTSE_PAGES_LISTEN", "LOTSE_HOST"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= provider.environment
    environment |= {"LOTSE_HOME": str(settings.home), "LOTSE_LOG_FORMAT": "json", "LOTSE_ACCESS_LOG": "notable"}
    with (settings.home / "up.log").open("wb") as log:
        up = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "lotse",
            "up",
            "--no-demo",
            "--port",
            str(port),
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield up
    finally:
        if up.returncode is None:
            up.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(60):
                    await up.wait()
            except TimeoutError:
                up.kill()
                await up.wait()
                raise BenchFailed(f"`lotse up` did not end within 60 s of SIGTERM; see {settings.home}") from None


async def _until(what: str, seconds: float, asked: Callable[[], Awaitable[str]]) -> None:
    """Ask until nothing is in the way any more. Raises `Stuck` with what still is."""
    loop = asyncio.get_running_loop()
    waited, looked_at = 0.0, loop.time()
    while True:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                found = await asked()
        except (aiohttp.ClientError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            found = repr(error)
        if not found:
            return
        # A look that took longer than it may: this machine slept, or somebody stopped us. That is nobody's fault.
        waited += min(loop.time() - looked_at, _LOOK_SECONDS + 1)
        looked_at = loop.time()
        if waited > seconds:
            raise Stuck(what, f"within {seconds:.0f} s", found)
        await asyncio.sleep(0.1)  # looks at other processes: there is no event to wait for


def _plain(request: Struct) -> dict[str, object]:
    return to_builtins(request)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
