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

-- What happened to one thing: an order, an article. None by type: it would cost each event as much again, and of the
-- common types the newest are near the end of the log anyway.
create index event_log_key on kernel.event_log (key);

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

-- Every event, whether the relay has moved it yet or not: what a check compares a domain's facts with.
create view kernel.events as
    select type, version, key, payload, occurred_at, recorded_at from kernel.event_log
    union all
    select type, version, key, payload, occurred_at, recorded_at from kernel.outbox;

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
    recorded_at timestamptz not null,
    -- From where: 'page', 'api', 'job', 'event', 'cli', with its name (route, job, consumer, command).
    origin_kind text not null default '',
    origin text not null default '',
    address text not null default '',
    -- Session of the staff account, or who called the command line.
    session text not null default '',
    request text not null default '',
    -- Of a bulk change: the id of its head, which stands for all of its rows. The head has its own.
    bulk_id uuid,
    -- 'pricing.price'
    kind text not null generated always as (split_part(subject, ':', 1)) stored
);
comment on column kernel.audit.address is 'retention: sign-in';
-- The history of one thing, newest last.
create index audit_subject on kernel.audit (subject, id);
-- The log, the newest first: rows of a bulk change stand behind its head.
create index audit_newest on kernel.audit (recorded_at, id) where bulk_id is null or bulk_id = id;
-- What one person or program did.
create index audit_actor on kernel.audit (actor, recorded_at, id) where bulk_id is null or bulk_id = id;
-- What happened to one kind of thing, e.g. prices.
create index audit_kind on kernel.audit (kind, recorded_at, id) where bulk_id is null or bulk_id = id;
-- The rows of a bulk change.
create index audit_bulk on kernel.audit (bulk_id, id) where bulk_id is not null;

-- Nothing in the log is changed or taken away. One thing may be: what an entry said about a person who has a right to be
-- forgotten (art. 17 GDPR), by kernel.blank_audit; that it happened, when and by whom stays.
create function kernel.keep_audit() returns trigger language plpgsql as $$
begin
    -- By name and not by row: generated columns are not there yet.
    if tg_op = 'UPDATE' and current_setting('lotse.blanking', true) = 'on'
        and new.old is null and new.new is null and new.reason is null
        and to_jsonb(new) - array['old', 'new', 'reason', 'kind'] = to_jsonb(old) - array['old', 'new', 'reason', 'kind']
    then
        return new;
    end if;
    raise exception 'the audit log only grows' using errcode = 'restrict_violation';
end
$$;
create trigger audit_is_kept before update or delete on kernel.audit for each row execute function kernel.keep_audit();
create trigger audit_is_kept_whole before truncate on kernel.audit for each statement execute function kernel.keep_audit();
-- Also for sessions that switch triggers off (session_replication_role).
alter table kernel.audit enable always trigger audit_is_kept;
alter table kernel.audit enable always trigger audit_is_kept_whole;
revoke update, delete, truncate on kernel.audit from public;

-- Forget what entries said about subjects; how many did. Whoever calls it records the erasure itself.
create function kernel.blank_audit(subjects text[]) returns bigint
language sql set lotse.blanking = 'on' as $$
    with blanked as (
        update kernel.audit set old = null, new = null, reason = null
        where subject = any (subjects) and (old is not null or new is not null or reason is not null)
        returning true
    )
    select count(*) from blanked
$$;

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
    -- Asked of the table, because to_regclass may answer from a cache that does not know yet what the first one made.
    if exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where n.nspname = parent_schema and c.relname = month_name) then
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

-- Give every table that is partitioned by range on one UUID column its months, from that of `at` on. Returns how many
-- were made. Nobody has to name the tables.
create function kernel.ensure_months(at timestamptz, ahead integer) returns bigint
language sql
begin atomic
    select count(*) filter (where kernel.ensure_month(p.partrelid::regclass, at + make_interval(months => month)))
      from pg_catalog.pg_partitioned_table p
      join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
     cross join generate_series(0, ahead) as month
     where p.partstrat = 'r' and p.partnatts = 1 and a.atttypid = 'uuid'::regtype;
end;

-- ---------------------------------------------------------------------------------------------------------------------
-- Jobs: the timetable is ours, the queue is pgqueuer's
-- ---------------------------------------------------------------------------------------------------------------------

-- When each job of the timetable is due next. A worker that moves `due_at` on puts the job into the queue in the same
-- transaction, so a due time leads to one run however many workers look and however their clocks differ.
create table kernel.timetable (
    job text not null primary key,
    -- Cron, in UTC. Kept to notice that a new version of Lotse changed it.
    cron text not null,
    due_at timestamptz not null
);

-- What follows is pgqueuer's own installation text for the schema `pgqueuer`, unchanged (a test compares them).
-- pgqueuer 1.6.0 -- prefix='' schema='pgqueuer' durability=durable

CREATE SCHEMA IF NOT EXISTS pgqueuer;

CREATE TYPE pgqueuer.pgqueuer_status AS ENUM ('queued', 'picked', 'successful', 'exception', 'canceled', 'deleted', 'failed');

CREATE TABLE pgqueuer.pgqueuer (
    id bigserial NOT NULL PRIMARY KEY,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone NOT NULL DEFAULT now(),
    updated timestamp with time zone NOT NULL DEFAULT now(),
    heartbeat timestamp with time zone NOT NULL DEFAULT now(),
    execute_after timestamp with time zone NOT NULL DEFAULT now(),
    status pgqueuer.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer NOT NULL DEFAULT 0,
    slot bigint
);

