"""The rules of a waiting room, as properties."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lotse.kernel.waiting import rules
from lotse.kernel.waiting.places import (
    GRACE_SECONDS,
    LONGEST_PASS_SECONDS,
    Place,
    Places,
    holds,
    pass_until,
    renewed,
    ticket,
)
from lotse.kernel.waiting.rules import Room

AT = datetime(2026, 11, 27, 8, tzinfo=UTC)
ID = UUID(int=7)
strains = st.floats(0, 5)
rates = st.floats(0.1, 100_000)


def room_with(rate: float, strain: float = 0.0, **more: object) -> Room:
    return replace(Room(name="r", mode="open", opening=1, rate=rate, strain=strain), **more)


@given(rates, st.lists(strains, max_size=100), st.integers(1, 60_000), st.booleans())
def test_the_rate_stays_within_its_bounds(rate: float, seen: list[float], most: int, used: bool) -> None:
    room = room_with(rate, most_per_minute=most)
    for strain in seen:
        room = rules.watched(room, strain)
        room = replace(room, rate=rules.next_rate(room, used=used))
        assert min(rules.LEAST_PER_MINUTE, most) <= room.rate <= most


@given(rates, strains, st.integers(1, 60_000))
def test_what_staff_set_is_the_rate(rate: float, strain: float, set_rate: int) -> None:
    assert rules.next_rate(room_with(rate, strain, per_minute=set_rate), used=True) == set_rate


@given(st.floats(30, 6000), st.lists(st.floats(rules.CALM, rules.STRAINED), min_size=1, max_size=50))
def test_between_the_bounds_the_rate_rests(rate: float, seen: list[float]) -> None:
    room = room_with(rate)
    for strain in seen:
        room = rules.watched(room, strain)
        room = replace(room, rate=rules.next_rate(room, used=True))
    assert room.rate == rate


@given(st.floats(30, 6000), strains, strains)
def test_more_strain_never_means_more_visitors(rate: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    calm = rules.next_rate(rules.watched(room_with(rate), low), used=True)
    strained = rules.next_rate(rules.watched(room_with(rate), high), used=True)
    assert strained <= calm


@given(st.floats(30, 6000))
def test_a_rate_that_nobody_uses_does_not_grow(rate: float) -> None:
    assert rules.next_rate(room_with(rate, 0.0), used=False) == rate


@given(st.integers(60, 4000), st.integers(60, 4000), st.integers(0, 8))
def test_the_rate_finds_what_the_shop_can_take(capacity: int, start: int, delay: int) -> None:
    """A shop whose strain is what comes in over what it can take, seen seconds late."""
    room = room_with(float(start), last_number=10**9)
    history = [float(start)] * (delay + 1)
    admitted = 0.0
    for second in range(1200):
        room = rules.watched(room, history[-1 - delay] / capacity)
        room = replace(room, rate=rules.next_rate(room, used=True))
        history.append(room.rate)
        if second >= 600:
            admitted += room.rate / 600
    # Not starved, and over it by no more than the swing that the delay makes.
    assert 0.6 * capacity <= admitted <= 1.2 * capacity


@given(st.floats(1, 60_000), st.lists(st.floats(0, 10), min_size=1, max_size=200))
def test_no_more_are_admitted_than_the_rate_allows(rate: float, steps: list[float]) -> None:
    carry, total, time = 0.0, 0, 0.0
    for seconds in steps:
        places, carry = rules.places(rate, carry, seconds)
        assert places >= 0 and 0 <= carry < 1
        assert places <= rate / 60 * rules.MOST_SECONDS_AT_ONCE + 1
        total, time = total + places, time + min(seconds, rules.MOST_SECONDS_AT_ONCE)
    assert rate / 60 * time - 1.001 <= total <= rate / 60 * time + 0.001


@pytest.mark.parametrize(
    ("strains", "opens"),
    [([1.5] * 5, True), ([1.5] * 4, False), ([1.5] * 4 + [0.9] + [1.5] * 4, False), ([0.9] * 60, False)],
)
def test_a_room_opens_itself_only_after_lasting_strain(strains: list[float], opens: bool) -> None:
    room = Room(name="r", mode="automatic")
    for strain in strains:
        room = rules.watched(room, strain)
    assert rules.opens_itself(room) is opens
    assert not rules.opens_itself(replace(room, mode="closed"))


@pytest.mark.parametrize(
    ("strain", "waiting", "closes"), [(0.1, 0, True), (0.1, 1, False), (0.8, 0, False), (1.2, 0, False)]
)
def test_a_room_closes_itself_when_nobody_waits_and_the_shop_is_calm(strain: float, waiting: int, closes: bool) -> None:
    room = Room(name="r", mode="automatic", opening=1, last_number=waiting)
    for _ in range(rules.CLOSES_AFTER_SECONDS):
        room = rules.watched(room, strain)
    assert rules.closes_itself(room) is closes


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (Room(name="r"), "closed"),
        (Room(name="r", mode="automatic"), "armed"),
        (Room(name="r", mode="automatic", opening=1), "open"),
        (Room(name="r", mode="open", opening=1, begins_at=AT + timedelta(seconds=1)), "armed"),
        (Room(name="r", mode="open", opening=1, begins_at=AT, gathering=True), "gathering"),
        (Room(name="r", mode="open", opening=1, begins_at=AT), "open"),
    ],
)
def test_phases(room: Room, expected: str) -> None:
    assert rules.phase(room, AT) == expected


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (Room(name="r"), False),
        (Room(name="r", mode="automatic"), True),
        (Room(name="r", mode="open", opening=1, begins_at=AT), True),
        (Room(name="r", mode="open", opening=1, begins_at=AT + rules.AT_WORK_BEFORE), True),
        (Room(name="r", mode="open", opening=1, begins_at=AT + rules.AT_WORK_BEFORE + timedelta(seconds=1)), False),
    ],
)
def test_a_room_that_is_planned_for_later_costs_nothing_yet(room: Room, expected: bool) -> None:
    assert rules.is_at_work(room, AT) is expected


@given(st.floats(0, 10**6), st.floats(0, 10**6), st.floats(0, 0.999))
def test_a_refresh_comes_in_time_to_count_as_present(one: float, other: float, chance: float) -> None:
    low, high = sorted((one, other))
    assert rules.refresh_seconds(low) <= rules.refresh_seconds(high)
    interval = rules.jittered(rules.refresh_seconds(high), chance)
    # Two refreshes may be lost before somebody is passed over.
    assert 1 <= interval <= rules.AWAY_AFTER.total_seconds() / 2


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.floats(0, 6000))
def test_a_wait_shrinks_as_the_line_moves(number: int, mark: int, rate: float) -> None:
    room = Room(name="r", rate=rate, mark=mark)
    wait = rules.wait_seconds(room, number)
    further = rules.wait_seconds(replace(room, mark=mark + 1), number)
    assert (wait is None) is (rate == 0)
    if wait is not None and further is not None:
        assert 0 <= further <= wait


# -- what a visitor carries

places = st.builds(
    Place,
    st.sampled_from(["ticket", "pass"]),
    st.integers(0, 2**63 - 1),
    st.uuids(),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**39),
    st.integers(int(AT.timestamp()) + 1, 2**39),
)


@given(places)
def test_what_is_signed_can_be_read_again(place: Place) -> None:
    signer = Places(b"k" * 32)
    assert signer.read(signer.sign(place), AT) == place


@given(places, st.data())
def test_what_was_changed_is_nothing(place: Place, data: st.DataObject) -> None:
    signer = Places(b"k" * 32)
    text = signer.sign(place)
    index = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_"))
    forged = text[:index] + other + text[index + 1 :]
    # The last character of base64 holds bits that count for nothing.
    assert signer.read(forged, AT) in ((None, place) if index == len(text) - 1 or forged == text else (None,))
    assert Places(b"x" * 32).read(text, AT) is None


@given(st.text(max_size=200))
def test_whatever_else_stands_in_the_cookie_is_nothing(text: str) -> None:
    assert Places(b"k" * 32).read(text, AT) is None


def test_a_pass_ends_and_a_form_has_some_grace() -> None:
    signer = Places(b"k" * 32)
    place = pass_until(3, ID, AT + timedelta(minutes=20), AT)
    over = AT + timedelta(minutes=20)
    assert holds(place, None, AT) and holds(place, 3, AT)
    assert not holds(place, 4, AT)  # from before the sale
    assert not holds(place, None, over)
    assert not holds(ticket(3, ID, 1, AT), None, AT)
    grace = timedelta(seconds=GRACE_SECONDS)
    assert signer.read(signer.sign(place), over + grace - timedelta(seconds=1)) == place
    assert signer.read(signer.sign(place), over + grace) is None


@given(st.integers(5, 120), st.lists(st.integers(1, 3600), max_size=50))
def test_a_pass_is_renewed_while_busy_and_ends_all_the_same(minutes: int, steps: list[int]) -> None:
    place, at = pass_until(1, ID, AT + timedelta(minutes=minutes), AT), AT
    for seconds in steps:
        at += timedelta(seconds=seconds)
        longer = renewed(place, minutes, at)
        if longer is not None:
            assert longer.until > place.until and longer.id == place.id and longer.since == place.since
            assert longer.until <= at.timestamp() + minutes * 60
            place = longer
        assert place.until <= AT.timestamp() + LONGEST_PASS_SECONDS
