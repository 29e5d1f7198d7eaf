-- One payment as it stands.
-- name: payment
select id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, credited_minor, received_minor, refunded_minor, due_at, created_at
from payments.payments
where id = :payment_id;

-- The same, locked: its sums are about to change and events of one payment keep their order.
-- name: lock_payment
select id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, credited_minor, received_minor, refunded_minor, due_at, created_at
from payments.payments
where id = :payment_id
for no key update;

-- Was this receipt recorded before?
-- name: receipt
select id, payment_id, reference, amount_minor, actor, occurred_at from payments.receipts
where payment_id = :payment_id and reference = :reference;

-- Was this refund recorded before?
-- name: refund
select id, payment_id, reference, amount_minor, actor, occurred_at from payments.refunds
where payment_id = :payment_id and reference = :reference;

-- What somebody has paid back of one payment, or is about to: limits count it together.
-- name: refunded_by
select (
    (select coalesce(sum(amount_minor), 0) from payments.refunds where payment_id = :payment_id and actor = :actor)
    + (
        select coalesce(sum(charge_refunds.amount_minor), 0)
        from payments.charge_refunds
        join payments.charges on charges.id = charge_refunds.charge_id
        where charges.payment_id = :payment_id and charge_refunds.actor = :actor and charge_refunds.state = 'asked'
    )
)::bigint;

-- Everything that came in and went back for one payment.
-- name: money_of
select id, 'receipt' as kind, reference, amount_minor, actor, occurred_at from payments.receipts where payment_id = :payment_id
union all
select id, 'refund' as kind, reference, amount_minor, actor, occurred_at from payments.refunds where payment_id = :payment_id
order by occurred_at, id;

-- Payments, for what a person is handed over.
-- name: payments
select id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, credited_minor, received_minor, refunded_minor, due_at, created_at
from payments.payments
where id = any (:payment_ids::uuid[]);

-- What came in and went back for payments, in order of time.
-- name: money_of_payments
select payment_id, id, 'receipt' as kind, reference, amount_minor, actor, occurred_at
from payments.receipts where payment_id = any (:payment_ids::uuid[])
union all
select payment_id, id, 'refund' as kind, reference, amount_minor, actor, occurred_at
from payments.refunds where payment_id = any (:payment_ids::uuid[])
order by occurred_at, id;

-- A page of what is overdue, the oldest first: reminders, and orders that waited for their prepayment in vain. By the
-- partial index.
-- name: overdue
select id, purpose, purpose_id, method, legal_entity_id, zone, currency, amount_minor, credited_minor, received_minor, refunded_minor, due_at, created_at
from payments.payments
where amount_minor - credited_minor > received_minor - refunded_minor and due_at < :at and method = :method
    and (:after_due::timestamptz is null or (due_at, id) > (:after_due, :after_id::uuid))
order by due_at, id
limit :limit;

-- What came in is the sum of the receipts.
-- name: check_received
select 'payment ' || payment.id as subject, coalesce(facts.sum, 0)::text as expected, payment.received_minor::text as found
from payments.payments as payment
left join (select payment_id, sum(amount_minor) from payments.receipts group by payment_id) as facts
    on facts.payment_id = payment.id
where payment.received_minor <> coalesce(facts.sum, 0);

-- What went back is the sum of the refunds.
-- name: check_refunded
select 'payment ' || payment.id as subject, coalesce(facts.sum, 0)::text as expected, payment.refunded_minor::text as found
from payments.payments as payment
left join (select payment_id, sum(amount_minor) from payments.refunds group by payment_id) as facts
    on facts.payment_id = payment.id
where payment.refunded_minor <> coalesce(facts.sum, 0);

-- A receipt or refund of no payment would be money that nobody accounts for.
-- name: check_money_has_payment
select kind || ' ' || facts.id as subject, 'payment ' || facts.payment_id as expected, 'none' as found
from (
    select 'receipt' as kind, id, payment_id from payments.receipts
    union all
    select 'refund', id, payment_id from payments.refunds
) as facts
left join payments.payments on payments.id = facts.payment_id
where payments.id is null;

-- Every receipt and refund is booked on the bank account, with its own amount.
-- name: check_money_is_booked
select
    coalesce(facts.kind, booked.kind) || ' ' || coalesce(facts.id, booked.set_id) as subject,
    coalesce(facts.amount_minor, 0)::text as expected,
    coalesce(booked.amount_minor, 0)::text as found
