-- What statements of upper domains may ask of customers, always for many at once.

-- The customers that a party is, one per shop at most: for what upper domains keep about a person.
create or replace function customers.of_party(party uuid)
returns table (id uuid)
language sql stable security definer set search_path = '' rows 1
as $$
    select c.id from customers.customers c where c.party_id = party
$$;
