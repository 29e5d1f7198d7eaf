-- Facts on their way out, as many as a transaction makes. One row of `lotse.kernel.outbox.Row` each, in the order given:
-- unnest keeps it, and so the ids rise in it.
-- name: outbox
insert into kernel.outbox (type, version, key, payload, occurred_at, recorded_at)
select f.type, f.version, f.key, f.payload::jsonb, f.occurred_at, clock_timestamp()
  from unnest(:type::text[], :version::smallint[], :key::text[], :payload::text[], :occurred_at::timestamptz[])
       as f (type, version, key, payload, occurred_at);