CREATE TABLE pgqueuer.pgqueuer_log (
    id bigint GENERATED BY DEFAULT AS IDENTITY NOT NULL PRIMARY KEY,
    created timestamp with time zone NOT NULL DEFAULT now(),
    job_id bigint NOT NULL,
    status pgqueuer.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

CREATE TABLE pgqueuer.pgqueuer_schedules (
    id bigserial NOT NULL PRIMARY KEY,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone NOT NULL DEFAULT now(),
    created timestamp with time zone NOT NULL DEFAULT now(),
    updated timestamp with time zone NOT NULL DEFAULT now(),
    next_run timestamp with time zone NOT NULL DEFAULT now(),
    last_run timestamp with time zone,
    status pgqueuer.pgqueuer_status DEFAULT 'queued'::pgqueuer.pgqueuer_status,
    UNIQUE (expression, entrypoint)
);

CREATE TABLE pgqueuer.pgqueuer_statistics (
    id bigserial NOT NULL PRIMARY KEY,
    created timestamp with time zone NOT NULL DEFAULT date_trunc('sec'::text, now()),
    count bigint NOT NULL,
    priority integer NOT NULL,
    status pgqueuer.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);

CREATE INDEX pgqueuer_ep_ea_idx ON pgqueuer.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::pgqueuer.pgqueuer_status);

CREATE INDEX pgqueuer_ep_prio_id_idx ON pgqueuer.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::pgqueuer.pgqueuer_status);

CREATE INDEX pgqueuer_log_created ON pgqueuer.pgqueuer_log USING btree (created);

CREATE INDEX pgqueuer_log_job_id_status ON pgqueuer.pgqueuer_log USING btree (job_id, created DESC);

CREATE INDEX pgqueuer_log_not_aggregated ON pgqueuer.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);

CREATE INDEX pgqueuer_log_status ON pgqueuer.pgqueuer_log USING btree (status);

CREATE INDEX pgqueuer_picked_heartbeat_idx ON pgqueuer.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::pgqueuer.pgqueuer_status);

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON pgqueuer.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::pgqueuer.pgqueuer_status) AND (slot IS NOT NULL));

CREATE INDEX pgqueuer_priority_id_id1_idx ON pgqueuer.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::pgqueuer.pgqueuer_status);

CREATE INDEX pgqueuer_queue_manager_id_idx ON pgqueuer.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON pgqueuer.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON pgqueuer.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::pgqueuer.pgqueuer_status, 'picked'::pgqueuer.pgqueuer_status])) AND (dedupe_key IS NOT NULL));

CREATE INDEX pgqueuer_updated_id_id1_idx ON pgqueuer.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::pgqueuer.pgqueuer_status);

CREATE FUNCTION pgqueuer.fn_pgqueuer_changed() RETURNS TRIGGER AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$ LANGUAGE plpgsql;

CREATE TRIGGER tg_pgqueuer_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON pgqueuer.pgqueuer
EXECUTE FUNCTION pgqueuer.fn_pgqueuer_changed();

-- ---------------------------------------------------------------------------------------------------------------------
-- Who asks: staff, their sessions, API tokens, log-in attempts, and the installation's own secrets
-- ---------------------------------------------------------------------------------------------------------------------

-- Random keys that every host of the installation must share, e.g. the one that signs links. Made on first use.
create table kernel.secrets (
    name text not null primary key,
    secret bytea not null,
    created_at timestamptz not null,
    -- 256 bits, as HMAC-SHA256 takes.
    constraint secrets_length check (octet_length(secret) = 32)
);

-- People who work here. Rows stay, switched off, because changes name them; login, name and password are erasable
-- (retention: until the employment ended, then as long as the audit trail must name a person).
create table kernel.staff (
    id uuid not null primary key,
    login text not null,
    name text not null,
    -- An argon2id hash in PHC format: it carries its own parameters, so they can be raised later. Null: signs in through
    -- a provider alone.
    password text,
    active boolean not null default true,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- Log-in looks it up; case does not tell two people apart.
    constraint staff_login_unique unique (login),
    constraint staff_login_form check (login = lower(login) and login ~ '^[^[:space:]]{1,200}$'),
    constraint staff_password_is_hashed check (password like '$argon2id$%')
);

-- Sessions of staff in the back office. The browser holds a random token, the row its hash: who reads the table or a
-- backup cannot use what he finds.
create table kernel.sessions (
    token_hash bytea not null primary key,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    -- Forms of the session prove themselves with a token made from this.
    csrf_secret bytea not null,
    created_at timestamptz not null,
    -- Idle expiry counts from here; written at most once a minute.
    seen_at timestamptz not null,
    -- The latest end, however busy the session is.
    expires_at timestamptz not null,
    -- What lists and links call the session; old code that knows no ids leaves it to the default.
    id uuid not null default gen_random_uuid(),
    -- How the person proved who they are: 'password', 'password+code', 'password+recovery', 'oidc:<provider>'.
    method text not null default 'password',
    -- The browser that it began in; a row of kernel.devices while that is kept.
    device_id uuid,
    address text not null default '',
    agent text not null default '',
    -- Sealed: how to sign out at the provider that vouched for the account.
    sign_out bytea,
    -- A session is ended by its id.
    constraint sessions_id_unique unique (id)
);
comment on column kernel.sessions.address is 'retention: sign-in';
comment on column kernel.sessions.agent is 'retention: sign-in';
-- Ends all sessions of an account when its password or rights change, and serves the foreign key.
create index sessions_staff on kernel.sessions (staff_id);
-- The sweep finds what has expired.
create index sessions_expires_at on kernel.sessions (expires_at);

