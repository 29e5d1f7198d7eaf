-- Made or overwritten by number, in the order of numbers so that two imports do not deadlock. Party and moment stay.
-- name: put_customers
insert into customers.customers as c (id, party_id, number, shop_id, customer_group, created_at)
select n.id, n.party_id, n.number, n.shop_id, n.customer_group, :at
  from jsonb_to_recordset(:customers::jsonb)
       as n (id uuid, party_id uuid, number text, shop_id uuid, customer_group text)
 order by n.number
on conflict (number) do update
   set customer_group = excluded.customer_group
returning new.id, new.party_id, new.number,
          old.id is null or new.customer_group <> old.customer_group as changed;

-- One import at a time looks numbers up and makes what is missing, so that no party is made for a customer that
-- somebody else just made. Held until the transaction ends.
-- name: lock_numbers
select pg_advisory_xact_lock(hashtextextended('lotse.customers.numbers', 0));

-- An address that is known moves to the front: it is the one in use again.
-- name: put_addresses
insert into customers.addresses as a
       (id, customer_id, kind, name, company, street, street2, postcode, city, region, country, added_at)
select n.id, n.customer_id, n.kind, n.name, n.company, n.street, n.street2, n.postcode, n.city, n.region, n.country, :at
  from jsonb_to_recordset(:addresses::jsonb)
       as n (id uuid, customer_id uuid, kind text, name text, company text, street text, street2 text, postcode text,
             city text, region text, country text)
on conflict (customer_id, kind, name, company, street, street2, postcode, city, region, country) do update
   set added_at = greatest(a.added_at, excluded.added_at)
returning new.id, new.customer_id, old.id is null as made;

-- Addresses go; the customer's number and id stay, because orders carry them.
-- name: erase_addresses
delete from customers.addresses
where customer_id in (select id from customers.customers where party_id = :party_id)
returning customer_id;
