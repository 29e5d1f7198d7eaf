"""What the supervisor does with what does not start: a role ends the shop, what stands beside it does not."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from lotse.kernel import standing
from lotse.kernel.settings import Settings
from lotse.web import supervisor
from lotse.web.supervisor import NeverReady, Supervisor

TRIES = 2


class Noting(Supervisor):
    """Says when the state of a process has changed."""

    def __init__(self, folder: Path) -> None:
        self.noted = asyncio.Event()
        super().__init__({}, folder)

    def _note(self) -> None:
        super()._note()
        self.noted.set()


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Noting:
    """Every process that it starts ends at once."""
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    monkeypatch.setattr(supervisor, "FIRST_TRIES", TRIES)
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "SPARE_SECONDS", 0.0)
    folder = tmp_path / "run" / "metrics"
    folder.parent.mkdir(mode=0o700)
    folder.mkdir()
    return Noting(folder)


async def test_a_role_that_never_starts_ends_the_shop(own: Noting) -> None:
    with pytest.raises(NeverReady, match="worker"):
        await own.start(["worker"])
    await own.stop()


async def test_the_shop_goes_on_without_a_simulator_and_tries_again(own: Noting, tmp_path: Path) -> None:
    with capture_logs() as said:
        await own.start(["buyers"], commands={"buyers": ("simulate", "buyers")})
        watching = asyncio.create_task(own.watch())
        [buyers] = own.children
        async with asyncio.timeout(30):
            while buyers.starts <= TRIES + 1:
                own.noted.clear()
                await own.noted.wait()
        assert not watching.done()
        watching.cancel()
        await own.stop()
    lines = [line for line in said if line.get("beside") == "buyers"]
    assert len(lines) > TRIES and {line["log_level"] for line in lines} == {"warning"}
    [process] = standing.read(Settings(home=tmp_path))
    assert process.role == "buyers" and not process.ready