-- Browsers that an account has signed in with: they hold a random token in a cookie, the row its hash. Somebody else's
-- wrong passwords do not lock out a browser that is known here, and a sign-in from an unknown one is told to the account.
-- Retention: 180 days after the last sign-in, swept.
create table kernel.devices (
    id uuid not null primary key,
    token_hash bytea not null,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    -- What the browser called itself when it last signed in.
    agent text not null,
    address text not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    -- One browser may be used by several people: each has to become known with it.
    constraint devices_unique unique (token_hash, staff_id)
);
comment on column kernel.devices.agent is 'retention: sign-in';
comment on column kernel.devices.address is 'retention: sign-in';
-- The account's page lists them, and the foreign key needs it.
create index devices_staff on kernel.devices (staff_id, last_at);

-- Networks that an account has signed in from, so that another one can be told. Retention: 180 days after the last.
create table kernel.networks (
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    network text not null,
    last_at timestamptz not null,
    primary key (staff_id, network)
);
comment on column kernel.networks.network is 'retention: sign-in';

-- Second factors: the secret that an authenticator app shares with us (RFC 6238), sealed (lotse/kernel/auth/sealing.py).
create table kernel.second_factors (
    staff_id uuid not null primary key references kernel.staff (id) on delete cascade,
    -- Null until a code has proven that the app holds it.
    sealed bytea,
    confirmed_at timestamptz,
    -- The one being set up; an older one counts until it is confirmed.
    proposed bytea,
    -- The time step of the last code that was taken: no code counts twice (RFC 6238, section 5.2).
    last_step bigint not null default 0,
    constraint second_factors_confirmed check ((sealed is null) = (confirmed_at is null))
);

-- Recovery codes: each stands in for the second factor once. Only keyed hashes; 80 random bits are not to be guessed.
create table kernel.recovery_codes (
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (staff_id, code_hash)
);

-- Sign-ins whose password was right and whose second factor is yet to come. Retention: minutes, swept.
create table kernel.half_sign_ins (
    token_hash bytea not null primary key,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    method text not null,
    -- The page that was asked for.
    goes_to text not null,
    -- Sealed: how to sign out at the provider that vouched for the account.
    sign_out bytea,
    -- Wrong codes so far; a few end it, so that the password has to be known again.
    mistakes integer not null default 0,
    expires_at timestamptz not null
);
-- Ends with the account's sessions, and serves the foreign key.
create index half_sign_ins_staff on kernel.half_sign_ins (staff_id);
-- The sweep finds what has expired.
create index half_sign_ins_expires_at on kernel.half_sign_ins (expires_at);

-- Visitors who are away at an OpenID provider: what was asked, until they come back. Taken away by the first answer, so
-- none counts twice. Retention: minutes, swept.
create table kernel.oidc_requests (
    state_hash bytea not null primary key,
    -- The browser that left; an answer in another one is refused.
    browser_hash bytea not null,
    provider text not null,
    nonce text not null,
    -- Proves to the provider that who brings the code is who asked (PKCE, RFC 7636).
    verifier text not null,
    goes_to text not null,
    -- Who links an account of the provider to their own; null: a sign-in.
    staff_id uuid references kernel.staff (id) on delete cascade,
    expires_at timestamptz not null
);
-- Serves the foreign key.
create index oidc_requests_staff on kernel.oidc_requests (staff_id);
-- The sweep finds what has expired.
create index oidc_requests_expires_at on kernel.oidc_requests (expires_at);

-- Accounts of OpenID providers that sign somebody in. Issuer and subject and nothing else say who it is: addresses and
-- names are given away, given back and given to others.
create table kernel.identities (
    issuer text not null,
    subject text not null,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    -- The name of the provider in the settings.
    provider text not null,
    -- What people call it: a mail address or a name, as the provider last said.
    label text not null,
    linked_at timestamptz not null,
    used_at timestamptz not null,
    primary key (issuer, subject)
);
comment on column kernel.identities.label is 'retention: sign-in';
-- The account's page lists them, and the foreign key needs it.
create index identities_staff on kernel.identities (staff_id);

-- What an account should know about itself: a sign-in from a new place, a changed password. Shown until it is put away.
-- Retention: 365 days, swept.
create table kernel.notices (
    id uuid not null primary key,
    staff_id uuid not null references kernel.staff (id) on delete cascade,
    kind text not null,
    -- The session that did it: it is told to the others.
    session_id uuid,
    address text not null,
    agent text not null,
    happened_at timestamptz not null,
    seen_at timestamptz
);
comment on column kernel.notices.address is 'retention: sign-in';
comment on column kernel.notices.agent is 'retention: sign-in';
-- Every page of a signed-in person asks for the ones not yet put away.
create index notices_unseen on kernel.notices (staff_id) where seen_at is null;
-- The account's page lists them, the newest first.
create index notices_staff on kernel.notices (staff_id, happened_at);

