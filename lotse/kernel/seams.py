"""Seams: where domains, plugins and a retailer's own repository plug in. Lotse's own use the same ones.

- *Domains* are packages. Lotse's own are those under `lotse.domains`, in the order of `ORDER`; a retailer's are found
  by the entry point group `lotse.domains` and stand on top of them, in the order of their names.
- *Frames* are the packages of `lotse.web` that pages and programs meet; they put out routes as domains do.
- *Plugins* are packages under `lotse.plugins` and the entry point group `lotse.plugins`; importing one lets it
  register its strategies by name on a `Seam`.

docs/reference/seams.md lists every seam by name with the version since which it holds (`lotse.scaffold.seams`).
"""

import importlib
import pkgutil
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

# Bottom first: a domain imports only what stands before it, never a neighbour of its own line (see ARCHITECTURE.md).
ORDER: tuple[tuple[str, ...], ...] = (
    ("experiments", "ledger", "behaviour"),
    ("parties",),
    ("catalog", "pools"),
    ("offers",),
    ("inventory", "customers", "tax"),
    ("delivery", "bookings"),
    ("pricing", "payments"),
    ("orders",),
    ("promise", "reviews"),
    ("checkout",),
    ("fulfilment", "billing"),
    ("returns",),
    ("pos", "marketplace", "channels", "purchasing"),
    ("search", "recommend", "forecast"),
    ("content",),
    ("marketing", "support", "messages"),
    ("analytics",),
)

# Frames of the web, which stand on the kernel and the domains, in the order in which they may override each other's
# settings.
FRAMES = (
    "lotse.web.signin",
    "lotse.web.storefront",
    "lotse.web.media",
    "lotse.web.backoffice",
    "lotse.web.waiting",
    "lotse.web.connect",
    "lotse.web.mail",
    "lotse.web.live",
)

# Where a retailer's own package says what it brings; each entry names a package.
DOMAINS = "lotse.domains"
PLUGINS = "lotse.plugins"
THEMES = "lotse.themes"

# Schemas of others, and names before the first slash of a template: a domain of that name would take their place.
TAKEN = frozenset(
    {"kernel", "migrations", "pgqueuer", "public", "information_schema"}
    | {"lotse", "kit", "storefront", "backoffice", "signin", "waiting", "theme", "mail"}
    | {name for line in ORDER for name in line}
)


class Domain(Struct, frozen=True):
    """A domain that is there: its `name` is its folder and its PostgreSQL schema."""

    name: str
    package: str

    def module(self, name: str) -> ModuleType | None:
        """One of the domain's files (`desk`, `api`, …), or None if it has none."""
        full = f"{self.package}.{name}"
        return importlib.import_module(full) if find_spec(full) else None

    def exported(self, module: str, name: str) -> tuple[Any, ...]:
        """What a file of the domain puts out under a name (`routes`, `kinds`, `slots`, `jobs`)."""
        found = self.module(module)
        return tuple(getattr(found, name, ())) if found else ()


@cache
def domains() -> tuple[Domain, ...]:
    """Every domain that is installed, the lowest first."""
    own = {info.name for info in pkgutil.iter_modules(importlib.import_module("lotse.domains").__path__)}
    unknown = own - {name for line in ORDER for name in line}
    if unknown:
        raise ValueError(
            f"no place in the order of domains: {', '.join(sorted(unknown))}; add it to lotse.kernel.seams.ORDER"
        )
    found = [Domain(name, f"lotse.domains.{name}") for line in ORDER for name in line if name in own]
    for point in sorted(entry_points(group=DOMAINS), key=lambda point: point.name):
        if point.name in TAKEN or point.name.startswith("pg_") or not point.name.isidentifier():
            raise ValueError(f"{point.value}: a domain cannot be named {point.name}; see docs/reference/seams.md")
        if any(other.name == point.name for other in found):
            raise ValueError(f"two packages bring a domain named {point.name}, one of them {point.value}")
        found.append(Domain(point.name, point.value))
    return tuple(found)


def frames(names: Iterable[str] = FRAMES) -> list[ModuleType]:
    """The frames that are there."""
    return [importlib.import_module(name) for name in names if find_spec(name)]


def framed(name: str, names: Iterable[str] = FRAMES) -> tuple[Any, ...]:
    """What the frames put out under a name (`routes`, `places`, `tables`), in their order."""
    return tuple(one for frame in frames(names) for one in getattr(frame, name, ()))


@cache
def load_plugins() -> tuple[str, ...]:
    """Import every plugin, so that it registers itself; their names."""
    package = importlib.import_module("lotse.plugins")
    names = [f"lotse.plugins.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
    names += [point.value for point in entry_points(group=PLUGINS)]
    for name in names:
        importlib.import_module(name)
    return tuple(names)


class Seam(Generic[T]):
    """A named set of strategies of one type: `replays["online-retail"]`."""

    def __init__(self, name: str, *, since: str) -> None:
        self.name = name
        self.since = since
        self._filled: dict[str, T] = {}

    def register(self, name: str, strategy: T) -> T:
        """Fill the seam under a name; a second one of that name is a mistake of the installation."""
        if self._filled.setdefault(name, strategy) is not strategy:
            raise ValueError(f"{self.name}: two plugins call themselves {name}")
        return strategy

    def __getitem__(self, name: str) -> T:
        load_plugins()
        return self._filled[name]

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(sorted(self._filled))


# A retailer to start with: `async load(database, desk, *, seed, at, progress)`. Filled by demo_*.
retailers: Seam[Any] = Seam("retailers", since="0.1.0")
# A year of somebody's real trade: `async replay(database, desk, folder, *, progress) -> report`. Filled by replay_*.
replays: Seam[Any] = Seam("replays", since="0.1.0")
# Somebody's real goods in a folder of their own form: `async bring(database, desk, folder, *, home, at, progress) ->
# report`; `lotse import NAME DIR`. Filled by demo_*.
folders: Seam[Any] = Seam("folders", since="0.1.0")


class Simulator(Struct, frozen=True):
    """A server that stands in for an outside system.

    `run(listener, stop, *, settings, options)` answers on a socket until `stop` is set. `environment(url)` are the
    variables that lead the plugin to it, drawn anew (a secret); None if the plugin is set up for something else.
    """

    run: Callable[..., Coroutine[Any, Any, None]]
    environment: Callable[[str], dict[str, str] | None]


# The other side of a plugin, to try it against. `lotse simulate NAME` runs one; beside the demo they all run.
simulators: Seam[Simulator] = Seam("simulators", since="0.1.0")
