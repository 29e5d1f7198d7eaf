-- Payments: what is owed for something, and what came in and went back.
create schema payments;

-- One per thing to be paid. The sums are projections of the facts below and of credits, kept in the same transactions.
create table payments.payments (
    id uuid not null primary key,
    -- What it is for: 'order' and the order's id.
    purpose text not null,
    purpose_id uuid not null,
    method text not null,
    legal_entity_id uuid not null,
    -- The legal entity's zone decides the period of later postings.
    zone text not null,
    currency text not null,
    amount_minor bigint not null,
    credited_minor bigint not null default 0,
    received_minor bigint not null default 0,
    refunded_minor bigint not null default 0,
    due_at timestamptz not null,
    created_at timestamptz not null,
    constraint payments_amount_not_negative check (amount_minor >= 0),
    constraint payments_currency_form check (currency ~ '^[A-Z]{3}$'),
    -- No more is taken back than was owed.
    constraint payments_credited_within_amount check (credited_minor between 0 and amount_minor),
    constraint payments_received_not_negative check (received_minor >= 0),
    -- No more goes back than came in.
    constraint payments_refunded_within_received check (refunded_minor between 0 and received_minor)
) with (fillfactor = 80); -- a payment is updated when money comes in: room keeps that HOT
-- Owed and overdue, for reminders and for orders that wait for their prepayment: few rows, so the index stays small.
create index payments_open on payments.payments (due_at)
where amount_minor - credited_minor > received_minor - refunded_minor;

-- Money that came in. The reference is the bank's or the provider's, so no receipt is ever recorded twice.
create table payments.receipts (
    id uuid not null,
    payment_id uuid not null,
    reference text not null,
    amount_minor bigint not null,
    actor text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint receipts_amount_positive check (amount_minor > 0),
    constraint receipts_pkey primary key (payment_id, reference)
);

-- Money that went back, by the reference of its transfer.
create table payments.refunds (
    id uuid not null,
    payment_id uuid not null,
    reference text not null,
    amount_minor bigint not null,
    actor text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint refunds_amount_positive check (amount_minor > 0),
    constraint refunds_pkey primary key (payment_id, reference)
);

-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type payments.payments_row as (
    id uuid,
    purpose text,
    purpose_id uuid,
    method text,
    legal_entity_id uuid,
    zone text,
    currency text,
    amount_minor bigint,
    received_minor bigint,
    due_at timestamptz,
    created_at timestamptz
);
