"""Pure rules of orders: what a line must be, what is owed back for part of it, how sales and amendments are booked."""

from collections.abc import Iterable, Sequence

from lotse.domains.ledger.contracts import EntrySet, Posting
from lotse.domains.orders.contracts import (
    AmendmentLine,
    AmendRequest,
    CreditLine,
    CreditRequest,
    EmptyOrder,
    InvalidLine,
    LineFacts,
    LineKind,
    MoreThanPaid,
    MoreThanSold,
    NothingLeft,
    PlaceLine,
    PlaceRequest,
    TakeBack,
)

# More lines than any basket or invoice seen (705 in a year of a wholesaler), few enough for one batch.
MAX_LINES = 2_000
# What a bigint of minor units still adds up without overflow in sums of a year.
MAX_QUANTITY = 10_000_000

REVENUE: dict[LineKind, str] = {"goods": "revenue", "shipping": "shipping_revenue", "charge": "other_revenue"}


def check_lines(lines: Sequence[PlaceLine]) -> None:
    """Refusals, in this order: `EmptyOrder`, `InvalidLine` of the first line that breaks a rule."""
    if not lines:
        raise EmptyOrder()
    if len(lines) > MAX_LINES:
        raise InvalidLine(position=MAX_LINES + 1, rule=f"an order has at most {MAX_LINES} lines")
    for position, line in enumerate(lines, 1):
        if not 1 <= line.quantity <= MAX_QUANTITY:
            raise InvalidLine(position=position, rule=f"a quantity is from 1 to {MAX_QUANTITY}")
        if line.unit_price < 0 or line.gross_minor < 0:
            raise InvalidLine(position=position, rule="a price is not negative")
        if line.gross_minor != line.net_minor + line.tax_minor:
            raise InvalidLine(position=position, rule="gross is net plus tax")
        if (line.kind == "goods") != bool(line.sources):
            raise InvalidLine(position=position, rule="goods, and only goods, come from a pool")


def check_credit(lines: Sequence[CreditLine]) -> None:
    """Refusals, in this order: `NothingLeft` (no lines), `InvalidLine` of the first line that breaks a rule."""
    if not lines:
        raise NothingLeft(number="")
    if len(lines) > MAX_LINES:
        raise InvalidLine(position=MAX_LINES + 1, rule=f"a credit has at most {MAX_LINES} lines")
    for position, line in enumerate(lines, 1):
        if not 1 <= line.quantity <= MAX_QUANTITY:
            raise InvalidLine(position=position, rule=f"a quantity is from 1 to {MAX_QUANTITY}")
        if line.gross_minor < 0:
            raise InvalidLine(position=position, rule="a credit is not negative")
        if line.gross_minor != line.net_minor + line.tax_minor:
            raise InvalidLine(position=position, rule="gross is net plus tax")


def sale_entries(request: PlaceRequest) -> EntrySet:
    """Receivables against revenue and tax, all in the order's own set."""
    postings = [Posting("receivables", sum(line.gross_minor for line in request.lines))]
    for line in request.lines:
        postings.append(Posting(REVENUE[line.kind], -line.net_minor))
        if line.tax_minor:
            postings.append(Posting("tax_payable", -line.tax_minor, line.tax_code))
    return EntrySet(
        set_id=request.order_id,
        kind="sale",
        legal_entity_id=request.legal_entity_id,
        currency=request.currency,
        occurred_at=request.placed_at,
        zone=request.zone,
        postings=tuple(postings),
    )


def taken_back(number: str, line: LineFacts, wanted: TakeBack, before: tuple[int, int]) -> AmendmentLine:
    """A line's amendment, given how many pieces and minor units were taken back `before`.

    Without an amount, the share of the line: after any sequence of parts the whole line has come back to the cent,
    because each part is the difference of two shares counted from the start.
    Refusals: `MoreThanSold`, `MoreThanPaid`.
    """
    pieces, credited = before
    if not 1 <= wanted.quantity <= line.quantity - pieces:
        raise MoreThanSold(number=number, position=line.position, wanted=wanted.quantity, left=line.quantity - pieces)
    gross = wanted.gross_minor
    if gross is None:
        upto = pieces + wanted.quantity
        share = line.gross_minor * upto // line.quantity - line.gross_minor * pieces // line.quantity
        # Amounts agreed by hand before may have eaten into this share; never more than is left.
        gross = line.gross_minor - credited if upto == line.quantity else min(share, line.gross_minor - credited)
    if not 0 <= gross <= line.gross_minor - credited:
        raise MoreThanPaid(
            number=number, position=line.position, wanted_minor=gross, left_minor=line.gross_minor - credited
        )
    tax = _tax_share(line, credited + gross) - _tax_share(line, credited)
    return AmendmentLine(
        position=0,
        order_position=line.position,
        variant_id=line.variant_id,
        sku=line.sku,
        text=line.text,
        quantity=wanted.quantity,
        net_minor=gross - tax,
        tax_minor=tax,
        gross_minor=gross,
        tax_code=line.tax_code,
        tax_rate=line.tax_rate,
        pool_id=wanted.restock,
    )


def _tax_share(line: LineFacts, credited_minor: int) -> int:
    return line.tax_minor * credited_minor // line.gross_minor if line.gross_minor else 0


def amendment_entries(
    request: AmendRequest | CreditRequest, kind: str, lines: Iterable[AmendmentLine], currency: str
) -> EntrySet:
    """Returns (or goodwill, without a sale) and tax against receivables, in the amendment's own set."""
    account = "goodwill" if isinstance(request, CreditRequest) else "sales_returns"
    postings: list[Posting] = []
    for line in lines:
        postings.append(Posting("receivables", -line.gross_minor))
        postings.append(Posting(account, line.net_minor))
        if line.tax_minor:
            postings.append(Posting("tax_payable", line.tax_minor, line.tax_code))
    owner = request if isinstance(request, CreditRequest) else request.order
    return EntrySet(
        set_id=request.amendment_id,
        kind=kind,
        legal_entity_id=owner.legal_entity_id,
        currency=currency,
        occurred_at=request.occurred_at,
        zone=owner.zone,
        postings=tuple(postings),
    )
