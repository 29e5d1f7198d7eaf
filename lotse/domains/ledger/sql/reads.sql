-- The postings of one fact, by primary key.
-- name: entries_of
select set_id, position, kind, legal_entity_id, account, currency, amount_minor, occurred_at, recorded_at, period, note
from ledger.entries
where set_id = any (:set_ids::uuid[])
order by set_id, position;

-- Balances per account over a span of periods: for reports, never in the order path.
-- name: trial_balance
select accounts.code as account, accounts.name, accounts.kind, entries.currency, sum(entries.amount_minor)::bigint as amount_minor
from ledger.entries
join ledger.accounts on accounts.code = entries.account
where entries.legal_entity_id = :legal_entity_id and entries.period >= :first_period and entries.period <= :last_period
group by accounts.code, accounts.name, accounts.kind, entries.currency
order by accounts.code, entries.currency;

-- The chart of accounts.
-- name: accounts
select code, name, kind from ledger.accounts order by code;

-- The trigger sees to it; this sees to the trigger.
-- name: check_sets_balance
select 'set ' || set_id || ' in ' || currency as subject, '0' as expected, sum(amount_minor)::text as found
from ledger.entries
group by set_id, legal_entity_id, currency
having sum(amount_minor) <> 0;

-- No foreign key on the hot table, so it is proven here.
-- name: check_accounts_known
select distinct 'account ' || entries.account as subject, 'in the chart' as expected, 'unknown' as found
from ledger.entries
left join ledger.accounts on accounts.code = entries.account
where accounts.code is null;

-- One fact is booked once: a set never mixes kinds or legal entities.
-- name: check_sets_are_one_fact
select 'set ' || set_id as subject, 'one kind of one legal entity' as expected, count(distinct (kind, legal_entity_id))::text as found
from ledger.entries
group by set_id
having count(distinct (kind, legal_entity_id)) > 1;
