"""By when something arrives: golden days of real calendars, and what holds on any day."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.inventory.rules import WEEKDAYS, holiday
from lotse.domains.promise.contracts import InvalidTerms, Route, Sender, Window
from lotse.domains.promise.rules import check_route, check_sender, together, window

BERLIN = ZoneInfo("Europe/Berlin")
WORKING: dict[str, str] = dict.fromkeys(WEEKDAYS[:5], "14:00")


def sender(state: str = "NW", handling_days: int = 0) -> Sender:
    return Sender(UUID(int=1), "DE", state, "Europe/Berlin", WORKING, handling_days)


def route(least: int = 1, most: int = 1, to: str = "DE") -> Route:
    return Route("DE", to, least, most, WEEKDAYS[:6])


@pytest.mark.parametrize(
    ("at", "origin", "destination", "ships", "arrives"),
    [
        ("2026-11-27T13:59", "NW", "BE", "2026-11-27", "2026-11-28"),
        ("2026-11-27T14:00", "NW", "BE", "2026-11-30", "2026-12-01"),
        # Corpus Christi: free in Cologne, not in Berlin.
        ("2027-05-26T15:00", "NW", "BE", "2027-05-28", "2027-05-29"),
        ("2027-05-26T13:00", "BE", "NW", "2027-05-26", "2027-05-28"),
        ("2026-12-24T13:00", "NW", "BE", "2026-12-24", "2026-12-28"),
    ],
)
def test_days_of_real_calendars(at: str, origin: str, destination: str, ships: str, arrives: str) -> None:
    found = window(sender(origin), route(), at=datetime.fromisoformat(at).replace(tzinfo=BERLIN), states=(destination,))
    assert found
    assert (found.ships_on.isoformat(), found.earliest.isoformat()) == (ships, arrives)
    assert found.latest == found.earliest


def test_the_cut_off_is_the_senders_own_time() -> None:
    local = datetime(2026, 11, 27, 13, 59, tzinfo=BERLIN)
    assert window(sender(), route(), at=local) == window(sender(), route(), at=local.astimezone(UTC))


def test_handling_counts_working_days_from_the_day_of_the_cut_off() -> None:
    found = window(sender(handling_days=2), route(), at=datetime(2026, 11, 26, 10, tzinfo=BERLIN), states=("BE",))
    assert found
    assert found.ships_on == date(2026, 11, 30)


def test_an_unknown_state_makes_the_window_as_wide_as_the_states_differ() -> None:
    # The day after is Corpus Christi, which is free in some states.
    at = datetime(2027, 5, 26, 13, tzinfo=BERLIN)
    found = window(sender("BE"), route(), at=at)
    assert found
    assert (found.earliest, found.latest) == (date(2027, 5, 27), date(2027, 5, 28))


def test_who_never_sends_promises_nothing() -> None:
    assert window(Sender(UUID(int=1), "DE", "BE", "Europe/Berlin", {}, 0), route(), at=datetime.now(UTC)) is None


def _naive(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # hypothesis adds the zone itself


moments = st.datetimes(timezones=st.just(UTC), min_value=_naive(2024), max_value=_naive(2032))
states = st.sampled_from(["BE", "BY", "NW", "SN", "HH", "MV"])


@given(at=moments, later=st.timedeltas(timedelta(0), timedelta(days=30)), origin=states, to=states)
def test_a_later_order_never_arrives_earlier(at: datetime, later: timedelta, origin: str, to: str) -> None:
    first = window(sender(origin), route(1, 3), at=at, states=(to,))
    second = window(sender(origin), route(1, 3), at=at + later, states=(to,))
    assert first
    assert second
    assert (first.earliest, first.latest) <= (second.earliest, second.latest)


@given(at=moments, origin=states, to=states, handling=st.integers(0, 5))
def test_what_is_known_never_makes_a_window_wider(at: datetime, origin: str, to: str, handling: int) -> None:
    wide = window(sender(origin, handling), route(1, 2), at=at)
    narrow = window(sender(origin, handling), route(1, 2), at=at, states=(to,))
    assert wide
    assert narrow
    assert wide.earliest <= narrow.earliest <= narrow.latest <= wide.latest
    assert at < narrow.order_by
    assert narrow.ships_on < narrow.earliest
    assert narrow.ships_on.weekday() < 5
    assert not holiday("DE", origin, narrow.ships_on)
    assert narrow.earliest.weekday() < 6
    assert not holiday("DE", to, narrow.earliest)


@given(at=moments, others=st.lists(states, min_size=1, max_size=4))
def test_together_is_there_when_the_last_parcel_is(at: datetime, others: list[str]) -> None:
    found = [one for state in others if (one := window(sender(state), route(1, 2), at=at, states=("BE",)))]
    whole = together(found)
    assert isinstance(whole, Window)
    assert whole.latest == max(one.latest for one in found)
    assert whole.order_by == min(one.order_by for one in found)
    assert together([]) is None


@pytest.mark.parametrize(
    ("cut_offs", "handling_days"),
    [({"monday": "14:00"}, 0), ({"mon": "25:00"}, 0), ({"mon": "2 pm"}, 0), ({"mon": "14:00"}, -1), ({}, 61)],
)
def test_terms_that_nobody_can_keep(cut_offs: dict[str, str], handling_days: int) -> None:
    with pytest.raises(InvalidTerms):
        check_sender(cut_offs, handling_days)


@pytest.mark.parametrize(
    "wrong",
    [
        Route("de", "DE", 1, 2, ("mon",)),
        Route("DE", "Germany", 1, 2, ("mon",)),
        Route("DE", "DE", 2, 1, ("mon",)),
        Route("DE", "DE", 1, 99, ("mon",)),
        Route("DE", "DE", 1, 2, ()),
        Route("DE", "DE", 1, 2, ("feast",)),
    ],
)
def test_routes_that_nobody_drives(wrong: Route) -> None:
    with pytest.raises(InvalidTerms):
        check_route(wrong)
