-- Which of these orders there are, for checks of upper domains.
create or replace function orders.known(ids uuid[])
returns table (id uuid)
language sql stable security definer set search_path = '' as $$
    select orders.id from orders.orders where orders.id = any (ids)
$$;

-- Orders by what somebody on the phone says: the beginning of a number or of a surname (with the beginning of what
-- stands before it), a mail address, an article number or GTIN. Of an article the newest only: it may be in half of all
-- orders, and who looks for one of those knows more about it.
create or replace function orders.sought(begins text, surname text, given text, digits text, at_most integer)
returns table (order_id uuid)
language sql stable security definer set search_path = '' rows 50
as $$
    select o.id
      from orders.orders o
      -- As a range and not as `like`: the unique index serves it whatever plan is cached. No text sorts after U+10FFFF.
     where begins <> '' and o.number >= begins and o.number < begins || chr(1114111)
    union
    select c.order_id
      from orders.contacts c
     where begins <> '' and c.erased_at is null
       and c.email <> '' and lower(c.email) ~>=~ lower(begins) and lower(c.email) ~<~ (lower(begins) || chr(1114111))
    union
    select c.order_id
      from orders.contacts c
     where surname <> '' and c.erased_at is null
       and lower(substring(c.billing ->> 'name' from '\S+$')) ~>=~ lower(surname)
       and lower(substring(c.billing ->> 'name' from '\S+$')) ~<~ (lower(surname) || chr(1114111))
       and starts_with(lower(c.billing ->> 'name'), lower(given))
    union
    select m.ref_id
      from pools.causes(
               array(
                   select p.pool_id
                     from inventory.pools_of(array(select f.variant_id from catalog.find('', begins, digits, at_most) f)) p
               ),
               'order', at_most
           ) m
$$;
