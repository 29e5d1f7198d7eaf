-- What visitors saw and did, and what they agreed to. Without consent a row is nobody's.

create schema behaviour;

-- Grows with every page: partitioned by month on the UUIDv7, so that old months leave as a whole.
create table behaviour.events (
    id uuid not null,
    kind text not null,
    version smallint not null,
    source text not null,
    -- Random numbers that the visitor agreed to carry; they go with the consent.
    visitor uuid,
    session uuid,
    -- What was told of one page view belongs together.
    view uuid,
    -- Why this is no person; empty for people. Kept apart, never left out.
    bot text not null default '',
    body jsonb not null,
    -- When it happened; the id says when it was logged.
    at timestamptz not null,
    -- Nobody's views of one page within the same quarter of a second are one row: so often.
    times integer not null default 1,
    constraint events_pkey primary key (id),
    constraint events_source check (source in ('server', 'script')),
    -- Somebody's are told apart.
    constraint events_times check (times > 0 and (times = 1 or visitor is null)),
    -- A session without a visitor would be a number that nobody agreed to.
    constraint events_session_has_visitor check (session is null or visitor is not null)
) partition by range (id);

-- Takes every month that nobody has prepared: an event is never lost for want of a partition.
create table behaviour.events_default partition of behaviour.events default;

-- Who withdraws, or asks what is kept, is answered without a look at everybody's rows. Only rows with consent are in it.
create index events_visitor on behaviour.events (visitor) where visitor is not null;

-- The words that were shown, by version and language: a proof that names a version must be able to show it.
create table behaviour.consent_texts (
    text_version text not null,
    language text not null,
    words text not null,
    first_used_at timestamptz not null,
    constraint consent_texts_pkey primary key (text_version, language)
);

-- The proof of every choice, refusals too. No address, no browser: the id in the cookie of who agreed is the only tie.
create table behaviour.consents (
    id uuid not null,
    text_version text not null,
    language text not null,
    measurement boolean not null,
    marketing boolean not null,
    place text not null,
    -- The choice before it, of somebody who changed their mind.
    replaces uuid,
    decided_at timestamptz not null,
    constraint consents_pkey primary key (id),
    constraint consents_place check (place in ('banner', 'page')),
    constraint consents_text foreign key (text_version, language)
        references behaviour.consent_texts (text_version, language)
);

-- Visitors whose person is known, because they signed in while they agreed: for the export and erasure of their data.
create table behaviour.visitors (
    visitor uuid not null,
    party_id uuid not null,
    linked_at timestamptz not null,
    constraint visitors_pkey primary key (visitor)
);

-- "What do you keep of me?" comes with the person.
create index visitors_party on behaviour.visitors (party_id);

-- Whose events are to be gone; a process that still had some in memory writes them up to seconds later.
create table behaviour.withdrawn (
    visitor uuid not null,
    withdrawn_at timestamptz not null,
    constraint withdrawn_pkey primary key (visitor)
);

-- Drop the months that ended before a moment, with everything in them: the end of what is kept, in milliseconds and
-- without a row deleted. Returns how many.
create function behaviour.drop_months(before timestamptz) returns bigint
language plpgsql as $$
declare
    month_name text;
    dropped bigint := 0;
begin
    for month_name in
        select c.relname
          from pg_catalog.pg_inherits i
          join pg_catalog.pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'behaviour.events'::regclass
           and c.relname ~ '^events_[0-9]{4}_[0-9]{2}$'
           and to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= before at time zone 'UTC'
         order by c.relname
    loop
        execute format('drop table behaviour.%I', month_name);
        dropped := dropped + 1;
    end loop;
    return dropped;
end
$$;
