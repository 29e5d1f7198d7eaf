-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type pools.movements_row as (
    id uuid,
    pool_id bigint,
    delta bigint,
    reason text,
    ref_kind text,
    ref_id uuid,
    actor text,
    note text,
    occurred_at timestamptz,
    recorded_at timestamptz
);

create type pools.balances_row as (
    id bigint,
    on_hand bigint,
    held bigint
);
