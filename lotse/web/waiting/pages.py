"""What pages render of the waiting room: the parts of the visitors' page, and the room in the back office."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from babel.numbers import get_group_symbol
from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.parties.contracts import Shop
from lotse.kernel import audit
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import Error, Form, FormIncomplete, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.waiting import commands, rules
from lotse.kernel.waiting.commands import MOST_PER_MINUTE, PASS_MINUTES, Minute
from lotse.kernel.waiting.rules import Room
from lotse.web.waiting.parts import MINUTES, PLACE, POSITION, SECONDS, WAIT, Parts

OFFICE = "/office/waiting"
_HOUR = timedelta(hours=1)
# Who is in the shop when it is opened by hand gets a pass with the next page that he opens.
LEAD_MINUTES = (0, 2, 10)
_CHANGES = 10

NOT_A_TIME = N_("Please enter a day and a time.")
REFUSED = {
    "sale-in-the-past": N_("The sale must open later than now."),
    "doors-after-sale": N_("The doors must close before the sale opens."),
    "already-open": N_("The room is open already. Close it first: another plan would take away the places in line."),
    "invalid": N_("This does not look right. Please check it."),
}
MODES = {"closed": N_("Closed"), "automatic": N_("Automatic"), "open": N_("Open")}
PHASES = {
    "closed": N_("Closed: nobody waits"),
    "armed": N_("Ready: nobody waits yet"),
    "gathering": N_("Visitors gather for the sale"),
    "open": N_("Open: visitors wait in line"),
}


class Opening(Struct, frozen=True):
    """What is typed to open the room now."""

    lead: Annotated[int, Meta(ge=0, le=60)] = 0


class Sale(Struct, frozen=True):
    """What is typed to plan a sale: moments in the shop's zone, as browsers write them."""

    opens: Annotated[str, Meta(min_length=1, max_length=32)]
    gathers_minutes: Annotated[int, Meta(ge=1, le=24 * 60)] = 30


class Limits(Struct, frozen=True):
    """What is typed for how fast and how long."""

    most_per_minute: Annotated[int, Meta(ge=1, le=MOST_PER_MINUTE)]
    pass_minutes: Annotated[int, Meta(ge=PASS_MINUTES[0], le=PASS_MINUTES[1])]
    per_minute: Annotated[int, Meta(ge=1, le=MOST_PER_MINUTE)] | None = None


class Change(Struct, frozen=True):
    """A change as the page shows it."""

    recorded_at: datetime
    actor: str
    was: str
    mode: str
    opens_at: datetime | None
    per_minute: int | None
    most_per_minute: int
    pass_minutes: int


class Bar(Struct, frozen=True):
    """A minute of the plot, in the plot's own units: 100 high, 60 wide."""

    x: int
    waiting: float
    admitted: float
    minute: Minute | None


class Plot(Struct, frozen=True):
    """The last hour. `most_*`: what the full height stands for."""

    bars: list[Bar]
    most_waiting: int
    most_admitted: int

    @property
    def line(self) -> str:
        """The points of the line of those who waited."""
        return " ".join(f"{bar.x + 0.5:g},{100 - bar.waiting:.1f}" for bar in self.bars if bar.minute)


@get("/waiting/parts", guards=[public])
async def parts(view: View, database: Database, shop: Shop) -> Response[bytes]:
    """The visitors' page in parts, for the front, which fills in who waits where."""
    async with database.reading() as connection:
        room = await commands.room_of(connection, room=str(shop.id))
    shown = {"position": POSITION, "wait": WAIT, "seconds": SECONDS, "room": room}
    made = Parts(
        page=view.render("waiting/room.html", place=PLACE, **shown),
        title=view.text("%(position)s – waiting room", position=POSITION),
        waiting=view.render("waiting/place.html", kind="waiting", **shown),
        gathering=view.render("waiting/place.html", kind="gathering", **shown),
        unnumbered=view.render("waiting/place.html", kind="unnumbered", **shown),
        moment=view.text("less than a minute"),
        minute=view.text("about a minute"),
        minutes=view.text("about %(minutes)s minutes", minutes=MINUTES),
        hours=view.text("more than an hour and a half"),
        unknown=view.text("We cannot say yet."),
        group=get_group_symbol(view.locale),
    )
    return Response(msgspec.json.encode(made), media_type="application/json", headers={"Cache-Control": "no-store"})


