-- Whoever sums holds the mark, so that nothing is added twice.
-- name: lock_summed
select upto from ledger.summed for update;

-- Where the next entries after the mark begin; null if there are none.
-- name: next_recorded
select min(recorded_at) from ledger.entries where recorded_at >= :since and recorded_at < :before;

-- Entries of a span of time into the sums.
-- name: sum_entries
insert into ledger.sums as sums (legal_entity_id, period, account, currency, debit_minor, credit_minor, entries)
select
    legal_entity_id, period, account, currency, sum(greatest(amount_minor, 0)), sum(greatest(-amount_minor, 0)), count(*)
from ledger.entries
where recorded_at >= :since and recorded_at < :before
group by legal_entity_id, period, account, currency
order by legal_entity_id, period, account, currency
on conflict (legal_entity_id, period, account, currency) do update
set debit_minor = sums.debit_minor + excluded.debit_minor,
    credit_minor = sums.credit_minor + excluded.credit_minor,
    entries = sums.entries + excluded.entries;

-- The mark, behind what was summed.
-- name: move_summed
update ledger.summed set upto = :upto;
