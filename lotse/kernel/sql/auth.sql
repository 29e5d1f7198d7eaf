-- Two hosts may start at once; the first one's secret wins.
-- name: make_secret
insert into kernel.secrets (name, secret, created_at) values (:name, :secret, :at) on conflict (name) do nothing;

-- Read once per process.
-- name: secret
select secret from kernel.secrets where name = :name;

-- A log-in that is taken fails on its constraint.
-- name: add_staff
insert into kernel.staff (id, login, name, password, created_at, changed_at)
values (:id, :login, :name, :password, :at, :at);

-- Everybody, also those switched off: there are dozens, not thousands.
-- name: staff
select id, login, name, active, created_at, changed_at,
    array(
        select coalesce(roles.name, holdings.right_name)
        from kernel.holdings
        left join kernel.roles on roles.id = holdings.role_id
        where holdings.staff_id = staff.id
        order by roles.name nulls last, holdings.right_name
    ) as holds
from kernel.staff
order by login
limit 1000;

-- What people call those who did something: a page of changes names a handful.
-- name: names
select 'staff:' || id as actor, name from kernel.staff where id = any (:ids::uuid[])
union all
select 'token:' || id as actor, name from kernel.tokens where id = any (:ids::uuid[]);

-- Locked, because old and new value go to the audit trail.
-- name: staff_for_change
select id, login, name, active, created_at, changed_at,
    array(
        select coalesce(roles.name, holdings.right_name)
        from kernel.holdings
        left join kernel.roles on roles.id = holdings.role_id
        where holdings.staff_id = staff.id
        order by roles.name nulls last, holdings.right_name
    ) as holds
from kernel.staff
where login = :login
for update;

-- A new password ends the sessions as well; a stronger hash of the same one does not.
-- name: set_password
update kernel.staff set password = :password, changed_at = :at where id = :id;

-- May the person sign in?
-- name: set_staff
update kernel.staff set active = :active, changed_at = :at where id = :id;

-- After a change of password, rights or state nobody goes on under the old ones.
-- name: end_sessions_of
delete from kernel.sessions where staff_id = :staff_id;

-- The token itself is never stored, so a stolen backup signs nobody in.
-- name: add_session
insert into kernel.sessions (token_hash, staff_id, csrf_secret, created_at, seen_at, expires_at, id, method, device_id, address,
                             agent, sign_out)
values (:token_hash, :staff_id, :csrf_secret, :at, :at, :expires_at, :id, :method, :device_id, :address, :agent, :sign_out);

-- Each request of a signed-in person: session and account in one look-up, and whether there is something to tell them.
-- name: session
select s.id, s.csrf_secret, s.seen_at, t.id as staff_id, t.login, t.name,
    array(select to_jsonb(granted) from kernel.granted where granted.staff_id = t.id) as grants, s.method,
    (select count(*) from kernel.notices n
     where n.staff_id = t.id and n.seen_at is null and n.session_id is distinct from s.id) as notices
from kernel.sessions s
join kernel.staff t on t.id = s.staff_id
where s.token_hash = :token_hash and s.expires_at > :at and s.seen_at > :idle_since and t.active;

-- At most once a minute per session: every request would be a write.
-- name: touch_session
update kernel.sessions set seen_at = :at where token_hash = :token_hash;

-- Signing out twice is no error.
-- name: end_session
delete from kernel.sessions where token_hash = :token_hash;

-- Only the hash; the token is shown once, to whoever made it.
-- name: add_token
insert into kernel.tokens (id, name, token_hash, created_at, expires_at)
values (:id, :name, :token_hash, :at, :expires_at);

-- With the revoked ones, so that a leak can be looked into; there are dozens.
-- name: tokens
select id, name, created_at, expires_at, revoked_at,
    array(
        select coalesce(roles.name, holdings.right_name)
        from kernel.holdings
        left join kernel.roles on roles.id = holdings.role_id
        where holdings.token_id = tokens.id
        order by roles.name nulls last, holdings.right_name
    ) as holds
from kernel.tokens
order by id
limit 1000;

-- Each request with a token, unless the process has asked within the last seconds.
-- name: token
select id, name, expires_at,
    array(select to_jsonb(granted) from kernel.granted where granted.token_id = tokens.id) as grants
from kernel.tokens
where token_hash = :token_hash and revoked_at is null and expires_at > :at;

-- Revoking twice keeps the first time.
-- name: revoke_token
update kernel.tokens set revoked_at = coalesce(revoked_at, :at) where id = :id;

-- One drop into the bucket of a key, if it has room: a bucket of `burst` drops that loses one every `interval`.
-- No row comes back when it is full. The condition stands in the write, so concurrent attempts cannot slip through.
-- name: attempt
insert into kernel.attempts as a (key, empty_at) values (:key, :at::timestamptz + :interval::interval)
on conflict (key) do update set empty_at = greatest(a.empty_at, :at::timestamptz) + :interval::interval
where greatest(a.empty_at, :at::timestamptz) + :interval::interval <= :at::timestamptz + :burst::int * :interval::interval
returning empty_at;

-- How long a full bucket stays full.
-- name: full_until
select empty_at - (:burst::int - 1) * :interval::interval from kernel.attempts where key = :key;

-- A log-in that succeeded makes room again.
-- name: forget_attempts
delete from kernel.attempts where key = :key;

-- One drop less.
-- name: give_attempt_back
update kernel.attempts set empty_at = empty_at - :interval::interval where key = :key;

-- What was typed survives the redirect that shows the form again.
-- name: keep_draft
insert into kernel.drafts (token_hash, form, typed, problem, expires_at, client)
values (:token_hash, :form, :typed, :problem, :expires_at, :client);

-- One refusal of a client after the other: two at once would each overlook the other's draft.
-- name: lock_drafts
select pg_advisory_xact_lock(hashtextextended('drafts:' || :client::text, 0));

-- The client's oldest drafts beyond the bound go; the one just kept stays. What counts is what they take on disk.
-- name: trim_drafts
with kept as (
    select d.token_hash,
           row_number() over newest_first as place,
           sum(pg_column_size(d.typed) + pg_column_size(d.problem)) over newest_first as bytes
      from kernel.drafts d
     where d.client = :client
    window newest_first as (order by d.token_hash = :token_hash desc, d.expires_at desc, d.token_hash)
)
delete from kernel.drafts d
 using kept
 where d.token_hash = kept.token_hash and kept.place > 1 and (kept.place > :most or kept.bytes > :most_bytes);

-- For the same form only: a token of one form shows nothing in another.
-- name: draft
select form, typed, problem from kernel.drafts where token_hash = :token_hash and form = :form and expires_at > :at;

-- Hourly: what nobody can use any more.
-- name: sweep_sessions
delete from kernel.sessions where expires_at <= :at or seen_at <= :idle_since;

-- Hourly: an empty bucket is the same as none.
-- name: sweep_attempts
delete from kernel.attempts where empty_at <= :at;

-- Hourly: drafts hold addresses, so they must not outlive their use.
-- name: sweep_drafts
delete from kernel.drafts where expires_at <= :at;
