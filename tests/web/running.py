"""A `lotse up` of real processes, for tests that look at it from outside."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from lotse.web.up import ORDER

# Two busy cores load a retailer and start four processes; nobody waits this long when all is well.
PATIENCE = 180.0


class Running:
    """A `lotse up` with its own LOTSE_HOME on the worker's database."""

    def __init__(self, env: dict[str, str], home: str, port: int, *options: str) -> None:
        self.home = Path(home)
        self.url = f"http://127.0.0.1:{port}"
        self.log = self.home / "up.log"
        self.environment = {**env, "LOTSE_HOME": home, "LOTSE_LOG_FORMAT": "json"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lotse", "up", "--port", str(port), *options],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def pids(self) -> dict[str, int]:
        """The roles by name, as the operating system sees them."""
        return {name: pid for name in ORDER for pid in _children_named(name, str(self.home))}

    def wait_until(self, what: str, holds: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < until, f"not {what}:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.05)  # polls other processes: there is no event to wait for

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url + "/ready", timeout=5).json()["ready"]
        except (httpx.HTTPError, ValueError):
            return False


@contextmanager
def running(env: dict[str, str], *options: str) -> Iterator[Running]:
    """One on a free port, ready to be asked; killed with everything it started when the block ends."""
    # Not pytest's tmp_path: the path of a Unix socket may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="lotse-up-") as home:
        up = Running(env, home, free_port(), *options)
        try:
            up.wait_until("up", lambda: "Lotse is up" in up.log.read_text() or up.process.poll() is not None)
            up.wait_until("ready", up.is_ready)
            yield up
        finally:
            up.process.kill()
            up.process.wait()
            up.wait_until("gone", lambda: not up.pids())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _children_named(role: str, home: str) -> list[int]:
    """Processes of a role whose environment names our home."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if (
                words[-3:-1] == [b"role", role.encode()]
                and f"LOTSE_HOME={home}".encode() in (folder / "environ").read_bytes()
            ):
                found.append(int(folder.name))
        except OSError:
            continue  # it ended while we looked
    return found
