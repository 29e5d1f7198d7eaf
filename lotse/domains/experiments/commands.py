"""Make, start and stop experiments; decide, and record what was decided."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from lotse.domains.experiments.contracts import (
    Arm,
    Decision,
    Experiment,
    ExperimentNotDraft,
    ExperimentNotRunning,
    ExperimentStarted,
    ExperimentStopped,
    Namespace,
    NewDecision,
    PointTaken,
    UnitKind,
    UnknownExperiment,
)
from lotse.domains.experiments.queries import experiment as find_experiment
from lotse.domains.experiments.rules import assign, check_experiment, is_point
from lotse.kernel import audit
from lotse.kernel.db import Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.experiments", "reads")
WRITES = statements("lotse.domains.experiments", "writes")


async def put_experiment(
    tx: Transaction,
    *,
    key: str,
    variants: Sequence[Arm],
    salt: str | None = None,
    coverage: float = 1,
    namespace: Namespace | None = None,
    point: str = "",
    unit: UnitKind = "visitor",
    by: str,
    at: datetime,
) -> Experiment:
    """Make an experiment, or overwrite it while it is a draft. The salt is its key unless said otherwise.

    Refusals in this order: `InvalidExperiment`, `ExperimentNotDraft`.
    """
    check_experiment(key, variants, coverage, namespace)
    before = await find_experiment(tx, key=key)
    stored = await tx.maybe(
        WRITES.put_experiment,
        Experiment,
        id=uuid7(),
        key=key,
        variants=list(variants),
        salt=key if salt is None else salt,
        coverage=float(coverage),
        namespace=namespace,
        point=point,
        unit=unit,
        at=at,
    )
    if stored is None:
        raise ExperimentNotDraft(experiment=key, state=before.state if before else "running")
    if stored != before:
        await audit.record(tx, actor=by, subject=f"experiments.experiment:{key}", old=before, new=stored, at=at)
    return stored


async def start(tx: Transaction, *, key: str, by: str, at: datetime) -> None:
    """Let it assign from now on; nothing happens if it runs. Refusals: `UnknownExperiment`, `ExperimentNotDraft`,
    `PointTaken`."""
    found = await _locked(tx, key)
    if found.state == "running":
        return
    if found.state != "draft":
        raise ExperimentNotDraft(experiment=key, state=found.state)
    with refusing({"experiments_point_once": lambda: PointTaken(point=found.point)}):
        await tx.execute(WRITES.start, key=key, at=at)
    await _changed(tx, found, "running", by=by, at=at)
    await emit(tx, ExperimentStarted(found.id, key), at=at)


async def stop(tx: Transaction, *, key: str, by: str, at: datetime) -> None:
    """Let it assign no more; nothing happens if it stopped. Refusals: `UnknownExperiment`, `ExperimentNotRunning`."""
    found = await _locked(tx, key)
    if found.state == "stopped":
        return
    if found.state != "running":
        raise ExperimentNotRunning(experiment=key, state=found.state)
    await tx.execute(WRITES.stop, key=key, at=at)
    await _changed(tx, found, "stopped", by=by, at=at)
    await emit(tx, ExperimentStopped(found.id, key), at=at)


async def decide(
    tx: Transaction,
    *,
    point: str,
    unit: str,
    experiment: str,
    options: Mapping[str, Any],
    otherwise: Any,
    inputs: Mapping[str, Any] | None = None,
    outcome_key: str = "",
    at: datetime,
) -> Decision:
    """Choose by experiment, and record it: `options` says what each variant means, `otherwise` is what everybody gets
    who takes no part, also when no such experiment runs. Refusal: `Invalid` (point)."""
    found = await find_experiment(tx, key=experiment)
    variant = assign(found, unit).variant if found else ""
    chosen = options.get(variant, otherwise) if variant else otherwise
    alternatives = [*options.values(), *([] if otherwise in options.values() else [otherwise])]
    made = NewDecision(
        point, unit, chosen, alternatives, dict(inputs or {}), experiment if variant else "", variant, outcome_key
    )
    ids = await record(tx, [made], at=at)
    return _decision(ids[0], made, at)


async def record(tx: Transaction, decisions: Sequence[NewDecision], *, at: datetime) -> list[UUID]:
    """Append decisions to the log, many in one statement; their ids in order. Refusal: `Invalid` (point)."""
    for i, made in enumerate(decisions):
        if not is_point(made.point):
            raise Invalid(field=f"decisions[{i}].point", rule="words joined by dots, e.g. search.rank")
    rows = [_decision(uuid7(), made, at) for made in decisions]
    await tx.execute(WRITES.record_decisions, decisions=rows)
    return [row.id for row in rows]


def recording(database: Database) -> Callable[[Sequence[tuple[NewDecision, datetime]]], Awaitable[None]]:
    """What appends decisions that gathered with their moments (`kernel.gathering`): pages do not wait for the log."""

    async def record_all(gathered: Sequence[tuple[NewDecision, datetime]]) -> None:
        async with database.single() as conn:
            await conn.execute(
                WRITES.record_decisions, decisions=[_decision(uuid7(), made, at) for made, at in gathered]
            )

    return record_all


def _decision(id: UUID, made: NewDecision, at: datetime) -> Decision:
    return Decision(
        id,
        made.point,
        made.unit,
        made.experiment,
        made.variant,
        made.alternatives,
        made.inputs,
        made.chosen,
        made.outcome_key,
        at,
    )


async def _locked(tx: Transaction, key: str) -> Experiment:
    found = await tx.maybe(READS.experiment_for_change, Experiment, key=key)
    if found is None:
        raise UnknownExperiment(experiment=key)
    return found


async def _changed(tx: Transaction, found: Experiment, state: str, *, by: str, at: datetime) -> None:
    subject = f"experiments.experiment:{found.key}"
    await audit.record(tx, actor=by, subject=subject, old={"state": found.state}, new={"state": state}, at=at)


async def forget_visitors(tx: Transaction, *, visitors: Sequence[UUID], at: datetime) -> int:
    """Part what was decided for these visitors from their numbers; how many decisions.

    Each gets a new number that nobody carries, so that the counts of an experiment stay what its weights say.
    """
    return await tx.execute(WRITES.forget_units, units=[visitor.hex for visitor in visitors])
