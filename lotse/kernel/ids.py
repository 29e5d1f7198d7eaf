"""Identifiers: UUIDv7, drawn from the wall clock.

They sort by the time they were made (RFC 9562, section 5.7), which keeps index inserts at the right edge and lets
movements, entries and the event log be partitioned by month on the id alone. A replay of 2011 gets ids of today:
the id says when Lotse wrote the row, `occurred_at` says when it happened.
"""

import secrets
import threading
import time
from datetime import datetime
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """A new UUIDv7; strictly increasing within this process, also when the clock steps back.

    48 bits of milliseconds, 12 bits of its fraction (RFC 9562, section 6.2, method 3), 62 random bits.
    """
    global _last
    with _lock:
        ticks = time.time_ns() * 4096 // 1_000_000  # 1/4096 ms, the finest that rand_a can hold
        _last = ticks = max(ticks, _last + 1)
    millis, fraction = divmod(ticks, 4096)
    return UUID(int=millis << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62))


def uuid7_floor(at: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: the bound of a monthly partition."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
