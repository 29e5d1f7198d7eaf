"""Held against each other: what clients were answered, and what is there. Pure; its tests feed it broken histories.

An acknowledged request is there exactly once, as it was answered; any other one wholly or not at all. A part without
its whole counts as doubled (something is there that should not be), a whole without a part as lost.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

from msgspec import Struct

from lotse.bench.faults.facts import (
    AmendmentFact,
    BasketFact,
    DocumentFact,
    EventFact,
    Facts,
    HoldFact,
    OrderFact,
    PoolFact,
    SeenFact,
)
from lotse.bench.faults.history import Answered, Case
from lotse.bench.faults.load import MAIL, PAID_METHOD

Kind = Literal["lost", "doubled", "oversold", "misordered", "unaccounted", "stuck", "unexpected"]

# Refusals that are kept under their key, because they were given under the locks that decided them.
KEPT_REFUSALS = frozenset(
    (
        "out-of-stock",
        "not-enough",
        "below-held",
        "hold-unknown",
        "hold-ended",
        "hold-expired",
        "too-many-holds",
        "already-cancelled",
    )
)
# After a bug's answer the request may or may not be done; that it was given at all is the finding.
_BUG_STATUS = 500


class Finding(Struct, frozen=True):
    """Something that must not be: which request (if one), what was expected, what was found."""

    kind: Kind
    what: str
    request: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.what}: {self.request}: expected {self.expected}, found {self.found}"


def judge(cases: Sequence[Case], facts: Facts, began: dict[int, int]) -> list[Finding]:
    """Everything that is wrong. `began`: the pieces of every pool before the first request."""
    return [
        *_orders(cases, facts.orders),
        *_cancellations(cases, facts.amendments),
        *_moves(cases, facts.documents),
        *_holds(cases, facts.holds),
        *_baskets(cases, facts.baskets),
        *_charges(cases, facts),
        *_answers(cases),
        *_pools(cases, facts, began),
        *(Finding("doubled", "a part without its whole", part.id, "none", part.what) for part in facts.orphans),
        *events(facts.events, facts.seen),
    ]


# -- requests


def _orders(cases: Sequence[Case], orders: Sequence[OrderFact]) -> Iterable[Finding]:
    by_request = _grouped((_request_of(order), order) for order in orders)
    for case in (*_of(cases, "order"), *_of(cases, "sell"), *_of(cases, "pay")):
        found = by_request.get(case.asked.id, [])
        if case.asked.op == "pay":
            yield from _paid(case, [order.id for order in found])
        else:
            yield from _exactly_once(case, [order.id for order in found], "order")
        for order in found:
            if order.wants != case.asked.wants:
                yield _differs("lost", "the order's lines", case, case.asked.wants, order.wants)
        answer = _answer(case) if case.asked.op == "sell" else _answer(case).get("order") if _answer(case) else None
        if answer and len(found) == 1:
            [order] = found
            expected = (answer["order_id"], answer["number"], answer["payment_id"], answer["gross_minor"])
            there = (order.id, order.number, order.payment_id, order.gross_minor)
            if expected != there:
                yield _differs("lost", "the order as it was answered", case, expected, there)
    known = {case.asked.id for case in cases}
    for request in by_request.keys() - known:
        for order in by_request[request]:
            yield Finding("doubled", "an order that nobody asked for", request, "none", order.id)
    for order in orders:
        yield from _whole_order(order)


def _paid(case: Case, found: Sequence[str]) -> Iterable[Finding]:
    """A payment that began need not become an order; one of which a client was told that it did must have."""
    if case.refused and found:
        yield _differs("doubled", "a refused payment", case, "no order", ", ".join(found))
    if len(found) > 1:
        yield _differs("doubled", "one payment, several orders", case, 1, ", ".join(found))
    for answer in case.answers:
        told = answer.answer if isinstance(answer.answer, dict) and answer.outcome != "refused" else {}
        if told.get("state") == "ordered" and told.get("order_id") not in found:
            yield _differs("lost", "an order that was told to be paid", case, told.get("order_id"), ", ".join(found))


def _whole_order(order: OrderFact) -> Iterable[Finding]:
    parts: list[tuple[str, Any, Any]] = [
        ("movements", {pool: -pieces for pool, pieces in order.sold.items()}, order.moved),
        ("the sum of the lines", order.gross_minor, order.lines_minor),
        ("receivables", order.gross_minor, order.receivables_minor),
        ("the sum of the entries", 0, order.balance_minor),
        ("the payment", order.gross_minor, order.payment_minor),
        ("events", 1, order.reported),
    ]
    request = _request_of(order)
    for part, expected, there in parts:
        if expected != there:
            yield Finding(_side(expected, there), f"part of an order: {part}", request, str(expected), str(there))
    for pool, pieces in order.found.items():
        if not 0 < pieces <= order.sold.get(pool, 0):
            yield Finding("oversold", "pieces found that were not sold", request, "what was sold", f"{pool}: {pieces}")


def _request_of(order: OrderFact) -> str:
    """A buyer's mail address names the request; a till's receipt does, which is in the order's number."""
    return order.email.removesuffix(f"@{MAIL}") if order.email else order.number.partition("-")[2]


