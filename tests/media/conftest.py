"""A library of its own per test; the database is the worker's, so contents must be fresh."""

from pathlib import Path

import msgspec
import pytest

from lotse.kernel.media.library import Library
from lotse.kernel.settings import Settings
from lotse.testing import Fresh


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Settings:
    """Settings whose media lie in a folder of this test's."""
    return msgspec.structs.replace(settings, home=tmp_path)


@pytest.fixture
def library(own: Settings) -> Library:
    return Library(own)


@pytest.fixture
def seed(fresh: Fresh) -> int:
    """A number that no other test has: contents made from it are new to the database."""
    return fresh.number() % (1 << 24)
