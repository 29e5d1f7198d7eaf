-- The kernel's tables: how facts travel (outbox, event log, consumers), how a repeated request gets the same answer
-- (idempotency), who changed what (audit). No business words.
create schema kernel;

-- ---------------------------------------------------------------------------------------------------------------------
-- Events: outbox -> one relay -> event_log -> consumers
-- ---------------------------------------------------------------------------------------------------------------------

-- Written in the transaction that made an event true, emptied by the relay. Rows live for milliseconds.
create table kernel.outbox (
    -- Drawn after the row that `key` names is locked, and never handed out ahead (cache 1): of two events with the same
    -- key the later one has the greater id, because its transaction waited for the earlier one's commit.
    id bigint generated always as identity (cache 1) primary key,
    type text not null,
    version smallint not null,
    key text not null,
    payload jsonb not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    -- 'domain.Name': the part before the dot says whose event it is.
    constraint outbox_type_form check (type ~ '^[a-z][a-z0-9_]*[.][A-Z][A-Za-z0-9]*$'),
    constraint outbox_version_counts_from_one check (version >= 1),
    constraint outbox_key_not_empty check (key <> '')
) with (
    -- A queue: as many rows die as are born, so vacuum must come by their number and not by a share of the table.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000
);

-- What happened, in the order in which consumers see it. Append-only; only the relay writes.
-- Positions are dense: a consumer that has read position n has read everything up to n.
create table kernel.event_log (
    position bigint not null,
    -- Rises with the position (the relay sees to it), so a reader that knows the id of its last event prunes the months before.
    id uuid not null,
    type text not null,
    version smallint not null,
    key text not null,
    payload jsonb not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    -- A unique index of a partitioned table must hold the partition key. That the position alone is unique follows
    -- from the one row in event_head, and `lotse check` proves it.
    constraint event_log_pkey primary key (position, id)
) partition by range (id);

-- Takes what has no month of its own, so that an insert never fails because a job did not run.
create table kernel.event_log_default partition of kernel.event_log default;

-- The last position and id that the relay gave out. One row: whoever writes the log locks it.
create table kernel.event_head (
    only_row boolean not null default true primary key,
    position bigint not null default 0,
    id uuid not null default '00000000-0000-0000-0000-000000000000',
    -- There is one log.
    constraint event_head_only_row check (only_row)
) with (fillfactor = 10); -- one row, updated by every batch: room for its next versions on its page keeps updates HOT
insert into kernel.event_head default values;

-- How far each consumer (a domain that reacts) has read.
create table kernel.consumers (
    name text not null primary key,
    -- Everything up to here is handled or parked.
    position bigint not null default 0,
    -- The id of the event at `position`, or a smaller one: months before it need not be looked at.
    id uuid not null default '00000000-0000-0000-0000-000000000000',
    constraint consumers_position_not_negative check (position >= 0)
) with (fillfactor = 10); -- few rows, each updated by every batch of its consumer: keeps updates HOT

-- Events that a consumer could not handle after all its tries, and later ones of the same key, which wait behind.
create table kernel.parked_events (
    consumer text not null references kernel.consumers (name),
    position bigint not null,
    id uuid not null,
    key text not null,
    -- Null: nothing wrong with this one, it waits so that the order within its key is kept.
    error text,
    attempts integer not null,
    parked_at timestamptz not null,
    primary key (consumer, position)
);
-- Asked before every event: does its key wait already?
create index parked_events_key on kernel.parked_events (consumer, key, position);

-- ---------------------------------------------------------------------------------------------------------------------
-- Idempotency: same key and same body, same answer
-- ---------------------------------------------------------------------------------------------------------------------

create table kernel.idempotency (
    principal text not null,
    key text not null,
    -- Same key with another body is refused.
    body_hash bytea not null,
    -- Null while the first request is still under way.
    answer bytea,
    created_at timestamptz not null,
    -- Null: a natural key (till sale, webhook, import), unique for ever.
    expires_at timestamptz,
    primary key (principal, key)
) with (fillfactor = 70); -- the answer is written by an update in the same transaction: room for it keeps that HOT
-- Finds what has expired. Block ranges and not a tree: rows come in the order of their time, and an insert pays nothing.
create index idempotency_expires_at on kernel.idempotency using brin (expires_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Audit: who changed master data, when, from what, to what
-- ---------------------------------------------------------------------------------------------------------------------

create table kernel.audit (
    id uuid not null primary key,
    -- 'pricing.price:<id>'
    subject text not null,
    actor text not null,
    old jsonb,
    new jsonb,
    reason text,
    recorded_at timestamptz not null
);
-- The history of one thing, newest last.
create index audit_subject on kernel.audit (subject, id);

-- ---------------------------------------------------------------------------------------------------------------------
-- Months: partitions of tables that are partitioned by range on a UUIDv7
-- ---------------------------------------------------------------------------------------------------------------------

-- The smallest UUIDv7 of a moment (RFC 9562, section 5.7): 48 bits of milliseconds first.
create function kernel.uuid7_floor(at timestamptz) returns uuid
language sql immutable strict parallel safe
return (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Give a table the partition of the month (UTC) that holds `at`. True if it was made now.
-- Made apart and attached, because `create ... partition of` would lock the whole table against readers. Rows of that
-- month which went to the default partition move over; only that one is locked, and normally it is empty.
create function kernel.ensure_month(parent regclass, at timestamptz) returns boolean
language plpgsql as $$
declare
    first_day timestamptz := date_trunc('month', at, 'UTC');
    low uuid := kernel.uuid7_floor(first_day);
    high uuid := kernel.uuid7_floor(first_day + interval '1 month');
    parent_schema text;
    parent_name text;
    month_name text;
    key_column text;
    default_partition regclass;
begin
    select n.nspname, c.relname, a.attname, nullif(p.partdefid, 0)::regclass
      into strict parent_schema, parent_name, key_column, default_partition
      from pg_catalog.pg_partitioned_table p
      join pg_catalog.pg_class c on c.oid = p.partrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
     where p.partrelid = parent and p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'uuid'::regtype;
    month_name := parent_name || to_char(first_day at time zone 'UTC', '_YYYY_MM');
    if to_regclass(format('%I.%I', parent_schema, month_name)) is not null then
        return false;
    end if;
    -- Two workers may come at once; the second waits and finds it there.
    perform pg_advisory_xact_lock(hashtextextended(parent_schema || '.' || month_name, 0));
    if to_regclass(format('%I.%I', parent_schema, month_name)) is not null then
        return false;
    end if;
    execute format('create table %I.%I (like %s including defaults including constraints including storage)',
                   parent_schema, month_name, parent);
    if default_partition is not null then
        execute format('lock table %s in access exclusive mode', default_partition);
        execute format('with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %I.%I select * from moved',
                       default_partition, key_column, low, key_column, high, parent_schema, month_name);
    end if;
    execute format('alter table %s attach partition %I.%I for values from (%L) to (%L)',
                   parent, parent_schema, month_name, low, high);
    return true;
end
$$;
