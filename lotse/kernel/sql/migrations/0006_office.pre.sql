-- Saved views of tables and changes of many rows.

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
