"""Facts as requests: one step is one command under one natural key. Pure; ids of this database come in.

A key's body is what the source says, without ids, files and row numbers: the same invoice from another split of the
files is the same request, and an invoice that says something else now is noticed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final
from uuid import UUID

from msgspec import Struct

from lotse.domains.inventory.contracts import MoveRequest, StockChange
from lotse.domains.ledger.contracts import EntrySet, Posting
from lotse.domains.orders.contracts import (
    AmendRequest,
    Contact,
    CreditLine,
    CreditRequest,
    LineFacts,
    LineKind,
    OrderFacts,
    PlaceLine,
    PlaceRequest,
    Source,
    TakeBack,
)
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.payments.queries import terms
from lotse.kernel.idempotency import Key
from lotse.kernel.ids import uuid7
from lotse.plugins.replay_online_retail.facts import (
    TAX_CODE,
    Adjustment,
    Credit,
    Entry,
    EntryName,
    Fact,
    Month,
    Part,
    Receipt,
    Return,
    ReturnedLine,
    Sale,
    Unmapped,
)
from lotse.plugins.replay_online_retail.house import ACTOR, CODE, LANGUAGE, Article, House, address_of, natural_key
from lotse.plugins.replay_online_retail.source import CURRENCY, ZONE, SourceLine

# A delivery document of any size would do; this many positions fit one batch of the desk with room.
RECEIPT_POSITIONS: Final = 2_000
# What the ledger calls each entry; what nobody could map waits on `manual` to be cleared.
ACCOUNTS: Final[dict[EntryName, str]] = {
    "amazon_fee": "marketplace_fees",
    "bad_debt": "bad_debt",
    "bank_charges": "bank_charges",
    "carriage": "other_revenue",
    "charity": "donations",
    "discount": "discounts",
    "manual": "manual",
    "postage": "other_revenue",
    "samples": "samples",
}
SUSPENSE: Final = "manual"
ENTRY_KIND: Final = "entry"
_NO_TAX: Final = Decimal(0)
_NOTE_LENGTH: Final = 200


class Deliver(Struct, frozen=True):
    """Derived receipts of one moment."""

    key: Key
    at: datetime
    receipts: tuple[Receipt, ...]


class Place(Struct, frozen=True):
    key: Key
    sale: Sale


class TakeBackFrom(Struct, frozen=True):
    """The part of a credit note that takes back of one sale."""

    key: Key
    note: Return
    sale: str
    parts: tuple[tuple[ReturnedLine, Part], ...]


class CreditFreely(Struct, frozen=True):
    key: Key
    credit: Credit


class Adjust(Struct, frozen=True):
    key: Key
    adjustment: Adjustment


class Book(Struct, frozen=True):
    """A named amount for the ledger; `account` is its side that is not the bank's."""

    key: Key
    at: datetime
    amount_minor: int
    account: str
    note: str


Step = Place | TakeBackFrom | CreditFreely | Adjust | Book


class Posted(Struct, frozen=True):
    """The answer to a `Book`."""

    set_id: UUID


class PlacedSale(Struct, frozen=True, gc=False):
    """Where a sale is found in Lotse; its charges stand behind its `goods` lines."""

    order_id: UUID
    payment_id: UUID
    goods: int


def deliveries(month: Month) -> Iterator[Deliver]:
    """The month's derived receipts: one document per moment, parted where it grows long."""
    by_moment: dict[datetime, list[Receipt]] = {}
    for receipt in month.receipts:
        by_moment.setdefault(receipt.at, []).append(receipt)
    for at, receipts in sorted(by_moment.items()):
        for part, start in enumerate(range(0, len(receipts), RECEIPT_POSITIONS)):
            some = tuple(receipts[start : start + RECEIPT_POSITIONS])
            name = f"receipt:{month.name}:{at.astimezone(ZONE):%Y-%m-%d}:{part}"
            yield Deliver(natural_key(name, [(one.code, one.quantity) for one in some]), at, some)


