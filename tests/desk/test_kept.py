"""A refusal that only a constraint finds: kept under its key like any other."""

from lotse.domains.orders.contracts import NumberTaken, Placed
from lotse.kernel.idempotency import KeyReused, key_for
from lotse.kernel.ids import uuid7
from tests.desk.desks import AT, answer, asked, connected, new_key, ordering, stocked


async def test_what_a_constraint_refused_is_kept_under_its_key(db, desk, dsn):
    """As any refusal: asked again it is refused again, even if the reason is gone; another body is a mistake."""
    [pool_id] = await stocked(db, desk, 9)
    number, name = f"C-{new_key().key}", str(uuid7())
    async with connected(dsn) as hand:
        first = asked("place", ordering((1, [pool_id]), number=number))
        refused = asked("place", ordering((1, [pool_id]), number=number), key_for("test", name, "one"))
        await hand.commit([first], AT)
        await hand.commit([refused], AT)
        again = asked("place", ordering((1, [pool_id])), key_for("test", name, "one"))
        other = asked("place", ordering((1, [pool_id])), key_for("test", name, "two"))
        await hand.commit([again, other], AT)
    assert isinstance(answer(first), Placed)
    assert isinstance(answer(refused), NumberTaken)
    assert again.kept == refused.kept
    assert isinstance(answer(other), KeyReused)


async def test_what_a_constraint_refused_does_not_use_up_a_natural_key(db, desk, dsn):
    [pool_id] = await stocked(db, desk, 9)
    number, key = f"C-{new_key().key}", new_key(natural=True)
    async with connected(dsn) as hand:
        await hand.commit([asked("place", ordering((1, [pool_id]), number=number))], AT)
        refused = asked("sell", ordering((1, [pool_id]), number=number), key)
        await hand.commit([refused], AT)
        mended = asked("sell", ordering((1, [pool_id]), number=f"{number}-2"), key)
        await hand.commit([mended], AT)
    assert isinstance(answer(refused), NumberTaken)
    assert isinstance(answer(mended), Placed)