-- Keys of programs. Shown once when made, stored hashed; never deleted, because changes name them.
create table kernel.tokens (
    id uuid not null primary key,
    name text not null,
    token_hash bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    -- Each request looks its token up by this.
    constraint tokens_hash_unique unique (token_hash),
    constraint tokens_name_not_empty check (name <> ''),
    constraint tokens_expire_after_creation check (expires_at > created_at)
);

-- Named bundles of grants.
create table kernel.roles (
    id uuid not null primary key,
    name text not null,
    description text not null default '',
    -- As Lotse ships it, under this name: kept up to date with Lotse until somebody edits it.
    ready text,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- Whoever holds it needs a second factor to sign in.
    second_factor boolean not null default false,
    -- People choose a role by its name.
    constraint roles_name_unique unique (name),
    constraint roles_name_length check (char_length(name) between 1 and 100 and char_length(description) <= 1000),
    -- Shipped once.
    constraint roles_ready_unique unique (ready)
);

-- What a role gives. Shops, locations and parties are ids of domains that the kernel does not know; null: all.
create table kernel.role_grants (
    role_id uuid not null references kernel.roles (id) on delete cascade,
    right_name text not null,
    shop_id uuid,
    location_id uuid,
    party_id uuid,
    -- The most that may be decided at once, in minor units; null: any amount.
    limit_minor bigint,
    currency text,
    -- Of two limits for the same thing nobody would know which counts.
    constraint role_grants_once unique nulls not distinct (role_id, right_name, shop_id, location_id, party_id),
    constraint role_grants_form check (right_name = '*' or right_name ~ '^[a-z][a-z_]*[.][a-z][a-z_]*$'),
    constraint role_grants_limit check (
        (limit_minor is null) = (currency is null) and limit_minor >= 0 and currency ~ '^[A-Z]{3}$'
    )
);

-- What staff and tokens hold: a role, or a single right; where, null being everywhere.
create table kernel.holdings (
    id uuid not null primary key,
    staff_id uuid references kernel.staff (id) on delete cascade,
    token_id uuid references kernel.tokens (id) on delete cascade,
    role_id uuid references kernel.roles (id),
    right_name text,
    shop_id uuid,
    location_id uuid,
    party_id uuid,
    limit_minor bigint,
    currency text,
    since timestamptz not null,
    constraint holdings_one_holder check (num_nonnulls(staff_id, token_id) = 1),
    constraint holdings_role_or_right check (num_nonnulls(role_id, right_name) = 1),
    -- Held once; of two limits for the same thing nobody would know which counts.
    constraint holdings_once unique nulls not distinct
        (staff_id, token_id, role_id, right_name, shop_id, location_id, party_id),
    constraint holdings_form check (right_name = '*' or right_name ~ '^[a-z][a-z_]*[.][a-z][a-z_]*$'),
    constraint holdings_limit check (
        (limit_minor is null) = (currency is null) and limit_minor >= 0 and currency ~ '^[A-Z]{3}$'
    ),
    -- A role brings its own limits.
    constraint holdings_limit_of_right check (limit_minor is null or right_name is not null)
);
-- What a token holds; staff are found by the constraint.
create index holdings_token on kernel.holdings (token_id) where token_id is not null;
-- Who holds a role, and the foreign key.
create index holdings_role on kernel.holdings (role_id) where role_id is not null;

-- What each holder may do: a role's grants, narrowed to where the role is held.
create view kernel.granted as
    select staff_id, token_id, right_name, shop_id, location_id, party_id, limit_minor, currency
    from kernel.holdings
    where right_name is not null
    union all
    select h.staff_id, h.token_id, g.right_name, coalesce(h.shop_id, g.shop_id),
        coalesce(h.location_id, g.location_id), coalesce(h.party_id, g.party_id), g.limit_minor, g.currency
    from kernel.holdings as h
    join kernel.role_grants as g on g.role_id = h.role_id
    where (h.shop_id is null or g.shop_id is null or h.shop_id = g.shop_id)
        and (h.location_id is null or g.location_id is null or h.location_id = g.location_id)
        and (h.party_id is null or g.party_id is null or h.party_id = g.party_id);

-- Rate limits (log-in by account and by address): one row per key and no history. `empty_at` is when the bucket that the
-- attempts fill will have leaked dry (generic cell rate algorithm).
create table kernel.attempts (
    key text not null primary key,
    empty_at timestamptz not null
);
-- The sweep finds buckets that are dry.
create index attempts_empty_at on kernel.attempts (empty_at);