def _cancellations(cases: Sequence[Case], amendments: Sequence[AmendmentFact]) -> Iterable[Finding]:
    by_request = _grouped((amendment.reason, amendment) for amendment in amendments)
    for case in _of(cases, "cancel"):
        found = by_request.get(case.asked.id, [])
        yield from _exactly_once(case, [amendment.id for amendment in found], "cancellation")
        answer = _answer(case)
        if answer and len(found) == 1:
            [amendment] = found
            expected = (answer["amendment_id"], case.asked.subject, answer["gross_minor"])
            there = (amendment.id, amendment.order_id, amendment.gross_minor)
            if expected != there:
                yield _differs("lost", "the cancellation as it was answered", case, expected, there)
    for amendment in amendments:
        parts: list[tuple[str, Any, Any]] = [
            ("movements", amendment.restocked, amendment.moved),
            ("the sum of the lines", amendment.gross_minor, amendment.lines_minor),
            ("receivables", amendment.gross_minor, amendment.receivables_minor),
            ("events", 1, amendment.reported),
        ]
        for part, expected, there in parts:
            if expected != there:
                what = f"part of an amendment: {part}"
                yield Finding(_side(expected, there), what, amendment.reason, str(expected), str(there))
    for order, times in Counter(a.order_id for a in amendments if a.kind == "cancellation").items():
        if times > 1:
            yield Finding("doubled", "cancellations of one order", order, "1", str(times))


def _moves(cases: Sequence[Case], documents: Sequence[DocumentFact]) -> Iterable[Finding]:
    by_request = _grouped((document.reference, document) for document in documents)
    for case in _of(cases, "move"):
        found = by_request.get(case.asked.id, [])
        yield from _exactly_once(case, [document.id for document in found], "document")
        for document in found:
            if document.moved != case.asked.wants:
                side = _side(case.asked.wants, document.moved)
                yield _differs(side, "what a document moved", case, case.asked.wants, document.moved)


def _holds(cases: Sequence[Case], holds: Sequence[HoldFact]) -> Iterable[Finding]:
    there = {hold.id: hold for hold in holds}
    for case in _of(cases, "hold"):
        hold = there.get(case.asked.subject)
        yield from _exactly_once(case, [hold.id] if hold else [], "hold")
        if hold and case.acknowledged:
            answered = {str(line["pool_id"]): line["quantity"] for line in _answer(case)["lines"]}
            if answered != hold.lines:
                yield _differs("lost", "the hold as it was answered", case, answered, hold.lines)
    for op, state in (("claim", "claimed"), ("release", "released")):
        for case in _of(cases, op):
            hold = there.get(case.asked.subject)
            found = hold.state if hold else "none"
            if case.acknowledged and found != state:
                yield _differs("lost", f"an acknowledged {op}", case, state, found)
            if case.refused and found == state:
                yield _differs("doubled", f"a refused {op}", case, f"not {state}", found)
    ours = {case.asked.subject for case in _of(cases, "hold")}
    # The checkout's own holds end in orders, whose movements they are.
    for hold in (hold for hold in holds if hold.id in ours):
        claimed = {pool: -pieces for pool, pieces in hold.lines.items()} if hold.state == "claimed" else {}
        if claimed != hold.moved:
            side = _side(claimed, hold.moved)
            yield Finding(side, "part of a claim: movements", hold.id, str(claimed), str(hold.moved))
        if hold.live and hold.state != "held":
            yield Finding("lost", "an ended hold that still holds", hold.id, "no live line", hold.state)


