"""Experiments in the back office: the points where something is decided, and what is tried out at them.

An experiment is made of a point's own alternatives, each with a weight; it can be looked at by a signed link before it
starts, begins, and ends. What its page says is how many units each variant has had and whether that is what the weights
say; what the variants brought is another page's business.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.experiments import commands, queries
from lotse.domains.experiments.contracts import Arm, Experiment, UnitKind
from lotse.domains.experiments.rules import PREVIEW_LINK, chosen_at
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Database, Transaction
from lotse.kernel.pages.deciding import Point, points
from lotse.kernel.pages.editing import Editor, shown, typed_in
from lotse.kernel.pages.forms import Error, FormIncomplete
from lotse.kernel.pages.history import history_of
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Field
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

PATH = "/office/experiments"
STATES = {"draft": N_("draft"), "running": N_("running"), "stopped": N_("stopped")}
UNITS = {
    "visitor": N_("visitors who agreed to measurement"),
    "hour": N_("hours: everybody in an hour sees the same"),
}
REFUSED = {
    "experiment-not-draft": N_("There is an experiment of this name that has begun. Choose another name."),
    "experiment-not-running": N_("It does not run."),
    "point-taken": N_("Another experiment runs at this point. Stop that first."),
    "invalid-experiment": N_("A name of small letters, digits, dots and hyphens, and at least two weights, please."),
}
LABELS = {"state": N_("State"), "variants": N_("Variants"), "coverage": N_("Share of units"), "unit": N_("Divides")}
_PREFIX = "weight_"


class New(Struct, frozen=True):
    """What is typed to make an experiment; the weights come beside it, a field for each alternative."""

    key: Annotated[str, Meta(min_length=1, max_length=63, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
    unit: UnitKind
    coverage: Annotated[int, Meta(ge=1, le=100)]


class Variant(Struct, frozen=True):
    """A variant on its page: what it means, what it has had, and the link that shows it."""

    name: str
    says: str
    units: int
    expected: float
    share: float
    previews: list[str]


def _editor(point: Point) -> Editor[New]:
    return Editor(
        New,
        (
            Field("key", N_("Name"), hint=N_("Stands in analytics for ever: delivery-wording-2026-11.")),
            Field("unit", N_("Divides"), kind="choice", options=UNITS),
            Field("coverage", N_("Share of units in percent"), kind="number", value="100"),
        ),
        messages={"key": REFUSED["invalid-experiment"]},
        refusals=REFUSED,
    )


def weights_of(point: Point, posted: Any) -> list[Arm]:
    """The arms that a form describes: alternatives with a weight. Refusal: `FormIncomplete`."""
    arms: list[Arm] = []
    for name in point.alternatives:
        text = str(posted.get(_PREFIX + name, "")).strip() or "0"
        if not text.isdigit() or int(text) > 1_000:
            raise FormIncomplete(errors={_PREFIX + name: Error(N_("A whole number from 0 to 1,000, please."))})
        if int(text):
            arms.append(Arm(name, int(text), name))
    return arms


def _point(name: str) -> Point:
    found = points().get(name)
    if found is None:
        raise NotFound(what="point", id=name)
    return found


@get(PATH, guards=[needs("experiments.read", "everywhere")])
async def office_experiments(view: View, database: Database, principal: Principal) -> Response[str]:
    """Every point with what is tried at it, and every experiment."""
    found: list[Experiment] = []
    async with database.reading() as conn:
        page = await queries.experiments(conn)
        found += page.items
        while page.next and len(found) < 1_000:
            page = await queries.experiments(conn, cursor=page.next)
            found += page.items
    running = {one.point: one for one in found if one.state == "running" and one.point}
    return view.show(
        "experiments/office_experiments.html",
        experiments=sorted(found, key=lambda one: (one.state != "running", one.state != "draft", one.key)),
        points=list(points().values()),
        running=running,
        states=STATES,
        may_write=principal.may("experiments.write"),
    )


@get(f"{PATH}/new/{{point:str}}", guards=[needs("experiments.write", "everywhere")])
async def office_new(view: View, draft: Draft | None, point: str) -> Response[str]:
    """A new experiment at a point."""
    found = _point(point)
    return view.show(
        "experiments/office_new.html",
        point=found,
        editing=shown(_editor(found), view, draft),
        prefix=_PREFIX,
    )


@post(f"{PATH}/new/{{point:str}}", guards=[needs("experiments.write", "everywhere")])
async def make(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, point: str
) -> Redirect:
    """Make it, as a draft. Refusals: `FormIncomplete`, `InvalidExperiment`, `ExperimentNotDraft`."""
    found = _point(point)
    posted = await request.form()
    typed = typed_in(_editor(found), posted)
    arms = weights_of(found, posted)
    async with database.transaction() as tx:
        made = await commands.put_experiment(
            tx,
            key=typed.key,
            variants=arms,
            coverage=typed.coverage / 100,
            point=found.name,
            unit=typed.unit,
            by=str(principal),
            at=at,
        )
    return Redirect(f"{PATH}/{made.id}?done=saved", status_code=303)


@get(f"{PATH}/{{id:uuid}}", guards=[needs("experiments.read", "everywhere")])
async def office_experiment(
    view: View, database: Database, links: Links, principal: Principal, draft: Draft | None, id: UUID
) -> Response[str]:
    """One experiment: its variants with their links, and the sample-ratio check."""
    async with database.reading() as conn:
        found = await queries.experiment_by_id(conn, experiment_id=id)
        if found is None:
            raise NotFound(what="experiment", id=str(id))
        ratio = await queries.ratio(conn, found)
        changes = await history_of(conn, f"experiments.experiment:{found.key}")
    point = points().get(found.point)
    pages = [page for page in (point.pages if point else ()) if "{" not in page]
    variants = [
        Variant(
            one.variant,
            point.alternatives.get(chosen_at(found, one.variant), "") if point else "",
            one.units,
            one.expected,
            one.units / ratio.units if ratio.units else 0.0,
            [f"{page}?variant={links.sign(f'{PREVIEW_LINK}.{i}', found.id)}.{i}" for page in pages or ["/"]],
        )
        for i, one in enumerate(ratio.taken)
    ]
    said = shown(_editor(point), view, draft).refused if point and draft else None
    return view.show(
        "experiments/office_experiment.html",
        one=found,
        point=point,
        ratio=ratio,
        variants=variants,
        states=STATES,
        units=UNITS,
        refused=said,
        changes=changes,
        labels=LABELS,
        may_write=principal.may("experiments.write"),
    )


@post(f"{PATH}/{{id:uuid}}/start", guards=[needs("experiments.write", "everywhere")], opt={"form": f"{PATH}/{{id}}"})
async def start(database: Database, principal: Principal, at: datetime, id: UUID) -> Redirect:
    """Let it assign from now on. Refusals: `ExperimentNotDraft`, `PointTaken`."""
    async with database.transaction() as tx:
        await commands.start(tx, key=await _key(tx, id), by=str(principal), at=at)
    return Redirect(f"{PATH}/{id}?done=saved", status_code=303)


@post(f"{PATH}/{{id:uuid}}/stop", guards=[needs("experiments.write", "everywhere")], opt={"form": f"{PATH}/{{id}}"})
async def stop(database: Database, principal: Principal, at: datetime, id: UUID) -> Redirect:
    """Let it assign no more. Refusal: `ExperimentNotRunning`."""
    async with database.transaction() as tx:
        await commands.stop(tx, key=await _key(tx, id), by=str(principal), at=at)
    return Redirect(f"{PATH}/{id}?done=saved", status_code=303)


async def _key(tx: Transaction, id: UUID) -> str:
    found = await queries.experiment_by_id(tx, experiment_id=id)
    if found is None:
        raise NotFound(what="experiment", id=str(id))
    return found.key


routes = (office_experiments, office_new, make, office_experiment, start, stop)
places = (Place(PATH, N_("Experiments"), "columns", "", "experiments.read", "customers", 70),)
