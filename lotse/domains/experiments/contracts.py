"""What experiments and the decision log say to other domains: experiments, assignments, decisions, refusals."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

State = Literal["draft", "running", "stopped"]
# Whom an experiment divides: visitors who agreed to be measured, or the hours of the day, which are nobody.
UnitKind = Literal["visitor", "hour"]


class Arm(Struct, frozen=True):
    """One variant of an experiment. `weight` is a share against the other arms' weights: 1 and 1 are halves. `chooses`:
    the alternative that it means at the experiment's point."""

    name: str
    weight: int = 1
    chooses: str = ""


class Namespace(Struct, frozen=True):
    """Experiments that must not meet the same unit share a namespace's name and take disjoint parts of [0, 1)."""

    name: str
    begin: float
    end: float


class Experiment(Struct, frozen=True):
    """`coverage` is the share of units that take part at all; `salt` keeps experiments independent of each other.

    `point` is where it decides (see `lotse.kernel.pages.deciding`), empty for one that code asks by its key.
    """

    id: UUID
    key: str
    variants: list[Arm]
    salt: str
    coverage: float
    namespace: Namespace | None
    state: State
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    point: str = ""
    unit: UnitKind = "visitor"


class Taken(Struct, frozen=True):
    """How many units a variant has had. `expected` is the share that its weight would give it of all."""

    variant: str
    units: int
    expected: float


class Ratio(Struct, frozen=True):
    """The sample-ratio check: whether the variants have had the units that their weights say.

    `p` is the probability of a division at least as uneven by chance (chi-square test, Pearson 1900). Below 0.001
    something is wrong with the division itself, and no result of the experiment means anything (Fabijan et al. 2019).
    """

    taken: list[Taken]
    units: int
    p: float
    is_wrong: bool


class Assignment(Struct, frozen=True):
    """What a unit sees. `variant` is empty when the unit takes no part: it gets what everybody got before."""

    experiment: str
    unit: str
    variant: str


class Decision(Struct, frozen=True):
    """A choice that Lotse made, as it was made.

    `point` names the place in the code (`search.rank`), `unit` whom it concerned (a visitor's random key, an order id;
    never a name), `alternatives` what could have been chosen, `chosen` what was, `outcome_key` the key under which its
    outcome will be found.
    """

    id: UUID
    point: str
    unit: str
    experiment: str
    variant: str
    alternatives: list[Any]
    inputs: dict[str, Any]
    chosen: Any
    outcome_key: str
    decided_at: datetime


class NewDecision(Struct, frozen=True):
    """A decision on its way into the log; the log draws its id."""

    point: str
    unit: str
    chosen: Any
    alternatives: list[Any] = []
    inputs: dict[str, Any] = {}
    experiment: str = ""
    variant: str = ""
    outcome_key: str = ""


class ExperimentStarted(Struct, frozen=True, tag="experiments.ExperimentStarted"):
    """Units are assigned from now on."""

    experiment_id: UUID
    experiment: str
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.experiment_id)


class ExperimentStopped(Struct, frozen=True, tag="experiments.ExperimentStopped"):
    """No unit is assigned any more; what was decided stays in the log."""

    experiment_id: UUID
    experiment: str
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.experiment_id)


class UnknownExperiment(Refusal, status=404, title="There is no such experiment"):
    """Nothing is known under this key."""

    experiment: str


class ExperimentNotDraft(Refusal, status=409, title="The experiment has begun"):
    """Arms and weights of an experiment that ran cannot change: its units would mix. Make a new one."""

    experiment: str
    state: str


class ExperimentNotRunning(Refusal, status=409, title="The experiment does not run"):
    """Only a running experiment can be stopped."""

    experiment: str
    state: str


class PointTaken(Refusal, status=409, title="Another experiment decides there"):
    """One experiment runs at a point at a time: of two, neither would know what the other does."""

    point: str


class InvalidExperiment(Refusal, status=422, title="The experiment breaks a rule"):
    """`rule` says what is allowed."""

    experiment: str
    rule: str
