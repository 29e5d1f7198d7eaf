-- All roles with what they give, by name: there are dozens, not thousands.
-- name: roles
select roles.id, roles.name, roles.description, roles.ready, roles.created_at, roles.changed_at,
    array(
        select to_jsonb(role_grants) from kernel.role_grants
        where role_grants.role_id = roles.id
        order by role_grants.right_name, role_grants.shop_id, role_grants.location_id, role_grants.party_id
    ) as grants,
    (
        select count(distinct coalesce(holdings.staff_id, holdings.token_id)) from kernel.holdings
        where holdings.role_id = roles.id
    ) as holders
from kernel.roles
where :id::uuid is null or roles.id = :id
order by roles.name
limit 1000;

-- Roles as a table: what they let people do as words such as `orders.read`.
-- name: role_table
select r.id, r.name, r.description, r.ready is not null as is_ready, r.second_factor,
    array_to_string(
        array(
            select distinct g.right_name from kernel.role_grants g where g.role_id = r.id order by g.right_name
        ), ', '
    ) as grants,
    (
        select count(distinct coalesce(h.staff_id, h.token_id)) from kernel.holdings h where h.role_id = r.id
    ) as holders
from kernel.roles r;

-- Locked, because old and new go to the audit log, and because two people may edit it at once.
-- name: lock_role
select changed_at from kernel.roles where id = :id for update;

-- By name, as the command line and imports say it.
-- name: role_by_name
select id from kernel.roles where name = :name;

-- What Lotse ships and nobody has edited.
-- name: ready_roles
select id, ready from kernel.roles where ready is not null order by id;

-- Names that are taken fail on their constraint.
-- name: add_role
insert into kernel.roles (id, name, description, ready, created_at, changed_at)
values (:id, :name, :description, :ready, :at, :at);

-- Whoever edits a role makes it his own.
-- name: set_role
update kernel.roles set name = :name, description = :description, ready = :ready, changed_at = :at where id = :id;

-- Replaced as a whole: a role has a page of grants.
-- name: remove_role_grants
delete from kernel.role_grants where role_id = :id;

-- The new ones.
-- name: add_role_grants
insert into kernel.role_grants (role_id, right_name, shop_id, location_id, party_id, limit_minor, currency)
select :id, right_name, shop_id, location_id, party_id, limit_minor, currency
from unnest(:rights::text[], :shops::uuid[], :locations::uuid[], :parties::uuid[], :limits::bigint[], :currencies::text[])
    as given (right_name, shop_id, location_id, party_id, limit_minor, currency);

-- Only a role that nobody holds; the foreign key says so.
-- name: remove_role
delete from kernel.roles where id = :id;

-- What somebody holds, roles first.
-- name: holdings
select holdings.id, holdings.staff_id, holdings.token_id, holdings.role_id, roles.name as role_name,
    holdings.right_name, holdings.shop_id, holdings.location_id, holdings.party_id, holdings.limit_minor,
    holdings.currency, holdings.since
from kernel.holdings
left join kernel.roles on roles.id = holdings.role_id
where holdings.staff_id = :staff_id or holdings.token_id = :token_id
order by roles.name nulls last, holdings.right_name, holdings.id
limit 1000;

-- One of them, locked, because it goes to the audit log.
-- name: holding
select holdings.id, holdings.staff_id, holdings.token_id, holdings.role_id, roles.name as role_name,
    holdings.right_name, holdings.shop_id, holdings.location_id, holdings.party_id, holdings.limit_minor,
    holdings.currency, holdings.since
from kernel.holdings
left join kernel.roles on roles.id = holdings.role_id
where holdings.id = :id
for update of holdings;

-- Who holds a role, by name: people and programs.
-- name: holders
select holdings.id, holdings.staff_id, holdings.token_id, coalesce(staff.name, tokens.name) as name,
    coalesce(staff.active, tokens.revoked_at is null and tokens.expires_at > :at) as active,
    holdings.shop_id, holdings.location_id, holdings.party_id, holdings.since
from kernel.holdings
left join kernel.staff on staff.id = holdings.staff_id
left join kernel.tokens on tokens.id = holdings.token_id
where holdings.role_id = :role_id
order by 4, 1
limit 1000;

-- Everything that a holder may do, roles spread out.
-- name: grants
select right_name, shop_id, location_id, party_id, limit_minor, currency from kernel.granted
where staff_id = :staff_id or token_id = :token_id
order by 1, 2, 3, 4;

-- Held already with another limit: the new limit counts.
-- name: hold
insert into kernel.holdings as held (
    id, staff_id, token_id, role_id, right_name, shop_id, location_id, party_id, limit_minor, currency, since
)
values (
    :id, :staff_id, :token_id, :role_id, :right_name, :shop_id, :location_id, :party_id, :limit_minor, :currency, :at
)
on conflict on constraint holdings_once do update
    set limit_minor = excluded.limit_minor, currency = excluded.currency, since = excluded.since
    where (held.limit_minor, held.currency) is distinct from (excluded.limit_minor, excluded.currency)
returning id;

-- Not any more.
-- name: unhold
delete from kernel.holdings where id = :id;

-- The single rights of a holder, to be replaced.
-- name: held_rights
select id from kernel.holdings
where right_name is not null and (staff_id = :staff_id or token_id = :token_id)
order by id
for update;

-- The account is there; a token that nobody made fails on its foreign key likewise.
-- name: lock_staff
select true from kernel.staff where id = :id for update;

-- One who may do everything everywhere and can sign in.
-- name: an_owner
select true
from kernel.granted
join kernel.staff on staff.id = granted.staff_id and staff.active
where granted.right_name = '*' and granted.shop_id is null and granted.location_id is null and granted.party_id is null
    and granted.limit_minor is null
limit 1;
