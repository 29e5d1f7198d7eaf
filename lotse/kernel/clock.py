"""The wall clock. Only edges (pages, API, jobs, command line) read it; commands take `at`."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)
