"""Jobs run as somebody: who has declared what it may change, and may change nothing else."""

import pytest

from lotse.kernel import audit, clock, jobs
from lotse.kernel.auth.principal import ALL, NotAllowed, acting
from lotse.kernel.db import Transaction
from lotse.kernel.jobs import Job
from lotse.testing import Fresh
from lotse.web import app as web


def test_every_job_declares_what_it_may() -> None:
    known = {*web.rights(), ALL}
    for job in jobs.installed().values():
        assert job.rights is not None, f"{job.name}: say rights=(...), or rights=() if it changes nothing of note"
        assert set(job.rights) <= known, job.name
        assert str(job.principal()) == f"job:{job.name}"


@pytest.mark.parametrize(
    ("rights", "subject", "may"),
    [
        (("pricing.write",), "pricing.price:1", True),
        (("orders.refund",), "orders.order:1", True),
        (("staff.write",), "kernel.staff:1", True),
        ((ALL,), "pricing.price:1", True),
        (("pricing.read",), "pricing.price:1", False),
        (("catalog.write",), "pricing.price:1", False),
        ((), "pricing.price:1", False),
        (None, "pricing.price:1", False),
    ],
)
async def test_a_job_changes_what_it_has_declared(
    tx: Transaction, fresh: Fresh, rights: tuple[str, ...] | None, subject: str, may: bool
) -> None:
    async def run() -> None: ...

    token = acting.set(Job("test.job", run, rights=rights).principal())
    try:
        one = {"actor": "system", "subject": subject, "old": None, "new": {}, "at": clock.now()}
        if may:
            await audit.record(tx, **one)
            await audit.record_all(tx, actor="system", changes=[(subject, None, {})], at=clock.now())
            return
        with pytest.raises(NotAllowed):
            await audit.record(tx, **one)
        with pytest.raises(NotAllowed):
            await audit.record_all(tx, actor="system", changes=[(subject, None, {})], at=clock.now())
    finally:
        acting.reset(token)
