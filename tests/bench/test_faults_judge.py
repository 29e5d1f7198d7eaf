"""A judge that cannot find anything proves nothing: broken histories and broken databases, one fault each."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import Struct, structs

from lotse.bench.faults.facts import (
    AmendmentFact,
    BasketFact,
    ChargeFact,
    DocumentFact,
    EventFact,
    Facts,
    HoldFact,
    OrderFact,
    Orphan,
    PoolFact,
    SeenFact,
)
from lotse.bench.faults.history import Answered, Asked, Case, History, read
from lotse.bench.faults.judge import Finding, events, judge
from lotse.bench.faults.load import MAIL, PAID_METHOD
from lotse.bench.faults.provider import ChargeTruth

BEGAN = {7: 10, 8: 5}


class World(Struct):
    """A round in which all went well: an order of one piece, cancelled later; a receipt; a hold, claimed."""

    cases: dict[str, Case]
    facts: Facts

    def judged(self) -> list[Finding]:
        return judge(list(self.cases.values()), self.facts, BEGAN)


def case(op: Any, *, answer: Any = None, refusal: str = "", **asked: Any) -> Case:
    id = f"r1-c1-{op}"
    made = Case(Asked(id=id, op=op, address=f"desk {op}", body=None, key=id, **asked))
    if refusal:
        made.answers.append(Answered(id=id, outcome="refused", status=409, refusal=refusal))
    elif answer is not None:
        made.answers.append(Answered(id=id, outcome="acknowledged", status=200, answer=answer))
    return made


@pytest.fixture
def world() -> World:
    placed = {"order_id": "o1", "number": "100001", "payment_id": "p1", "gross_minor": 1490}
    cases = (
        case("order", answer={"order": placed, "link": "l"}, wants={"offer": 1}),
        case("cancel", answer={"amendment_id": "a1", "gross_minor": 1490}, subject="o1"),
        case("move", answer={"on_hand": [14]}, wants={"7": 4}),
        case("hold", answer={"lines": [{"pool_id": 8, "quantity": 2}]}, subject="h1"),
        case("claim", answer={}, subject="h1"),
        case("basket", answer={"id": "b1"}),
        case("line", answer={}, subject="b1", wants={"offer": 2}),
        case("pay", answer={"charge_id": "c1", "state": "ordered", "order_id": "o2"}, wants={"offer": 1}),
    )
    order = OrderFact(
        id="o1",
        email=f"r1-c1-order@{MAIL}",
        number="100001",
        payment_id="p1",
        gross_minor=1490,
        wants={"offer": 1},
        sold={"7": 1},
        moved={"7": -1},
        found={},
        lines_minor=1490,
        receivables_minor=1490,
        balance_minor=0,
        payment_minor=1490,
        method="invoice",
        reported=1,
    )
    paid = structs.replace(
        order, id="o2", number="100002", payment_id="p2", email=f"r1-c1-pay@{MAIL}", method=PAID_METHOD
    )
    amendment = AmendmentFact(
        id="a1",
        order_id="o1",
        kind="cancellation",
        reason="r1-c1-cancel",
        gross_minor=1490,
        lines_minor=1490,
        receivables_minor=1490,
        restocked={"7": 1},
        moved={"7": 1},
        reported=1,
    )
    log = [
        EventFact(1, "orders.Placed", "o1"),
        EventFact(2, "pools.RanOut", "8"),
        EventFact(3, "orders.Amended", "o1"),
        EventFact(4, "pools.Refilled", "8"),
    ]
    there = Facts(
        orders=[order, paid],
        amendments=[amendment],
        documents=[DocumentFact("d1", "r1-c1-move", {"7": 4})],
        holds=[HoldFact("h1", "claimed", {"8": 2}, False, {"8": -2})],
        pools=[PoolFact(7, 13, 0, 0, 0), PoolFact(8, 3, 0, 0, 0)],
        baskets=[BasketFact("b1", "", {"offer": 2})],
        charges=[
            ChargeFact("c1", "captured", True, 1490, 1490, 1490, 0, 0, "o2", 1490),
            ChargeFact("c2", "voided", True, 500, 500, 0, 500, 0, "", 0),
        ],
        truth=[ChargeTruth("c1", "captured", 1490, 1490, 1490, 0, 0), ChargeTruth("c2", "voided", 500, 500, 0, 500, 0)],
        events=log,
        seen=[SeenFact("bench", event.position) for event in log],
    )
    return World({made.asked.op: made for made in cases}, there)


def test_a_round_without_a_fault_has_no_finding(world: World):
    assert world.judged() == []


def change(world: World, name: str, at: int = 0, **values: Any) -> None:
    """Change one fact."""
    rows = getattr(world.facts, name)
    rows[at] = structs.replace(rows[at], **values)


def answer(world: World, op: str, **values: Any) -> None:
    """A further answer to a request."""
    found = world.cases[op]
    found.answers.append(structs.replace(found.answers[0], **values))


Break = Callable[[World], object]

# What is broken, and what the judge must say: its kind and the beginning of its words.
BROKEN: list[tuple[str, Break, str, str]] = [
    ("an order is gone", lambda w: w.facts.orders.clear(), "lost", "an acknowledged order"),
    ("an order is there twice", lambda w: w.facts.orders.append(w.facts.orders[0]), "doubled", "one request, several"),
    ("another number", lambda w: change(w, "orders", number="7"), "lost", "the order as it was answered"),
    ("another amount", lambda w: change(w, "orders", gross_minor=1), "lost", "the order as it was answered"),
    ("other lines", lambda w: change(w, "orders", wants={"offer": 2}), "lost", "the order's lines"),
    ("a movement is missing", lambda w: change(w, "orders", moved={}), "lost", "part of an order: movements"),
    ("a movement twice", lambda w: change(w, "orders", moved={"7": -2}), "doubled", "part of an order: movements"),
    ("a line is missing", lambda w: change(w, "orders", lines_minor=990), "lost", "part of an order: the sum of the l"),
    ("entries are missing", lambda w: change(w, "orders", receivables_minor=0), "lost", "part of an order: receiv"),
    (
        "entries do not balance",
        lambda w: change(w, "orders", balance_minor=5),
        "doubled",
        "part of an order: the sum of t",
    ),
    ("no payment", lambda w: change(w, "orders", payment_minor=-1), "lost", "part of an order: the payment"),
    ("no event", lambda w: change(w, "orders", reported=0), "lost", "part of an order: events"),
    ("two events", lambda w: change(w, "orders", reported=2), "doubled", "part of an order: events"),
    ("nobody's order", lambda w: w.cases.pop("order"), "doubled", "an order that nobody asked for"),
    ("a cancellation is gone", lambda w: w.facts.amendments.clear(), "lost", "an acknowledged cancellation"),
    ("cancelled twice", lambda w: w.facts.amendments.append(w.facts.amendments[0]), "doubled", "cancellations of one"),
    ("not put back", lambda w: change(w, "amendments", moved={}), "lost", "part of an amendment: movements"),
    ("a receipt is gone", lambda w: w.facts.documents.clear(), "lost", "an acknowledged document"),
    ("received twice", lambda w: w.facts.documents.append(w.facts.documents[0]), "doubled", "one request, several"),
    ("half received", lambda w: change(w, "documents", moved={"7": 2}), "doubled", "what a document moved"),
    ("a hold is gone", lambda w: w.facts.holds.clear(), "lost", "an acknowledged hold"),
    ("another hold", lambda w: change(w, "holds", lines={"8": 1}), "lost", "the hold as it was answered"),
    ("a claim is gone", lambda w: change(w, "holds", state="held"), "lost", "an acknowledged claim"),
    ("claimed, not taken", lambda w: change(w, "holds", moved={}), "lost", "part of a claim"),
    ("ended, still holding", lambda w: change(w, "holds", live=True), "lost", "an ended hold that still holds"),
    ("a basket is gone", lambda w: w.facts.baskets.clear(), "lost", "an acknowledged basket"),
    ("a line is gone", lambda w: change(w, "baskets", wants={}), "lost", "an acknowledged line"),
    ("part without whole", lambda w: w.facts.orphans.append(Orphan("order line", "o9")), "doubled", "a part without"),
    ("sold without leaving", lambda w: change(w, "pools", on_hand=14), "oversold", "pieces"),
    ("pieces vanish", lambda w: change(w, "pools", on_hand=12), "lost", "pieces"),
    ("more sold than came", lambda w: change(w, "orders", sold={"7": 99}), "oversold", "more was sold than came in"),
    ("held above what is there", lambda w: change(w, "pools", held=15, live=15), "oversold", "a balance that cannot"),
    ("below zero", lambda w: change(w, "pools", on_hand=-1), "oversold", "a balance that cannot be"),
    ("found, not sold", lambda w: change(w, "orders", found={"8": 1}), "oversold", "pieces found that were not sold"),
    ("held by nobody", lambda w: change(w, "pools", held=1), "lost", "what is held"),
    ("held twice", lambda w: change(w, "pools", live=1), "oversold", "what is held"),
    (
        "a hold is not given back",
        lambda w: change(w, "pools", held=1, live=1, overdue=1),
        "stuck",
        "holds that are over",
    ),
    (
        "the same key, another answer",
        lambda w: answer(w, "order", outcome="again", answer={"order": {}}),
        "doubled",
        "the same key, another answer",
    ),
    (
        "acknowledged, later refused",
        lambda w: answer(w, "move", outcome="again", answer=None, refusal="invalid-move"),
        "doubled",
        "the same key, another answer",
    ),
    ("a bug's answer", lambda w: answer(w, "move", outcome="unknown", status=500), "unexpected", "an answer that is a"),
    ("a charge nobody knows", lambda w: w.facts.charges.pop(1), "unaccounted", "a charge that Lotse does not know"),
    (
        "a charge the provider lost",
        lambda w: w.facts.truth.pop(0),
        "unaccounted",
        "a charge that the provider does not",
    ),
    (
        "money without an order",
        lambda w: change(w, "charges", order_id="", owed_minor=0),
        "unaccounted",
        "money that is",
    ),
    ("an order nobody pays", lambda w: change(w, "charges", order_id=""), "unaccounted", "charges of an order"),
    ("its order is gone", lambda w: w.facts.orders.pop(1), "unaccounted", "a charge for an order that is not there"),
    ("paid twice", lambda w: change(w, "charges", 1, order_id="o2"), "unaccounted", "charges of an order"),
    ("not refunded", lambda w: change(w, "charges", owed_minor=0), "unaccounted", "money that is kept"),
    ("refunded twice", lambda w: change(w, "truth", refunded_minor=10), "unaccounted", "money that is kept"),
    ("still reserved", lambda w: change(w, "truth", 1, voided_minor=0), "unaccounted", "money that stays reserved"),
    ("never captured", lambda w: change(w, "truth", captured_minor=0), "unaccounted", "money that is kept"),
    (
        "known otherwise",
        lambda w: change(w, "charges", 1, voided_minor=1),
        "unaccounted",
        "what Lotse knows of a charge",
    ),
    ("a charge without an end", lambda w: change(w, "charges", ended=False), "stuck", "a charge that does not come to"),
    ("paid, not ordered", lambda w: w.facts.orders.pop(1), "lost", "an order that was told to be paid"),
    ("a payment is gone", lambda w: w.facts.charges.pop(0), "lost", "an acknowledged payment"),
    ("an event is lost", lambda w: w.facts.seen.pop(1), "misordered", "an event that was not delivered"),
    ("an event twice", lambda w: w.facts.seen.append(w.facts.seen[3]), "misordered", "deliveries of an event"),
    ("an event of nobody", lambda w: w.facts.seen.append(SeenFact("bench", 9)), "misordered", "deliveries of an event"),
    ("out of order", lambda w: w.facts.seen.sort(key=lambda s: -s.position), "misordered", "order within a key"),
    ("a gap in the log", lambda w: change(w, "events", 3, position=5), "misordered", "positions of the log"),
    ("refilled before", lambda w: change(w, "events", 1, type="pools.Refilled"), "misordered", "a pool's events"),
    ("amended before placed", lambda w: w.facts.events.reverse(), "misordered", "an order's events"),
]


@pytest.mark.parametrize(("broken", "kind", "what"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_fault_is_found(world: World, broken: Break, kind: str, what: str):
    broken(world)
    found = world.judged()
    assert [one for one in found if one.kind == kind and one.what.startswith(what)], found


@pytest.mark.parametrize("op", ["order", "pay", "cancel", "move", "hold"])
def test_what_was_refused_must_not_be_there(world: World, op: str):
    world.cases[op] = structs.replace(world.cases[op], answers=[Answered(id="", outcome="refused", refusal="no")])
    assert ("doubled", f"r1-c1-{op}") in {(one.kind, one.request) for one in world.judged()}


@pytest.mark.parametrize("op", ["order", "pay", "cancel", "move", "hold", "claim", "basket", "line"])
def test_what_nobody_knows_may_be_there_wholly(world: World, op: str):
    world.cases[op] = structs.replace(world.cases[op], answers=[])
    assert world.judged() == []


def test_what_nobody_knows_may_be_missing_wholly(world: World):
    for name in ("orders", "amendments", "documents", "holds", "baskets", "events", "seen", "charges", "truth"):
        getattr(world.facts, name).clear()
    world.facts.pools[:] = [PoolFact(7, 10, 0, 0, 0), PoolFact(8, 5, 0, 0, 0)]
    for op, made in world.cases.items():
        world.cases[op] = structs.replace(made, answers=[])
    assert world.judged() == []


def test_two_consumers_are_judged_apart():
    log = [EventFact(1, "orders.Placed", "a"), EventFact(2, "orders.Placed", "b")]
    # Keys may overtake each other; consumers have nothing to do with each other.
    seen = [SeenFact("one", 2), SeenFact("one", 1), SeenFact("two", 1)]
    assert [(one.what, one.request, one.expected) for one in events(log, seen)] == [
        ("an event that was not delivered", "two", "2")
    ]


def test_a_history_survives_its_client(tmp_path: Any):
    asked = Asked(id="r1-c1-1", op="order", address="POST /", body={"n": 1}, key="k", wants={"o": 1})
    history = History(tmp_path / "a.jsonl")
    history.ask(asked)  # and it dies
    later = History(tmp_path / "b.jsonl")
    later.answer(Case(asked), Answered(id="r1-c1-1", outcome="acknowledged", answer={"x": 1}))
    [found] = read([tmp_path / "a.jsonl"])
    assert (found.asked, found.final) == (asked, None)
    [found] = read([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert found.acknowledged and found.final and found.final.answer == {"x": 1}
