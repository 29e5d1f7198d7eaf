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
