"""Runs roles as child processes: starts them in order, restarts what dies, stops them in the opposite order.

Nobody is left behind: each child holds one end of a socket pair (see `lifeline`) and stops when ours is gone, however
we ended. Children are no members of our process group, so Ctrl-C reaches only us and the order of stopping is kept.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from lotse.kernel import clock, metrics, standing
from lotse.web.lifeline import READY, VARIABLE

log = structlog.get_logger()

# A role is ready within a second or two; on a machine that swaps or is shared it takes much longer, and to kill it then
# only makes it begin again. After this it is started anew.
READY_SECONDS = 180.0
# What the shop can do without is waited for this long once the roles are ready: then the shop is open, and it may come.
SPARE_SECONDS = 15.0
# Requests under way have their own deadline of 30 s; whoever stops a shop waits no longer than this for them.
STOP_SECONDS = 10.0
# From the first restart on, doubled each time; a role that stayed up this long begins anew.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
# What the shop can do without and does not start fills the log with nothing else.
LONGEST_SPARE_PAUSE_SECONDS = 120.0
STEADY_SECONDS = 30.0
# A role that never came up has a mistake that another try does not mend (a setting, a migration, a missing file).
FIRST_TRIES = 4


class NeverReady(Exception):
    """A role ended several times before it was ready; its own words are in the log above."""


class Child:
    """One role and whatever process currently is it."""

    def __init__(
        self,
        role: str,
        environment: Mapping[str, str],
        metrics_folder: Path,
        passed: Mapping[str, int],
        words: Sequence[str] = (),
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`passed` are open sockets by the environment variable that tells the role their number; `words` are the
        command of what is no role (a simulator): the shop goes on without it. `changed` is called when it comes up or
        goes away."""
        self.role = role
        self.spare = bool(words)
        self.starts = 0
        self.started_at = clock.now()
        self._changed = changed
        self._words = tuple(words) or ("role", role)
        self.ready = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._environment = environment
        self._metrics = metrics_folder
        self._passed = passed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin to keep the role alive; wait for `ready`."""
        self._keeping = asyncio.create_task(self._keep(), name=f"keep {self.role}")

    async def stop(self) -> None:
        """End the role: politely, then not."""
        self._stopping = True
        if self._process and self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                log.warning("role did not stop in time, killed", role=self.role, pid=self._process.pid)
                self._process.kill()
                await self._process.wait()
        if self._keeping:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        pause, was_ready = FIRST_PAUSE_SECONDS, False
        while not self._stopping:
            began = loop.time()
            self.starts += 1
            code = await self._run_once()
            was_ready = was_ready or self.ready.is_set()
            self.ready.clear()
            self._changed()
            if self._stopping:
                return
            if not was_ready and self.starts >= FIRST_TRIES and not self.spare:
                self.failed.set_exception(NeverReady(f"the role {self.role} does not start: see its messages above"))
                return
            if loop.time() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            if self.spare:
                log.warning(
                    "the shop goes on without it, starting it again", beside=self.role, exit=code, pause_seconds=pause
                )
            else:
                log.error("role ended, starting it again", role=self.role, exit=code, pause_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_SPARE_PAUSE_SECONDS if self.spare else LONGEST_PAUSE_SECONDS)

    async def _run_once(self) -> int:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                fds = {**self._passed, VARIABLE: theirs.fileno()}
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "lotse",
                    *self._words,
                    env={**self._environment, **{name: str(fd) for name, fd in fds.items()}},
                    pass_fds=list(fds.values()),
                    stdin=asyncio.subprocess.DEVNULL,
                    start_new_session=True,
                )
            process = self._process
            self.started_at = clock.now()
            self._changed()
            if self._stopping:  # asked to stop while it was being started
                process.terminate()
            watching = asyncio.create_task(self._watch_ready(ours, process))
            try:
                return await process.wait()
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                metrics.forget(self._metrics, process.pid)

    async def _watch_ready(self, ours: socket.socket, process: asyncio.subprocess.Process) -> None:
        ours.setblocking(False)
        try:
            async with asyncio.timeout(READY_SECONDS):
                if await asyncio.get_running_loop().sock_recv(ours, 64) == READY:
                    self.ready.set()
                    self._changed()
        except TimeoutError:
            log.error("role is not ready in time, killed", role=self.role, seconds=READY_SECONDS)
            process.kill()
        except OSError:
            return  # it ended; `_keep` sees that


class Supervisor:
    """The children, in the order in which they were started."""

    def __init__(self, environment: Mapping[str, str], metrics_folder: Path) -> None:
        self._environment = {**environment, metrics.FOLDER_VARIABLE: str(metrics_folder)}
        self._metrics = metrics_folder
        self.children: list[Child] = []
        metrics.clear(metrics_folder)

    def tell(self, more: Mapping[str, str]) -> None:
        """What the environment of children started from here on holds as well."""
        self._environment = {**self._environment, **more}

    async def start(
        self,
        roles: Sequence[str],
        passed: Mapping[str, Mapping[str, int]] | None = None,
        commands: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Start roles together and wait until all are ready. What has a command of its own is none of them: it is
        started as well and waited for a moment, and neither that it is late nor that it fails ends anything.

        Raises `NeverReady`.
        """
        started = [
            Child(
                role,
                self._environment,
                self._metrics,
                (passed or {}).get(role, {}),
                (commands or {}).get(role, ()),
                self._note,
            )
            for role in roles
        ]
        self.children += started
        for child in started:
            child.start()
        await asyncio.gather(*(self._ready(child) for child in started if not child.spare))
        if spare := [asyncio.create_task(child.ready.wait()) for child in started if child.spare]:
            _, late = await asyncio.wait(spare, timeout=SPARE_SECONDS)
            for task in late:
                task.cancel()

    async def watch(self) -> None:
        """Wait for a role that cannot be kept alive. Never returns; raises `NeverReady`."""
        await asyncio.wait([child.failed for child in self.children], return_when=asyncio.FIRST_COMPLETED)
        for child in self.children:
            if child.failed.done():
                child.failed.result()

    async def stop(self) -> None:
        """Stop everything, the last one started first."""
        for child in reversed(self.children):
            await child.stop()

    def _note(self) -> None:
        """For whoever on this host wants to see how the processes stand."""
        found = [
            standing.Process(child.role, child.pid, child.ready.is_set(), child.starts, child.started_at)
            for child in self.children
        ]
        standing.write(self._metrics.parent, found)

    @staticmethod
    async def _ready(child: Child) -> None:
        ready = asyncio.create_task(child.ready.wait())
        await asyncio.wait([ready, child.failed], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if child.failed.done():
            child.failed.result()


def base_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What children inherit, with the supervisor's own decisions (an option of the command line) on top."""
    return {**os.environ, **settings}
