-- The log of changes says from where each came, groups the rows of bulk changes, and can only grow.

alter table kernel.audit add column origin_kind text not null default '';
alter table kernel.audit add column origin text not null default '';
alter table kernel.audit add column address text not null default '';
alter table kernel.audit add column session text not null default '';
alter table kernel.audit add column request text not null default '';
alter table kernel.audit add column bulk_id uuid;
alter table kernel.audit add column kind text not null generated always as (split_part(subject, ':', 1)) stored;
comment on column kernel.audit.address is 'retention: sign-in';

-- The log, the newest first: rows of a bulk change stand behind its head.
create index audit_newest on kernel.audit (recorded_at, id) where bulk_id is null or bulk_id = id;
-- What one person or program did.
create index audit_actor on kernel.audit (actor, recorded_at, id) where bulk_id is null or bulk_id = id;
-- What happened to one kind of thing, e.g. prices.
create index audit_kind on kernel.audit (kind, recorded_at, id) where bulk_id is null or bulk_id = id;
-- The rows of a bulk change.
create index audit_bulk on kernel.audit (bulk_id, id) where bulk_id is not null;

-- Nothing in the log is changed or taken away. One thing may be: what an entry said about a person who has a right to be
-- forgotten (art. 17 GDPR), by kernel.blank_audit; that it happened, when and by whom stays.
create function kernel.keep_audit() returns trigger language plpgsql as $$
begin
    -- By name and not by row: generated columns are not there yet.
    if tg_op = 'UPDATE' and current_setting('lotse.blanking', true) = 'on'
        and new.old is null and new.new is null and new.reason is null
        and to_jsonb(new) - array['old', 'new', 'reason', 'kind'] = to_jsonb(old) - array['old', 'new', 'reason', 'kind']
    then
        return new;
    end if;
    raise exception 'the audit log only grows' using errcode = 'restrict_violation';
end
$$;
create trigger audit_is_kept before update or delete on kernel.audit for each row execute function kernel.keep_audit();
create trigger audit_is_kept_whole before truncate on kernel.audit for each statement execute function kernel.keep_audit();
-- Also for sessions that switch triggers off (session_replication_role).
alter table kernel.audit enable always trigger audit_is_kept;
alter table kernel.audit enable always trigger audit_is_kept_whole;
revoke update, delete, truncate on kernel.audit from public;

-- Forget what entries said about subjects; how many did. Whoever calls it records the erasure itself.
create function kernel.blank_audit(subjects text[]) returns bigint
language sql set lotse.blanking = 'on' as $$
    with blanked as (
        update kernel.audit set old = null, new = null, reason = null
        where subject = any (subjects) and (old is not null or new is not null or reason is not null)
        returning true
    )
    select count(*) from blanked
$$;
