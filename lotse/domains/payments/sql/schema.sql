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
-- To be paid back: the work list of whoever pays. Few rows at any time.
create index payments_refund_due on payments.payments (id)
where received_minor - refunded_minor > amount_minor - credited_minor;
-- What went back, for the back office's lists.
create index payments_refunded on payments.payments (id) where refunded_minor > 0;

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

-- From a posting, which carries the receipt's id, to what was paid. Block ranges: ids come in the order of their time.
create index receipts_id on payments.receipts using brin (id);

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

-- As for receipts.
create index refunds_id on payments.refunds using brin (id);

-- An attempt to be paid through a provider. Its id is our reference at the provider and its idempotency key there, so an
-- answer that was lost is found again by it. The row is the only memory of the attempt: whoever finds it not at its end
-- (the request itself, a webhook, a job after a crash) knows what has to happen next.
create table payments.charges (
    id uuid not null primary key,
    provider text not null,
    method text not null,
    -- What it is for: 'basket' and the basket's id.
    purpose text not null,
    purpose_id uuid not null,
    -- Whose money it is, and the zone of its books.
    legal_entity_id uuid not null,
    zone text not null,
    currency text not null,
    amount_minor bigint not null,
    state text not null,
    -- What the provider has acknowledged so far. Sums that only grow, so reports may come twice and in any order.
    authorised_minor bigint not null default 0,
    captured_minor bigint not null default 0,
    voided_minor bigint not null default 0,
    refunded_minor bigint not null default 0,
    -- What of the captured money was booked as owed back to the buyer because no order stands for it.
    unplaced_minor bigint not null default 0,
    -- The provider's own name for it.
    provider_reference text not null default '',
    -- Where the buyer is sent to pay.
    redirect_url text not null default '',
    -- Why it was declined or is given up: a code.
    reason text not null default '',
    -- What it pays: known from the moment when the order is placed.
    payment_id uuid,
    -- The buyer has until then; the provider's page ends with it.
    expires_at timestamptz not null,
    -- When somebody has to look at it again; null: it is at its end.
    look_at timestamptz,
    looked_at timestamptz not null,
    -- Looks since its state changed last: each pause is longer than the one before.
    looks integer not null default 0,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint charges_amount_positive check (amount_minor > 0),
    constraint charges_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint charges_state_known check (state in (
        'started', 'asked', 'waiting', 'authorised', 'taken', 'ordered', 'giving_up',
        'captured', 'dropped', 'declined', 'voided', 'refunded'
    )),
    -- Money moves in one direction, and never more than was asked for.
    constraint charges_authorised_within_amount check (authorised_minor between 0 and amount_minor),
    constraint charges_captured_within_authorised check (captured_minor between 0 and authorised_minor),
    constraint charges_voided_within_authorised check (voided_minor between 0 and authorised_minor - captured_minor),
    constraint charges_refunded_within_captured check (refunded_minor between 0 and captured_minor),
    constraint charges_unplaced_within_captured check (unplaced_minor between 0 and captured_minor),
    -- Whatever is not at its end is looked at again, whoever dies.
    constraint charges_open_are_looked_at check (
        (look_at is null) = (state in ('captured', 'dropped', 'declined', 'voided', 'refunded'))
    ),
    -- An order stands for the money that is kept, and for none that was never promised.
    constraint charges_kept_have_payment check (state not in ('ordered', 'captured') or payment_id is not null),
    constraint charges_open_have_no_payment check (
        state not in ('started', 'asked', 'waiting', 'authorised', 'taken', 'dropped') or payment_id is null
    )
) with (fillfactor = 70); -- a charge changes its state four to six times
-- What has to be looked at; few rows, so the index stays small.
create index charges_look_at on payments.charges (look_at) where look_at is not null;
-- One attempt at a time: a basket is never paid twice at once. Attempts that are being given up do not count.
create unique index charges_one_at_a_time on payments.charges (purpose, purpose_id)
where state in ('started', 'asked', 'waiting', 'authorised', 'taken', 'ordered', 'captured');
-- The charge of an order's payment, for refunds and for the order's page. No payment is paid by two.
create unique index charges_one_per_payment on payments.charges (payment_id) where payment_id is not null;

-- What happened to charges. Append-only.
create table payments.charge_trail (
    id uuid not null,
    charge_id uuid not null,
    -- What was done or heard: begun, authorise, status, capture, void, refund, webhook, order, give_up.
    what text not null,
    -- What the provider said to it.
    outcome text not null,
    state text not null,
    reason text not null,
    actor text not null,
    amount_minor bigint not null,
    at timestamptz not null,
    constraint charge_trail_pkey primary key (charge_id, id)
);

-- Money that goes back through the provider that took it. The id is our reference of the refund at the provider.
create table payments.charge_refunds (
    id uuid not null primary key,
    charge_id uuid not null,
    amount_minor bigint not null,
    -- Why: an amendment of the order, staff, or an order that could not be placed.
    cause text not null,
    state text not null,
    reason text not null default '',
    actor text not null,
    look_at timestamptz,
    looks integer not null default 0,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint charge_refunds_charge foreign key (charge_id) references payments.charges (id),
    constraint charge_refunds_amount_positive check (amount_minor > 0),
    constraint charge_refunds_state_known check (state in ('asked', 'done', 'refused')),
    constraint charge_refunds_open_are_looked_at check ((look_at is null) = (state <> 'asked'))
);
create index charge_refunds_look_at on payments.charge_refunds (look_at) where look_at is not null;
-- What is on its way back of a charge counts against what may still go back.
create index charge_refunds_charge on payments.charge_refunds (charge_id);

-- What providers told us by themselves, by the natural key of the message: told twice, it is stored once.
create table payments.webhooks (
    provider text not null,
    event_id text not null,
    -- Our reference as the provider says it; nothing may be known of it (yet).
    reference text not null,
    report jsonb not null,
    -- As it came, for disputes; erased after a while.
    body text,
    received_at timestamptz not null,
    -- Null: no charge of ours is known by that reference, it is tried again.
    handled_at timestamptz,
    look_at timestamptz,
    looks integer not null default 0,
    constraint webhooks_pkey primary key (provider, event_id),
    constraint webhooks_open_are_looked_at check ((look_at is null) = (handled_at is not null))
);
create index webhooks_look_at on payments.webhooks (look_at) where look_at is not null;
-- Raw bodies expire, the oldest first. Block ranges: rows come in order of time.
create index webhooks_received on payments.webhooks using brin (received_at);

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
