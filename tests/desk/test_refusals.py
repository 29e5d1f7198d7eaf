"""Every refusal of every kind of work, in the order of the contract: key, what the request says, what there is, stock.

Each kind is a ladder. The request of a rung breaks the rule of that rung and, where one request can, those of all rungs
below it; so the refusal that comes shows the order of the checks. Each is asked between two neighbours in one batch,
which must not notice. The order that `decide` promises in its docstring is the order of the ladder.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct, structs

from lotse.domains.checkout.contracts import Checkout
from lotse.domains.orders.contracts import (
    AmendRequest,
    CreditLine,
    CreditRequest,
    LineFacts,
    OrderFacts,
    TakeBack,
)
from lotse.domains.pools.contracts import ClaimRequest, ReleaseRequest, SecureRequest
from lotse.kernel.desk.batch import Batches
from lotse.kernel.desk.kinds import registry
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal
from lotse.testing import Fresh
from tests.desk.desks import (
    AT,
    ENTITY,
    SOON,
    answer,
    asked,
    balances,
    connected,
    holding,
    moving,
    ordering,
    sold,
    stocked,
)
from tests.scene import open_shop

UNKNOWN = 2**60


class Scene:
    """Pools `a` (5, of which 3 held by somebody) and `b` (9); a holder at the limit; holds, an order and a basket that
    have ended in every way."""

    def __init__(self, db: Any, desk: Any, batches: Batches) -> None:
        self.db, self.desk, self.batches = db, desk, batches

    async def set_up(self) -> "Scene":
        self.a, self.b, self.gone = await stocked(self.db, self.desk, 5, 9, 4)
        await self.do("hold", holding((3, [self.a])))
        self.full = f"customer:{uuid7()}"
        for _ in range(5):
            await self.do("hold", holding((1, [self.b]), holder=self.full))
        self.claimed = await self._held((1, [self.b]))
        await self.do("claim", ClaimRequest(self.claimed, sold()))
        # Both held the last of `gone`: one until just now, one until less was found.
        late = holding((2, [self.gone]), expires_at=AT - SOON)
        await self.do("hold", late, now=AT - 2 * SOON)
        self.expired, self.broken = late.hold_id, await self._held((2, [self.gone]))
        await self.do("adjust", moving("adjustment", (self.gone, -4)))
        self.number = f"N-{uuid7()}"
        placed = await self.do("place", ordering((1, [self.b]), number=self.number))
        self.order = self._facts(placed)
        await self._baskets(placed.order_id)
        self.cancelled = self._facts(await self.do("place", ordering((1, [self.b]))))
        await self.do("amend", amending(self.cancelled, "cancellation", TakeBack(position=1, quantity=1)))
        return self

    async def do(self, kind: str, request: Struct, *, now: datetime = AT) -> Any:
        one = asked(kind, request)
        await self.batches.commit([one], now)
        found = answer(one)
        assert not isinstance(found, Refusal), found
        return found

    async def _held(self, *wants: Any) -> Any:
        return (await self.do("hold", holding(*wants, expires_at=AT + timedelta(days=365)))).hold_id

    def _facts(self, placed: Any) -> OrderFacts:
        line = LineFacts(1, None, "goods", "ball", "Ball", 1, 84, 16, 100, "DE-19", Decimal("0.19"))
        return OrderFacts(
            placed.order_id, placed.number, ENTITY, "Europe/Berlin", None, placed.payment_id, "EUR", (line,)
        )

    async def _baskets(self, order_id: Any) -> None:
        self.basket, self.ordered = uuid7(), uuid7()
        async with self.db.transaction() as tx:
            shop_id = (await open_shop(tx, Fresh())).shop.id
            for id, of in ((self.basket, None), (self.ordered, order_id)):
                await tx.raw.execute(
                    "insert into checkout.baskets (id, shop_id, version, order_id, created_at, changed_at)"
                    " values ($1, $2, 3, $3, $4, $4)",
                    id,
                    shop_id,
                    of,
                    AT,
                )

    def checkout(self, basket_id: Any, version: int, *wants: Any) -> Checkout:
        return Checkout(basket_id=basket_id, version=version, order=ordering(*wants))


def amending(facts: OrderFacts, kind: Any, *lines: TakeBack) -> AmendRequest:
    return AmendRequest(
        amendment_id=uuid7(), kind=kind, order=facts, lines=lines, reason="", actor="test", occurred_at=AT
    )


def crediting(*lines: CreditLine) -> CreditRequest:
    return CreditRequest(
        amendment_id=uuid7(),
        legal_entity_id=ENTITY,
        zone="Europe/Berlin",
        currency="EUR",
        lines=lines,
        reason="",
        actor="test",
        occurred_at=AT,
    )


def credit_line(quantity: int, restock: int | None) -> CreditLine:
    return CreditLine(
        sku="ball",
        text="Ball",
        quantity=quantity,
        net_minor=84,
        tax_minor=16,
        gross_minor=100,
        tax_code="DE-19",
        tax_rate=Decimal("0.19"),
        restock=restock,
    )


def _negative(request: Any) -> Any:
    """An order with a line that has no quantity."""
    first, *rest = request.lines
    return structs.replace(request, lines=(structs.replace(first, quantity=0), *rest))


def _empty(request: Any) -> Any:
    return structs.replace(request, lines=())


Make = Callable[[Scene], Any]

# kind: from the first check to the last, the refusal and a request that runs into it.
LADDERS: dict[str, list[tuple[str, Make]]] = {
    "hold": [
        ("InvalidHold", lambda s: holding((0, [UNKNOWN]), (99, [s.a]), holder=s.full)),
        ("PoolUnknown", lambda s: holding((1, [UNKNOWN]), (99, [s.a]), holder=s.full)),
        ("TooManyHolds", lambda s: holding((99, [s.a]), holder=s.full)),
        ("NotEnough", lambda s: holding((3, [s.a]))),
    ],
    "secure": [
        ("HoldUnknown", lambda s: SecureRequest(uuid7(), AT + SOON)),
        ("HoldEnded", lambda s: SecureRequest(s.claimed, AT + SOON)),
        ("HoldEnded", lambda s: SecureRequest(s.broken, AT + SOON)),
        ("HoldExpired", lambda s: SecureRequest(s.expired, AT + SOON)),
    ],
    "claim": [
        ("HoldUnknown", lambda s: ClaimRequest(uuid7(), sold())),
        ("HoldEnded", lambda s: ClaimRequest(s.claimed, sold())),
        ("HoldEnded", lambda s: ClaimRequest(s.broken, sold())),
        ("HoldExpired", lambda s: ClaimRequest(s.expired, sold())),
    ],
    "release": [
        ("HoldUnknown", lambda s: ReleaseRequest(uuid7())),
        ("HoldEnded", lambda s: ReleaseRequest(s.claimed)),
    ],
    "place": [
        ("EmptyOrder", lambda s: _empty(ordering((1, [UNKNOWN]), number=s.number))),
        ("InvalidLine", lambda s: _negative(ordering((1, [UNKNOWN]), (99, [s.a]), number=s.number))),
        ("PoolUnknown", lambda s: ordering((1, [UNKNOWN]), (99, [s.a]), number=s.number)),
        ("OutOfStock", lambda s: ordering((3, [s.a]), number=s.number)),
        ("NumberTaken", lambda s: ordering((1, [s.b]), number=s.number)),
    ],
    "sell": [
        ("EmptyOrder", lambda s: _empty(ordering((1, [UNKNOWN]), number=s.number))),
        ("InvalidLine", lambda s: _negative(ordering((1, [UNKNOWN]), (99, [s.a]), number=s.number))),
        ("PoolUnknown", lambda s: ordering((1, [UNKNOWN]), (99, [s.a]), number=s.number)),
        # Nothing for stock: the goods have left.
        ("NumberTaken", lambda s: ordering((99, [s.a]), number=s.number)),
    ],
    "receive": [
        ("InvalidMove", lambda s: moving("receipt")),
        ("InvalidMove", lambda s: moving("receipt", (UNKNOWN, 0))),
        ("InvalidMove", lambda s: moving("receipt", (UNKNOWN, -1))),
        ("PoolUnknown", lambda s: moving("receipt", (s.a, 1), (UNKNOWN, 1))),
    ],
    "adjust": [
        ("InvalidMove", lambda s: moving("adjustment", (UNKNOWN, 0), (s.a, -9))),
        ("PoolUnknown", lambda s: moving("adjustment", (UNKNOWN, -1), (s.a, -9))),
        ("NotEnough", lambda s: moving("adjustment", (s.a, -6))),
    ],
    "transfer": [
        ("InvalidMove", lambda s: moving("transfer", (UNKNOWN, -1), (s.a, -9))),
        ("PoolUnknown", lambda s: moving("transfer", (UNKNOWN, 9), (s.a, -9))),
        ("NotEnough", lambda s: moving("transfer", (s.a, -6), (s.b, 6))),
        ("BelowHeld", lambda s: moving("transfer", (s.a, -3), (s.b, 3))),
    ],
    "amend": [
        (
            "OrderUnknown",
            lambda s: amending(structs.replace(s.order, id=uuid7()), "return", TakeBack(position=1, quantity=9)),
        ),
        ("AlreadyCancelled", lambda s: amending(s.cancelled, "cancellation")),
        ("NothingLeft", lambda s: amending(s.order, "return")),
        ("MoreThanSold", lambda s: amending(s.order, "return", TakeBack(position=1, quantity=2, gross_minor=900))),
        ("MoreThanPaid", lambda s: amending(s.order, "return", TakeBack(position=1, quantity=1, gross_minor=900))),
    ],
    "credit": [
        ("NothingLeft", lambda s: crediting()),
        ("InvalidLine", lambda s: crediting(credit_line(0, UNKNOWN))),
        ("PoolUnknown", lambda s: crediting(credit_line(1, UNKNOWN))),
    ],
    "checkout": [
        ("BasketUnknown", lambda s: s.checkout(uuid7(), 2, (99, [s.a]))),
        ("BasketOrdered", lambda s: s.checkout(s.ordered, 2, (99, [s.a]))),
        ("BasketChanged", lambda s: s.checkout(s.basket, 2, (99, [s.a]))),
        ("OutOfStock", lambda s: s.checkout(s.basket, 3, (99, [s.a]))),
    ],
}
RUNGS = [(kind, number, *rung) for kind, rungs in LADDERS.items() for number, rung in enumerate(rungs)]
# Kinds of checkout's payments are proved beside them; they decide by `hold`, `release` and `place`.
PROVED_ELSEWHERE = {"hold_for_payment", "paid_order"}


@pytest.fixture(scope="module")
async def scene(db, desk, batches):
    return await Scene(db, desk, batches).set_up()


@pytest.fixture(scope="module")
async def batches(anyio_backend, dsn):
    async with connected(dsn) as hand:
        yield hand


@pytest.mark.parametrize(("kind", "number", "refusal", "make"), RUNGS, ids=[f"{k}-{n}-{r}" for k, n, r, _ in RUNGS])
async def test_a_refusal_comes_in_its_place_and_costs_nobody(db, batches, scene, kind, number, refusal, make):
    pools = (scene.a, scene.b, scene.gone)
    before = await balances(db, pools)
    batch = [
        asked("receive", moving("receipt", (scene.b, 1))),
        asked(kind, make(scene)),
        asked("place", ordering((1, [scene.b]))),
    ]
    await batches.commit(batch, AT)
    found = [type(answer(one)).__name__ for one in batch]
    assert found == ["Moved", refusal, "Placed"]
    assert await balances(db, pools) == before


@pytest.mark.parametrize("kind", LADDERS)
async def test_a_key_that_was_used_comes_before_everything(batches, scene, kind):
    """Also before what is wrong with the request; and the first answer stays what it is."""
    name = str(uuid7())
    _, worst = LADDERS[kind][0]
    first = asked("receive", moving("receipt", (scene.b, 1)), key_for("test", name, "one"))
    other = asked(kind, worst(scene), key_for("test", name, "other"))
    await batches.commit([first], AT)
    await batches.commit([other], AT)
    assert type(answer(other)).__name__ == "KeyReused"
    again = asked("receive", first.request, key_for("test", name, "one"))
    await batches.commit([again], AT)
    assert again.kept == first.kept


@pytest.mark.parametrize("kind", LADDERS)
def test_the_order_is_the_one_that_is_promised(kind: str):
    """The docstring of a decision names its refusals in order; those that only a constraint finds come last."""
    decide = registry().kinds[kind].decide
    promised = re.findall(r"`([A-Z]\w+)`", re.sub(r".*Refusals", "", decide.__doc__ or "", flags=re.DOTALL))
    found_late = {"NumberTaken"} if registry().kinds[kind].constraints else set()
    # Of what one decision does for several kinds (receive, adjust, transfer), each may meet a part.
    ladder = [refusal for refusal in dict.fromkeys(refusal for refusal, _ in LADDERS[kind]) if refusal in promised]
    assert [name for name in promised if name in ladder] == ladder
    alike = [other for other in LADDERS if registry().kinds[other].decide is decide]
    assert set(promised) <= {refusal for other in alike for refusal, _ in LADDERS[other]}
    lower = {refusal for refusal, _ in LADDERS["place"]} if "placing" in (decide.__doc__ or "") else set()
    assert {refusal for refusal, _ in LADDERS[kind]} - set(promised) <= found_late | lower


def test_every_kind_has_its_ladder():
    assert set(registry().kinds) - PROVED_ELSEWHERE == set(LADDERS)
