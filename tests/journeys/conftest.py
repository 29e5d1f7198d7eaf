"""The demo retailer as `lotse up` starts it, on a database of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from lotse.testing import Databases
from tests.web.running import Running, running_demo


class Open(Struct, frozen=True):
    """A running shop and the staff account of its demo."""

    url: str
    login: str
    password: str
    up: Running

    def lotse(self, *words: str, typed: str = "") -> str:
        """What a command says that is given beside it."""
        said = subprocess.run(
            [sys.executable, "-m", "lotse", *words],
            env=self.up.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stdout + said.stderr
        return said.stdout


@pytest.fixture(scope="package")
def server(env: dict[str, str], dsn: str, worker: str) -> Iterator[Databases]:
    """`databases`, for as long as the tests of this folder last."""
    made = Databases(dsn, worker, Path(env["LOTSE_HOME"]))
    yield made
    made.drop()


@pytest.fixture(scope="package")
def shop(env: dict[str, str], server: Databases) -> Iterator[Open]:
    """The files of this folder share it: each test buys something else, asserts changes, or changes what is its own.

    When all is done its books still add up.
    """
    with running_demo(env, server) as up:
        found = re.search(r"sign in as (\S+), password (\S+)\)", up.log.read_text())
        assert found, up.log.read_text()[-2000:]
        opened = Open(up.url, found[1], found[2], up)
        yield opened
        opened.lotse("check")
