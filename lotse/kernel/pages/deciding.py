"""Places where something is decided, and what a page says of itself while it is made.

A *point* is declared by name beside the code that chooses, with its alternatives and the default, which everybody gets
while nothing else decides:

    ORDER = point("search.order", N_("Order of results"), {"fit": N_("By fit"), "new": N_("Newest")}, pages=["/search"])
    ...
    if decide(ORDER) == "new": ...

Who asks was told before (`deciding`, by the web): the same visitor gets the same answer on every page, the server gives
it, so nothing flickers, and a page that is kept for others is kept per answer (`Noted.key`). A page also notes what it
showed (`note`): facts for whoever keeps a log. Both work without a request (a job, a test): the default, and nobody
who listens.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from msgspec import Struct


class Point(Struct, frozen=True):
    """Where something is decided. `alternatives`: names with what they mean, for people; `pages`: the templates of the
    addresses whose content depends on it ("/p/{slug}"), so that a kept page knows its points."""

    name: str
    says: str
    alternatives: Mapping[str, str]
    default: str
    pages: tuple[str, ...]


class Choice(Struct, frozen=True):
    """What an experiment says at a point. `unit`: who was assigned; empty in a preview, which is no exposure."""

    point: str
    alternative: str
    experiment: str = ""
    variant: str = ""
    unit: str = ""


class Noted:
    """What is decided for one page before it is made, and what it says of itself."""

    __slots__ = ("choices", "facts", "key", "preview", "used")

    def __init__(self, choices: Sequence[Choice] = (), *, preview: bool = False) -> None:
        self.choices = {choice.point: choice for choice in choices}
        # Pages that differ in these are different pages.
        self.key = tuple((choice.point, choice.alternative) for choice in choices)
        self.preview = preview
        self.facts: list[Struct] = []
        # Points that the page really asked for: an assignment that changed nothing is no exposure.
        self.used: set[str] = set()

    def kept(self) -> tuple[tuple[Struct, ...], frozenset[str]]:
        """What is kept with a page that is kept."""
        return tuple(self.facts), frozenset(self.used)

    def again(self, kept: tuple[tuple[Struct, ...], frozenset[str]]) -> None:
        """A kept page is shown once more."""
        self.facts, self.used = list(kept[0]), set(kept[1])


_now: ContextVar[Noted | None] = ContextVar("noted", default=None)
_points: dict[str, Point] = {}


def point(
    name: str, says: str, alternatives: Mapping[str, str], *, default: str = "", pages: Sequence[str] = ()
) -> Point:
    """Declare a point; the first alternative is the default unless said otherwise. `ValueError` for a name that
    another place has, or a default that is no alternative."""
    chosen = default or next(iter(alternatives))
    if chosen not in alternatives:
        raise ValueError(f"{name}: the default {chosen} is none of its alternatives")
    made = Point(name, says, dict(alternatives), chosen, tuple(pages))
    if _points.setdefault(name, made) != made:
        raise ValueError(f"two places decide {name}")
    return made


def points() -> dict[str, Point]:
    """Every point of the modules that are loaded, by name."""
    return dict(sorted(_points.items()))


def decide(at: Point | str) -> str:
    """The name of the alternative that the present visitor gets. `LookupError` for a name that nobody declared."""
    asked = _points[at] if isinstance(at, str) else at
    noted = _now.get()
    if noted is None:
        return asked.default
    noted.used.add(asked.name)
    choice = noted.choices.get(asked.name)
    # What an experiment of another release names may be gone.
    return choice.alternative if choice is not None and choice.alternative in asked.alternatives else asked.default


def note(fact: Struct) -> None:
    """Say something that this page shows or that this request did, for the log of behaviour."""
    noted = _now.get()
    if noted is not None:
        noted.facts.append(fact)


@contextmanager
def deciding(noted: Noted) -> Generator[None]:
    """The request that is answered in this block."""
    token = _now.set(noted)
    try:
        yield
    finally:
        _now.reset(token)


def noted_in(scope: Any) -> Noted | None:
    """What is noted of the request with this ASGI scope."""
    return scope["state"].get("noted")
