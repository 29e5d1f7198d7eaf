-- What statements of upper domains may ask of tax.

-- All rates of a country: a few dozen at most.
create or replace function tax.rates_of(wanted text)
returns table (country text, tax_class text, valid_from date, code text, rate numeric)
language sql stable security definer set search_path = '' rows 20
as $$
    select r.country, r.tax_class, r.valid_from, r.code, trim_scale(r.rate) from tax.rates r where r.country = wanted
$$;
