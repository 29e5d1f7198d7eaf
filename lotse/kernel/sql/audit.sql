-- One row per change, in the transaction of the change.
-- name: record_change
insert into kernel.audit (id, subject, actor, old, new, reason, recorded_at)
values (:id, :subject, :actor, :old, :new, :reason, :recorded_at);

-- The newest first: ids are in the order of time.
-- name: history
select id, subject, actor, old, new, reason, recorded_at
from kernel.audit
where subject = :subject
order by id desc
limit :limit;
