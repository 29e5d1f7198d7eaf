"""What the desk says in the log is caught: rendering tracebacks with all their locals takes seconds each."""

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def said():
    with capture_logs() as lines:
        yield lines
