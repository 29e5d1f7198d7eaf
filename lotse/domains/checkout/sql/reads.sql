-- A basket with its lines in the order in which they were added.
-- name: basket
select
    baskets.id, baskets.shop_id, baskets.customer_id, baskets.version, baskets.order_id, baskets.changed_at,
    array(
        select jsonb_build_object(
            'offer_id', line.offer_id,
            'variant_id', line.variant_id,
            'quantity', line.quantity,
            'seen_unit_price', line.seen_unit_price::text
        )
        from checkout.basket_lines as line
        where line.basket_id = baskets.id
        order by line.added_at, line.offer_id
    ) as lines,
    baskets.charge_id
from checkout.baskets
where baskets.id = :basket_id;

-- How many pieces, for the sign above the basket on every page.
-- name: pieces
select coalesce(sum(line.quantity), 0)::int
from checkout.baskets
join checkout.basket_lines as line on line.basket_id = baskets.id
where baskets.id = :basket_id and baskets.order_id is null;

-- How many lines, for the limit.
-- name: lines
select count(*)::int from checkout.basket_lines where basket_id = :basket_id;

-- What holds at a moment: the latest rate that has begun, per country.
-- name: shipping_rates
select distinct on (country) country, price_minor, free_from_minor
from checkout.shipping_rates
where shop_id = :shop_id and valid_from <= :at
order by country, valid_from desc;

-- A basket says that it became an order: that order is there.
-- name: check_ordered_baskets
select 'basket ' || baskets.id as subject, 'order ' || baskets.order_id as expected, 'none' as found
from checkout.baskets
left join orders.known(array(select order_id from checkout.baskets where order_id is not null)) as known (id)
    on known.id = baskets.order_id
where baskets.order_id is not null and known.id is null;

-- An attempt to pay, with the order that it shall become.
-- name: attempt
select
    charge_id, basket_id, version, shop_id, order_id, hold_id, replaces, origin, held_until, return_url, webhook_url,
    free_from, "order", created_at, closed_at
from checkout.attempts
where charge_id = :charge_id;

-- Attempts whose charge has ended where nobody closed them: the oldest of those that are open.
-- name: unclosed
select open.charge_id
from (
    select charge_id, created_at from checkout.attempts where closed_at is null order by created_at limit 1000
) as open
join payments.ended_charges(
    array(select charge_id from checkout.attempts where closed_at is null order by created_at limit 1000)
) as ended on ended.id = open.charge_id
order by open.created_at
limit :limit;

-- What is kept about a person with attempts to pay, for their export: their own baskets'.
-- name: attempts_of_party
select attempts.created_at, attempts."order" -> 'contact' as contact
from checkout.attempts
join checkout.baskets on baskets.id = attempts.basket_id
where baskets.customer_id in (select id from customers.of_party(:party_id)) and attempts."order" is not null
order by attempts.created_at;

-- A charge that has become an order belongs to the attempt of that order, and its basket says so.
-- name: check_paid_baskets
select
    'charge ' || charges.id as subject,
    'order ' || charges.purpose_id as expected,
    coalesce('order ' || baskets.order_id, 'no order') as found
from payments.paid_charges() as charges
left join checkout.attempts on attempts.charge_id = charges.id
left join checkout.baskets on baskets.id = attempts.basket_id
where attempts.order_id is distinct from charges.purpose_id
    -- A basket may have been forgotten since.
    or (baskets.id is not null and baskets.order_id is distinct from charges.purpose_id);
