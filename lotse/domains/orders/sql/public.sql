-- Which of these orders there are, for checks of upper domains.
create or replace function orders.known(ids uuid[])
returns table (id uuid)
language sql stable security definer set search_path = '' as $$
    select orders.id from orders.orders where orders.id = any (ids)
$$;
