-- What is booked per set, for the checks of the domains whose facts the sets are.
create or replace function ledger.set_sums(only_account text)
returns table (set_id uuid, kind text, currency text, amount_minor bigint)
language sql stable security definer set search_path = '' as $$
    select set_id, kind, currency, sum(amount_minor)::bigint
    from ledger.entries
    where account = only_account
    group by set_id, kind, currency
$$;