def _baskets(cases: Sequence[Case], baskets: Sequence[BasketFact]) -> Iterable[Finding]:
    there = {basket.id: basket for basket in baskets}
    for case in _of(cases, "basket"):
        if case.acknowledged and _answer(case)["id"] not in there:
            yield _differs("lost", "an acknowledged basket", case, _answer(case)["id"], "none")
    for case in _of(cases, "line"):
        [(offer, pieces)] = case.asked.wants.items()
        basket = there.get(case.asked.subject)
        found = basket.wants.get(offer) if basket else None
        if case.acknowledged and found != pieces:
            yield _differs("lost", "an acknowledged line of a basket", case, pieces, found)
        if case.refused and found is not None:
            yield _differs("doubled", "a refused line of a basket", case, "none", found)


# -- money at the provider


def _charges(cases: Sequence[Case], facts: Facts) -> Iterable[Finding]:
    """Every charge at the provider is exactly one order, or nothing of it is kept."""
    ours = {charge.id: charge for charge in facts.charges}
    orders = {order.id: order for order in facts.orders}
    truth = {charge.reference: charge for charge in facts.truth}
    for reference, charge in truth.items():
        own = ours.get(reference)
        if own is None:
            yield _unaccounted("a charge that Lotse does not know", reference, "none", charge.status)
            continue
        if own.order_id and own.order_id not in orders:
            yield _unaccounted("a charge for an order that is not there", reference, own.order_id, "none")
        if not own.ended:
            yield Finding("stuck", "a charge that does not come to its end", reference, "an end", own.state)
            continue
        if charge.kept_minor != own.owed_minor:
            yield _unaccounted("money that is kept", reference, own.owed_minor, charge.kept_minor)
        if charge.reserved_minor:
            yield _unaccounted("money that stays reserved", reference, 0, charge.reserved_minor)
        said = (own.captured_minor, own.voided_minor, own.refunded_minor) if charge.authorised_minor else ()
        found = (charge.captured_minor, charge.voided_minor, charge.refunded_minor) if said else ()
        if said != found:
            yield _unaccounted("what Lotse knows of a charge", reference, found, said)
    for charge in facts.charges:
        if charge.id not in truth and (charge.authorised_minor or charge.order_id):
            yield _unaccounted("a charge that the provider does not know", charge.id, "none", charge.state)
    paid = Counter(charge.order_id for charge in facts.charges if charge.order_id)
    for order in facts.orders:
        if order.method == PAID_METHOD and paid[order.id] != 1:
            yield _unaccounted("charges of an order", _request_of(order), 1, paid[order.id])
    for case in _of(cases, "pay"):
        if case.acknowledged and _answer(case)["charge_id"] not in ours:
            yield _differs("lost", "an acknowledged payment", case, _answer(case)["charge_id"], "none")


def _unaccounted(what: str, reference: str, expected: object, found: object) -> Finding:
    return Finding("unaccounted", what, reference, str(expected), str(found))


def _answers(cases: Sequence[Case]) -> Iterable[Finding]:
    """The same key gets the same answer again; and nobody gets a bug's answer."""
    for case in cases:
        final = case.final
        for answer in case.answers:
            if answer.status == _BUG_STATUS:
                yield _differs("unexpected", "an answer that is a bug", case, "an answer or a refusal", answer.refusal)
        for again in (answer for answer in case.answers if answer.outcome == "again"):
            if final is None or (final.outcome == "refused" and final.refusal not in KEPT_REFUSALS):
                continue
            expected, found = _told(case, final), _told(case, again)
            if expected != found:
                yield _differs("doubled", "the same key, another answer", case, expected, found)


def _exactly_once(case: Case, found: Sequence[str], what: str) -> Iterable[Finding]:
    if case.acknowledged and not found:
        yield _differs("lost", f"an acknowledged {what}", case, 1, 0)
    if case.refused and found:
        yield _differs("doubled", f"a refused {what}", case, 0, ", ".join(found))
    if len(found) > 1:
        yield _differs("doubled", f"one request, several {what}s", case, 1, ", ".join(found))


# -- stock


def _pools(cases: Sequence[Case], facts: Facts, began: dict[int, int]) -> Iterable[Finding]:
    """What every pool must have, reckoned from what clients wanted and not from what Lotse wrote as movements."""
    wanted = {case.asked.id: case.asked.wants for case in _of(cases, "move")}
    expected: Counter[int] = Counter(began)
    for document in facts.documents:
        _count(expected, wanted.get(document.reference, {}), 1)
    for order in facts.orders:
        _count(expected, order.sold, -1)
        _count(expected, order.found, 1)
    for amendment in facts.amendments:
        _count(expected, amendment.restocked, 1)
    ours = {case.asked.subject for case in _of(cases, "hold")}
    for hold in facts.holds:
        if hold.state == "claimed" and hold.id in ours:
            _count(expected, hold.lines, -1)
    for pool in facts.pools:
        if pool.id in began:
            yield from _pool(pool, expected[pool.id])


