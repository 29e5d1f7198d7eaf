"""What a profile is: one thing that is measured. A module of `lotse.bench.profiles` that holds `PROFILE` is found.

async def run(given: Settings, options: Options, say: Say) -> Report: ...

PROFILE = Profile("orders", "two-line orders over HTTP beside pgbench", run)
"""

import importlib
import pkgutil
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from msgspec import Struct

from lotse.bench import profiles
from lotse.kernel.settings import Settings


class BenchFailed(Exception):
    """The run cannot be used; one line that says why."""


class Options(Struct, frozen=True, kw_only=True):
    """What the command line says. `seconds` is one round of one side; `rounds` is how often the sides take turns."""

    seconds: float = 10.0
    clients: int = 64
    desks: int = 1
    rounds: int = 3
    # Before each measured round of Lotse: connections are open, plans are made, caches are warm. Long enough that most
    # of 5,000 articles have been sold once: a shop that has just been started is not what is measured.
    warm_seconds: float = 3.0
    # One probe of pgbench per number of clients, for its best.
    probe_seconds: float = 2.0
    articles: int = 5_000
    # `scale`: up to how many existing orders, and how many clients.
    orders: int = 10_000_000
    most_clients: int = 256
    # Pieces of the one article in the second part of `hot`.
    pieces: int = 10_000
    # What decides chance in `faults`; without one it is drawn, and printed.
    seed: int | None = None


class Report(Struct, frozen=True):
    """What came out: `figures` becomes the one JSON line, `table` is for people; `ok`: every promise was kept."""

    figures: Struct
    table: str
    ok: bool = True


# Progress, for people; goes to the error output.
Say = Callable[[str], None]
Run = Callable[[Settings, Options, Say], Coroutine[Any, Any, Report]]


class Profile(Struct, frozen=True):
    name: str
    summary: str
    run: Run


def known() -> Mapping[str, Profile]:
    """Every profile by its name."""
    found: dict[str, Profile] = {}
    for module in pkgutil.iter_modules(profiles.__path__, profiles.__name__ + "."):
        profile: Profile = importlib.import_module(module.name).PROFILE
        found[profile.name] = profile
    return found
