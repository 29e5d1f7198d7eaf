-- Whole sets; the trigger refuses those that do not sum to zero.
-- name: entries
insert into ledger.entries (
    set_id, position, kind, legal_entity_id, account, currency, amount_minor, occurred_at, recorded_at, period, note
)
select *
from unnest(
    :set_id::uuid[], :position::smallint[], :kind::text[], :legal_entity_id::uuid[], :account::text[], :currency::text[],
    :amount_minor::bigint[], :occurred_at::timestamptz[], :recorded_at::timestamptz[], :period::date[], :note::text[]
);