from (
    select 'receipt' as kind, id, amount_minor from payments.receipts
    union all
    select 'refund', id, -amount_minor from payments.refunds
) as facts
full join (select * from ledger.set_sums('bank') where kind in ('receipt', 'refund')) as booked on booked.set_id = facts.id
where coalesce(facts.amount_minor, 0) <> coalesce(booked.amount_minor, 0);

-- One charge as it stands.
-- name: charge
select * from payments.charges where id = :charge_id;

-- The same, locked: what is heard next is told apart from what was known, and written once.
-- name: lock_charge
select * from payments.charges where id = :charge_id for no key update;

-- The charges of payments, by the unique index: a payment has one at most.
-- name: charges_of
select * from payments.charges where payment_id = any (:payment_ids::uuid[]);

-- Attempts to pay for one thing that may still come to something. By the unique index but for those being given up,
-- which nobody has to know.
-- name: open_charges
select *
from payments.charges
where purpose = :purpose and purpose_id = :purpose_id
    and state in ('started', 'asked', 'waiting', 'authorised', 'taken', 'ordered', 'captured')
order by id desc;

-- What happened to a charge.
-- name: trail
select id, charge_id, what, outcome, state, reason, actor, amount_minor, at
from payments.charge_trail
where charge_id = :charge_id
order by id
limit 200;

-- What went back of a charge.
-- name: refunds_of
select id, charge_id, amount_minor, cause, state, reason, actor, look_at, looks, created_at, changed_at
from payments.charge_refunds
where charge_id = :charge_id
order by id;

-- One refund, to learn of which charge: charges are locked before their refunds.
-- name: refund_by_id
select id, charge_id, amount_minor, cause, state, reason, actor, look_at, looks, created_at, changed_at
from payments.charge_refunds
where id = :refund_id;

-- One refund, locked.
-- name: lock_refund
select id, charge_id, amount_minor, cause, state, reason, actor, look_at, looks, created_at, changed_at
from payments.charge_refunds
where id = :refund_id
for no key update;

-- On its way back and not recorded yet: it counts against what may still be paid back.
-- name: on_its_way_back
select coalesce(sum(refund.amount_minor), 0)::bigint
from payments.charge_refunds as refund
join payments.charges on charges.id = refund.charge_id
where charges.payment_id = :payment_id and refund.state = 'asked';

-- What we have asked to go back of a charge and was not refused; the rest went back without us.
-- name: refunded_by_us
select coalesce(sum(amount_minor), 0)::bigint
from payments.charge_refunds
where charge_id = :charge_id and state <> 'refused';

-- Was this message handled before?
-- name: webhook_handled
select handled_at is not null from payments.webhooks where provider = :provider and event_id = :event_id;

-- No money is kept that no order stands for: what has ended without one has given everything back.
-- name: check_charges_keep_nothing_unpaid
select
    'charge ' || id as subject,
    'nothing kept, nothing reserved' as expected,
    format('%s kept, %s reserved', captured_minor - refunded_minor, authorised_minor - captured_minor - voided_minor) as found
from payments.charges
where look_at is null and state <> 'captured'
    and (captured_minor > refunded_minor or authorised_minor > captured_minor + voided_minor);

-- No payment is paid by two charges: what charges took for it is received once.
-- name: check_charges_are_received
select
    'charge ' || charges.id as subject,
    charges.captured_minor::text as expected,
    coalesce(receipts.amount_minor, 0)::text as found
from payments.charges
left join payments.receipts
    on receipts.payment_id = charges.payment_id and receipts.reference = charges.provider || ':' || charges.id
where charges.payment_id is not null and charges.captured_minor <> coalesce(receipts.amount_minor, 0);

-- A receipt that names a charge has one: nobody is said to have paid who did not.
-- name: check_receipts_have_charges
select 'receipt ' || receipts.reference as subject, 'a charge' as expected, 'none' as found
from payments.receipts
join payments.payments on payments.id = receipts.payment_id
left join payments.charges on charges.payment_id = payments.id
where receipts.reference ~ ('^[a-z_]+:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$') and charges.id is null;

