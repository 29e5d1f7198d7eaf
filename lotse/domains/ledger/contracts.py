"""What crosses the border of `ledger`: postings, sets of postings, balances."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

AccountKind = Literal["asset", "liability", "equity", "revenue", "expense"]


class Account(Struct, frozen=True):
    """One line of the chart of accounts."""

    code: str
    name: str
    kind: AccountKind


class Posting(Struct, frozen=True):
    """An amount on an account: debit positive, credit negative, in minor units of the set's currency."""

    account: str
    amount_minor: int
    note: str | None = None


class EntrySet(Struct, frozen=True):
    """The postings of one business fact. `zone` is the legal entity's: it decides the period."""

    set_id: UUID
    kind: str
    legal_entity_id: UUID
    currency: str
    occurred_at: datetime
    zone: str
    postings: tuple[Posting, ...]


class Entry(Struct, frozen=True):
    """One posting as it is stored."""

    set_id: UUID
    position: int
    kind: str
    legal_entity_id: UUID
    account: str
    currency: str
    amount_minor: int
    occurred_at: datetime
    recorded_at: datetime
    period: date
    note: str | None


class AccountBalance(Struct, frozen=True):
    """The sum of an account's postings over a span of periods."""

    account: str
    name: str
    kind: AccountKind
    currency: str
    amount_minor: int


class AccountSum(Struct, frozen=True):
    """What is booked on an account over a span of months, in minor units; both sides are positive."""

    account: str
    name: str
    kind: AccountKind
    currency: str
    debit_minor: int
    credit_minor: int
    entries: int

    @property
    def balance_minor(self) -> int:
        """Debit positive."""
        return self.debit_minor - self.credit_minor


class Unbalanced(Refusal, status=422, title="The postings do not sum to zero"):
    currency: str
    sum_minor: int


class AccountUnknown(Refusal, status=422, title="No such account"):
    account: str
