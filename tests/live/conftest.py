"""The demo with buyers who wait: what is sold is what a test sells."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from lotse.testing import Databases
from tests.web.running import Running, running_demo


class Demo(Struct, frozen=True):
    up: Running
    dsn: str
    login: str
    password: str


@pytest.fixture(scope="package")
def demo(env: dict[str, str], dsn: str, worker: str) -> Iterator[Demo]:
    """One for the files of this folder."""
    databases = Databases(dsn, worker, Path(env["LOTSE_HOME"]))
    try:
        with running_demo(env, databases, LOTSE_LIVE="pause") as up:
            found = re.search(r"sign in as (\S+), password (\S+)\)", up.log.read_text())
            assert found, up.log.read_text()[-2000:]
            yield Demo(up, up.environment["LOTSE_DATABASE_URL"], found[1], found[2])
    finally:
        databases.drop()
