"""The payment provider of a fault run: the simulated one, in a process that may be killed, failing in many ways."""

import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import msgspec
from msgspec import Struct, structs

from lotse.plugins.pay_simulated.faults import Faults
from lotse.plugins.pay_simulated.provider import PREFIX

# Each way to fail comes some times in a round. Every buyer decides: nobody waits a quarter of an hour for one.
USUAL = Faults(
    decline=0.05,
    direct=0.25,
    challenge=0.1,
    pending=0.1,
    pending_seconds=1.5,
    capture_declined=0.03,
    buyer_approves=0.8,
    buyer_declines=0.2,
    buyer_seconds=0.4,
    slow=0.1,
    slow_seconds=1.0,
    unavailable=0.05,
    down=0.05,
    hang=0.01,
    hang_seconds=6.0,
    lost=0.1,
    webhook_before=0.2,
    webhook_twice=0.2,
    webhook_never=0.15,
    webhook_late=0.1,
    webhook_late_seconds=8.0,
    webhook_shuffled=0.3,
    webhook_shuffled_seconds=2.0,
)
# After the load: what is under way comes to its end.
CALM = Faults(buyer_approves=0.8, buyer_declines=0.2, buyer_seconds=0.1)
# How long it is away, or bad.
SECONDS = (0.5, 3.0)


class ChargeTruth(Struct, frozen=True):
    """A charge in the provider's own books."""

    reference: str
    status: str
    amount_minor: int
    authorised_minor: int
    captured_minor: int
    voided_minor: int
    refunded_minor: int

    @property
    def kept_minor(self) -> int:
        return self.captured_minor - self.refunded_minor

    @property
    def reserved_minor(self) -> int:
        return self.authorised_minor - self.captured_minor - self.voided_minor


class _Page(Struct, frozen=True):
    charges: list[ChargeTruth]


class Provider:
    """The process, and the provider's side of the truth."""

    def __init__(self, port: int, home: Path, seed: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.secret = secrets.token_urlsafe(16)
        self._port = port
        self._home = home
        self._seed = seed
        self._process: asyncio.subprocess.Process | None = None
        self._later: set[asyncio.Task[None]] = set()

    @property
    def environment(self) -> dict[str, str]:
        """What the shop has to know of it."""
        return {f"{PREFIX}URL": self.url, f"{PREFIX}SECRET": self.secret}

    async def start(self) -> None:
        """Begin, or begin again with the books as they are."""
        usual = ",".join(f"{name}={value}" for name, value in structs.asdict(USUAL).items())
        with (self._home / "provider.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lotse", "simulate", "psp"),
                *("--port", str(self._port), "--seed", str(self._seed), "--faults", usual),
                env={**os.environ, **self.environment, "LOTSE_HOME": str(self._home)},
                stdout=log,
                stderr=log,
            )

    async def stop(self) -> None:
        await self.at_rest()
        await self._kill(signal.SIGTERM)

    async def dies(self, chance: float) -> bool:
        """kill -9; it comes back a little later."""
        if self._later:
            return False
        await self._kill(signal.SIGKILL)
        self._soon(chance, self.start)
        return True

    async def worsens(self, chance: float) -> bool:
        """For a while it answers nothing, or only after its callers have gone."""
        if self._later:
            return False
        bad = {"down": 1.0} if chance < 0.5 else {"slow": 1.0, "slow_seconds": 5.0}
        with suppress(aiohttp.ClientError, OSError):
            await self._fails(structs.replace(USUAL, **bad))
            self._soon(chance, lambda: self._fails(USUAL))
            return True
        return False

    async def begins_to_fail(self) -> None:
        await self._fails(USUAL)

    async def calms_down(self) -> None:
        """No more faults; every message that waits is sent."""
        await self.at_rest()
        await self._fails(CALM)
        await self._asked("POST", "/messages/hurry")

    async def at_rest(self) -> None:
        """Whatever was to happen to it later has happened."""
        while self._later:
            await asyncio.wait(self._later)

    async def truth(self) -> list[ChargeTruth]:
        """Every charge in its books."""
        found: list[ChargeTruth] = []
        while True:
            after = found[-1].reference if found else ""
            page = msgspec.json.decode(await self._asked("GET", f"/charges?after={after}"), type=_Page).charges
            if not page:
                return found
            found += page

    def _soon(self, chance: float, do: Callable[[], Awaitable[None]]) -> None:
        shortest, longest = SECONDS

        async def later() -> None:
            await asyncio.sleep(shortest + chance * (longest - shortest))
            await do()

        task = asyncio.create_task(later())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _fails(self, faults: Faults) -> None:
        await self._asked("POST", "/faults", msgspec.json.encode(faults))

    async def _asked(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Once it answers: it may just be starting."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        async with asyncio.timeout(30), aiohttp.ClientSession(self.url, headers=headers) as session:
            while True:
                try:
                    async with session.request(method, path, data=body, raise_for_status=True) as response:
                        return await response.read()
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.1)  # looks at another process: there is no event to wait for

    async def _kill(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)
            await self._process.wait()
