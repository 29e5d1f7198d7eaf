-- What the log of changes tells of papers; the desk writes it, because it knows nothing of who asked but what it is told.
-- name: log
insert into kernel.audit (
    id, subject, actor, new, reason, recorded_at, origin_kind, origin, address, session, request
)
select id, subject, actor, new, nullif(reason, ''), recorded_at, origin_kind, origin, address, session, request
from unnest(
    :id::uuid[], :subject::text[], :actor::text[], :new::jsonb[], :reason::text[], :recorded_at::timestamptz[],
    :origin_kind::text[], :origin::text[], :address::text[], :session::text[], :request::text[]
) as given (id, subject, actor, new, reason, recorded_at, origin_kind, origin, address, session, request);

-- The paper behind movements of goods; the movements are its lines.
-- name: documents
insert into inventory.documents (id, kind, reference, note, actor, occurred_at, recorded_at)
select *
from unnest(
    :id::uuid[], :kind::text[], :reference::text[], :note::text[], :actor::text[], :occurred_at::timestamptz[],
    :recorded_at::timestamptz[]
);
