-- Sums of payments for the checks and lists of the domains that own what is paid.
create or replace function payments.sums(ids uuid[])
returns table (payment_id uuid, method text, amount_minor bigint, credited_minor bigint, received_minor bigint, refunded_minor bigint, due_at timestamptz)
language sql stable security definer set search_path = '' as $$
    select id, method, amount_minor, credited_minor, received_minor, refunded_minor, due_at
    from payments.payments
    where id = any (ids)
$$;

-- All of them, for checks.
create or replace function payments.all_sums()
returns table (payment_id uuid, purpose text, purpose_id uuid, amount_minor bigint, credited_minor bigint, received_minor bigint, refunded_minor bigint)
language sql stable security definer set search_path = '' as $$
    select id, purpose, purpose_id, amount_minor, credited_minor, received_minor, refunded_minor from payments.payments
$$;

-- The charges that pay something, with what that is, for the checks of the domains that own it.
create or replace function payments.paid_charges()
returns table (id uuid, state text, payment_id uuid, purpose_id uuid)
language sql stable security definer set search_path = '' as $$
    select charges.id, charges.state, charges.payment_id, payments.purpose_id
    from payments.charges
    join payments.payments on payments.id = charges.payment_id
$$;

-- Which of these charges have come to their end.
create or replace function payments.ended_charges(ids uuid[])
returns table (id uuid)
language sql stable security definer set search_path = '' as $$
    select charges.id from payments.charges where charges.id = any (ids) and charges.look_at is null
$$;

-- What is not settled, by state: still owed (`open`), to be paid back (`refund_due`), or (partly) paid back
-- (`refunded`); by the partial indexes, for lists of the domains that own what is paid.
create or replace function payments.in_state(wanted text[])
returns table (payment_id uuid, purpose_id uuid)
language sql stable security definer set search_path = '' rows 1000
as $$
    select p.id, p.purpose_id
      from payments.payments p
     where 'open' = any(wanted) and p.amount_minor - p.credited_minor > p.received_minor - p.refunded_minor
    union all
    select p.id, p.purpose_id
      from payments.payments p
     where 'refund_due' = any(wanted) and p.received_minor - p.refunded_minor > p.amount_minor - p.credited_minor
    union all
    select p.id, p.purpose_id
      from payments.payments p
     where 'refunded' = any(wanted) and p.refunded_minor > 0
$$;

-- What payments are for, so that the domains that own it can name it.
create or replace function payments.purposes(ids uuid[])
returns table (payment_id uuid, purpose text, purpose_id uuid)
language sql stable security definer set search_path = '' rows 50
as $$
    select p.id, p.purpose, p.purpose_id from payments.payments p where p.id = any (ids)
$$;
