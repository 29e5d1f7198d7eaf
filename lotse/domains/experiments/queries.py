"""Reads of experiments and of the decision log."""

from uuid import UUID

from msgspec import Struct

from lotse.domains.experiments.contracts import Decision, Experiment, Ratio
from lotse.domains.experiments.rules import sample_ratio
from lotse.kernel.db import Connection
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements

READS = statements("lotse.domains.experiments", "reads")


class _Units(Struct, frozen=True):
    variant: str
    units: int


async def experiment(conn: Connection, *, key: str) -> Experiment | None:
    """An experiment, or None."""
    return await conn.maybe(READS.experiment, Experiment, key=key)


async def experiment_by_id(conn: Connection, *, experiment_id: UUID) -> Experiment | None:
    """An experiment, or None."""
    return await conn.maybe(READS.experiment_by_id, Experiment, id=experiment_id)


async def ratio(conn: Connection, found: Experiment) -> Ratio:
    """How many units its variants have had, and whether that is what their weights say."""
    counted = {one.variant: one.units for one in await conn.many(READS.units, _Units, experiment=found.key)}
    return sample_ratio(found, counted)


async def running(conn: Connection) -> list[Experiment]:
    """The experiments that run now; assign units to them with `rules.assign`, as often as needed."""
    return await conn.many(READS.running, Experiment)


async def experiments(conn: Connection, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[Experiment]:
    """A page of experiments, by key. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[str])
    found = await conn.many(READS.experiments, Experiment, after=begin[0] if begin else None, limit=limit + 1)
    return paged(found, limit, ["key"])


async def decision(conn: Connection, *, decision_id: UUID) -> Decision | None:
    """A decision as it was made, or None."""
    return await conn.maybe(READS.decision, Decision, id=decision_id)


async def decisions_by_outcome(conn: Connection, *, outcome_key: str, limit: int = 100) -> list[Decision]:
    """The decisions whose outcome stands under a key, the oldest first."""
    return await conn.many(READS.decisions_by_outcome, Decision, outcome_key=outcome_key, limit=limit)
