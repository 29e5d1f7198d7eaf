-- What statements of upper domains may ask of customers, always for many at once.

-- Number and name of customers; the name is empty once erased.
create or replace function customers.names(customer_ids uuid[])
returns table (customer_id uuid, number text, name text, email text)
language sql stable security definer set search_path = '' rows 100
as $$
    select c.id, c.number, coalesce(n.name, ''), coalesce(n.email, '')
      from customers.customers c
      left join parties.names_of(array(
               select x.party_id from customers.customers x where x.id = any(customer_ids)
           )) n on n.party_id = c.party_id
     where c.id = any(customer_ids)
$$;

-- The customers that a party is, one per shop at most: for what upper domains keep about a person.
create or replace function customers.of_party(party uuid)
returns table (id uuid)
language sql stable security definer set search_path = '' rows 1
as $$
    select c.id from customers.customers c where c.party_id = party
$$;
