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
