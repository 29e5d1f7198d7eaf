-- What statements of upper domains may ask of customers, always for many at once.

-- The customers that a party is, one per shop at most: for what upper domains keep about a person.
create or replace function customers.of_party(party uuid)
returns table (id uuid)
language sql stable security definer set search_path = '' rows 1
as $$
    select c.id from customers.customers c where c.party_id = party
$$;

-- The mail addresses that a party's accounts had, each with when it ended: what came under one before is theirs.
create or replace function customers.former_emails(party uuid)
returns table (email text, ended_at timestamptz)
language sql stable security definer set search_path = '' rows 1
as $$
    select e.former, e.changed_at
      from customers.email_changes e
      join customers.customers c on c.id = e.customer_id
     where c.party_id = party and e.former is not null
$$;