class Stepper:
    """Turns facts into steps. Counts what has no number of its own, so that every key is given out once."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, facts: Iterable[Fact], begins: datetime) -> Iterator[tuple[Fact, tuple[Step, ...]]]:
        """Each fact with its steps; none for a line that neither moves anything nor has an amount.

        What has no date of its own is booked with what stands before it, or at the beginning of the month.
        """
        latest = begins
        for fact in facts:
            latest = fact.at or latest
            match fact:
                case Sale():
                    body = (fact.at, fact.customer, fact.country, _said(fact.lines), _said(fact.charges))
                    yield fact, (Place(natural_key(fact.invoice, body), fact),)
                case Return():
                    yield fact, tuple(_returns(fact))
                case Credit():
                    body = (fact.at, fact.customer, fact.country, _said(fact.lines), _said(fact.charges))
                    yield fact, (CreditFreely(natural_key(f"{fact.invoice}:credit", body), fact),)
                case Adjustment():
                    body = (fact.at, fact.reason, _said((fact.line,)))
                    yield fact, (Adjust(natural_key(self._numbered(f"{fact.invoice}:stock"), body), fact),)
                case Entry():
                    body = (fact.at, fact.name, _said((fact.line,)))
                    key = natural_key(self._numbered(f"{fact.invoice}:entry"), body)
                    note = f"{fact.name} {fact.invoice} {fact.line.description or fact.line.stock_code}"
                    account = ACCOUNTS[fact.name]
                    yield fact, (Book(key, fact.at, fact.amount_minor, account, note[:_NOTE_LENGTH]),)
                case Unmapped():
                    yield fact, tuple(self._suspense(fact, latest))

    def _suspense(self, line: Unmapped, at: datetime) -> Iterator[Book]:
        if not line.amount_minor:
            return
        digest = sha256(line.raw.encode()).hexdigest()[:16]
        key = natural_key(self._numbered(f"unmapped:{digest}"), (line.reason, line.raw, line.amount_minor))
        yield Book(key, at, line.amount_minor, SUSPENSE, f"{line.reason}: {line.raw}"[:_NOTE_LENGTH])

    def _numbered(self, name: str) -> str:
        self._seen[name] += 1
        return f"{name}:{self._seen[name]}"


def _returns(note: Return) -> Iterator[TakeBackFrom]:
    by_sale: dict[str, list[tuple[ReturnedLine, Part]]] = {}
    for returned in note.lines:
        for part in returned.parts:
            by_sale.setdefault(part.sale, []).append((returned, part))
    for sale, parts in by_sale.items():
        body = (
            note.at,
            [(one.charge, part.position, part.quantity, part.amount_minor) for one, part in parts],
            _said(one.line for one, _ in parts),
        )
        yield TakeBackFrom(natural_key(f"{note.invoice}:return:{sale}", body), note, sale, tuple(parts))


def _said(lines: Iterable[SourceLine]) -> list[tuple[str, str | None, int, Decimal]]:
    return [(line.stock_code, line.description, line.quantity, line.unit_price) for line in lines]


# -- requests


def delivery_request(step: Deliver, articles: dict[str, Article]) -> MoveRequest:
    return MoveRequest(
        document_id=uuid7(),
        kind="receipt",
        changes=tuple(StockChange(articles[one.code].pool_id, one.quantity) for one in step.receipts),
        reference=step.key.key,
        note="derived: the source records no deliveries",
        actor=ACTOR,
        occurred_at=step.at,
    )


def place_request(sale: Sale, house: House, articles: dict[str, Article], customer_id: UUID | None) -> PlaceRequest:
    order_id = uuid7()
    _, due_at = terms("invoice", sale.at)
    goods = [_goods(line, sale.country, house, articles[line.stock_code]) for line in sale.lines]
    charges = [_charge(line, sale.country, house) for line in sale.charges]
    return PlaceRequest(
        order_id=order_id,
        number=f"OR-{sale.invoice}",
        shop_id=house.shop_id,
        channel="web",
        legal_entity_id=house.legal_entity_id,
        zone=ZONE.key,
        customer_id=customer_id,
        currency=CURRENCY,
        language=LANGUAGE,
        gross=True,
        lines=(*goods, *charges),
        contact=Contact(billing=address_of(sale.customer, sale.country)),
        payment=NewPayment(
            id=uuid7(),
            purpose="order",
            purpose_id=order_id,
            method="invoice",
            legal_entity_id=house.legal_entity_id,
            zone=ZONE.key,
            currency=CURRENCY,
            amount_minor=sale.total_minor,
            due_at=due_at,
            settled=f"{CODE}:{sale.invoice}",
        ),
        released=True,
        actor=ACTOR,
        placed_at=sale.at,
    )


def _goods(line: SourceLine, country: str, house: House, article: Article) -> PlaceLine:
    return PlaceLine(
        offer_id=article.offer_id,
        variant_id=article.variant_id,
        seller_party_id=house.party_id,
        sku=line.stock_code,
        text=line.description or line.stock_code,
        quantity=line.quantity,
        unit_price=line.unit_price,
        net_minor=line.amount_minor,
        tax_minor=0,
        gross_minor=line.amount_minor,
        tax_code=TAX_CODE,
        tax_rate=_NO_TAX,
        tax_country=country,
        rule_ids=(CODE,),
        sources=(Source(article.pool_id, house.location_id),),
    )


def _charge(line: SourceLine, country: str, house: House) -> PlaceLine:
    return PlaceLine(
        kind="shipping",
        seller_party_id=house.party_id,
        sku=line.stock_code,
        text=line.description or line.stock_code,
        quantity=line.quantity,
        unit_price=line.unit_price,
        net_minor=line.amount_minor,
        tax_minor=0,
        gross_minor=line.amount_minor,
        tax_code=TAX_CODE,
        tax_rate=_NO_TAX,
        tax_country=country,
        rule_ids=(CODE,),
    )


def return_request(
    step: TakeBackFrom, sale: PlacedSale, house: House, articles: dict[str, Article], customer_id: UUID | None
) -> AmendRequest:
    lines: list[TakeBack] = []
    facts: dict[int, LineFacts] = {}
    for returned, part in step.parts:
        position = part.position + 1 + (sale.goods if returned.charge else 0)
        article = None if returned.charge else articles[part.sold.stock_code]
        facts[position] = _line_facts(position, part.sold, "shipping" if returned.charge else "goods", article)
        lines.append(
            TakeBack(
                position=position,
                quantity=part.quantity,
                gross_minor=part.amount_minor,
                restock=article.pool_id if article else None,
            )
        )
    return AmendRequest(
        amendment_id=uuid7(),
        kind="return",
        order=OrderFacts(
            id=sale.order_id,
            number=f"OR-{step.sale}",
            legal_entity_id=house.legal_entity_id,
            zone=ZONE.key,
            customer_id=customer_id,
            payment_id=sale.payment_id,
            currency=CURRENCY,
            lines=tuple(facts.values()),
        ),
        lines=tuple(lines),
        reason=f"credit note {step.note.invoice}",
        actor=ACTOR,
        occurred_at=step.note.at,
        refunded=step.key.key,
    )


def _line_facts(position: int, sold: SourceLine, kind: LineKind, article: Article | None) -> LineFacts:
    return LineFacts(
        position=position,
        variant_id=article.variant_id if article else None,
        kind=kind,
        sku=sold.stock_code,
        text=sold.description or sold.stock_code,
        quantity=sold.quantity,
        net_minor=sold.amount_minor,
        tax_minor=0,
        gross_minor=sold.amount_minor,
        tax_code=TAX_CODE,
        tax_rate=_NO_TAX,
    )


def credit_request(
    credit: Credit, house: House, articles: dict[str, Article], customer_id: UUID | None
) -> CreditRequest:
    goods = [_credit_line(line, articles[line.stock_code]) for line in credit.lines]
    charges = [_credit_line(line, None) for line in credit.charges]
    return CreditRequest(
        amendment_id=uuid7(),
        legal_entity_id=house.legal_entity_id,
        zone=ZONE.key,
        customer_id=customer_id,
        currency=CURRENCY,
        lines=(*goods, *charges),
        reason=f"credit note {credit.invoice}: no earlier sale matches",
        actor=ACTOR,
        occurred_at=credit.at,
    )


def _credit_line(line: SourceLine, article: Article | None) -> CreditLine:
    return CreditLine(
        variant_id=article.variant_id if article else None,
        sku=line.stock_code,
        text=line.description or line.stock_code,
        quantity=-line.quantity,
        net_minor=-line.amount_minor,
        tax_minor=0,
        gross_minor=-line.amount_minor,
        tax_code=TAX_CODE,
        tax_rate=_NO_TAX,
        restock=article.pool_id if article else None,
    )


def adjust_request(adjustment: Adjustment, articles: dict[str, Article]) -> MoveRequest:
    line = adjustment.line
    said = f"{adjustment.reason}: {line.description}" if line.description else adjustment.reason
    return MoveRequest(
        document_id=uuid7(),
        kind="adjustment",
        changes=(StockChange(articles[line.stock_code].pool_id, line.quantity),),
        reference=adjustment.invoice,
        note=said[:_NOTE_LENGTH],
        actor=ACTOR,
        occurred_at=adjustment.at,
    )


def entry_set(step: Book, house: House) -> EntrySet:
    """The bank against the account of the entry; like the sales, it was settled when it was recorded."""
    return EntrySet(
        set_id=uuid7(),
        kind=ENTRY_KIND,
        legal_entity_id=house.legal_entity_id,
        currency=CURRENCY,
        occurred_at=step.at,
        zone=ZONE.key,
        postings=(
            Posting("bank", step.amount_minor, step.note),
            Posting(step.account, -step.amount_minor, step.note),
        ),
    )
