-- One row per change, in the transaction of the change.
-- name: record_change
insert into kernel.audit (
    id, subject, actor, old, new, reason, recorded_at, origin_kind, origin, address, session, request, bulk_id
)
values (
    :id, :subject, :actor, :old, :new, :reason, :recorded_at,
    :origin_kind, :origin, :address, :session, :request, :bulk_id
);

-- Many changes that have all but subject, old and new in common: an import changes thousands of things.
-- name: record_changes
insert into kernel.audit (
    id, subject, actor, old, new, reason, recorded_at, origin_kind, origin, address, session, request, bulk_id
)
select change.id, change.subject, :actor, change.old, change.new, :reason, :recorded_at,
    :origin_kind, :origin, :address, :session, :request, :bulk_id
from unnest(:ids::uuid[], :subjects::text[], :old::jsonb[], :new::jsonb[]) as change (id, subject, old, new);

-- The newest first: ids are in the order of time.
-- name: history
select id, subject, actor, old, new, reason, recorded_at, origin_kind, origin, address, session, request, bulk_id
from kernel.audit
where subject = :subject and id < :before
order by id desc
limit :limit;

-- The log in the back office. Rows of a bulk change are behind their head.
-- name: audit_table
select a.id, a.kind, a.subject, a.actor, a.old, a.new, a.reason, a.recorded_at, a.origin_kind, a.address, a.bulk_id
from kernel.audit a
where a.bulk_id is null or a.bulk_id = a.id;

-- The rows of a bulk change, in the order in which they were made.
-- name: log_of_bulk
select id, subject, actor, old, new, reason, recorded_at, origin_kind, origin, address, session, request, bulk_id
from kernel.audit
where bulk_id = :bulk_id and id > :after and id <> bulk_id
order by id
limit :limit;

-- One entry.
-- name: entry
select id, subject, actor, old, new, reason, recorded_at, origin_kind, origin, address, session, request, bulk_id
from kernel.audit
where id = :id;

-- The kinds of things that have ever changed, by jumps through the index: one look per kind, however long the log is.
-- name: kinds
with recursive found as (
    (select kind from kernel.audit where bulk_id is null or bulk_id = id order by kind limit 1)
    union all
    select (
        select later.kind from kernel.audit as later
        where (later.bulk_id is null or later.bulk_id = later.id) and later.kind > found.kind
        order by later.kind
        limit 1
    )
    from found
    where found.kind is not null
)
select kind from found where kind is not null;

-- Who has ever changed something, by jumps likewise.
-- name: actors
with recursive found as (
    (select actor from kernel.audit where bulk_id is null or bulk_id = id order by actor limit 1)
    union all
    select (
        select later.actor from kernel.audit as later
        where (later.bulk_id is null or later.bulk_id = later.id) and later.actor > found.actor
        order by later.actor
        limit 1
    )
    from found
    where found.actor is not null
)
select actor from found where actor is not null limit 1000;
