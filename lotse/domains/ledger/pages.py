"""The ledger in the back office: the trial balance of a span of months, and the postings as a table."""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.domains.ledger import queries
from lotse.domains.ledger.contracts import AccountSum
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.money import minor_digits
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import show, table_routes, with_options
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid

LEDGER, POSTINGS = "/office/ledger", "/office/ledger/postings"
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


@get(LEDGER, guards=[needs("ledger.read")])
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
        # The months between, as the table of postings takes them.
        months=[one.isoformat() for one in periods if wanted.first <= one <= wanted.last],
        kinds=KINDS,
        entities=answers.content("office.legal_entities", "parties", view.question.shop) or [],
    )


@get(f"{LEDGER}/export.csv", guards=[needs("ledger.read")])
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


# -- postings


class PostingRow(Struct, frozen=True):
    """A posting in the table: its amount stands on one side."""

    set_id: UUID
    position: int
    kind: str
    legal_entity_id: UUID
    account: str
    currency: str
    debit_minor: int | None
    credit_minor: int | None
    occurred_at: datetime
    recorded_at: datetime
    period: date
    note: str | None


async def _accounts(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    return {one.code: Option(one.name) for one in await queries.accounts(conn)}


async def _periods(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    return {one.isoformat(): Option(f"{one:%m/%Y}") for one in await queries.periods(conn, at=scope.at)}


async def _entities(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    """Their names are a higher domain's: the page asks for them."""
    return {}


def _fact(text: str) -> dict[str, Any]:
    try:
        return {"fact": UUID(text)}
    except ValueError:
        return {"fact": None}


def _cause(row: PostingRow) -> str:
    return CAUSES.get(row.kind, "").format(row.set_id)


POSTING_TABLE = Table(
    name="ledger.postings",
    path=POSTINGS,
    title=N_("Postings"),
    text=N_("What is booked, the newest first, each with the way to what it books."),
    icon="ledger",
    right="ledger.read",
    where="everywhere",
    statement=queries.READS.posting_table,
    row=PostingRow,
    key=("set_id", "position"),
    row_path=_cause,
    order="-set_id",
    columns=(
        Column(
            "kind",
            N_("What"),
            kind="choice",
            filter="choice",
            options={fact: Option(label) for fact, label in FACTS.items()},
            template="ledger/cell_fact.html",
            phone="title",
        ),
        Column("account", N_("Account"), kind="choice", filter="choice", choices=_accounts),
        Column("debit_minor", N_("Debit"), kind="money"),
        Column("credit_minor", N_("Credit"), kind="money"),
        Column("occurred_at", N_("When"), kind="moment"),
        Column(
            "period",
            N_("Month"),
            filter="choice",
            choices=_periods,
            sql="t.period::text",
            template="ledger/cell_month.html",
        ),
        Column(
            "legal_entity_id",
            N_("Legal entity"),
            kind="choice",
            filter="choice",
            choices=_entities,
            sql="t.legal_entity_id::text",
            template="ledger/cell_entity.html",
            shown=False,
        ),
        Column("note", N_("Note"), shown=False),
        Column("set_id", N_("Fact"), kind="code", shown=False),
        Column("recorded_at", N_("Recorded"), kind="moment", shown=False),
    ),
    search=Search("t.set_id = :fact::uuid", _fact, N_("Id of an order, a payment, …")),
    presets=(Preset(N_("To be cleared"), "account=manual&account=unplaced"),),
    actions=(Action(N_("Trial balance"), LEDGER, "ledger.read", "ledger"),),
    nothing=Nothing(
        N_("Nothing is booked yet"),
        N_("Sales, receipts and returns book themselves as they happen."),
    ),
)


@get(POSTINGS, guards=[needs("ledger.read")], name="postings")
async def office_postings(
    view: View, request: Request[Any, Any, Any], database: Database, principal: Principal
) -> Response[str]:
    """All postings, with legal entities by name."""
    answers = await view.ask({"office.legal_entities": [view.question.shop]})
    entities: list[Any] = answers.content("office.legal_entities", "parties", view.question.shop) or []
    table = with_options(POSTING_TABLE, {"legal_entity_id": {str(one.id): Option(one.name) for one in entities}})
    return await show(table, view, database, principal, request)


routes = (office_ledger, export, *table_routes(POSTING_TABLE, office_postings))
tables = (POSTING_TABLE,)
places = (Place(LEDGER, N_("Ledger"), "ledger", "b", "ledger.read", "money", 20),)