def _pool(pool: PoolFact, expected: int) -> Iterable[Finding]:
    name = f"pool {pool.id}"
    if expected < 0:
        yield Finding("oversold", "more was sold than came in", name, "0 or more left", str(expected))
    if pool.on_hand < 0 or pool.held < 0 or pool.held > pool.on_hand:
        found = f"{pool.held} of {pool.on_hand}"
        yield Finding("oversold", "a balance that cannot be", name, "0 <= held <= on hand", found)
    if pool.on_hand != expected:
        kind: Kind = "oversold" if pool.on_hand > expected else "lost"
        yield Finding(kind, "pieces", name, str(expected), str(pool.on_hand))
    if pool.held != pool.live:
        kind = "oversold" if pool.held < pool.live else "lost"
        yield Finding(kind, "what is held", name, str(pool.live), str(pool.held))
    if pool.overdue:
        yield Finding("stuck", "holds that are over and not given back", name, "0", str(pool.overdue))


# -- events


def events(log: Sequence[EventFact], seen: Sequence[SeenFact]) -> Iterable[Finding]:
    """Dense positions; each event once at every consumer, in the order of its key; and facts in the order they became
    true: an order is placed before it is amended, a pool runs out before it is refilled."""
    for number, event in enumerate(log, 1):
        if event.position != number:
            yield Finding("misordered", "positions of the log", str(event.position), str(number), str(event.position))
            break
    yield from _by_key(log)
    keys = {event.position: event.key for event in log}
    for consumer, positions in _grouped((one.consumer, one.position) for one in seen).items():
        times = Counter(positions)
        for position in keys.keys() - times.keys():
            yield Finding("misordered", "an event that was not delivered", consumer, str(position), "none")
        for position, count in times.items():
            if count > 1 or position not in keys:
                expected = "1" if position in keys else "0"
                yield Finding("misordered", "deliveries of an event", f"{consumer} {position}", expected, str(count))
        last: dict[str, int] = {}
        for position in positions:
            key = keys.get(position, "")
            if last.get(key, 0) > position:
                yield Finding("misordered", "order within a key", f"{consumer} {key}", f"{position} first", str(last))
            last[key] = position


def _by_key(log: Sequence[EventFact]) -> Iterable[Finding]:
    histories: dict[str, list[str]] = defaultdict(list)
    for event in log:
        histories[f"{event.type.split('.')[0]} {event.key}"].append(event.type)
    for key, types in histories.items():
        if "orders.Placed" in types and (types[0] != "orders.Placed" or types.count("orders.Placed") > 1):
            yield Finding("misordered", "an order's events", key, "placed once, and first", ", ".join(types))
        stock = [type for type in types if type in ("pools.RanOut", "pools.Refilled")]
        if any(one == next for one, next in pairwise(stock)):
            yield Finding("misordered", "a pool's events", key, "out and refilled in turn", ", ".join(stock))


# -- words


def _of(cases: Iterable[Case], op: str) -> list[Case]:
    return [case for case in cases if case.asked.op == op]


def _answer(case: Case) -> dict[str, Any]:
    """What was acknowledged; nothing if it was not."""
    final = case.final
    return final.answer if final and final.outcome == "acknowledged" else {}


def _told(case: Case, answer: Answered) -> tuple[str, Any]:
    """What must be the same each time. A basket and a payment are told as they stand, and go on changing."""
    if answer.refusal:
        return answer.refusal, None
    if case.asked.op == "line":
        return "", answer.status
    return "", answer.answer["charge_id"] if case.asked.op == "pay" else answer.answer


def _grouped(pairs: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for name, thing in pairs:
        groups[name].append(thing)
    return groups


def _count(sums: "Counter[int]", changes: dict[str, int], sign: int) -> None:
    for pool, pieces in changes.items():
        sums[int(pool)] += sign * pieces


def _side(expected: Any, found: Any) -> Kind:
    """Less than there should be is lost, more is doubled."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return "lost" if expected.keys() - found.keys() else "doubled"
    return "doubled" if found > expected else "lost"


def _differs(kind: Kind, what: str, case: Case, expected: object, found: object) -> Finding:
    return Finding(kind, what, case.asked.id, str(expected), str(found))
