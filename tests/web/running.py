"""A `lotse up` of real processes, for tests that look at it from outside; beside the demo if they want one."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lotse.scaffold.trial import PATIENCE, Running, free_port, running
from lotse.testing import Databases

__all__ = ["PATIENCE", "Running", "free_port", "running", "running_demo"]


@contextmanager
def running_demo(env: dict[str, str], databases: Databases, **more: str) -> Iterator[Running]:
    """The demo retailer on a database of its own: loaded once in a session, then cloned, which takes a second."""

    def load(dsn: str, home: Path) -> None:
        loading = subprocess.run(
            [sys.executable, "-m", "lotse", "demo"],
            env={**env, "LOTSE_HOME": str(home), "LOTSE_DATABASE_URL": dsn},
            capture_output=True,
            text=True,
            check=False,
        )
        assert loading.returncode == 0, loading.stdout + loading.stderr

    dsn, home = databases.filled("demo", load)
    with running({**env, "LOTSE_DATABASE_URL": dsn, **more}, like=home) as up:
        yield up
