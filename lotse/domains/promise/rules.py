"""When something arrives. Pure: the same inputs give the same days, so an old promise can be computed again."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lotse.domains.inventory.contracts import Kind
from lotse.domains.inventory.rules import WEEKDAYS, holiday, states_with_holiday
from lotse.domains.promise.contracts import InvalidTerms, Route, Sender, Window

_WORKING = WEEKDAYS[:5]
# How a location sends that has no row of its own. A store packs between two customers, so it takes a day more.
SENDERS: dict[Kind, tuple[dict[str, str], int]] = {
    "warehouse": (dict.fromkeys(_WORKING, "14:00"), 0),
    "dark_store": (dict.fromkeys(_WORKING, "14:00"), 0),
    "store": (dict.fromkeys(_WORKING, "12:00"), 1),
    "seller": (dict.fromkeys(_WORKING, "12:00"), 1),
}
# What parcel services need within a country and between neighbours, where nobody has said otherwise.
ROUTES = (
    Route("DE", "DE", 1, 2, WEEKDAYS[:6]),
    Route("DE", "AT", 2, 4, WEEKDAYS[:6]),
    Route("DE", "CH", 3, 5, WEEKDAYS[:5]),
    Route("AT", "AT", 1, 2, WEEKDAYS[:6]),
    Route("AT", "DE", 2, 4, WEEKDAYS[:6]),
)
# Nothing in the calendar of any country is free for longer; a search that finds no day by then has no days to find.
_HORIZON_DAYS = 60
MOST_DAYS = 60


def window(sender: Sender, route: Route, *, at: datetime, states: tuple[str, ...] = ()) -> Window | None:
    """When goods arrive that are ordered at a moment; None if the sender never sends.

    `states`: those that the destination may lie in; none: any of the country's.
    """
    ships = _ship_day(sender, at)
    if ships is None:
        return None
    ships_on, order_by = ships

    def surely_free(day: date) -> bool:
        return _is_free(route.to_country, states, day, every=True)

    def maybe_free(day: date) -> bool:
        return _is_free(route.to_country, states, day, every=False)

    earliest = _after(ships_on, route.days_min, route.weekdays, surely_free)
    latest = _after(ships_on, route.days_max, route.weekdays, maybe_free)
    if earliest is None or latest is None:
        return None
    return Window(
        earliest,
        max(earliest, latest),
        ships_on,
        order_by,
        sender.handling_days,
        route.days_min,
        route.days_max,
        route.to_country,
    )


def together(windows: Iterable[Window]) -> Window | None:
    """Of several parcels: when everything is there. None if there is no window."""
    found = list(windows)
    if not found:
        return None
    last = max(found, key=lambda one: (one.latest, one.earliest))
    return Window(
        max(one.earliest for one in found),
        last.latest,
        max(one.ships_on for one in found),
        min(one.order_by for one in found),
        last.handling_days,
        last.days_min,
        last.days_max,
        last.country,
    )


def check_sender(cut_offs: dict[str, str], handling_days: int) -> None:
    """Refusal: `InvalidTerms`."""
    for day, until in cut_offs.items():
        if day not in WEEKDAYS:
            raise InvalidTerms(field="cut_offs", rule=f"days are {', '.join(WEEKDAYS)}")
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", until):
            raise InvalidTerms(field="cut_offs", rule="times like 14:00")
    if not 0 <= handling_days <= MOST_DAYS:
        raise InvalidTerms(field="handling_days", rule=f"0 to {MOST_DAYS}")


def check_route(route: Route) -> None:
    """Refusal: `InvalidTerms`."""
    for field, country in (("from_country", route.from_country), ("to_country", route.to_country)):
        if not re.fullmatch(r"[A-Z]{2}", country):
            raise InvalidTerms(field=field, rule="a country like DE")
    if not 0 <= route.days_min <= route.days_max <= MOST_DAYS:
        raise InvalidTerms(field="days_max", rule=f"days_min to {MOST_DAYS}")
    if not route.weekdays or set(route.weekdays) - set(WEEKDAYS):
        raise InvalidTerms(field="weekdays", rule=f"at least one of {', '.join(WEEKDAYS)}")


def _ship_day(sender: Sender, at: datetime) -> tuple[date, datetime] | None:
    """The day on which it leaves, and until when an order still does."""
    here = at.astimezone(ZoneInfo(sender.timezone))
    for ahead in range(_HORIZON_DAYS):
        day = here.date() + timedelta(days=ahead)
        if not _sends(sender, day):
            continue
        until = datetime.combine(day, time.fromisoformat(sender.cut_offs[WEEKDAYS[day.weekday()]]))
        until = until.replace(tzinfo=ZoneInfo(sender.timezone))
        # At the minute of the cut-off the lorry has left.
        if here >= until:
            continue
        left, leaves = sender.handling_days, day
        while left > 0:
            leaves += timedelta(days=1)
            left -= _sends(sender, leaves)
        return leaves, until
    return None


def _sends(sender: Sender, day: date) -> bool:
    return WEEKDAYS[day.weekday()] in sender.cut_offs and not holiday(sender.country, sender.state, day)


def _is_free(country: str, states: tuple[str, ...], day: date, *, every: bool) -> bool:
    """Whether a day is free in every (any) of the states that the destination may lie in."""
    if holiday(country, "", day):
        return True
    free = states_with_holiday(country, day)
    if not states:
        return not every and bool(free)
    return all(state in free for state in states) if every else any(state in free for state in states)


def _after(day: date, count: int, weekdays: tuple[str, ...], is_free: Callable[[date], bool]) -> date | None:
    """The `count`-th day after a day on which the carrier brings; with none to wait for, the first from it on."""
    left, found = count, day
    if count == 0:
        left, found = 1, day - timedelta(days=1)
    for _ in range(_HORIZON_DAYS + count * 7):
        found += timedelta(days=1)
        if WEEKDAYS[found.weekday()] in weekdays and not is_free(found):
            left -= 1
            if left == 0:
                return found
    return None
