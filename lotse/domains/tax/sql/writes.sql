-- New codes only: what a code stands for never changes (codes_code_rate_unique holds a rate to it).
-- name: put_codes
insert into tax.codes (code, rate)
select distinct code, rate from unnest(:codes::text[], :rates::numeric[]) as k (code, rate)
on conflict (code) do nothing;

-- Overwrites a rate of the same day: a correction of what was recorded wrongly; rows that say the same stay untouched.
-- name: put_rates
insert into tax.rates as r (country, tax_class, valid_from, code, rate)
select * from unnest(:countries::text[], :tax_classes::text[], :valid_froms::date[], :codes::text[], :rates::numeric[])
on conflict (country, tax_class, valid_from) do update
   set code = excluded.code, rate = excluded.rate
 where (r.code, r.rate) is distinct from (excluded.code, excluded.rate)
returning country;
