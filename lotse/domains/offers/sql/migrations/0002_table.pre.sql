-- The back office's table of a shop, the newest first.
create index offers_shop_id on offers.offers (shop_id, id);
