-- When what lies in a pool was last counted. A sale that was over by then and is told later was counted with it.
-- Null and without a default: no row is rewritten.
alter table pools.pools add column counted_at timestamptz;
