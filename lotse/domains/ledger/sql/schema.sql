-- The ledger: double-entry postings per legal entity. It knows accounts and amounts, not what they were for.
create schema ledger;

-- The chart of accounts, one for all legal entities.
create table ledger.accounts (
    code text not null primary key,
    name text not null,
    kind text not null,
    constraint accounts_code_form check (code ~ '^[a-z][a-z0-9_]*$'),
    constraint accounts_kind_known check (kind in ('asset', 'liability', 'equity', 'revenue', 'expense'))
);

-- Postings in sets; a set is one business fact (a sale, a receipt, a credit). Append-only.
create table ledger.entries (
    -- The id of the fact where that is unique to it (an order's sale has the order's id), so that its postings are
    -- found by the primary key and this hot table needs no other index.
    set_id uuid not null,
    position smallint not null,
    kind text not null,
    legal_entity_id uuid not null,
    account text not null,
    currency text not null,
    -- Debit positive, credit negative, in minor units.
    amount_minor bigint not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    -- The month that it is booked in: the first day, in the legal entity's zone.
    period date not null,
    note text,
    constraint entries_pkey primary key (set_id, position),
    -- A posting of nothing is noise.
    constraint entries_amount_not_zero check (amount_minor <> 0),
    constraint entries_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint entries_period_is_a_month check (extract(day from period) = 1)
) partition by range (set_id);
-- Takes what has no month of its own, so that a sale never fails because a job did not run.
create table ledger.entries_default partition of ledger.entries default;

-- Every set sums to zero per legal entity and currency, or nothing of it is written. Per statement and not per row: a
-- set is written by one statement, and the desk writes the sets of a whole batch at once.
create function ledger.refuse_unbalanced_sets() returns trigger
language plpgsql as $$
declare
    unbalanced record;
begin
    select set_id, currency, sum(amount_minor) as sum into unbalanced
    from written
    group by set_id, legal_entity_id, currency
    having sum(amount_minor) <> 0
    limit 1;
    if found then
        raise exception 'entries of set % do not balance: % %', unbalanced.set_id, unbalanced.sum, unbalanced.currency
            using errcode = 'check_violation', constraint = 'entries_balance';
    end if;
    return null;
end
$$;

create trigger entries_balance after insert on ledger.entries
referencing new table as written
for each statement execute function ledger.refuse_unbalanced_sets();

-- The accounts that Lotse's own postings use.
insert into ledger.accounts (code, name, kind) values
    ('bank', 'Bank', 'asset'),
    ('receivables', 'Trade receivables', 'asset'),
    ('unplaced', 'Payments without an order', 'liability'),
    ('tax_payable', 'Sales tax payable', 'liability'),
    ('revenue', 'Sales of goods', 'revenue'),
    ('shipping_revenue', 'Shipping charged', 'revenue'),
    ('other_revenue', 'Other charges', 'revenue'),
    ('sales_returns', 'Returns and cancellations', 'revenue'),
    ('goodwill', 'Credits without a sale', 'revenue'),
    ('discounts', 'Discounts granted', 'revenue'),
    ('marketplace_fees', 'Marketplace fees', 'expense'),
    ('bank_charges', 'Bank charges', 'expense'),
    ('bad_debt', 'Bad debt', 'expense'),
    ('manual', 'Manual postings to be cleared', 'expense'),
    ('samples', 'Samples', 'expense'),
    ('donations', 'Donations', 'expense');

-- What is booked per account and month: a projection that a job brings up to the mark below, so that a balance costs the
-- same after ten years as after a day. What is younger than the mark is added when it is asked for.
create table ledger.sums (
    legal_entity_id uuid not null,
    period date not null,
    account text not null,
    currency text not null,
    debit_minor bigint not null,
    credit_minor bigint not null,
    entries bigint not null,
    constraint sums_pkey primary key (legal_entity_id, period, account, currency)
);

-- Up to which moment of recording the sums are. One row.
create table ledger.summed (
    only_one boolean not null default true primary key,
    upto timestamptz not null default '2000-01-01 00:00:00+00',
    constraint summed_is_one check (only_one)
);
insert into ledger.summed default values;

-- Entries in the order in which they were recorded. Block ranges: an insert pays next to nothing.
create index entries_recorded_at on ledger.entries using brin (recorded_at);

-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type ledger.entries_row as (
    set_id uuid,
    position smallint,
    kind text,
    legal_entity_id uuid,
    account text,
    currency text,
    amount_minor bigint,
    occurred_at timestamptz,
    recorded_at timestamptz,
    period date,
    note text
);