-- What somebody typed into a form whose post was refused, until the form is shown again. Holds names and addresses:
-- retention 30 minutes, swept.
create table kernel.drafts (
    token_hash bytea not null primary key,
    -- The page that the form is on: a draft shows nowhere else.
    form text not null,
    typed jsonb not null,
    problem jsonb not null,
    expires_at timestamptz not null,
    -- Who posted: an address of IPv4 or a network of IPv6, what the bound per client counts by.
    client text not null default '',
    -- A body of 1 MiB is the most a form can post; more than this is no form that anybody typed.
    constraint drafts_bounded check (octet_length(typed::text) <= 200000)
);
-- The sweep finds what has expired.
create index drafts_expires_at on kernel.drafts (expires_at);
-- Each refusal asks what its client has kept already.
create index drafts_client on kernel.drafts (client, expires_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Waiting rooms: one fair queue per room, shared by all processes and hosts
-- ---------------------------------------------------------------------------------------------------------------------

-- A room: what staff decided, and where its line has come to. A room without a row is closed.
create table kernel.waiting_rooms (
    name text not null primary key,
    -- closed: nobody waits; automatic: opens itself while the shop is strained; open: newcomers wait.
    mode text not null default 'closed',
    -- Mode open: from when newcomers wait. Before it, who is there already is given a pass.
    begins_at timestamptz,
    -- A sale: nobody is admitted before; who came before is drawn by lot.
    opens_at timestamptz,
    -- A rate that staff set; null: it follows what the shop can take, up to most_per_minute.
    per_minute integer,
    most_per_minute integer not null default 6000,
    pass_minutes integer not null default 20,
    -- The opening that counts now; null: the room is not open.
    opening bigint,
    -- Numbers up to here were admitted or passed over.
    mark bigint not null default 0,
    -- Admissions per minute as they are now, what is left of a whole admission, how fast numbers pass (per minute).
    rate double precision not null default 0,
    carry double precision not null default 0,
    pace double precision not null default 0,
    -- The strain last seen (1: as much as the shop can take), and for how many seconds it was too high or low.
    strain double precision not null default 0,
    strained integer not null default 0,
    calm integer not null default 0,
    -- Numbers given out when the line was last moved on: the difference is who came since.
    noted bigint not null default 0,
    -- One process at a time moves the line on: whoever comes first in a second.
    ticked_at timestamptz,
    changed_at timestamptz not null,
    constraint waiting_rooms_mode check (mode in ('closed', 'automatic', 'open')),
    constraint waiting_rooms_begins check (mode <> 'open' or begins_at is not null),
    constraint waiting_rooms_sale_is_planned check (opens_at is null or (mode = 'open' and begins_at <= opens_at)),
    constraint waiting_rooms_rates check (per_minute between 1 and 60000 and most_per_minute between 1 and 60000),
    constraint waiting_rooms_pass check (pass_minutes between 5 and 120)
);

-- Each time a room opens, its line begins anew. The row deals out the numbers: whoever takes some locks it, so they are
-- dense and rise in the order of arrival on all hosts.
create table kernel.waiting_openings (
    id bigint generated always as identity primary key,
    room text not null,
    began_at timestamptz not null,
    ended_at timestamptz,
    -- Before a sale: tickets get no number yet.
    gathering boolean not null,
    last_number bigint not null default 0,
    -- What the lots were drawn with, so that a drawing can be done again and proven.
    seed bytea
);
-- The sweep finds what ended long ago.
create index waiting_openings_ended on kernel.waiting_openings (ended_at);

-- A place in the line. Visitors hold a signed cookie that names it; nothing here says who they are. Retention: two days
-- after the opening ended. fillfactor: `seen_at` is written again and again, on the same page.
create table kernel.waiting_tickets (
    id uuid not null primary key,
    opening bigint not null,
    -- Null while a sale is awaited.
    number bigint,
    state text not null default 'waiting',
    taken_at timestamptz not null,
    -- Written at most once per refresh; who was not seen for long is passed over.
    seen_at timestamptz not null,
    admitted_at timestamptz,
    -- Set when the pass is first handed out; a ticket gives one pass and never a second.
    pass_until timestamptz,
    constraint waiting_tickets_state check (state in ('waiting', 'away', 'admitted')),
    constraint waiting_tickets_admitted check ((state = 'admitted') = (admitted_at is not null)),
    -- Two visitors can never hold one place.
    constraint waiting_tickets_number_unique unique (opening, number)
) with (fillfactor = 80);
-- The head of the line, without those who were admitted or passed over.
create index waiting_tickets_head on kernel.waiting_tickets (opening, number) where state = 'waiting';

-- What happened per minute, for the plot in the back office. Retention: 30 days.
create table kernel.waiting_minutes (
    room text not null,
    minute timestamptz not null,
    waiting bigint not null,
    arrived bigint not null,
    admitted bigint not null,
    passed_over bigint not null,
    rate double precision not null,
    strain double precision not null,
    primary key (room, minute)
);

-- What each front door sees of the shop's strain, every second while a room is not closed. Unlogged: it is of no use
-- after a crash.
create unlogged table kernel.waiting_loads (
    reporter text not null primary key,
    at timestamptz not null,
    strain double precision not null,
    newcomers integer not null
);

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
-- The deliveries in one state, the newest first: what was given up, what waits.
create index webhook_deliveries_state on kernel.webhook_deliveries (state, id);
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

-- ---------------------------------------------------------------------------------------------------------------------
-- Imports: files of rows from people and other systems, and who may say what about a field
-- ---------------------------------------------------------------------------------------------------------------------

-- One file on its way in. Each batch of rows commits with the place behind it, so a run goes on where it was stopped.
create table kernel.imports (
    id uuid not null primary key,
    -- articles, prices, stock, …: a kind that some domain knows.
    kind text not null,
    -- The file's name, for people.
    name text not null,
    format text not null,
    -- Who sent it: `lotse` for people of the house, else the name of the outside system. Masters of fields go by it.
    source text not null,
    -- What holds for every row that does not say it: shop, language, delimiter, …
    options jsonb not null,
    dry_run boolean not null,
    state text not null default 'receiving',
    reason text not null default '',
    sha256 bytea,
    bytes_total bigint not null default 0,
    -- Everything before is done; the line there, counted from 1; the columns of a CSV file once they were read.
    bytes_done bigint not null default 0,
    line integer not null default 1,
    columns text[],
    created integer not null default 0,
    changed integer not null default 0,
    unchanged integer not null default 0,
    held integer not null default 0,
    refused integer not null default 0,
    actor text not null,
    created_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    -- Who sends a file with a key (an Idempotency-Key with its principal) and sends it again, gets the same import.
    request_key text,
    constraint imports_format check (format in ('csv', 'jsonl')),
    constraint imports_state check (state in ('receiving', 'waiting', 'running', 'done', 'failed', 'cancelled')),
    constraint imports_name_length check (char_length(name) <= 300),
    constraint imports_source_form check (source ~ '^[a-z][a-z0-9_-]{0,62}$'),
    constraint imports_ended check ((ended_at is null) = (state in ('receiving', 'waiting', 'running')))
) with (fillfactor = 50); -- updated with every batch
-- The list of a kind's imports, newest first, is short; what is open is looked for by the worker.
create index imports_open on kernel.imports (id) where state in ('waiting', 'running');
-- One import per key; files without one (folder, command line) have none.
create unique index imports_request_key on kernel.imports (request_key) where request_key is not null;

-- The file itself, in pieces that fit into memory: whichever host takes it in, any worker can read it. May hold names
-- and addresses (customers): retention 30 days, swept with its import's rows.
create table kernel.import_chunks (
    import_id uuid not null references kernel.imports (id) on delete cascade,
    number integer not null,
    body bytea not null,
    primary key (import_id, number)
);

-- Rows that were refused: where, what and why, and the row as it came. Retention as the file's.
create table kernel.import_rows (
    import_id uuid not null references kernel.imports (id) on delete cascade,
    line integer not null,
    key text not null,
    field text not null,
    code text not null,
    reason text not null,
    row jsonb not null,
    primary key (import_id, line)
);

-- How new what a source last said of a thing was: what was sent earlier and comes later changes nothing.
create table kernel.import_versions (
    kind text not null,
    key text not null,
    source text not null,
    changed_at timestamptz not null,
    primary key (kind, key, source)
) with (fillfactor = 80);

-- Who has the say over a field of a kind of master data. `*` is whether a thing exists at all, and every field that has
-- no row of its own. Without a row it is Lotse.
create table kernel.field_masters (
    kind text not null,
    field text not null,
    master text not null,
    changed_at timestamptz not null,
    changed_by text not null,
    primary key (kind, field),
    constraint field_masters_master_form check (master ~ '^[a-z][a-z0-9_-]{0,62}$')
);

-- What a source said about a field that another has the say over: a work list. One row per field of a thing and source.
create table kernel.differences (
    id uuid not null primary key,
    kind text not null,
    key text not null,
    field text not null,
    source text not null,
    -- What we have, and what they said; null where there is nothing.
    ours jsonb,
    theirs jsonb,
    -- The rest of the row that names the thing, and the options it came under: needed to take theirs.
    row jsonb not null,
    options jsonb not null,
    state text not null default 'open',
    seen_at timestamptz not null,
    decided_at timestamptz,
    decided_by text,
    -- Said again it is the same difference.
    constraint differences_once unique (kind, key, field, source),
    constraint differences_state check (state in ('open', 'taken', 'kept', 'agreed'))
);
-- The work list, newest first, and what was decided.
create index differences_state on kernel.differences (state, id);
-- What systems say of one thing.
create index differences_key on kernel.differences (key text_pattern_ops);

-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type kernel.outbox_row as (
    type text,
    version smallint,
    key text,
    payload text,
    occurred_at timestamptz
);

create type kernel.answers_row as (
    principal text,
    key text,
    answer bytea
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Media
-- ---------------------------------------------------------------------------------------------------------------------

-- Pictures and files by their content; the bytes lie in the media store. Rows say what they are and show.
create table kernel.media (
    -- SHA-256 of the bytes, size in pixels, ending: a name never changes its meaning.
    name text not null primary key,
    kind text not null,
    media_type text not null,
    size bigint not null,
    width integer,
    height integer,
    -- The file's name when it came, for whoever looks for it; never believed.
    title text not null default '',
    -- In percent of width and height; a page that crops keeps this point in sight.
    focal_x smallint,
    focal_y smallint,
    -- What it shows, by language, for those who do not see it.
    alt jsonb not null default '{}',
    -- Never removed for want of a reference: what a file of settings names, such as the logo.
    kept boolean not null default false,
    -- Where it was fetched.
    source_url text,
    created_at timestamptz not null,
    created_by text not null,
    changed_at timestamptz not null,
    -- Since when nothing refers to it, as the sweep saw; it goes after a grace time.
    unused_since timestamptz,
    constraint media_name_form check (name ~ '^[0-9a-f]{64}(-[1-9][0-9]{0,4}x[1-9][0-9]{0,4})?[.][a-z]{3,4}$'),
    constraint media_kind_known check (kind in ('picture', 'drawing', 'document')),
    constraint media_size_positive check (size > 0),
    -- Both or none: half a point is none.
    constraint media_focal_whole check ((focal_x is null) = (focal_y is null)),
    constraint media_focal_inside check (focal_x between 0 and 100 and focal_y between 0 and 100),
    constraint media_alt_object check (jsonb_typeof(alt) = 'object'),
    constraint media_title_length check (char_length(title) <= 200)
);
-- The library shows the newest first.
create index media_created on kernel.media (created_at desc, name desc);
-- What is going to be removed, for the sweep.
create index media_unused on kernel.media (unused_since) where unused_since is not null;

-- Files as they came. A picture is written anew without its metadata, so what came has another hash than what is kept;
-- the same file again is known by this before anything is unpacked.
create table kernel.media_uploads (
    sha256 bytea not null primary key,
    media text not null,
    constraint media_uploads_media foreign key (media) references kernel.media (name) on delete cascade,
    constraint media_uploads_sha256_length check (octet_length(sha256) = 32)
);
-- The foreign key's own look-up.
create index media_uploads_media on kernel.media_uploads (media);

-- Addresses that somebody wants to have fetched, in lists; a job works them off one by one and goes on where it stopped.
create table kernel.media_fetches (
    batch_id uuid not null,
    position integer not null,
    url text not null,
    state text not null default 'wanted',
    media text,
    -- A refusal's sentence.
    problem text,
    tries integer not null default 0,
    asked_by text not null,
    asked_at timestamptz not null,
    done_at timestamptz,
    constraint media_fetches_pkey primary key (batch_id, position),
    constraint media_fetches_media foreign key (media) references kernel.media (name) on delete set null,
    constraint media_fetches_state_known check (state in ('wanted', 'done', 'failed')),
    constraint media_fetches_url_length check (char_length(url) between 1 and 2000)
);
-- The foreign key's own look-up.
create index media_fetches_media on kernel.media_fetches (media) where media is not null;
-- What is asked for last is shown first, and swept last.
create index media_fetches_asked on kernel.media_fetches (asked_at desc);

-- ---------------------------------------------------------------------------------------------------------------------
-- The back office: saved views of tables, changes of many rows
-- ---------------------------------------------------------------------------------------------------------------------

-- The query of a table's address under a name.
create table kernel.office_views (
    id uuid not null primary key,
    table_name text not null,
    -- The principal who saved it; a view that is shared shows for everybody who sees the table.
    owner text not null,
    name text not null,
    query text not null,
    shared boolean not null default false,
    created_at timestamptz not null,
    -- Saving under the same name replaces.
    constraint office_views_name_unique unique (table_name, owner, name),
    constraint office_views_name_length check (char_length(name) between 1 and 60),
    constraint office_views_query_length check (char_length(query) <= 2000)
);

-- A change of many rows: what was asked, how far it is. The row is written when it is planned, so what is applied is
-- what was shown.
create table kernel.bulk_changes (
    id uuid not null primary key,
    table_name text not null,
    -- The bulk action of the table, or 'file'.
    action text not null,
    -- planning, applying, undoing: at work, and gone on with after a crash. planned: shown, not begun; swept after a day.
    state text not null default 'planning',
    -- What was typed, and for which shop, in which currency, language and zone.
    typed jsonb not null,
    scope jsonb not null,
    reason text not null,
    actor text not null,
    actor_name text not null,
    -- Rows that were chosen; of these: would change, were refused when planned, stay as they are.
    chosen integer not null,
    changes integer not null default 0,
    refused integer not null default 0,
    same integer not null default 0,
    -- Rows done, and refused while it ran; of the undoing likewise.
    done integer not null default 0,
    failed integer not null default 0,
    undone integer not null default 0,
    undo_failed integer not null default 0,
    begun_at timestamptz not null,
    applied_at timestamptz,
    undone_at timestamptz,
    undone_by text,
    constraint bulk_changes_state_known check (
        state in ('planning', 'planned', 'applying', 'applied', 'undoing', 'undone')
    ),
    constraint bulk_changes_counts_not_negative check (
        least(chosen, changes, refused, same, done, failed, undone, undo_failed) >= 0
    ),
    constraint bulk_changes_no_more_than_planned check (done + failed <= changes and undone + undo_failed <= done)
);
-- The list of a table's changes, the newest first.
create index bulk_changes_table on kernel.bulk_changes (table_name, id desc);

-- The rows of such a change, old and new, so that it can be undone as a whole.
create table kernel.bulk_rows (
    change_id uuid not null references kernel.bulk_changes (id) on delete cascade,
    -- In the order of the table or file.
    position integer not null,
    -- Null: a line of a file that names no row.
    row_id uuid,
    label text not null default '',
    -- Values by column. While it is only given: what a file says it was, and what it wants.
    old jsonb not null,
    new jsonb not null,
    -- Line of the file.
    line integer,
    -- given, then planned or refused, then done or failed, then undone or undo_failed
    state text not null,
    -- Why not: a message id and what stands in it.
    refusal text,
    said jsonb,
    constraint bulk_rows_pkey primary key (change_id, position),
    constraint bulk_rows_state_known check (
        state in ('given', 'planned', 'refused', 'done', 'failed', 'undone', 'undo_failed')
    ),
    -- Who is refused is told why.
    constraint bulk_rows_refusal_is_said check ((state in ('refused', 'failed', 'undo_failed')) = (refusal is not null))
);
-- A run goes on where it stands; those that were refused are listed.
create index bulk_rows_state on kernel.bulk_rows (change_id, state, position);

-- ---------------------------------------------------------------------------------------------------------------------
-- Mail: what is to be sent, what became of it, the words that staff edited
-- ---------------------------------------------------------------------------------------------------------------------

create table kernel.mails (
    -- Also its Message-ID, which every try carries.
    id uuid not null primary key,
    -- The kind: domain and template.
    mail text not null,
    -- The event that it tells of; its own id for one that a person sent.
    event_id uuid not null,
    -- Of whom it is for, so that it stays unique when the address is erased.
    recipient_mark bytea not null,
    shop_id uuid,
    language text not null,
    -- What it is about, as the audit calls things.
    about text not null default '',
    party_id uuid,
    -- Ids only: what it says is read when it is sent.
    payload jsonb not null,
    -- Null: erased.
    address text,
    name text not null default '',
    subject text not null default '',
    -- Words that are tried out and were never saved.
    wording jsonb,
    is_trial boolean not null default false,
    state text not null default 'waiting',
    tries integer not null default 0,
    due_at timestamptz,
    -- When a worker took it: one that died is found by this.
    claimed_at timestamptz,
    error text not null default '',
    sent_at timestamptz,
    bounced_at timestamptz,
    again_of uuid,
    created_at timestamptz not null,
    -- A replayed event sends nothing twice.
    constraint mails_once unique (event_id, mail, recipient_mark),
    constraint mails_state_known check (
        state in ('waiting', 'sending', 'handing', 'sent', 'failed', 'bounced', 'unsure', 'cancelled')
    ),
    -- What waits has a time, nothing else has.
    constraint mails_due_while_waiting check ((state = 'waiting') = (due_at is not null)),
    constraint mails_error_length check (char_length(error) <= 2000)
);
-- What the sender looks for every second.
create index mails_due on kernel.mails (due_at, id) where state = 'waiting';
-- Workers that died are found by what they held; a handful of rows.
create index mails_held on kernel.mails (claimed_at) where state in ('sending', 'handing');
-- What a person has to look at.
create index mails_trouble on kernel.mails (state, id desc) where state in ('failed', 'bounced', 'unsure');
-- "Did you write to me?": by address, and by what it was about.
create index mails_address on kernel.mails (lower(address) text_pattern_ops) where address is not null;
create index mails_about on kernel.mails (about, id desc) where about <> '';
create index mails_party on kernel.mails (party_id) where party_id is not null;
comment on column kernel.mails.address is 'retention: mail';
comment on column kernel.mails.name is 'retention: mail';
comment on column kernel.mails.subject is 'retention: mail';

-- What was sent, byte for byte: a retry sends the same, and staff can look at what somebody got.
create table kernel.mail_copies (
    mail_id uuid not null primary key references kernel.mails (id) on delete cascade,
    message bytea not null
);
comment on column kernel.mail_copies.message is 'retention: mail';

-- The words of a mail as staff wrote them; the newest of a mail, shop and language holds.
create table kernel.mail_texts (
    id uuid not null primary key,
    mail text not null,
    -- Null: of every shop that has none of its own.
    shop_id uuid,
    language text not null,
    -- Null: the file's words again.
    wording jsonb,
    created_by text not null,
    created_at timestamptz not null,
    -- Why it could not be used when a mail needed it.
    problem text not null default ''
);
-- The newest version, and the list of all.
create index mail_texts_of on kernel.mail_texts (mail, language, shop_id, id desc);

-- ---------------------------------------------------------------------------------------------------------------------
-- Push: browsers that want news, and what they were told
-- ---------------------------------------------------------------------------------------------------------------------
create table kernel.push_devices (
    id uuid not null primary key,
    -- An address at the push service of the browser's maker; with the keys below it is a way to write to the device.
    endpoint text not null,
    -- SHA-256 of it: what devices are told apart by.
    endpoint_mark bytea not null,
    -- The browser's point on P-256 and its shared secret (RFC 8291).
    public_key bytea not null,
    auth bytea not null,
    -- What it wants to hear of, as the audit calls things.
    about text not null,
    shop_id uuid,
    party_id uuid,
    language text not null,
    created_at timestamptz not null,
    -- When it subscribed or was reached last: silent ones are forgotten.
    told_at timestamptz not null,
    -- Asking twice is asking once.
    constraint push_devices_once unique (endpoint_mark, about),
    constraint push_devices_endpoint check (endpoint ~ '^https?://' and char_length(endpoint) <= 1000),
    constraint push_devices_keys check (octet_length(public_key) = 65 and octet_length(auth) = 16)
);
-- Who hears of a thing.
create index push_devices_about on kernel.push_devices (about);
-- The devices of a person, to export and erase.
create index push_devices_party on kernel.push_devices (party_id) where party_id is not null;
-- What the sweep looks for.
create index push_devices_told on kernel.push_devices (told_at);
comment on column kernel.push_devices.endpoint is 'retention: push';
comment on column kernel.push_devices.public_key is 'retention: push';
comment on column kernel.push_devices.auth is 'retention: push';

-- What devices are told; the queue's jobs send it. Ids only: what is said is read when it is sent.
create table kernel.push_messages (
    id uuid not null primary key,
    -- The kind: domain and what.
    push text not null,
    -- The event that it tells of.
    event_id uuid not null,
    endpoint_mark bytea not null,
    payload jsonb not null,
    state text not null default 'waiting',
    tries integer not null default 0,
    error text not null default '',
    created_at timestamptz not null,
    -- News are worth nothing after that.
    expires_at timestamptz not null,
    ended_at timestamptz,
    -- A replayed event tells nobody twice.
    constraint push_messages_once unique (event_id, push, endpoint_mark),
    constraint push_messages_state_known check (
        state in ('waiting', 'sent', 'failed', 'gone', 'expired', 'cancelled')
    ),
    constraint push_messages_error_length check (char_length(error) <= 500)
);
