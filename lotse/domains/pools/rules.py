"""Pure decisions about quantities: which pool serves a want."""

from collections.abc import Callable, Sequence

from lotse.domains.pools.contracts import NotEnough, Shortage, Want


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
