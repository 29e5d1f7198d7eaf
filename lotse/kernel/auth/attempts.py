"""Rate limits without a history: one row per key, and one statement per attempt (generic cell rate algorithm).

The row holds when the bucket that attempts fill will have leaked dry. Counting is a conditional write, so a hundred
attempts at the same moment are counted one after the other.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from lotse.kernel.db import Transaction
from lotse.kernel.refusals import Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "auth")


class TooManyAttempts(Refusal, status=429, title="Too many attempts"):
    """Please wait and try again."""

    retry_after_seconds: int


class Limit(Struct, frozen=True):
    """`burst` attempts at once, then one every `interval`."""

    name: str
    burst: int
    interval: timedelta


async def count(tx: Transaction, limit: Limit, who: str, *, at: datetime) -> None:
    """Count an attempt. Refusal: `TooManyAttempts`; a refused attempt fills nothing, so waiting always helps."""
    key = _key(limit, who)
    if await tx.value(SQL.attempt, key=key, at=at, interval=limit.interval, burst=limit.burst) is not None:
        return
    until: datetime = await tx.value(SQL.full_until, key=key, burst=limit.burst, interval=limit.interval)
    raise TooManyAttempts(retry_after_seconds=max(1, -int((at - until).total_seconds() // 1)))


async def forget(tx: Transaction, limit: Limit, who: str) -> None:
    """Empty the bucket: the right password was given."""
    await tx.execute(SQL.forget_attempts, key=_key(limit, who))


async def give_back(tx: Transaction, limit: Limit, who: str) -> None:
    """Uncount one attempt: it was no guess. What others put into the bucket stays."""
    await tx.execute(SQL.give_attempt_back, key=_key(limit, who), interval=limit.interval)


def _key(limit: Limit, who: str) -> str:
    return f"{limit.name}:{who}"
