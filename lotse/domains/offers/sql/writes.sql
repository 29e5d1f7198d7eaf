-- Made, or set to the state asked for, in the order of the key so that two imports do not deadlock. Untouched rows are
-- locked and answered all the same.
-- name: put_offers
insert into offers.offers as o (id, shop_id, variant_id, seller_party_id, condition, state, created_at)
select n.id, n.shop_id, n.variant_id, n.seller_party_id, n.condition, n.state, :at
  from jsonb_to_recordset(:offers::jsonb)
       as n (id uuid, shop_id uuid, variant_id uuid, seller_party_id uuid, condition text, state text)
 order by n.shop_id, n.variant_id, n.seller_party_id, n.condition
on conflict (shop_id, variant_id, seller_party_id, condition) do update
   set state = excluded.state
returning new.id, new.shop_id, new.variant_id, new.seller_party_id, new.condition, new.state, old.state as old_state;

-- The rows are locked by then.
-- name: change_states
update offers.offers set state = :state where id = any(:ids::uuid[]);