@get(OFFICE, guards=[needs("waiting.read", "shop")])
async def office_waiting(
    view: View, database: Database, shop: Shop, principal: Principal, draft: Draft | None
) -> Response[str]:
    """The room: what it does, who waits, what staff can do."""
    async with database.reading() as connection:
        shown = await _now(connection, view, shop)
        changes = await audit.history(connection, subject=f"kernel.waiting:{shop.id}", limit=_CHANGES)
        names = await names_of(connection, (change.actor for change in changes))
    typed: Form[Struct] = Form.drafted(draft, _form_of(draft))
    return view.show(
        "waiting/office.html",
        **shown,
        form=typed,
        changes=[_shown(change) for change in changes],
        names=names,
        modes=MODES,
        leads=LEAD_MINUTES,
        may_write=principal.may("waiting.write"),
        refused=refused(view, draft, REFUSED),
    )


@get(f"{OFFICE}/now", guards=[needs("waiting.read", "shop")])
async def office_now(view: View, database: Database, shop: Shop) -> Response[str]:
    """What changes by itself, for the page that is open."""
    async with database.reading() as connection:
        shown = await _now(connection, view, shop)
    return view.show("waiting/office_now.html", **shown)


@post(OFFICE + "/{action:str}", guards=[needs("waiting.write", "shop")], opt={"form": OFFICE})
async def change(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime, action: str
) -> Redirect:
    """Open, plan, watch, close, or set the rate. Refusals: `FormIncomplete`, then those of the command."""
    form = await request.form()
    who: dict[str, Any] = {"room": str(shop.id), "actor": str(principal), "at": at}
    async with database.transaction() as tx:
        if action == "open":
            lead = timedelta(minutes=checked(form, Opening).lead)
            await commands.open_room(tx, begins_at=at + lead, **who)
        elif action == "sale":
            sale = checked(form, Sale)
            opens_at = moment(sale.opens, shop.timezone)
            # Doors that should have closed by now close now: a sale in ten minutes is planned late, not wrongly.
            begins_at = max(at, opens_at - timedelta(minutes=sale.gathers_minutes))
            await commands.open_room(tx, begins_at=min(begins_at, opens_at), opens_at=opens_at, **who)
        elif action == "watch":
            await commands.watch(tx, **who)
        elif action == "close":
            await commands.close(tx, **who)
        elif action == "limits":
            limits = checked(form, Limits)
            await commands.set_limits(
                tx,
                per_minute=limits.per_minute,
                most_per_minute=limits.most_per_minute,
                pass_minutes=limits.pass_minutes,
                **who,
            )
        else:
            raise NotFound(what="action", id=action)
    return Redirect(f"{OFFICE}?done=waiting", status_code=303)


def moment(text: str, zone: str) -> datetime:
    """`2026-11-27T08:00` in a zone. Refusal: `FormIncomplete`. In the hour that comes twice the first one is meant."""
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FormIncomplete(errors={"opens": Error(NOT_A_TIME)}) from None


def plot(minutes: Sequence[Minute], at: datetime) -> Plot:
    """The last hour as bars; a minute without a row is one in which nobody could wait."""
    known = {minute.minute: minute for minute in minutes}
    end = at.replace(second=0, microsecond=0)
    found = [known.get(end - timedelta(minutes=59 - x)) for x in range(60)]
    most_waiting = max((minute.waiting for minute in found if minute), default=0)
    most_admitted = max((minute.admitted for minute in found if minute), default=0)
    bars = [
        Bar(
            x,
            100 * minute.waiting / most_waiting if minute and most_waiting else 0,
            100 * minute.admitted / most_admitted if minute and most_admitted else 0,
            minute,
        )
        for x, minute in enumerate(found)
    ]
    return Plot(bars, most_waiting, most_admitted)


async def _now(connection: Connection, view: View, shop: Shop) -> dict[str, Any]:
    """What both the page and its fragment show."""
    room: Room = await commands.room_of(connection, room=str(shop.id))
    at = view.question.at
    minutes = await commands.minutes(connection, room=room.name, since=at - _HOUR)
    wait = rules.wait_seconds(room, room.last_number)
    return {
        "room": room,
        "phase": rules.phase(room, at),
        "phases": PHASES,
        "waiting": room.waiting if rules.phase(room, at) in ("gathering", "open") else 0,
        "wait_minutes": round(wait / 60) if wait is not None and room.waiting else None,
        "last": minutes[-1] if minutes else None,
        "plot": plot(minutes, at),
    }


def _shown(change: audit.Change) -> Change:
    decided = change.new
    return Change(
        recorded_at=change.recorded_at,
        actor=change.actor,
        was=change.old["mode"],
        mode=decided["mode"],
        opens_at=msgspec.convert(decided["opens_at"], datetime | None),
        per_minute=decided["per_minute"],
        most_per_minute=decided["most_per_minute"],
        pass_minutes=decided["pass_minutes"],
    )


def _form_of(draft: Draft | None) -> type[Struct]:
    """Which of the page's forms came back."""
    typed = draft.typed if draft else {}
    return Sale if "opens" in typed else Limits if "pass_minutes" in typed else Opening


routes = (parts, office_waiting, office_now, change)
