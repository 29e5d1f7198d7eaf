-- In the order asked; names are the parties', and empty once erased.
-- name: customers
select c.id, c.party_id, c.number, c.shop_id, c.customer_group, coalesce(n.name, '') as name,
       coalesce(n.email, '') as email, coalesce(n.phone, '') as phone, c.created_at
  from customers.customers c
  left join parties.names_of(array(
           select x.party_id from customers.customers x where x.id = any(:ids::uuid[])
       )) n on n.party_id = c.party_id
 where c.id = any(:ids::uuid[])
 order by array_position(:ids::uuid[], c.id);

-- For imports and the command: which of these numbers are there.
-- name: by_numbers
select id, party_id, number from customers.customers where number = any(:numbers::text[]);

-- Whose party this is.
-- name: by_parties
select id, party_id, number from customers.customers where party_id = any(:party_ids::uuid[]) order by id;

-- The newest of each kind is the one in use.
-- name: addresses
select distinct on (customer_id, kind)
       id, customer_id, kind, name, company, street, street2, postcode, city, region, country
  from customers.addresses
 where customer_id = any(:ids::uuid[])
 order by customer_id, kind, added_at desc, id desc;

-- Also those that are in use no more, for the export of what is kept.
-- name: every_address
select id, customer_id, kind, name, company, street, street2, postcode, city, region, country
  from customers.addresses
 where customer_id = any(:ids::uuid[])
 order by customer_id, added_at, id;

-- The back office's list, newest first; a search narrows it to numbers, names and mail addresses that begin so.
-- name: customer_rows
with listed as (
    select c.* from customers.customers c
     where (:after::uuid is null or c.id < :after)
       and (:text::text = ''
            or (c.number ~>=~ :text and c.number ~<~ (:text || chr(1114111)))
            or c.party_id in (select f.party_id from parties.find(:text, :at_most) f))
     order by c.id desc
     limit :limit
)
select c.id, c.number, coalesce(n.name, '') as name, coalesce(n.email, '') as email, c.customer_group, c.created_at
  from listed c
  left join parties.names_of(array(select party_id from listed)) n on n.party_id = c.party_id
 order by c.id desc;

-- As many numbers as there are customers without one.
-- name: draw_numbers
select 'K' || nextval('customers.numbers') from generate_series(1, :count::integer);

-- A customer is a party in the role of one.
-- name: check_roles
select 'customers.customer:' || c.number as subject, 'a party with the role customer' as expected, 'none' as found
  from customers.customers c
  left join parties.with_role('customer', array(select party_id from customers.customers)) r
    on r.party_id = c.party_id
 where r.party_id is null;
