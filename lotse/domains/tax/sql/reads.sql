-- All rates of a country: a few dozen at most, so that the pure rule picks.
-- name: rates_for
select country, tax_class, valid_from, code, trim_scale(rate) as rate
  from tax.rates
 where country = :country
 order by tax_class, valid_from;

-- Every country that has rates.
-- name: countries
select distinct country from tax.rates order by country;

-- The codes that are known among these, to say which one stands for another rate.
-- name: codes
select code, trim_scale(rate) as rate from tax.codes where code = any(:codes::text[]);

-- What a write is going to change, for the record of changes.
-- name: rates_at
select r.country, r.tax_class, r.valid_from, r.code, trim_scale(r.rate) as rate
  from tax.rates r
  join unnest(:countries::text[], :tax_classes::text[], :valid_froms::date[]) as k (country, tax_class, valid_from)
 using (country, tax_class, valid_from);