-- Where a charge has ended without money, nothing may still be sold for it.
-- name: check_ended_charges_owe_nothing
select
    'charge ' || charges.id as subject,
    'nothing owed: it is ' || charges.state as expected,
    (payments.amount_minor - payments.credited_minor)::text as found
from payments.charges
join payments.payments on payments.id = charges.payment_id
where charges.state in ('dropped', 'declined', 'voided', 'refunded') and payments.amount_minor > payments.credited_minor;

-- What the provider says went back is what we asked to go back.
-- name: check_charges_refunded
select
    'charge ' || charges.id as subject,
    coalesce(facts.sum, 0)::text as expected,
    charges.refunded_minor::text as found
from payments.charges
left join (
    select charge_id, sum(amount_minor) from payments.charge_refunds where state = 'done' group by charge_id
) as facts on facts.charge_id = charges.id
where charges.refunded_minor <> coalesce(facts.sum, 0)
    -- One whose answer is still to come may be known by the charge's sum first.
    and not exists (
        select from payments.charge_refunds as open where open.charge_id = charges.id and open.state = 'asked'
    );

-- Every refund through a provider is recorded on the payment once, by its id.
-- name: check_charge_refunds_are_recorded
select
    'refund ' || facts.id as subject,
    facts.amount_minor::text as expected,
    coalesce(refunds.amount_minor, 0)::text as found
from payments.charge_refunds as facts
join payments.charges on charges.id = facts.charge_id
left join payments.refunds
    on refunds.payment_id = charges.payment_id and refunds.reference = charges.provider || ':' || facts.id
where facts.state = 'done' and charges.payment_id is not null and facts.amount_minor <> coalesce(refunds.amount_minor, 0);

-- Money for orders that could not be placed is booked when it came in and when it went back.
-- name: check_unplaced_is_booked
select
    coalesce(facts.id, booked.set_id)::text as subject,
    coalesce(facts.amount_minor, 0)::text as expected,
    coalesce(booked.amount_minor, 0)::text as found
from (
    select id, unplaced_minor as amount_minor from payments.charges where unplaced_minor > 0
    union all
    select refund.id, -refund.amount_minor
    from payments.charge_refunds as refund
    join payments.charges on charges.id = refund.charge_id
    where refund.state = 'done' and charges.payment_id is null
) as facts
full join (select * from ledger.set_sums('bank') where kind = 'unplaced') as booked on booked.set_id = facts.id
where coalesce(facts.amount_minor, 0) <> coalesce(booked.amount_minor, 0);

-- A provider told of money that no charge of ours stands for: somebody has to look.
-- name: check_webhooks_have_charges
select
    format('webhook %s of %s', event_id, provider) as subject,
    'a charge ' || reference as expected,
    'none' as found
from payments.webhooks
where handled_at is null
    and (report ->> 'captured_minor')::bigint + (report ->> 'authorised_minor')::bigint
        > (report ->> 'refunded_minor')::bigint + (report ->> 'voided_minor')::bigint;

-- The back office's table of payments.
-- name: payment_table
select
    id, purpose, purpose_id, method, legal_entity_id, currency, amount_minor, credited_minor, received_minor,
    refunded_minor, due_at, created_at,
    amount_minor - credited_minor - received_minor + refunded_minor as open_minor,
    case
        when amount_minor - credited_minor > received_minor - refunded_minor then 'open'
        when received_minor - refunded_minor > amount_minor - credited_minor then 'refund_due'
        when refunded_minor > 0 then 'refunded'
        else 'settled'
    end as state
from payments.payments;

-- The back office's table of charges at providers.
-- name: charge_table
select
    charges.id, charges.provider, charges.method, charges.currency, charges.amount_minor, charges.state,
    charges.authorised_minor, charges.captured_minor, charges.refunded_minor, charges.unplaced_minor, charges.reason,
    charges.provider_reference, charges.created_at, charges.changed_at, charges.look_at, payments.purpose_id as order_id
from payments.charges
left join payments.payments on payments.id = charges.payment_id;

-- What a receipt or a refund was for: postings carry their ids.
-- name: purpose_of_money
select payments.purpose_id
from payments.payments
where payments.id = coalesce(
    (select payment_id from payments.receipts where id = :id limit 1),
    (select payment_id from payments.refunds where id = :id limit 1)
);
