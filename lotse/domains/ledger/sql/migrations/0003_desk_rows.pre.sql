-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type ledger.entries_row as (
    set_id uuid,
    position smallint,
    kind text,
    legal_entity_id uuid,
    account text,
    currency text,
    amount_minor bigint,
    occurred_at timestamptz,
    recorded_at timestamptz,
    period date,
    note text
);
