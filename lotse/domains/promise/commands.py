"""Say how a location sends and how long a carrier needs."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec.structs import asdict

from lotse.domains.inventory.contracts import UnknownLocation
from lotse.domains.promise.contracts import PromiseTermsChanged, Route
from lotse.domains.promise.queries import own_routes, own_sender
from lotse.domains.promise.rules import check_route, check_sender
from lotse.kernel import audit
from lotse.kernel.db import Transaction
from lotse.kernel.outbox import emit
from lotse.kernel.refusals import refusing
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.promise", "writes")


async def put_sender(
    tx: Transaction, *, location_id: UUID, cut_offs: Mapping[str, str], handling_days: int, by: str, at: datetime
) -> None:
    """How a location sends from now on; the same again changes nothing. Refusals: `InvalidTerms`, `UnknownLocation`."""
    wanted = dict(cut_offs)
    check_sender(wanted, handling_days)
    before = await own_sender(tx, location_id=location_id)
    with refusing({"senders_location": lambda: UnknownLocation(location=str(location_id))}):
        changed = await tx.execute(
            WRITES.put_sender, location_id=location_id, cut_offs=wanted, handling_days=handling_days
        )
    if not changed:
        return
    subject, new = f"promise.sender:{location_id}", {"cut_offs": wanted, "handling_days": handling_days}
    await audit.record(tx, actor=by, subject=subject, old=before, new=new, at=at)
    await emit(tx, PromiseTermsChanged(subject), at=at)


async def put_route(tx: Transaction, *, route: Route, by: str, at: datetime) -> None:
    """How long a carrier needs from now on; the same again changes nothing. Refusal: `InvalidTerms`."""
    check_route(route)
    known = {(one.from_country, one.to_country): one for one in await own_routes(tx)}
    before = known.get((route.from_country, route.to_country))
    changed = await tx.execute(
        WRITES.put_route,
        from_country=route.from_country,
        to_country=route.to_country,
        days_min=route.days_min,
        days_max=route.days_max,
        weekdays=list(route.weekdays),
    )
    if not changed:
        return
    subject = f"promise.route:{route.from_country}-{route.to_country}"
    await audit.record(tx, actor=by, subject=subject, old=before and asdict(before), new=asdict(route), at=at)
    await emit(tx, PromiseTermsChanged(subject), at=at)
