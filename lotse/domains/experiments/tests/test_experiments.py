"""The life of an experiment and the log of decisions."""

import pytest

from lotse.domains.experiments.commands import decide, put_experiment, record, start, stop
from lotse.domains.experiments.contracts import (
    Arm,
    ExperimentNotDraft,
    ExperimentNotRunning,
    InvalidExperiment,
    NewDecision,
    UnknownExperiment,
)
from lotse.domains.experiments.queries import READS, decision, decisions_by_outcome, experiment, running
from lotse.kernel.refusals import Invalid
from tests.scene import AT, BY

ARMS = [Arm("control"), Arm("bold", 3)]


@pytest.fixture
async def key(tx, fresh):
    key = fresh.text("exp")
    await put_experiment(tx, key=key, variants=ARMS, by=BY, at=AT)
    return key


async def test_the_life_of_an_experiment(tx, key):
    draft = await put_experiment(tx, key=key, variants=ARMS, coverage=0.5, by=BY, at=AT)
    assert (draft.state, draft.salt, draft.coverage) == ("draft", key, 0.5)
    for verb, state in ((start, "running"), (stop, "stopped")):
        for _ in range(2):
            await verb(tx, key=key, by=BY, at=AT)
        found = await experiment(tx, key=key)
        assert found
        assert found.state == state
        assert (key in [one.key for one in await running(tx)]) == (state == "running")
    told = await tx.raw.fetch("select type from kernel.outbox where key = $1 order by id", str(draft.id))
    assert [row["type"] for row in told] == ["experiments.ExperimentStarted", "experiments.ExperimentStopped"]


@pytest.mark.parametrize(
    ("before", "verb", "refusal"),
    [
        ([], stop, ExperimentNotRunning),
        ([start, stop], start, ExperimentNotDraft),
    ],
)
async def test_moves_that_are_refused(tx, key, before, verb, refusal):
    for step in before:
        await step(tx, key=key, by=BY, at=AT)
    with pytest.raises(refusal):
        await verb(tx, key=key, by=BY, at=AT)


async def test_other_refusals(tx, fresh, key):
    with pytest.raises(InvalidExperiment):
        await put_experiment(tx, key=key, variants=ARMS[:1], by=BY, at=AT)
    with pytest.raises(UnknownExperiment):
        await start(tx, key=fresh.text("none"), by=BY, at=AT)
    await start(tx, key=key, by=BY, at=AT)
    with pytest.raises(ExperimentNotDraft):
        await put_experiment(tx, key=key, variants=ARMS, by=BY, at=AT)


async def test_a_decision_is_made_recorded_and_found(tx, fresh, key):
    outcome = fresh.text("order")
    asked = {
        "point": "page.title",
        "unit": "visitor-1",
        "experiment": key,
        "inputs": {"page": 7},
        "outcome_key": outcome,
    }
    options = {"control": "small", "bold": "large"}
    before = await decide(tx, **asked, options=options, otherwise="small", at=AT)
    assert (before.variant, before.experiment, before.chosen) == ("", "", "small")
    await start(tx, key=key, by=BY, at=AT)
    made = await decide(tx, **asked, options=options, otherwise="small", at=AT)
    assert (made.experiment, made.chosen) == (key, options[made.variant])
    assert made.alternatives == ["small", "large"]
    assert await decision(tx, decision_id=made.id) == made
    assert await decisions_by_outcome(tx, outcome_key=outcome) == [before, made]
    assert await decisions_by_outcome(tx, outcome_key="") == []


async def test_decisions_are_recorded_in_bulk(tx, fresh):
    ids = await record(tx, [NewDecision("search.rank", f"v{i}", chosen=None) for i in range(500)], at=AT)
    found = await decision(tx, decision_id=ids[499])
    assert found
    assert (found.unit, found.chosen) == ("v499", None)
    with pytest.raises(Invalid):
        await record(tx, [NewDecision("rank", "v", chosen=1)], at=AT)


async def test_a_variant_that_never_was_is_found(tx, key):
    [good, bad] = await record(
        tx,
        [
            NewDecision("a.b", "u", chosen=1, experiment=key, variant="bold"),
            NewDecision("a.b", "u", chosen=1, experiment=key, variant="none"),
        ],
        at=AT,
    )
    subjects = [row["subject"] for row in await tx.raw.fetch(READS.check_decided_variants.sql)]
    assert f"experiments.decision:{bad}" in subjects
    assert f"experiments.decision:{good}" not in subjects
