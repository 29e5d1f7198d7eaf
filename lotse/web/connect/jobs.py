"""Jobs on the back office's pages: what runs, what waits, what failed for good, what comes when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Struct

from lotse.kernel import jobs
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import show, table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Column, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.web.connect.shown import to

JOBS = "/office/jobs"


class JobRow(Struct, frozen=True):
    """A job in the table; `payload` is JSON, `error` the last one of a job that failed for good."""

    id: int
    job: str
    state: str
    enqueued_at: datetime
    execute_after: datetime
    moved_at: datetime
    attempts: int
    payload: str | None
    error: str | None


async def _kinds(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    return {name: Option(name) for name in sorted(jobs.installed())}


def _begins(text: str) -> dict[str, Any]:
    return {"begins": text.lower()}


JOB_TABLE = Table(
    name="kernel.jobs",
    path=JOBS,
    title=N_("Jobs"),
    text=N_("Work that nobody waits for."),
    icon="gear",
    right="jobs.read",
    where="everywhere",
    statement=jobs.SQL.job_table,
    row=JobRow,
    key="id",
    label="job",
    order="-id",
    live=3,
    columns=(
        Column(
            "job",
            N_("Job"),
            kind="choice",
            filter="choice",
            choices=_kinds,
            template="connect/cell_job.html",
            phone="title",
        ),
        Column(
            "state",
            N_("State"),
            kind="choice",
            filter="choice",
            options={
                "picked": Option(N_("running"), "good"),
                "queued": Option(N_("waiting"), "warn"),
                "failed": Option(N_("failed for good"), "bad"),
            },
        ),
        Column("error", N_("Why"), template="connect/cell_error.html"),
        Column("attempts", N_("Tries"), kind="number"),
        Column("execute_after", N_("Not before"), kind="moment"),
        Column("moved_at", N_("Last moved"), kind="moment", shown=False),
        Column("enqueued_at", N_("Put in"), kind="moment", shown=False),
        Column("payload", N_("With"), kind="code", shown=False),
        Column("again", N_("What can be done"), template="connect/cell_job_again.html", exported=False),
    ),
    search=Search("t.job ^@ :begins", _begins, N_("Name of a job, from its beginning")),
    presets=(
        Preset(N_("Running and waiting"), "state=picked&state=queued"),
        Preset(N_("Failed for good"), "state=failed"),
    ),
    above="connect/jobs_above.html",
    beside="connect/jobs_beside.html",
    nothing=Nothing(
        N_("Nothing runs or waits at the moment"),
        N_("What fails is tried again by itself; only what never succeeds stays here until somebody looks."),
    ),
)


@get(JOBS, guards=[needs("jobs.read")], name="jobs")
async def office_jobs(
    view: View, request: Request[Any, Any, Any], database: Database, principal: Principal
) -> Response[str]:
    """The queue, and the timetable beside it."""
    async with database.reading() as conn:
        counts = await jobs.counts(conn)
        timed = await jobs.timed(conn)
    may_write = principal.may("jobs.write")
    return await show(
        JOB_TABLE,
        view,
        database,
        principal,
        request,
        failed=counts.get("failed", 0),
        timed=timed,
        may_write=may_write,
    )


@post(JOBS + "/again", guards=[needs("jobs.write")], opt={"form": JOBS})
async def office_jobs_again(database: Database) -> Redirect:
    """Put everything that failed for good back into the queue."""
    async with database.transaction() as tx:
        await jobs.requeue(tx)
    return to(JOBS, "jobs")


@post(JOBS + "/{job_id:int}/again", guards=[needs("jobs.write")], opt={"form": JOBS})
async def office_job_again(database: Database, job_id: int) -> Redirect:
    """Put a job that failed for good back into the queue."""
    if not 0 < job_id < 2**62:
        raise NotFound(what="job", id=str(job_id))
    async with database.transaction() as tx:
        if not await jobs.requeue_one(tx, id=job_id):
            raise NotFound(what="job", id=str(job_id))
    return to(JOBS, "job")


routes = (*table_routes(JOB_TABLE, office_jobs), office_jobs_again, office_job_again)
tables = (JOB_TABLE,)
places = (Place(JOBS, N_("Jobs"), "gear", "", "jobs.read", "system", 40),)
