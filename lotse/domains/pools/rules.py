"""Pure decisions about quantities: which pool serves a want."""

from collections.abc import Callable, Sequence

from lotse.domains.pools.contracts import OutOfStock, Want


def choose(want: Want, available: Callable[[int], int]) -> int:
    """The first pool in the want's order that can give the whole quantity. Refusal: `OutOfStock`."""
    if want.quantity <= 0:
        raise ValueError(f"a want of {want.quantity}")
    most = 0
    for pool_id in want.pool_ids:
        there = available(pool_id)
        if there >= want.quantity:
            return pool_id
        most = max(most, there)
    raise OutOfStock(pool_id=want.pool_ids[0] if want.pool_ids else 0, wanted=want.quantity, available=most)


def serve(wants: Sequence[Want], available: Callable[[int], int]) -> list[int]:
    """A pool for every want, all or nothing; wants of one request compete for the same pools.

    Two lines of a basket that draw on one pool must not both be promised its last piece.
    Refusal: `OutOfStock` of the first want that cannot be served.
    """
    promised: dict[int, int] = {}
    chosen: list[int] = []
    for want in wants:
        pool_id = choose(want, lambda id: available(id) - promised.get(id, 0))
        promised[pool_id] = promised.get(pool_id, 0) + want.quantity
        chosen.append(pool_id)
    return chosen
