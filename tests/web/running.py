"""A `lotse up` of real processes, for tests that look at it from outside."""

from lotse.scaffold.trial import PATIENCE, Running, free_port, running

__all__ = ["PATIENCE", "Running", "free_port", "running"]
