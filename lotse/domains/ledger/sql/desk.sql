-- Whole sets; the trigger refuses those that do not sum to zero.
-- name: entries
insert into ledger.entries (
    set_id, position, kind, legal_entity_id, account, currency, amount_minor, occurred_at, recorded_at, period, note
)
select *
from unnest(:rows::ledger.entries_row[]);
