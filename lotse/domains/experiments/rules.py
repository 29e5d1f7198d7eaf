"""Which variant a unit sees: pure, the same in every process, and the same as GrowthBook's SDKs.

The bucketing is that of the GrowthBook SDK specification 0.8 (MIT), which publishes vectors; so an assignment can be
checked by, or moved to, any system that speaks it. FNV-1a: Fowler, Noll, Vo, 32 bit.
"""

import math
import re
from array import array
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from lotse.domains.experiments.contracts import (
    Arm,
    Assignment,
    Experiment,
    InvalidExperiment,
    Namespace,
    Ratio,
    Taken,
)

Range = tuple[float, float]

# The purpose of the signed links that show a variant; the number of the variant follows, after a dot.
PREVIEW_LINK = "experiments.preview"

# Version 2 hashes twice, which takes away the bias that version 1 shows when many experiments run at once.
HASH_VERSION = 2
_OFFSET_BASIS = 0x811C9DC5
_PRIME = 0x01000193
# What a sample-ratio check calls wrong: stricter than for results, because it is looked at every day.
SRM_BELOW = 0.001
_KEY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_POINT = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)+")


def assign(experiment: Experiment, unit: str) -> Assignment:
    """The variant of a unit; none if the experiment does not run or the unit takes no part."""
    none = Assignment(experiment.key, unit, "")
    if experiment.state != "running":
        return none
    if experiment.namespace is not None and not in_namespace(unit, experiment.namespace):
        return none
    position = bucket(experiment.salt, unit, HASH_VERSION)
    if position is None:
        return none
    total = sum(arm.weight for arm in experiment.variants)
    ranges = bucket_ranges(
        len(experiment.variants), experiment.coverage, [arm.weight / total for arm in experiment.variants]
    )
    chosen = choose(position, ranges)
    return none if chosen < 0 else Assignment(experiment.key, unit, experiment.variants[chosen].name)


def hour_of(at: datetime) -> str:
    """The unit of everybody who comes in this hour: a time and not a person, so nobody has to agree to it.

    An experiment that divides hours is a switchback (Bojinov, Simchi-Levi, Zhao 2023): every hour has one variant, the
    same for all. It needs more time than one that divides visitors, and nothing on anybody's device.
    """
    return f"hour:{at.astimezone(UTC):%Y-%m-%dT%H}"


def unit_of(experiment: Experiment, visitor: str, at: datetime) -> str:
    """Who is assigned when this visitor comes; empty if nobody is: they did not agree, and this divides visitors."""
    return hour_of(at) if experiment.unit == "hour" else visitor


def chosen_at(experiment: Experiment, variant: str) -> str:
    """The alternative that a variant means; its name where it says nothing else."""
    arm = next((arm for arm in experiment.variants if arm.name == variant), None)
    return (arm.chooses or arm.name) if arm else ""


def sample_ratio(experiment: Experiment, units: Mapping[str, int]) -> Ratio:
    """Whether the variants have had the units that their weights say; `units` by variant."""
    total = sum(units.get(arm.name, 0) for arm in experiment.variants)
    weights = sum(arm.weight for arm in experiment.variants)
    taken = [Taken(arm.name, units.get(arm.name, 0), arm.weight / weights) for arm in experiment.variants]
    weighed = [one for one in taken if one.expected > 0]
    # Who has no weight should have nobody.
    if any(one.units and not one.expected for one in taken):
        return Ratio(taken, total, 0.0, True)
    if not total or len(weighed) < 2:
        return Ratio(taken, total, 1.0, False)
    square = sum((one.units - total * one.expected) ** 2 / (total * one.expected) for one in weighed)
    p = chi_square_above(square, len(weighed) - 1)
    return Ratio(taken, total, p, p < SRM_BELOW)


