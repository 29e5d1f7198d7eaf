"""Counting in memory: many observations at once come to what they come to one by one."""

from prometheus_client import CollectorRegistry, Histogram

from lotse.kernel.metrics import Tally


def _counted(*, together: bool) -> list[tuple[str, dict[str, str], float]]:
    registry = CollectorRegistry()
    tally = Tally(Histogram("took", "How long it took", buckets=(0.25, 1), registry=registry))
    tally.observe(2.0)
    if together:
        tally.observe_many(4, 2.0)
    else:
        for _ in range(4):
            tally.observe(0.5)
    tally.write()
    [family] = registry.collect()
    return [(one.name, one.labels, one.value) for one in family.samples if one.name != "took_created"]


async def test_many_at_once_are_counted_as_one_by_one() -> None:
    assert _counted(together=True) == _counted(together=False)
    assert ("took_count", {}, 5.0) in _counted(together=True)
