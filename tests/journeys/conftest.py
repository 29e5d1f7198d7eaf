"""The demo retailer as `lotse up` starts it, on a database of its own."""

import re
from collections.abc import Iterator

import pytest
from msgspec import Struct

from lotse.testing import Databases
from tests.web.running import Running, running


class Open(Struct, frozen=True):
    """A running shop and the staff account of its demo."""

    url: str
    login: str
    password: str
    up: Running


@pytest.fixture(scope="module")
def shop(env: dict[str, str], databases: Databases) -> Iterator[Open]:
    """Loading it takes some seconds, so the tests of a module share it: each buys something else or asserts changes."""
    with running({**env, "LOTSE_DATABASE_URL": databases.migrated()}) as up:
        found = re.search(r"sign in as (\S+), password (\S+)\)", up.log.read_text())
        assert found, up.log.read_text()[-2000:]
        yield Open(up.url, found[1], found[2], up)