def chi_square_above(square: float, degrees: int) -> float:
    """The probability of a chi-square of at least this (Abramowitz and Stegun 26.4.4 and 26.4.5; exact)."""
    if square <= 0:
        return 1.0
    half = square / 2
    if degrees % 2 == 0:
        term, total = 1.0, 1.0
        for i in range(1, degrees // 2):
            term *= half / i
            total += term
        return math.exp(-half) * total
    total = math.erfc(math.sqrt(half))
    term = math.exp(-half) * math.sqrt(half) / math.gamma(1.5)
    for i in range((degrees - 1) // 2):
        total += term
        term *= half / (i + 1.5)
    return min(total, 1.0)


def bucket(seed: str, unit: str, version: int) -> float | None:
    """Where a unit stands in [0, 1); None for a version that nobody has defined."""
    if version == 1:
        return (fnv32a(unit + seed) % 1000) / 1000
    if version == 2:
        return (fnv32a(str(fnv32a(seed + unit))) % 10_000) / 10_000
    return None


def fnv32a(text: str) -> int:
    """FNV-1a over UTF-16 code units, as JavaScript's `charCodeAt` sees them."""
    hashed = _OFFSET_BASIS
    for unit in array("H", text.encode("utf-16-le", "surrogatepass")):
        hashed = ((hashed ^ unit) * _PRIME) & 0xFFFFFFFF
    return hashed


def bucket_ranges(count: int, coverage: float = 1, weights: Sequence[float] | None = None) -> list[Range]:
    """The part of [0, 1) of each variant; with less than full coverage each part ends early, so that raising the
    coverage moves nobody from one variant to another. Weights that do not sum to one (within 1 %) become equal."""
    covered = min(max(coverage, 0), 1)
    shares = list(weights) if weights is not None and len(weights) == count else equal_weights(count)
    if not 0.99 <= sum(shares) <= 1.01:
        shares = equal_weights(count)
    ranges: list[Range] = []
    begin = 0.0
    for share in shares:
        ranges.append((begin, begin + covered * share))
        begin += share
    return ranges


def equal_weights(count: int) -> list[float]:
    """The same share for each."""
    return [1 / count] * count if count > 0 else []


def choose(position: float, ranges: Sequence[Range]) -> int:
    """The first range that holds the position; -1 if none does."""
    return next((i for i, (begin, end) in enumerate(ranges) if begin <= position < end), -1)


def in_namespace(unit: str, namespace: Namespace) -> bool:
    """Whether the namespace leaves the unit to this experiment."""
    position = bucket(f"__{namespace.name}", unit, 1)
    return position is not None and namespace.begin <= position < namespace.end


def check_experiment(key: str, variants: Sequence[Arm], coverage: float, namespace: Namespace | None) -> None:
    """Refusal: `InvalidExperiment`."""
    if rule := _broken_rule(key, variants, coverage, namespace):
        raise InvalidExperiment(experiment=key, rule=rule)


def is_point(point: str) -> bool:
    """Whether a text names a place where Lotse decides: `search.rank`."""
    return _POINT.fullmatch(point) is not None


def _broken_rule(key: str, variants: Sequence[Arm], coverage: float, namespace: Namespace | None) -> str | None:
    if not _KEY.fullmatch(key):
        return "a key of 1 to 63 small letters, digits, dots, hyphens and underscores"
    if not 2 <= len(variants) <= 20:
        return "2 to 20 variants"
    if len({arm.name for arm in variants}) != len(variants) or not all(1 <= len(arm.name) <= 63 for arm in variants):
        return "each variant with a name of its own, 1 to 63 characters"
    if any(arm.weight < 0 for arm in variants) or sum(arm.weight for arm in variants) == 0:
        return "weights that are not negative and not all zero"
    if not 0 <= coverage <= 1:
        return "a coverage from 0 to 1"
    if namespace is not None and not (namespace.name and 0 <= namespace.begin < namespace.end <= 1):
        return "a namespace with a name and a part of [0, 1]"
    return None
