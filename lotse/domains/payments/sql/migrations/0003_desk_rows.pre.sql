-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type payments.payments_row as (
    id uuid,
    purpose text,
    purpose_id uuid,
    method text,
    legal_entity_id uuid,
    zone text,
    currency text,
    amount_minor bigint,
    received_minor bigint,
    due_at timestamptz,
    created_at timestamptz
);
