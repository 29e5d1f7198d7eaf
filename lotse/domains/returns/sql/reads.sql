-- One declaration.
-- name: withdrawal
select id, number, shop_id, order_id, order_number, name, email, what, parts, way, language, declared_at, settled_at,
       settled_by, note
  from returns.withdrawals
 where id = :id;

-- What was declared of orders, the oldest first.
-- name: of_orders
select id, number, shop_id, order_id, order_number, name, email, what, parts, way, language, declared_at, settled_at,
       settled_by, note
  from returns.withdrawals
 where order_id = any(:order_ids::uuid[])
 order by id;

-- The same declaration of the last day.
-- name: same
select id, number, shop_id, order_id, order_number, name, email, what, parts, way, language, declared_at, settled_at,
       settled_by, note
  from returns.withdrawals
 where mark = :mark and declared_at > :since
 order by id
 limit 1;

-- How many came from a mail address within the last day.
-- name: of_address
select count(*) from returns.withdrawals where lower(email) = lower(:email) and email <> '' and declared_at > :since;

-- Two at once with the same words wait for each other. Held until the transaction ends.
-- name: lock_mark
select pg_advisory_xact_lock(hashtextextended(encode(:mark::bytea, 'hex'), 0));

-- The back office's table.
-- name: withdrawal_table
select id, number, shop_id, order_number, name, email, way,
       case when settled_at is null then 'open' else 'settled' end as state,
       order_id is not null as matched, declared_at
  from returns.withdrawals
 where :everything::boolean or shop_id = any(:in_shops::uuid[]);

-- Where a declaration belongs.
-- name: whose
select shop_id as shop from returns.withdrawals where id = :id;

-- What declarations keep about a person: those with their mail addresses, with former ones as long as they had them.
-- name: of_party
select w.id, w.number, w.shop_id, w.order_id, w.order_number, w.name, w.email, w.what, w.parts, w.way, w.language,
       w.declared_at, w.settled_at, w.settled_by, w.note
  from returns.withdrawals w
 where w.id in (
           select x.id
             from parties.names_of(array[:party_id::uuid]) n
             join returns.withdrawals x on lower(x.email) = lower(n.email)
            where x.email <> ''
           union all
           select x.id
             from customers.former_emails(:party_id) f
             join returns.withdrawals x on lower(x.email) = lower(f.email) and x.declared_at <= f.ended_at
            where x.email <> ''
       )
 order by w.id;

-- A matched order exists.
-- name: check_matched_orders
select 'returns.withdrawal:' || w.number as subject, w.order_id::text as expected, 'no such order' as found
  from returns.withdrawals w
  left join orders.known(array(select order_id from returns.withdrawals where order_id is not null)) k
    on k.id = w.order_id
 where w.order_id is not null and k.id is null;

-- A real one to show its acknowledgement with.
-- name: newest
select id, number, shop_id, order_id, order_number, name, email, what, parts, way, language, declared_at, settled_at,
       settled_by, note
  from returns.withdrawals
 where email <> '' and (:shop_id::uuid is null or shop_id = :shop_id)
 order by id desc
 limit 1;
