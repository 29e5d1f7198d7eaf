"""The ledger in the back office: the trial balance of a span of months, and the postings of an account."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.domains.ledger import queries
from lotse.domains.ledger.contracts import AccountSum, Entry
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.money import minor_digits
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.view import View
from lotse.kernel.paging import after, cursor
from lotse.kernel.refusals import Invalid, NotFound

KINDS = {
    "asset": N_("Assets"),
    "liability": N_("Liabilities"),
    "equity": N_("Equity"),
    "revenue": N_("Revenue"),
    "expense": N_("Expenses"),
}
FACTS = {
    "sale": N_("Sale"),
    "receipt": N_("Receipt of money"),
    "refund": N_("Refund"),
    "cancellation": N_("Cancellation"),
    "return": N_("Return"),
    "credit": N_("Credit"),
    "unplaced": N_("Money without an order"),
}
# The names of the accounts that ship with Lotse: data, which pages translate as they show it.
CHART = (
    N_("Bank"),
    N_("Trade receivables"),
    N_("Payments without an order"),
    N_("Sales tax payable"),
    N_("Sales of goods"),
    N_("Shipping charged"),
    N_("Other charges"),
    N_("Returns and cancellations"),
    N_("Credits without a sale"),
    N_("Discounts granted"),
    N_("Marketplace fees"),
    N_("Bank charges"),
    N_("Bad debt"),
    N_("Manual postings to be cleared"),
    N_("Samples"),
    N_("Donations"),
)
# Where the fact behind a set shows, by its kind: the set carries the fact's id.
CAUSES = {
    "sale": "/office/orders/{}",
    "cancellation": "/office/orders/amendments/{}",
    "return": "/office/orders/amendments/{}",
    "receipt": "/office/payments/money/{}",
    "refund": "/office/payments/money/{}",
}
_PAGE = 100
_FORMULA = ("=", "+", "-", "@")

Month = Annotated[str, Parameter(max_length=10, pattern=r"^(\d{4}-\d{2}-01)?$")]


class Span(Struct, frozen=True):
    """The months and the legal entity that are asked for."""

    first: date
    last: date
    entity: UUID | None

    @property
    def entities(self) -> list[UUID] | None:
        return [self.entity] if self.entity else None


class Total(Struct, frozen=True):
    """Both sides of all accounts in one currency: they are the same, or something is wrong."""

    currency: str
    debit_minor: int
    credit_minor: int

    @property
    def balances(self) -> bool:
        return self.debit_minor == self.credit_minor


class Posted(Struct, frozen=True):
    """A posting and the page of what it books."""

    entry: Entry
    href: str


def span(periods: list[date], first: str, last: str, entity: UUID | None) -> Span:
    """What an address asks for; the newest month unless it says. Refusal: `Invalid`."""
    newest = periods[0]
    try:
        end = date.fromisoformat(last) if last else newest
        begin = date.fromisoformat(first) if first else end
    except ValueError:
        raise Invalid(field="from", rule="the first day of a month") from None
    return Span(min(begin, end), end, entity)


def totals(sums: list[AccountSum]) -> list[Total]:
    """Both sides by currency."""
    return [
        Total(
            currency,
            sum(one.debit_minor for one in sums if one.currency == currency),
            sum(one.credit_minor for one in sums if one.currency == currency),
        )
        for currency in sorted({one.currency for one in sums})
    ]


async def _asked(
    conn: Connection, view: View, first: str, last: str, entity: UUID | None
) -> tuple[list[date], Span, list[AccountSum]]:
    periods = await queries.periods(conn, at=view.question.at)
    wanted = span(periods, first, last, entity)
    found = await queries.balances(
        conn, first_period=wanted.first, last_period=wanted.last, legal_entity_ids=wanted.entities
    )
    return periods, wanted, found


@get("/office/ledger", guards=[needs("ledger.read")])
async def office_ledger(
    view: View,
    database: Database,
    first: Annotated[Month, Parameter(query="from")] = "",
    last: Annotated[Month, Parameter(query="to")] = "",
    entity: UUID | None = None,
) -> Response[str]:
    """The trial balance: every account with both sides, and whether they are the same."""
    async with database.snapshot() as conn:
        periods, wanted, found = await _asked(conn, view, first, last, entity)
    answers = await view.ask({"office.legal_entities": [view.question.shop]})
    return view.show(
        "ledger/office_ledger.html",
        periods=periods,
        span=wanted,
        sums=found,
        totals=totals(found),
        kinds=KINDS,
        entities=answers.content("office.legal_entities", "parties", view.question.shop) or [],
    )


@get("/office/ledger/export.csv", guards=[needs("ledger.read")])
async def export(
    view: View,
    database: Database,
    first: Annotated[Month, Parameter(query="from")] = "",
    last: Annotated[Month, Parameter(query="to")] = "",
    entity: UUID | None = None,
) -> Response[str]:
    """The trial balance as a file for spreadsheets."""
    async with database.snapshot() as conn:
        _, wanted, found = await _asked(conn, view, first, last, entity)
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(
        [
            view.text(one)
            for one in (N_("Account"), N_("Name"), N_("Currency"), N_("Debit"), N_("Credit"), N_("Balance"))
        ]
    )
    for one in found:
        amounts = (one.debit_minor, one.credit_minor, one.balance_minor)
        digits = minor_digits(one.currency)
        name = view.text(one.name)
        rows.writerow(
            [
                one.account,
                f"'{name}" if name.startswith(_FORMULA) else name,
                one.currency,
                *(str(Decimal(amount).scaleb(-digits)) for amount in amounts),
            ]
        )
    name = f"trial-balance-{wanted.first:%Y-%m}-{wanted.last:%Y-%m}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    # The mark lets spreadsheets read it as UTF-8.
    return Response("\ufeff" + text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@get("/office/ledger/accounts/{account:str}", guards=[needs("ledger.read")])
async def office_account(
    view: View,
    database: Database,
    account: str,
    period: Month = "",
    entity: UUID | None = None,
    mark: Annotated[str | None, Parameter(query="after", max_length=1_000)] = None,
) -> Response[str]:
    """The postings of an account, the newest first, each with the way to what it books."""
    begin: Any = after(mark or None, tuple[UUID, int])
    async with database.reading() as conn:
        known = {one.code: one for one in await queries.accounts(conn)}
        if account not in known:
            raise NotFound(what="account", id=account)
        periods = await queries.periods(conn, at=view.question.at)
        month = span(periods, period, period, entity).first if period else None
        found = await queries.account_entries(
            conn,
            account=account,
            period=month,
            legal_entity_ids=[entity] if entity else None,
            before=begin or queries.LATEST,
            limit=_PAGE + 1,
        )
    shown = found[:_PAGE]
    return view.show(
        "ledger/office_account.html",
        account=known[account],
        kinds=KINDS,
        facts=FACTS,
        periods=periods,
        period=month,
        entity=entity,
        posted=[Posted(entry, CAUSES.get(entry.kind, "").format(entry.set_id)) for entry in shown],
        next=cursor(shown[-1].set_id, shown[-1].position) if len(found) > _PAGE else None,
        is_later=mark is not None,
    )


routes = (office_ledger, export, office_account)
places = (Place("/office/ledger", N_("Ledger"), "ledger", "b", "ledger.read", "money", 20),)
