"""What a domain brings to the desk: kinds of work and the rows that they lock.

A *kind* names a request, the rows it needs locked, and a pure decision over those rows; the decision either returns an
answer and leaves rows to be written in its draft, or raises a refusal and leaves nothing. A *lock* is a table whose
rows kinds need: its statement locks them in the order of their ids and returns them.

Locks are taken from the highest domain down, each in id order, so no two batches can wait for each other in a ring.
A locked row may lead to rows of lower locks (a hold leads to its pools).
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from lotse.kernel import seams
from lotse.kernel.refusals import Refusal
from lotse.kernel.rows import Rows, Writer
from lotse.kernel.sql import Statement

Q = TypeVar("Q", bound=msgspec.Struct)
A = TypeVar("A", bound=msgspec.Struct)
Row = TypeVar("Row", bound=msgspec.Struct)

Wanted = Mapping["Lock[Any]", Iterable[Hashable]]


class Lock(Generic[Row]):
    """Rows of one table that kinds need locked.

    `statement` takes `:ids` and returns `id` and more fields of `row`, locked `for no key update` in id order. `read`
    takes `:ids` and, if it asks, `:now` (the desk's clock), and returns `id` and the fields that come from other
    tables; it is a statement of its own because only a snapshot taken after the lock shows what the transaction before
    us wrote there; `reads` says of a locked record whether there is anything to read (without it, always). `leads_to`
    names what else must be locked once a row is known. `freshen` runs once per batch on the locked rows, before any
    decision (the pools give expired holds back there).
    """

    def __init__(
        self,
        name: str,
        statement: Statement,
        row: type[Row],
        *,
        read: Statement | None = None,
        reads: Callable[[Mapping[str, Any]], bool] | None = None,
        leads_to: Callable[[Row], Wanted] | None = None,
        freshen: "Callable[[Draft], None] | None" = None,
    ) -> None:
        self.name = name
        self.statement = statement
        self.row = row
        self.read = read
        self.reads = reads
        self.leads_to = leads_to
        self.freshen = freshen

    def __repr__(self) -> str:
        return f"Lock({self.name})"


class Draft:
    """What a batch sees and leaves: locked rows, possibly replaced, and rows to be written.

    Requests are decided one after the other in one draft. Each begins with `begin`; if it is refused, `undo` takes back
    what it has left, so that a refusal costs its neighbours nothing. `at` is when the request happened (a replay: in
    2011), `recorded_at` is the desk's clock.
    """

    __slots__ = ("_lengths", "_numbers", "_replaced", "_rows", "at", "recorded_at", "written")

    def __init__(self, at: datetime, recorded_at: datetime, numbers: dict[str, list[int]]) -> None:
        self.at = at
        self.recorded_at = recorded_at
        self._numbers = numbers
        self._rows: dict[Lock[Any], dict[Hashable, Any]] = {}
        # What the request under way has replaced, and how many rows there were before it.
        self._replaced: list[tuple[dict[Hashable, Any], Hashable, Any]] = []
        self._lengths: dict[Writer[Any], int] = {}
        self.written = Rows()

    def begin(self, at: datetime) -> None:
        """The next request, which happened at `at`."""
        self.at = at
        self._replaced.clear()
        self._lengths = self.written.lengths()

    def undo(self) -> None:
        """Take back what the request under way has left; numbers that it drew stay drawn."""
        for rows, id, before in reversed(self._replaced):
            if before is _NOTHING:
                del rows[id]
            else:
                rows[id] = before
        self._replaced.clear()
        self.written.shorten(self._lengths)

    def get(self, lock: Lock[Row], id: Hashable) -> Row | None:
        """A locked row as the requests before this one left it; None if there is none of that id."""
        rows = self._rows.get(lock)
        return None if rows is None else rows.get(id)

    def all(self, lock: Lock[Row]) -> Mapping[Hashable, Row]:
        """Every locked row."""
        return self._rows.get(lock, {})

    def put(self, lock: Lock[Row], id: Hashable, row: Row) -> None:
        """Replace a row for the requests that follow; writing it is the writer's business (see `add`)."""
        rows = self._rows.get(lock)
        if rows is None:
            rows = self._rows[lock] = {}
        self._replaced.append((rows, id, rows.get(id, _NOTHING)))
        rows[id] = row

    def add(self, writer: Writer[Row], row: Row) -> None:
        """One more row to be written."""
        self.written.add(writer, row)

    def draw(self, sequence: str) -> int:
        """The next number of a sequence that the kind named in `draws`; a refusal leaves a gap."""
        return self._numbers[sequence].pop()


_NOTHING: Any = object()


class Kind(Generic[Q, A]):
    """One kind of work: `place`, `receive`, `hold`.

    `locks` says which rows the request needs, `decide` is pure: it reads and replaces rows of the draft, adds rows to
    be written, returns the answer or raises a refusal; the order of its checks is part of the contract. `draws` names
    sequences and how many numbers one request may take from each. `constraints` names the refusals for constraints that
    only the database can see broken (a number that is taken).
    """

    def __init__(
        self,
        name: str,
        request: type[Q],
        answer: type[A],
        *,
        locks: Callable[[Q], Wanted],
        decide: Callable[[Draft, Q], A],
        draws: Mapping[str, int] | None = None,
        constraints: Mapping[str, Callable[[Q], Refusal]] | None = None,
    ) -> None:
        self.name = name
        self.request = request
        self.answer = answer
        self.locks = locks
        self.decide = decide
        self.draws = draws or {}
        self.constraints = constraints or {}
        # What came over a socket.
        self.decode = msgspec.msgpack.Decoder(request).decode

    def __repr__(self) -> str:
        return f"Kind({self.name})"


class Finish:
    """Runs once per batch over the batch's draft when all is decided, e.g. writes each touched pool once."""

    def __init__(self, finish: Callable[[Draft], None]) -> None:
        self.finish = finish


class Registry(msgspec.Struct, frozen=True):
    """Everything the domains brought: kinds by name, locks in the order they are taken, what runs last."""

    kinds: dict[str, Kind[Any, Any]]
    locks: tuple[Lock[Any], ...]
    finishes: tuple[Finish, ...]


@cache
def registry() -> Registry:
    """Collect `kinds`, `locks` and `finishes` of every domain's `desk.py`."""
    kinds: dict[str, Kind[Any, Any]] = {}
    locks: list[Lock[Any]] = []
    finishes: list[Finish] = []
    for domain in reversed(seams.domains()):  # highest first: see the module's docstring
        for kind in domain.exported("desk", "kinds"):
            if kinds.setdefault(kind.name, kind) is not kind:
                raise ValueError(f"two kinds named {kind.name}")
        locks += domain.exported("desk", "locks")
        finishes += domain.exported("desk", "finishes")
    return Registry(kinds, tuple(locks), tuple(finishes))


def kind_named(name: str) -> Kind[Any, Any]:
    """A kind of any domain. A higher domain's kind decides part of its work by a lower one's through this."""
    return registry().kinds[name]
