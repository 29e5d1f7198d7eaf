"""Pure decisions about quantities: which pool serves a want, what soft holds of one party may take, who a guest is."""

import hmac
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network

from lotse.domains.pools.contracts import InvalidHold, Limits, NotEnough, OpenHold, Shortage, TooManyHolds, Want

# An order has at most so many lines, and so has the hold for it.
MAX_WANTS = 2_000
# Of a pool that is nearly empty one party may hold the last ten: who wants two of the last three must be able to buy.
FLOOR = 10
# Behind one address may be an office, a school, a carrier's gateway: many buyers. So many times what one party may.
ORIGIN_HOLDS = 20
# But all of them together hold no more than half of a pool unpaid, or what two parties may of one that is nearly empty.
ORIGIN_SHARE_PERCENT = 50
ORIGIN_FLOORS = 2


def serve(wants: Sequence[Want], available: Callable[[int], int]) -> list[int]:
    """A pool for every want, the first in the want's order that can give the whole quantity; all or nothing.

    Wants of one request compete for the same pools: two lines of a basket that draw on one pool are never both
    promised its last piece. Refusal: `NotEnough` with every want that cannot be served.
    """
    promised: dict[int, int] = {}
    chosen: list[int] = []
    shortages: list[Shortage] = []
    for place, want in enumerate(wants):
        if want.quantity <= 0:
            raise ValueError(f"a want of {want.quantity}")
        left = {pool_id: available(pool_id) - promised.get(pool_id, 0) for pool_id in want.pool_ids}
        pool_id = next((pool_id for pool_id, quantity in left.items() if quantity >= want.quantity), None)
        if pool_id is None:
            shortages.append(Shortage(place, want.quantity, max(left.values(), default=0)))
            continue
        promised[pool_id] = promised.get(pool_id, 0) + want.quantity
        chosen.append(pool_id)
    if shortages:
        raise NotEnough(shortages=tuple(shortages))
    return chosen


def check_wants(wants: Sequence[Want]) -> None:
    """What can be asked to be held. Refusal: `InvalidHold`."""
    if not 1 <= len(wants) <= MAX_WANTS:
        raise InvalidHold(rule=f"from 1 to {MAX_WANTS} wants")
    for want in wants:
        if want.quantity <= 0:
            raise InvalidHold(rule="a quantity is 1 or more")
        if not want.pool_ids:
            raise InvalidHold(rule="a want names the pools that may serve it")


def for_origin(limits: Limits) -> Limits:
    """What all guests of one origin may take together, given what one party may."""
    return Limits(
        limits.holds * ORIGIN_HOLDS,
        limits.units * ORIGIN_HOLDS,
        max(limits.share_percent, ORIGIN_SHARE_PERCENT),
        limits.floor * ORIGIN_FLOORS,
    )


def check_limits(wants: Sequence[Want], open: Sequence[OpenHold], limits: Limits) -> None:
    """One hold more for a party that has these. Refusal: `TooManyHolds`."""
    if len(open) >= limits.holds:
        raise TooManyHolds(limit="holds", most=limits.holds, frees_at=frees_at(open))
    units = sum(quantity for hold in open for _, quantity in hold.lines)
    if units + sum(want.quantity for want in wants) > limits.units:
        raise TooManyHolds(limit="units", most=limits.units, frees_at=frees_at(open))


def share_left(pool_id: int, on_hand: int, open: Iterable[OpenHold], limits: Limits) -> int:
    """How much more of a pool a party with these holds may hold."""
    most = max(limits.floor, on_hand * limits.share_percent // 100)
    return most - sum(quantity for hold in open for of, quantity in hold.lines if of == pool_id)


def frees_at(open: Sequence[OpenHold]) -> datetime | None:
    """When the first of these expires; None if there is none."""
    return min((hold.expires_at for hold in open), default=None)


def origin_of(address: str, secret: bytes) -> str:
    """Where a guest comes from, as `HoldRequest.origin`: a keyed hash of the network that the address is of.

    A cookie, a basket or an e-mail address costs nothing to draw anew; an address in a TCP connection cannot be forged,
    and a household has one IPv4 address or one IPv6 network of 64 bits. Keyed, because four billion addresses are
    quickly tried, and an address is personal data that holds have no use for. What is no address is one origin.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        network = "unknown"
    else:
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        network = str(ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False))
    return hmac.digest(secret, b"pools.origin\0" + network.encode(), "sha256")[:12].hex()
