-- ---------------------------------------------------------------------------------------------------------------------
-- Webhooks: the event log, sent to other systems (Standard Webhooks)
-- ---------------------------------------------------------------------------------------------------------------------

-- Where events are sent. Never deleted, because the log of deliveries and the audit name it; switched off instead.
create table kernel.webhook_endpoints (
    id uuid not null primary key,
    name text not null,
    url text not null,
    -- Types of events, empty: all; shops by id, empty: all.
    types text[] not null,
    shop_ids uuid[] not null,
    -- What both sides sign with. Kept as it is, because each message is signed anew.
    secret text not null,
    -- The secret before the last rotation signs as well until then.
    former_secret text,
    former_until timestamptz,
    -- active: events are sent; paused: it failed for days, events are gathered and not sent; off: nothing is gathered.
    state text not null default 'active',
    reason text not null default '',
    -- Events up to here are not its business: it did not exist yet, or it was off.
    from_position bigint not null,
    -- Tries that failed since the last one that went well, and since when; until when nothing is tried.
    failures integer not null default 0,
    failing_since timestamptz,
    rest_until timestamptz,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint webhook_endpoints_name_length check (char_length(name) between 1 and 200),
    constraint webhook_endpoints_url_length check (char_length(url) between 8 and 2000),
    constraint webhook_endpoints_state check (state in ('active', 'paused', 'off')),
    constraint webhook_endpoints_secret check (secret like 'whsec_%'),
    constraint webhook_endpoints_former check ((former_secret is null) = (former_until is null))
) with (fillfactor = 50); -- few rows, each updated by every delivery: room on the page keeps updates HOT

-- One event for one endpoint. The body is made from the event log when it is sent, so it is not kept twice.
create table kernel.webhook_deliveries (
    id uuid not null primary key,
    endpoint_id uuid not null references kernel.webhook_endpoints (id),
    -- In the event log; null for a ping.
    position bigint,
    -- The id of the event, and so of the message: the same on every try and every replay.
    event_id uuid not null,
    type text not null,
    key text not null,
    occurred_at timestamptz not null,
    -- waiting; delivered; failed: all tries used up, later ones of its key wait behind it; skipped: by an operator.
    state text not null default 'waiting',
    -- Tries that count against the most there may be, and all there were.
    tries integer not null default 0,
    attempts integer not null default 0,
    -- When the next try is due. Null: it waits behind an earlier one of its key, or it has ended.
    due_at timestamptz,
    created_at timestamptz not null,
    ended_at timestamptz,
    -- What the last try met: a status, or the words of what failed.
    status integer,
    error text,
    -- An event reaches an endpoint once; a replay takes up the same row again.
    constraint webhook_deliveries_once unique (endpoint_id, position),
    constraint webhook_deliveries_state check (state in ('waiting', 'delivered', 'failed', 'skipped')),
    constraint webhook_deliveries_due_is_waiting check (due_at is null or state = 'waiting'),
    constraint webhook_deliveries_ended check ((ended_at is null) = (state = 'waiting'))
) with (fillfactor = 80); -- each delivery is updated once or a few times
-- What is due at an endpoint, in the order of the log.
create index webhook_deliveries_due on kernel.webhook_deliveries (endpoint_id, due_at, position) where due_at is not null;
-- Whether an earlier one of a key is open, and which comes next.
create index webhook_deliveries_open on kernel.webhook_deliveries (endpoint_id, key, position)
    where state in ('waiting', 'failed');
-- The log of an endpoint, the newest first: ids rise with time.
create index webhook_deliveries_log on kernel.webhook_deliveries (endpoint_id, id);
-- The deliveries of one event, and the search for one by its message id.
create index webhook_deliveries_event on kernel.webhook_deliveries (event_id);
-- The sweep finds what ended long ago.
create index webhook_deliveries_ended_at on kernel.webhook_deliveries (ended_at)
    where state in ('delivered', 'skipped');

-- What was sent and what came back, try by try. Bodies of answers are others' texts: they go with their delivery.
create table kernel.webhook_attempts (
    delivery_id uuid not null references kernel.webhook_deliveries (id) on delete cascade,
    number integer not null,
    at timestamptz not null,
    took_ms integer not null,
    request_headers jsonb not null,
    status integer,
    error text,
    response_headers jsonb not null,
    -- At most the first 4 KiB.
    response_body text not null,
    primary key (delivery_id, number)
);
