-- A declaration as it arrived; its number is drawn here.
-- name: declare
insert into returns.withdrawals
       (id, number, shop_id, order_id, order_number, name, email, what, parts, way, language, mark, declared_at)
values (:id, 'W' || nextval('returns.numbers'), :shop_id, :order_id, :order_number, :name, :email, :what, :parts, :way,
        :language, :mark, :at)
returning id, number, shop_id, order_id, order_number, name, email, what, parts, way, language, declared_at, settled_at,
          settled_by, note;

-- Once: a second press finds it done.
-- name: settle
update returns.withdrawals
   set settled_at = :at, settled_by = :by, note = :note
 where id = :id and settled_at is null
returning order_id;

-- Who it was is forgotten; that it was, stays.
-- name: erase
update returns.withdrawals w
   set name = '', email = '', what = ''
 where w.id = any(:ids::uuid[]);
