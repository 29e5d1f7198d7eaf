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
