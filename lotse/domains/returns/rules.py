"""What a declaration must say, and which parts of an order it may name. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from uuid import UUID

import msgspec

from lotse.domains.orders.contracts import Order
from lotse.domains.returns.contracts import Declare, NothingNamed, NotOfThisOrder, Part, Withdrawal
from lotse.kernel.mail.message import is_address
from lotse.kernel.refusals import Invalid

# Of one mail address in a day.
MOST_A_DAY = 20
_LENGTHS = {"name": 200, "order_number": 80, "email": 254, "what": 2000}


def cleaned(declare: Declare) -> Declare:
    """With the blanks at its ends taken off. Refusal: `Invalid` by field."""
    said = {name: getattr(declare, name).strip() for name in _LENGTHS}
    for name, most in _LENGTHS.items():
        if (name != "what" and not said[name]) or len(said[name]) > most or "\0" in said[name]:
            raise Invalid(field=name, rule=f"1 to {most} characters")
    if not is_address(said["email"]) or "." not in said["email"].rpartition("@")[2]:
        raise Invalid(field="email", rule="an e-mail address, e.g. anna@example.org")
    return msgspec.structs.replace(declare, **said)


def names(declare: Declare, order: Order | None) -> bool:
    """Whether a declaration names this order: number and mail address are both its own."""
    if order is None or order.contact is None:
        return False
    return (
        order.number.casefold() == declare.order_number.casefold()
        and order.contact.email.casefold() == declare.email.casefold()
    )


def parts_of(order: Order, wanted: Mapping[int, int]) -> tuple[Part, ...]:
    """Pieces by line as parts; none if they are everything that is left of the order.

    Refusals: `NotOfThisOrder`, `NothingNamed`.
    """
    left = {line.position: line.quantity - line.taken_back for line in order.lines if line.kind == "goods"}
    texts = {line.position: line.text for line in order.lines}
    named = {position: quantity for position, quantity in wanted.items() if quantity}
    for position, quantity in named.items():
        if not 0 < quantity <= left.get(position, 0):
            raise NotOfThisOrder(position=position)
    if not named:
        raise NothingNamed()
    if named == {position: quantity for position, quantity in left.items() if quantity}:
        return ()
    return tuple(Part(position, quantity, texts[position]) for position, quantity in sorted(named.items()))


def mark_of(declare: Declare, order_id: UUID | None) -> bytes:
    """By what the same declaration is known again; says nothing about the person."""
    told = (
        declare.order_number.casefold(),
        declare.email.casefold(),
        declare.what,
        [(part.position, part.quantity) for part in declare.parts],
        str(order_id),
    )
    return sha256(msgspec.msgpack.encode(told)).digest()


def is_unsent(order: Order) -> bool:
    """Whether nothing of it can have left: it is cancelled, or was never released to be packed."""
    return order.cancelled or order.released_at is None


def ends(order: Order, withdrawals: Sequence[Withdrawal]) -> bool:
    """Whether the declarations leave nothing of the order. What is named in words only, staff has to read."""
    if any(not one.parts and not one.what.strip() for one in withdrawals):
        return True
    named = Counter[int]()
    for one in withdrawals:
        named.update({part.position: part.quantity for part in one.parts})
    goods = [line for line in order.lines if line.kind == "goods"]
    return bool(named) and all(named[line.position] >= line.quantity - line.taken_back for line in goods)
