"""The pure decisions of a waiting room.

The rate of admission follows the strain of the shop by additive increase and multiplicative decrease (Chiu and Jain,
1989): it finds what the shop can take without knowing it, and two bounds that lie apart keep it from swinging.
"""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from lotse.kernel.waiting.places import LONGEST_PASS_SECONDS

Mode = Literal["closed", "automatic", "open"]
# armed: nobody waits yet, whoever is here is given a pass; gathering: all wait for the sale; open: the line moves.
Phase = Literal["closed", "armed", "gathering", "open"]

# Strain 1 is as much as the shop can take. Between the two the rate stays as it is.
STRAINED = 1.0
CALM = 0.7
# Less than one every two seconds would look like a room that stands still.
LEAST_PER_MINUTE = 30.0
# Where a room begins that has seen nobody yet: a shop for which this is too much has other worries.
FIRST_PER_MINUTE = 60.0
# Doubles in about 24 s. Strain shows seconds after the admission that caused it, so growing must be slow.
GROWTH = 1.03
# What was too much is taken back at once, and again only when the last cut has had time to show.
CUT = 0.7
CUT_EVERY_SECONDS = 4
# An automatic room opens when it was too much for so long: the tail of one slow query opens nothing.
OPENS_AFTER_SECONDS = 5
# And closes when nobody has waited and the shop was calm for so long.
CLOSES_AFTER_SECONDS = 60
# The most that one tick admits beyond its own share: a process that slept must not let a crowd in at once.
MOST_SECONDS_AT_ONCE = 2.0

# Who was not seen for this long is passed over. Browsers slow the timers of hidden tabs down to one a minute, and the
# longest refresh is a minute and its jitter.
AWAY_AFTER = timedelta(seconds=180)
# Before the doors close, passes are handed out for as long as the longest of them lasts: so who is in the shop has one.
# Earlier a planned room is as good as closed, so that a plan for next month costs nothing today.
AT_WORK_BEFORE = timedelta(seconds=LONGEST_PASS_SECONDS)
# A refresh every eighth of the wait: the line is never seen more than an eighth too long, and those far behind, who
# are the most, ask seldom.
_REFRESHES_PER_WAIT = 8
SHORTEST_REFRESH_SECONDS = 3
LONGEST_REFRESH_SECONDS = 60
# Up to a fifth more or less, so that those who came together do not ask together for ever.
JITTER = 0.2
# Of two speeds of the line the newer one counts for a twentieth: 20 s smooth out bursts and still follow a change.
_PACE_WEIGHT = 0.05


class Room(Struct, frozen=True, kw_only=True):
    """A room as its row says. Rates are per minute; `opening` 0: none; numbers up to `mark` have been called."""

    name: str
    mode: Mode = "closed"
    begins_at: datetime | None = None
    opens_at: datetime | None = None
    per_minute: int | None = None
    most_per_minute: int = 6000
    pass_minutes: int = 20
    opening: int = 0
    gathering: bool = False
    last_number: int = 0
    mark: int = 0
    rate: float = 0.0
    carry: float = 0.0
    pace: float = 0.0
    strain: float = 0.0
    strained: int = 0
    calm: int = 0
    noted: int = 0

    @property
    def waiting(self) -> int:
        """How many stand in the line, those included who have left without a word."""
        return max(0, self.last_number - self.mark)


def phase(room: Room, at: datetime) -> Phase:
    """What the room does at a moment."""
    if room.mode == "closed":
        return "closed"
    if not room.opening or (room.begins_at is not None and at < room.begins_at):
        return "armed"
    return "gathering" if room.gathering else "open"


def is_at_work(room: Room, at: datetime) -> bool:
    """Whether doors have to look at this room at all."""
    return room.mode != "closed" and (room.begins_at is None or at >= room.begins_at - AT_WORK_BEFORE)


def is_called(room: Room, number: int) -> bool:
    """Whether something has become of a ticket since it was taken: it was called, or its lot was drawn."""
    return not room.gathering and number <= room.mark  # 0, a lot that is not known yet, is below any mark


def watched(room: Room, strain: float) -> Room:
    """The room after one more second: for how long the shop has been strained, or calm with nobody waiting."""
    return replace(
        room,
        strain=strain,
        strained=room.strained + 1 if strain > STRAINED else 0,
        calm=room.calm + 1 if strain < CALM and room.waiting == 0 else 0,
    )


def opens_itself(room: Room) -> bool:
    """Whether an automatic room has seen enough."""
    return room.mode == "automatic" and not room.opening and room.strained >= OPENS_AFTER_SECONDS


def closes_itself(room: Room) -> bool:
    """Whether an automatic room is not needed any more."""
    return room.mode == "automatic" and bool(room.opening) and room.calm >= CLOSES_AFTER_SECONDS


def first_rate(room: Room, newcomers_per_minute: float) -> float:
    """The rate to open with: a cut below what was too much just now, or what staff set."""
    return _bounded(room, max(FIRST_PER_MINUTE, newcomers_per_minute * CUT))


def next_rate(room: Room, *, used: bool) -> float:
    """The rate for the next second. `used`: all that could be admitted were; else more would mean nothing."""
    rate = room.rate
    if room.strain > STRAINED:
        rate = rate * CUT if room.strained % CUT_EVERY_SECONDS == 1 else rate
    elif room.strain < CALM and used:
        rate = rate * GROWTH
    return _bounded(room, rate)


def _bounded(room: Room, rate: float) -> float:
    # What staff set has the last word, also below what we would not go below ourselves.
    return float(room.per_minute or min(max(rate, LEAST_PER_MINUTE), room.most_per_minute))


def places(rate: float, carry: float, seconds: float) -> tuple[int, float]:
    """How many may come in now, and what is left of a whole one. `seconds` since the last time."""
    due = carry + rate / 60 * min(max(seconds, 0.0), MOST_SECONDS_AT_ONCE)
    whole = int(due)
    return whole, due - whole


def next_pace(pace: float, passed: int, seconds: float) -> float:
    """How fast the line moves, in numbers per minute: admitted and passed over alike."""
    now = passed * 60 / max(seconds, 0.5)
    return now if pace == 0 else pace + (now - pace) * _PACE_WEIGHT


def wait_seconds(room: Room, number: int) -> float | None:
    """About how long a number has to wait; None if nobody can say."""
    speed = max(room.pace, room.rate)
    return max(0, number - room.mark) * 60 / speed if speed > 0 else None


def refresh_seconds(wait: float | None) -> int:
    """When a place should be asked for again, before jitter."""
    if wait is None:
        return LONGEST_REFRESH_SECONDS // 2
    return int(min(max(wait / _REFRESHES_PER_WAIT, SHORTEST_REFRESH_SECONDS), LONGEST_REFRESH_SECONDS))


def jittered(seconds: int, chance: float) -> int:
    """A little more or less; `chance` in [0, 1)."""
    return max(1, round(seconds * (1 + JITTER * (2 * chance - 1))))
