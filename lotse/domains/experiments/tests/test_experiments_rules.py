"""Bucketing as GrowthBook publishes it, and what follows from it."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.experiments.contracts import Arm, Experiment, InvalidExperiment, Namespace
from lotse.domains.experiments.rules import (
    assign,
    bucket,
    bucket_ranges,
    check_experiment,
    choose,
    equal_weights,
    fnv32a,
    in_namespace,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)


def running(*weights: int, coverage: float = 1, namespace: Namespace | None = None, salt: str = "s") -> Experiment:
    arms = [Arm(f"arm{i}", weight) for i, weight in enumerate(weights)]
    return Experiment(UUID(int=1), "key", arms, salt, coverage, namespace, "running", AT, AT, None)


def test_every_published_vector(vectors):
    """SDK specification 0.8."""
    cases = json.loads((vectors / "growthbook_hash.json").read_text("utf-8"))
    for seed, value, version, expected in cases["hash"]:
        assert bucket(seed, value, version) == expected
    for name, (count, coverage, weights), expected in cases["getBucketRange"]:
        assert bucket_ranges(count, coverage, weights) == [pytest.approx(tuple(part)) for part in expected], name
    for name, position, ranges, expected in cases["chooseVariation"]:
        assert choose(position, [tuple(part) for part in ranges]) == expected, name
    for name, unit, (namespace, begin, end), expected in cases["inNamespace"]:
        assert in_namespace(unit, Namespace(namespace, begin, end)) == expected, name
    for count, expected in cases["getEqualWeights"]:
        assert equal_weights(count) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("b", 0xE70C2DE5), ("foobar", 0xBF9CF968)]
)
def test_fnv1a_as_its_authors_publish_it(text, expected):
    assert fnv32a(text) == expected


@given(st.text(), st.lists(st.integers(0, 100), min_size=2, max_size=20).filter(any), st.floats(0, 1))
def test_a_unit_always_sees_the_same(unit: str, weights: list[int], coverage: float):
    experiment = running(*weights, coverage=coverage)
    first = assign(experiment, unit)
    assert first == assign(experiment, unit)
    if first.variant:
        assert weights[int(first.variant.removeprefix("arm"))] > 0


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_raising_the_coverage_moves_nobody(unit: str, one: float, other: float):
    less, more = sorted((one, other))
    before = assign(running(1, 1, 1, coverage=less), unit).variant
    assert not before or assign(running(1, 1, 1, coverage=more), unit).variant == before


@given(st.text(), st.floats(0.01, 0.99))
def test_parts_of_a_namespace_do_not_meet(unit: str, cut: float):
    left = running(1, 1, namespace=Namespace("page", 0, cut))
    right = running(1, 1, namespace=Namespace("page", cut, 1))
    assert not (assign(left, unit).variant and assign(right, unit).variant)


def test_shares_come_out_as_weighed():
    """Chi-square with 3 degrees of freedom: 16.27 is passed by chance once in a thousand; the units are fixed."""
    weights = (1, 2, 3, 4)
    seen = [0, 0, 0, 0]
    for i in range(20_000):
        seen[int(assign(running(*weights), f"visitor-{i}").variant.removeprefix("arm"))] += 1
    expected = [20_000 * weight / 10 for weight in weights]
    assert sum((found - wanted) ** 2 / wanted for found, wanted in zip(seen, expected, strict=True)) < 16.27


def test_salts_make_experiments_independent():
    both = sum(
        assign(running(1, 1, salt="a"), f"visitor-{i}").variant
        == assign(running(1, 1, salt="b"), f"visitor-{i}").variant
        for i in range(10_000)
    )
    assert 4_800 < both < 5_200  # four standard deviations


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"key": "No Key"}, "a key"),
        ({"variants": [Arm("a")]}, "2 to 20"),
        ({"variants": [Arm("a"), Arm("a")]}, "each variant"),
        ({"variants": [Arm("a"), Arm("")]}, "each variant"),
        ({"variants": [Arm("a", -1), Arm("b")]}, "weights"),
        ({"variants": [Arm("a", 0), Arm("b", 0)]}, "weights"),
        ({"coverage": 1.5}, "a coverage"),
        ({"coverage": float("nan")}, "a coverage"),
        ({"namespace": Namespace("n", 0.5, 0.5)}, "a namespace"),
        ({"namespace": Namespace("", 0, 1)}, "a namespace"),
    ],
)
def test_what_is_no_experiment(given, rule):
    good = {"key": "key", "variants": [Arm("a"), Arm("b")], "coverage": 1, "namespace": Namespace("n", 0, 1)}
    check_experiment(**good)
    with pytest.raises(InvalidExperiment) as refused:
        check_experiment(**{**good, **given})
    assert refused.value.rule.startswith(rule)
