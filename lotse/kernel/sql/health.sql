-- Whether anybody answers.
-- name: alive
select 1;

-- What the upgrade has run, by file.
-- name: applied_migrations
select migration_id from migrations.applied;

-- The first event that the relay has not moved; the outbox is short, so reading its head costs nothing.
-- name: oldest_unrelayed
select recorded_at from kernel.outbox order by id limit 1;
