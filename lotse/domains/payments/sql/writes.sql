-- A new attempt; the unique index refuses a second one at a time for the same purpose.
-- name: begin_charge
insert into payments.charges (
    id, provider, method, purpose, purpose_id, legal_entity_id, zone, currency, amount_minor, state, expires_at,
    look_at, looked_at, created_at, changed_at
)
values (
    :id, :provider, :method, :purpose, :purpose_id, :legal_entity_id, :zone, :currency, :amount_minor, 'started',
    :expires_at, :look_at, :at, :at, :at
);

-- A locked charge as it stands now.
-- name: put_charge
update payments.charges
set
    state = :state,
    authorised_minor = :authorised_minor,
    captured_minor = :captured_minor,
    voided_minor = :voided_minor,
    refunded_minor = :refunded_minor,
    unplaced_minor = :unplaced_minor,
    provider_reference = :provider_reference,
    redirect_url = :redirect_url,
    reason = :reason,
    look_at = :look_at,
    looked_at = :looked_at,
    looks = :looks,
    changed_at = :changed_at
where id = :id;

-- Charges that are due, for one looker at a time: the others find them later again, should this one die.
-- name: take_due_charges
update payments.charges
set look_at = :until, looks = looks + 1
where id in (
    select id from payments.charges
    where look_at <= :at and purpose = :purpose
    order by look_at
    limit :limit
    for update skip locked
)
returning id;

-- Money that shall go back; asked for twice under one id it is one refund.
-- name: begin_refund
insert into payments.charge_refunds (id, charge_id, amount_minor, cause, state, actor, look_at, created_at, changed_at)
values (:id, :charge_id, :amount_minor, :cause, 'asked', :actor, :look_at, :at, :at)
on conflict (id) do nothing;

-- What became of a locked refund.
-- name: put_refund
update payments.charge_refunds
set state = :state, reason = :reason, look_at = :look_at, looks = looks + 1, changed_at = :at
where id = :id;

-- Refunds that are due, for one sender at a time.
-- name: take_due_refunds
update payments.charge_refunds
set look_at = :until, looks = looks + 1
where id in (
    select id from payments.charge_refunds
    where look_at <= :at
    order by look_at
    limit :limit
    for update skip locked
)
returning id;

-- Stored before anything is done about it; the natural key makes a message that comes twice one message.
-- name: keep_webhook
insert into payments.webhooks (provider, event_id, reference, report, body, received_at, look_at)
values (:provider, :event_id, :reference, :report, :body, :at, :at)
on conflict (provider, event_id) do nothing;

-- In the transaction that applied it.
-- name: webhook_handled
update payments.webhooks
set handled_at = :at, look_at = null
where provider = :provider and event_id = :event_id;

-- Nothing is known of its charge: later again, each pause longer than the one before, a day at most.
-- name: webhook_later
update payments.webhooks
set looks = looks + 1, look_at = :at::timestamptz + least(interval '10 seconds' * 2 ^ least(looks, 14), interval '1 day')
where provider = :provider and event_id = :event_id and handled_at is null;

-- Messages whose charge was not known when they came.
-- name: due_webhooks
select provider, event_id, report
from payments.webhooks
where look_at <= :at
order by look_at
limit :limit
for update skip locked;

-- A raw body may name a person; what it said of the charge stays. Bounded, so that locks are held shortly.
-- name: forget_bodies
update payments.webhooks
set body = null
where (provider, event_id) in (
    select provider, event_id from payments.webhooks where received_at < :before and body is not null limit :limit
);
