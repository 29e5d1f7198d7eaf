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

-- Debits, credits and balance of every account over a span of months, of some legal entities or all: the projection,
-- and what is younger than it.
-- name: balances
select accounts.code as account, accounts.name, accounts.kind, parts.currency,
    sum(parts.debit_minor)::bigint as debit_minor, sum(parts.credit_minor)::bigint as credit_minor,
    sum(parts.entries)::bigint as entries
from (
    select legal_entity_id, period, account, currency, debit_minor, credit_minor, entries from ledger.sums
    union all
    select legal_entity_id, period, account, currency, greatest(amount_minor, 0), greatest(-amount_minor, 0), 1
    from ledger.entries
    where recorded_at >= (select upto from ledger.summed)
) as parts
join ledger.accounts on accounts.code = parts.account
where parts.period >= :first_period and parts.period <= :last_period
    and (:legal_entity_ids::uuid[] is null or parts.legal_entity_id = any (:legal_entity_ids::uuid[]))
group by accounts.code, accounts.name, accounts.kind, parts.currency
order by accounts.code, parts.currency;

-- The months in which anything is booked, the newest first.
-- name: periods
select distinct period from ledger.sums
union
select date_trunc('month', :at::timestamptz)::date
order by period desc
limit :limit;

-- The postings as a table, debit and credit apart.
-- name: posting_table
select set_id, position, kind, legal_entity_id, account, currency, case when amount_minor > 0 then amount_minor end as debit_minor,
    case when amount_minor < 0 then -amount_minor end as credit_minor, occurred_at, recorded_at, period, note
from ledger.entries;

-- The sums are those of the entries, as far as they are summed.
-- name: check_sums
select
    format('account %s in %s, %s', coalesce(facts.account, sums.account), coalesce(facts.period, sums.period), coalesce(facts.currency, sums.currency)) as subject,
    format('%s entries, %s', coalesce(facts.entries, 0), coalesce(facts.amount, 0)) as expected,
    format('%s entries, %s', coalesce(sums.entries, 0), coalesce(sums.debit_minor - sums.credit_minor, 0)) as found
from (
    select legal_entity_id, period, account, currency, count(*) as entries, sum(amount_minor) as amount
    from ledger.entries
    where recorded_at < (select upto from ledger.summed)
    group by legal_entity_id, period, account, currency
) as facts
full join ledger.sums
    on sums.legal_entity_id = facts.legal_entity_id and sums.period = facts.period
    and sums.account = facts.account and sums.currency = facts.currency
where coalesce(facts.entries, 0) <> coalesce(sums.entries, 0)
    or coalesce(facts.amount, 0) <> coalesce(sums.debit_minor - sums.credit_minor, 0);

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
