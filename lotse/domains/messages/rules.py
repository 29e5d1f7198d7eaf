"""Who is written to, and when not."""

from datetime import datetime
from uuid import UUID

from lotse.domains.messages.contracts import STALE_AFTER

# Names that never lead anywhere (RFC 2606, RFC 6761): buyers of demos and of load tests live there.
RESERVED = (".example", ".test", ".invalid", ".localhost")
# How a sale came in, where the buyer is ours to write to; a marketplace writes to its own, a till prints.
WRITTEN_TO = frozenset({"web", "agent", "desk", "api"})


def is_reachable(address: str) -> bool:
    """Whether somebody could be there."""
    domain = address.rpartition("@")[2].lower().rstrip(".")
    return "@" in address and not f".{domain}".endswith(RESERVED)


def is_stale(happened_at: datetime, now: datetime) -> bool:
    """Whether a fact is too old to write about."""
    return now - happened_at > STALE_AFTER


def greeting_name(name: str) -> str:
    """A name as it is called, one line."""
    return " ".join(name.split())


def order_subject(order_id: UUID) -> str:
    """What a device wants to hear of that was given one order's link."""
    return f"orders.order:{order_id}"


def customer_subject(customer_id: UUID) -> str:
    """What a device wants to hear of on which its buyer had signed in: all of their orders."""
    return f"customers.customer:{customer_id}"


def subjects_of(order_id: UUID, customer_id: UUID | None) -> list[str]:
    """What a device must want to hear of to be told about an order."""
    return [order_subject(order_id), *([customer_subject(customer_id)] if customer_id else [])]
