"""The naive model: one request at a time, nothing locked, nothing batched, every number counted anew.

Written from the README of pools and orders, not from the code; it imports nothing of it. An outcome is what a caller
sees: `("ok", …)` or the refusal's code with what it says.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

Wants = Sequence[tuple[int, Sequence[int]]]
Outcome = tuple[Any, ...]


class No(Exception):
    """A refusal: its code and its facts."""

    def __init__(self, code: str, **facts: Any) -> None:
        self.outcome = (code, facts)


@dataclass
class Line:
    quantity: int
    live: bool = True
    broken: bool = False


@dataclass
class Hold:
    holder: str
    origin: str
    hard: bool
    expires_at: datetime
    lines: dict[int, Line]
    state: str = "held"

    def told(self) -> str:
        """What became of it, as anybody who asks is told."""
        if self.state != "held":
            return self.state
        if any(line.broken for line in self.lines.values()):
            return "broken"
        return "held" if any(line.live for line in self.lines.values()) else "expired"


@dataclass
class Naive:
    """Pools, holds, movements and answers of a world with one clerk."""

    now: datetime
    most_holds: int
    most_units: int
    share_percent: int
    floor: int
    on_hand: dict[int, int] = field(default_factory=dict)
    holds: dict[UUID, Hold] = field(default_factory=dict)
    movements: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    broken: list[tuple[UUID, int, int]] = field(default_factory=list)
    answered: dict[str, tuple[str, Outcome]] = field(default_factory=dict)

    def open(self, pools: Iterable[int]) -> None:
        for pool in pools:
            self.on_hand[pool], self.movements[pool] = 0, []

    def pass_time(self, now: datetime) -> None:
        """What expires meanwhile holds nothing any more."""
        self.now = now
        for hold in self.holds.values():
            if hold.expires_at <= now:
                for line in hold.lines.values():
                    line.live = False

    def ask(self, key: str, body: str, decide: Callable[[], Outcome]) -> Outcome:
        """The same key and body get the same answer; another body is refused; a refusal changes nothing."""
        if key in self.answered:
            before, outcome = self.answered[key]
            return outcome if before == body else ("key-reused", {"key": key})
        kept = self._copy()
        try:
            outcome = decide()
        except No as no:
            self._restore(kept)
            outcome = no.outcome
        self.answered[key] = (body, outcome)
        return outcome

    # -- kinds

    def hold(self, id: UUID, holder: str, origin: str, hard: bool, expires_at: datetime, wants: Wants) -> Outcome:
        for pool in sorted({pool for _, pools in wants for pool in pools}):
            self._known(pool)
        allowed = self._available
        if not hard:
            self._within_limits(holder, origin, wants)

            def allowed(pool: int) -> int:
                return min(self._available(pool), self._share(holder, origin, pool))

        chosen, _ = self._serve(wants, allowed)
        if chosen is None:
            _, short = self._serve(wants, self._available)
            if short:
                raise No("not-enough", shortages=tuple(short))
            mine = self._open(lambda hold: hold.holder == holder)
            raise No("too-many-holds", limit="share", most=self.share_percent, frees_at=self._first(mine))
        lines: dict[int, Line] = {}
        for (quantity, _), pool in zip(wants, chosen, strict=True):
            lines.setdefault(pool, Line(0)).quantity += quantity
        self.holds[id] = Hold(holder, origin, hard, expires_at, lines)
        if expires_at <= self.now:
            raise AssertionError("the model holds for the future only")
        return self._told(id, "held")

    def secure(self, id: UUID, expires_at: datetime) -> Outcome:
        hold = self._still_there(id)
        for line in hold.lines.values():
            line.live, line.broken = True, False
        hold.hard, hold.expires_at = True, expires_at
        return self._told(id, "held")

    def claim(self, id: UUID) -> Outcome:
        hold = self._still_there(id)
        for pool, line in sorted(hold.lines.items()):
            line.live = False
            self._move(pool, -line.quantity, "sold")
        hold.state = "claimed"
        return self._told(id, "claimed")

    def release(self, id: UUID) -> Outcome:
        hold = self._not_ended(id)
        for line in hold.lines.values():
            line.live = False
        hold.state = "released"
        return self._told(id, "released")

    def place(self, wants: Wants) -> Outcome:
        for pool in [pool for _, pools in wants for pool in pools]:
            self._known(pool)
        chosen, short = self._serve(wants, self._available)
        if chosen is None:
            raise No(
                "out-of-stock",
                lines=[(line["want"] + 1, line["wanted"], line["available"]) for line in short],
            )
        for (quantity, _), pool in zip(wants, chosen, strict=True):
            self._move(pool, -quantity, "sold")
        return ("ok", 100 * sum(quantity for quantity, _ in wants))

    def sell(self, wants: Wants) -> Outcome:
        for pool in [pool for _, pools in wants for pool in pools]:
            self._known(pool)
        left: list[tuple[int, int]] = []
        for quantity, pools in wants:
            taken = {pool: sum(q for q, of in left if of == pool) for pool in pools}
            whole = [pool for pool in pools if self._available(pool) - taken[pool] >= quantity]
            left.append((quantity, (whole or list(pools))[0]))
        for pool in dict.fromkeys(pool for _, pool in left):
            quantity = sum(q for q, of in left if of == pool)
            self._break(pool, quantity)
            if self._available(pool) < quantity:
                self._move(pool, quantity - self._available(pool), "found")
        for quantity, pool in left:
            self._move(pool, -quantity, "sold")
        return ("ok", 100 * sum(quantity for quantity, _ in wants))

    def receive(self, changes: Sequence[tuple[int, int]]) -> Outcome:
        return ("ok", tuple(self._move(self._known(pool), delta, "received") for pool, delta in changes))

    def adjust(self, changes: Sequence[tuple[int, int]]) -> Outcome:
        after: list[int] = []
        for pool, delta in changes:
            self._known(pool)
            if delta < 0:
                self._enough_on_hand(pool, -delta)
                self._break(pool, -delta)
            after.append(self._move(pool, delta, "adjusted"))
        return ("ok", tuple(after))

    def transfer(self, changes: Sequence[tuple[int, int]]) -> Outcome:
        after: list[int] = []
        for pool, delta in changes:
            self._known(pool)
            if delta < 0:
                self._enough_on_hand(pool, -delta)
                if self._available(pool) < -delta:
                    facts = {"on_hand": self.on_hand[pool], "held": self._held(pool), "delta": delta}
                    raise No("below-held", pool_id=pool, **facts)
            after.append(self._move(pool, delta, "transferred"))
        return ("ok", tuple(after))

    # -- counting

    def held(self) -> dict[int, int]:
        return {pool: self._held(pool) for pool in self.on_hand}

    def _held(self, pool: int) -> int:
        lines = [hold.lines[pool] for hold in self.holds.values() if pool in hold.lines]
        return sum(line.quantity for line in lines if line.live)

    def _available(self, pool: int) -> int:
        return self.on_hand[pool] - self._held(pool)

    def _known(self, pool: int) -> int:
        if pool not in self.on_hand:
            raise No("pool-unknown", pool_id=pool)
        return pool

    def _enough_on_hand(self, pool: int, quantity: int) -> None:
        if self.on_hand[pool] < quantity:
            short = {"want": 0, "wanted": quantity, "available": self._available(pool)}
            raise No("not-enough", shortages=(short,))

    def _move(self, pool: int, delta: int, reason: str) -> int:
        self.on_hand[pool] += delta
        self.movements[pool].append((reason, delta))
        return self.on_hand[pool]

    def _serve(self, wants: Wants, available: Callable[[int], int]) -> tuple[list[int] | None, list[dict[str, int]]]:
        left = {pool: available(pool) for _, pools in wants for pool in pools}
        chosen: list[int] = []
        short: list[dict[str, int]] = []
        for place, (quantity, pools) in enumerate(wants):
            for pool in pools:
                if left[pool] >= quantity:
                    left[pool] -= quantity
                    chosen.append(pool)
                    break
            else:
                short.append({"want": place, "wanted": quantity, "available": max(left[pool] for pool in pools)})
        return (None if short else chosen), short

    def _break(self, pool: int, quantity: int) -> None:
        """The newest soft one first, hard ones last, until there is enough or nothing is held."""
        for hard in (False, True):
            for id in sorted(self.holds, reverse=True):
                line = self.holds[id].lines.get(pool)
                if self.holds[id].hard != hard or line is None or not line.live:
                    continue
                if self._available(pool) >= quantity:
                    return
                line.live, line.broken = False, True
                self.broken.append((id, pool, line.quantity))

    # -- holds and limits

    def _not_ended(self, id: UUID) -> Hold:
        if id not in self.holds:
            raise No("hold-unknown", hold_id=str(id))
        if self.holds[id].state != "held":
            raise No("hold-ended", hold_id=str(id), state=self.holds[id].state)
        return self.holds[id]

    def _still_there(self, id: UUID) -> Hold:
        hold = self._not_ended(id)
        for pool, line in sorted(hold.lines.items()):
            if not line.live and self._available(pool) < line.quantity:
                if line.broken:
                    raise No("hold-ended", hold_id=str(id), state="broken")
                facts = {"pool_id": pool, "wanted": line.quantity, "available": self._available(pool)}
                raise No("hold-expired", hold_id=str(id), **facts)
        return hold

    def _told(self, id: UUID, state: str) -> Outcome:
        lines = sorted((pool, line.quantity, line.live) for pool, line in self.holds[id].lines.items())
        return ("ok", state, tuple(lines))

    def _open(self, whose: Callable[[Hold], bool]) -> list[Hold]:
        """Soft holds that nobody ended and no time has, whatever of them is broken."""
        soft = [hold for hold in self.holds.values() if not hold.hard and hold.state == "held"]
        return [hold for hold in soft if hold.expires_at > self.now and whose(hold)]

    def _first(self, holds: list[Hold]) -> datetime | None:
        return min((hold.expires_at for hold in holds), default=None)

    def _within_limits(self, holder: str, origin: str, wants: Wants) -> None:
        """A holder's own limits, then those of all guests of an origin: twenty times as many."""
        asked = sum(quantity for quantity, _ in wants)
        for whose, times in self._counted(holder, origin):
            holds = self._open(whose)
            units = sum(line.quantity for hold in holds for line in hold.lines.values())
            if len(holds) >= self.most_holds * times:
                raise No("too-many-holds", limit="holds", most=self.most_holds * times, frees_at=self._first(holds))
            if units + asked > self.most_units * times:
                raise No("too-many-holds", limit="units", most=self.most_units * times, frees_at=self._first(holds))

    def _share(self, holder: str, origin: str, pool: int) -> int:
        """How much more of a pool may be held: a share of it, or the floor; for an origin half of it, or two floors."""
        most: list[int] = []
        for whose, times in self._counted(holder, origin):
            percent = self.share_percent if times == 1 else max(self.share_percent, 50)
            cap = max(self.floor * (1 if times == 1 else 2), self.on_hand[pool] * percent // 100)
            most.append(cap - sum(hold.lines[pool].quantity for hold in self._open(whose) if pool in hold.lines))
        return min(most)

    def _counted(self, holder: str, origin: str) -> list[tuple[Callable[[Hold], bool], int]]:
        found: list[tuple[Callable[[Hold], bool], int]] = [(lambda hold: hold.holder == holder, 1)]
        if origin:
            found.append((lambda hold: hold.origin == origin, 20))
        return found

    # -- a refusal changes nothing

    def _copy(self) -> tuple[Any, ...]:
        holds = {
            id: Hold(
                hold.holder,
                hold.origin,
                hold.hard,
                hold.expires_at,
                {pool: Line(line.quantity, line.live, line.broken) for pool, line in hold.lines.items()},
                hold.state,
            )
            for id, hold in self.holds.items()
        }
        moved = {pool: list(movements) for pool, movements in self.movements.items()}
        return dict(self.on_hand), holds, moved, list(self.broken)

    def _restore(self, kept: tuple[Any, ...]) -> None:
        self.on_hand, self.holds, self.movements, self.broken = kept
