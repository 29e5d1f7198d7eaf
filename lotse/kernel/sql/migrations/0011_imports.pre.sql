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
    constraint imports_format check (format in ('csv', 'jsonl')),
    constraint imports_state check (state in ('receiving', 'waiting', 'running', 'done', 'failed', 'cancelled')),
    constraint imports_name_length check (char_length(name) <= 300),
    constraint imports_source_form check (source ~ '^[a-z][a-z0-9_-]{0,62}$'),
    constraint imports_ended check ((ended_at is null) = (state in ('receiving', 'waiting', 'running')))
) with (fillfactor = 50); -- updated with every batch
-- The list of a kind's imports, newest first, is short; what is open is looked for by the worker.
create index imports_open on kernel.imports (id) where state in ('waiting', 'running');

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
-- The work list, newest first.
create index differences_open on kernel.differences (id) where state = 'open';
