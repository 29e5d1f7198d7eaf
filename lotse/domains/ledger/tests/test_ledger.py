"""The ledger: sets balance or are not written, in Python and in the database."""

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lotse.domains.ledger.commands import post
from lotse.domains.ledger.contracts import AccountUnknown, EntrySet, Posting, Unbalanced
from lotse.domains.ledger.pages import POSTING_TABLE
from lotse.domains.ledger.queries import entries_of, trial_balance
from lotse.domains.ledger.rules import entries, period_of
from lotse.kernel.auth.principal import SYSTEM
from lotse.kernel.pages import query
from lotse.kernel.pages.table import Scope

AT = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)


def fact(fresh, *postings: Posting, currency: str = "EUR", zone: str = "Europe/Berlin") -> EntrySet:
    return EntrySet(fresh.id(), "manual", fresh.id(), currency, AT, zone, postings)


@pytest.mark.parametrize(
    ("postings", "refused"),
    [
        pytest.param((Posting("bank", 100), Posting("revenue", -100)), None, id="two accounts"),
        pytest.param(
            (Posting("bank", 100), Posting("revenue", -84), Posting("tax_payable", -16)), None, id="three accounts"
        ),
        pytest.param((Posting("nonsense", 100), Posting("revenue", -100)), AccountUnknown, id="unknown account"),
        pytest.param((Posting("nonsense", 100), Posting("revenue", -99)), AccountUnknown, id="account before balance"),
        pytest.param((Posting("bank", 100), Posting("revenue", -99)), Unbalanced, id="does not balance"),
    ],
)
async def test_posting(tx, fresh, postings, refused):
    booked = fact(fresh, *postings)
    if refused:
        with pytest.raises(refused):
            await post(tx, fact=booked, at=AT)
        assert await entries_of(tx, set_ids=[booked.set_id]) == []
        return
    await post(tx, fact=booked, at=AT)
    found = await entries_of(tx, set_ids=[booked.set_id])
    assert [(entry.account, entry.amount_minor) for entry in found] == [(p.account, p.amount_minor) for p in postings]
    balances = await trial_balance(
        tx, legal_entity_id=booked.legal_entity_id, first_period=date(2026, 12, 1), last_period=date(2026, 12, 1)
    )
    assert sum(balance.amount_minor for balance in balances) == 0
    assert {balance.account for balance in balances} == {p.account for p in postings}


async def test_a_set_that_does_not_balance_is_refused_by_the_database_too(tx, fresh):
    """Whoever goes past Python meets the trigger; a set is judged as a whole, whatever else the statement writes."""
    insert = (
        "insert into ledger.entries (set_id, position, kind, legal_entity_id, account, currency, amount_minor,"
        " occurred_at, recorded_at, period) select set_id, row_number() over (partition by set_id), 'manual', $1,"
        " 'bank', 'EUR', amount, $2, $2, '2026-11-01' from unnest($3::uuid[], $4::bigint[]) as given (set_id, amount)"
    )
    good, other, bad = fresh.id(), fresh.id(), fresh.id()
    await tx.raw.execute(insert, fresh.id(), AT, [good, good], [5, -5])
    with pytest.raises(asyncpg.CheckViolationError, match="do not balance"):
        await tx.raw.execute(insert, fresh.id(), AT, [bad, other, bad, other], [5, 2, -4, -2])


async def test_postings_are_a_table_over_all_accounts(tx, fresh):
    """Found by what they book, account, month and legal entity; debit and credit apart; paged set by set."""
    scope = Scope(fresh.id(), "EUR", "en", "Europe/Berlin", AT, SYSTEM, "ledger.read")
    booked = [
        fact(fresh, Posting("bank", 100 + n), Posting("revenue", -80), Posting("tax_payable", -20 - n))
        for n in range(3)
    ]
    booked = [replace(one, legal_entity_id=booked[0].legal_entity_id) for one in booked]
    for one in booked:
        await post(tx, fact=one, at=AT)
    mine = ("legal_entity_id", str(booked[0].legal_entity_id))

    async def found(*given: tuple[str, str], size: int = 50) -> query.Rows:
        rows, wrong = await query.page(tx, POSTING_TABLE, scope, query.asked(POSTING_TABLE, list(given)), size=size)
        assert not wrong
        return rows

    assert [(row.account, row.debit_minor, row.credit_minor) for row in (await found(mine)).items] == [
        ("tax_payable", None, 22), ("revenue", None, 80), ("bank", 102, None),
        ("tax_payable", None, 21), ("revenue", None, 80), ("bank", 101, None),
        ("tax_payable", None, 20), ("revenue", None, 80), ("bank", 100, None),
    ]  # fmt: skip
    assert [row.debit_minor for row in (await found(mine, ("account", "bank"))).items] == [102, 101, 100]
    assert len((await found(mine, ("account", "bank"), ("account", "revenue"), ("period", "2026-12-01"))).items) == 6
    assert not (await found(mine, ("period", "2026-11-01"))).items
    assert not (await found(("legal_entity_id", "none"))).items
    assert len((await found(("q", str(booked[1].set_id)))).items) == 3
    assert not (await found(("q", "no id"))).items
    # A page may end within a set: the next one goes on with its other postings.
    seen = []
    mark: list[tuple[str, str]] = []
    while True:
        rows = await found(mine, *mark, size=2)
        seen += [(row.set_id, row.position) for row in rows.items]
        if rows.after is None:
            break
        mark = [("after", rows.after)]
    assert len(seen) == len(set(seen)) == 9
    order = replace(rows.items[-1], kind="sale")
    assert POSTING_TABLE.href(order) == f"/office/orders/{order.set_id}"
    assert POSTING_TABLE.href(rows.items[-1]) == ""


def test_the_month_is_the_legal_entitys():
    assert period_of(AT, "Europe/Berlin") == date(2026, 12, 1)
    assert period_of(AT, "Europe/London") == date(2026, 11, 1)


amounts = st.integers(-(10**12), 10**12)


@given(st.lists(st.tuples(st.sampled_from(["bank", "revenue", "tax_payable"]), amounts), max_size=8))
def test_entries_keep_every_cent(pairs):
    """Merging postings changes no account's sum; what balances is written, what does not is refused."""
    booked = EntrySet(
        UUID(int=1),
        "manual",
        UUID(int=2),
        "EUR",
        AT,
        "UTC",
        tuple(Posting(account, amount) for account, amount in pairs),
    )
    if sum(amount for _, amount in pairs):
        with pytest.raises(Unbalanced):
            entries(booked, AT)
        return
    rows = entries(booked, AT)
    for account in ("bank", "revenue", "tax_payable"):
        assert sum(r.amount_minor for r in rows if r.account == account) == sum(
            a for name, a in pairs if name == account
        )
    assert all(row.amount_minor for row in rows)
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
