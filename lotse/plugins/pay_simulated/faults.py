"""In which ways the simulated provider fails: shares of requests, or words for one request."""

import random

import msgspec
from msgspec import Struct

# A request may name the faults that it wants: `X-Simulate: slow, lost`.
HEADER = "X-Simulate"


class Faults(Struct, frozen=True, forbid_unknown_fields=True):
    """Each share is a probability from 0 to 1 per request, charge or message; the seconds say how long."""

    # -- charges
    decline: float = 0.0  # refused at once: insufficient-funds
    direct: float = 0.0  # needs no payment page: authorised at once
    challenge: float = 0.0  # the page asks for a code before it approves (3-D Secure)
    pending: float = 0.0  # decided only after `pending_seconds`
    pending_seconds: float = 5.0
    capture_declined: float = 0.0
    # A buyer who needs no browser: what becomes of payment pages by themselves; the rest is left alone.
    buyer_approves: float = 0.0
    buyer_declines: float = 0.0
    buyer_seconds: float = 1.0
    # -- requests
    slow: float = 0.0
    slow_seconds: float = 2.0
    unavailable: float = 0.0  # 503, nothing done
    down: float = 0.0  # the connection is closed, nothing done
    hang: float = 0.0  # nothing done and nothing said for `hang_seconds`
    hang_seconds: float = 30.0
    lost: float = 0.0  # it is done, and the answer is lost
    # -- messages
    webhook_before: float = 0.0  # before the answer to the request that caused it
    webhook_twice: float = 0.0
    webhook_never: float = 0.0
    webhook_late: float = 0.0
    webhook_late_seconds: float = 60.0
    webhook_shuffled: float = 0.0  # up to `webhook_shuffled_seconds` later, so that a later one comes first
    webhook_shuffled_seconds: float = 3.0


SHARES = frozenset(field for field in Faults.__struct_fields__ if not field.endswith("_seconds"))


class FaultsUnreadable(ValueError):
    """One line that says what is wrong."""


def parsed(text: str) -> Faults:
    """`decline=0.1,lost=0.05,slow_seconds=3`. Raises `FaultsUnreadable`."""
    given: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.partition("=")
        try:
            given[name.strip()] = float(number) if number else 1.0
        except ValueError:
            raise FaultsUnreadable(f"{part}: a fault reads name=0.1") from None
    return checked(given)


def checked(given: object) -> Faults:
    """Faults from plain values. Raises `FaultsUnreadable`."""
    try:
        faults = msgspec.convert(given, Faults)
    except msgspec.ValidationError as error:
        raise FaultsUnreadable(f"{error}; there are: {', '.join(Faults.__struct_fields__)}") from None
    for name in Faults.__struct_fields__:
        value = getattr(faults, name)
        if value < 0 or (name in SHARES and value > 1):
            raise FaultsUnreadable(f"{name}={value}: a share is from 0 to 1, seconds are 0 or more")
    return faults


class Dice:
    """Decides by the shares, or because a request asked for it. The same seed decides the same in the same order."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self.faults = faults
        self._random = random.Random(seed)

    def rolls(self, fault: str, asked: frozenset[str]) -> bool:
        """Whether a fault happens now."""
        share = getattr(self.faults, fault)
        return fault in asked or (share > 0 and self._random.random() < share)

    def share(self) -> float:
        """A number from 0 to 1."""
        return self._random.random()


def asked_for(header: str) -> frozenset[str]:
    """The faults that a request names; what is no fault is ignored."""
    return frozenset(word.strip() for word in header.split(",")) & SHARES
