-- The paper behind movements of goods; the movements are its lines.
-- name: documents
insert into inventory.documents (id, kind, reference, note, actor, occurred_at, recorded_at)
select *
from unnest(
    :id::uuid[], :kind::text[], :reference::text[], :note::text[], :actor::text[], :occurred_at::timestamptz[],
    :recorded_at::timestamptz[]
);
