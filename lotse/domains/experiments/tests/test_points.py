"""Experiments at points: whom they divide, what a page gets, whether the division is as it should be."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from lotse.domains.experiments.commands import put_experiment, record, start, stop
from lotse.domains.experiments.contracts import Arm, Experiment, NewDecision, PointTaken
from lotse.domains.experiments.queries import experiment_by_id, ratio
from lotse.domains.experiments.rules import chi_square_above, chosen_at, hour_of, sample_ratio, unit_of
from lotse.kernel import privacy
from lotse.kernel.pages.deciding import Choice, Noted, decide, deciding, note, point
from tests.scene import AT, BY

ARMS = [Arm("a", 1, "one"), Arm("b", 1, "two")]


def experiment(**more):
    given = {"variants": ARMS, "salt": "s", "coverage": 1.0, "namespace": None, "state": "running"}
    times = {"created_at": AT, "started_at": AT, "stopped_at": None}
    return Experiment(uuid4(), "k", **{**given, **times, **more})


def test_who_did_not_agree_is_nobody_and_an_hour_is_everybody():
    at = datetime(2026, 11, 22, 5, 59, tzinfo=UTC)
    assert unit_of(experiment(), "", at) == ""
    assert unit_of(experiment(), "ab", at) == "ab"
    assert unit_of(experiment(unit="hour"), "ab", at) == unit_of(experiment(unit="hour"), "", at) == hour_of(at)
    assert hour_of(at) == "hour:2026-11-22T05"


def test_a_variant_means_an_alternative():
    assert [chosen_at(experiment(), name) for name in ("a", "b", "c")] == ["one", "two", ""]


@pytest.mark.parametrize(
    ("square", "degrees", "p"), [(3.841459, 1, 0.05), (5.991465, 2, 0.05), (11.344867, 3, 0.01), (18.466827, 4, 0.001)]
)
def test_the_chi_square_is_that_of_the_tables(square: float, degrees: int, p: float):
    assert chi_square_above(square, degrees) == pytest.approx(p, rel=1e-5)


@pytest.mark.parametrize(
    ("units", "is_wrong"),
    [({}, False), ({"a": 500, "b": 500}, False), ({"a": 520, "b": 480}, False), ({"a": 600, "b": 400}, True)],
)
def test_a_division_that_is_not_as_weighed_is_said(units: dict[str, int], is_wrong: bool):
    assert sample_ratio(experiment(), units).is_wrong == is_wrong


def test_who_has_no_weight_should_have_nobody():
    assert sample_ratio(experiment(variants=[Arm("a", 1), Arm("b", 0)]), {"a": 9, "b": 1}).is_wrong


async def test_one_experiment_runs_at_a_point(tx, fresh):
    where = f"test.{fresh.text('point').replace('-', '_')}"
    first, second = fresh.text("exp"), fresh.text("exp")
    for key in (first, second):
        made = await put_experiment(tx, key=key, variants=ARMS, point=where, unit="hour", by=BY, at=AT)
        assert await experiment_by_id(tx, experiment_id=made.id) == made
    await start(tx, key=first, by=BY, at=AT)
    async with _savepoint(tx):
        with pytest.raises(PointTaken):
            async with _savepoint(tx):
                await start(tx, key=second, by=BY, at=AT)
    await stop(tx, key=first, by=BY, at=AT)
    await start(tx, key=second, by=BY, at=AT)


async def test_units_are_counted_once(tx, fresh):
    key = fresh.text("exp")
    made = await put_experiment(tx, key=key, variants=ARMS, by=BY, at=AT)
    decisions = [NewDecision("test.point", unit, "one", experiment=key, variant="a") for unit in ("x", "x", "y")]
    await record(tx, decisions, at=AT)
    assert [one.units for one in (await ratio(tx, made)).taken] == [2, 0]


ORDER = point("test.order", "Order", {"fit": "By fit", "new": "Newest"}, pages=["/test"])


def test_a_page_gets_what_was_decided_and_says_that_it_asked():
    assert decide(ORDER) == "fit"
    noted = Noted([Choice("test.order", "new", "k", "b", "u")])
    with deciding(noted):
        assert decide("test.order") == "new"
        note(Choice("test.order", "new"))
    assert (noted.used, len(noted.facts)) == ({"test.order"}, 1)
    again = Noted()
    again.again(noted.kept())
    assert (again.used, again.facts) == (noted.used, noted.facts)


def test_an_alternative_that_is_gone_is_the_default():
    with deciding(Noted([Choice("test.order", "gone", "k", "b", "u")])):
        assert decide(ORDER) == "fit"


def test_a_name_belongs_to_one_place():
    with pytest.raises(ValueError, match="two places"):
        point("test.order", "Another", {"x": "X"})
    with pytest.raises(ValueError, match="none of its alternatives"):
        point("test.other", "Another", {"x": "X"}, default="y")


def _savepoint(tx):
    return tx.raw.transaction()


async def test_who_takes_consent_back_is_parted_from_what_was_decided(tx):
    """By whichever domain hears of it; one visitor stays one unit."""
    key = f"forgotten_{uuid4().hex[:8]}"
    experiment = await put_experiment(tx, key=key, variants=ARMS, by=BY, at=AT)
    gone, stays = uuid4(), uuid4()
    made = [NewDecision("test.point", who.hex, "one", experiment=key, variant="a") for who in (gone, gone, stays)]
    await record(tx, made, at=AT)
    before = await ratio(tx, found=experiment)
    await privacy.forget_visitors(tx, visitors=[gone], at=AT)
    units = [
        row["unit"] for row in await tx.raw.fetch("select unit from experiments.decisions where experiment = $1", key)
    ]
    assert gone.hex not in units and stays.hex in units and len(set(units)) == 2
    assert await ratio(tx, found=experiment) == before
