"""One round of the fault run, with a seed; `lotse bench faults` does as many as one has time for."""

from pathlib import Path

import pytest

from lotse.bench.faults import run as faults
from lotse.bench.faults.killer import KINDS, plan
from lotse.kernel.settings import Settings

SECONDS = 8.0
# It kills desk, worker, api, payment provider and a client, stops PostgreSQL, and cuts connections to the desk.
SEED = 34


@pytest.mark.slow
async def test_nothing_is_lost_whatever_dies(tmp_path: Path):
    settings = Settings.load({"LOTSE_HOME": str(tmp_path)})
    wanted = faults.Wanted(rounds=1, seconds=SECONDS, clients=8, seed=SEED, patient=False)
    said: list[str] = []
    outcome = await faults.run(settings, wanted, said.append)
    assert not outcome.findings, faults.told(outcome)
    figures = outcome.figures
    assert (figures.lost, figures.doubled, figures.oversold, figures.misordered, figures.unaccounted_charges) == (
        0,
    ) * 5
    assert figures.check == "ok"
    assert figures.acknowledged > 20 and figures.asked_again > 20 and sum(figures.killed.values()) >= 4, figures
    assert outcome.kept is None and f"seed {SEED}" in said


def test_the_same_seed_is_the_same_run():
    assert plan(7, 3, 10.0, faults=7) == plan(7, 3, 10.0, faults=7) != plan(8, 3, 10.0, faults=7)


def test_every_kind_comes_as_often_as_any_other():
    planned = [fault for number in range(len(KINDS)) for fault in plan(1, number, 10.0, faults=7)]
    assert {kind: sum(fault.kind == kind for fault in planned) for kind in KINDS} == dict.fromkeys(KINDS, 7)
    assert all(1.0 <= fault.at <= 9.0 for fault in planned)
