-- The hash leaves the database only for the comparison.
-- name: account
select id, login, name, password, active from kernel.staff where login = :login;

-- The account behind a half sign-in, a session or a provider's word.
-- name: account_by_id
select id, login, name, password, active from kernel.staff where id = :id;

-- Comparing a password takes a while. Whoever changes it meanwhile has either ended all sessions before this look, which
-- then finds nothing, or waits for it and ends the session that is about to begin. It also puts the account's events in
-- order.
-- name: still_so
select true from kernel.staff where id = :id and password is not distinct from :password::text and active for no key update;

-- Whose password is to change waits here for whoever else changes the account.
-- name: locked
select id, login, name, password, active from kernel.staff where id = :id for no key update;

-- A browser that this account has signed in with.
-- name: device
select d.id from kernel.devices d join kernel.staff t on t.id = d.staff_id
where d.token_hash = :token_hash and t.login = :login and d.last_at > :since;

-- Whether anybody has signed in with this browser.
-- name: is_device
select exists (select from kernel.devices where token_hash = :token_hash);

-- Whether the account has ever signed in: a first time is not a new place.
-- name: has_devices
select exists (select from kernel.devices where staff_id = :staff_id);

-- Known or made now: `made` tells which.
-- name: keep_device
insert into kernel.devices as d (id, token_hash, staff_id, agent, address, first_at, last_at)
values (:id, :token_hash, :staff_id, :agent, :address, :at, :at)
on conflict on constraint devices_unique do update
set agent = excluded.agent, address = excluded.address, last_at = greatest(d.last_at, excluded.last_at)
returning id, id = :id as made;

-- After a stolen password every browser has to become known again.
-- name: forget_devices
delete from kernel.devices where staff_id = :staff_id and (id is distinct from :but::uuid);

-- True if the account was never seen in this network.
-- name: keep_network
with known as (select from kernel.networks where staff_id = :staff_id and network = :network),
kept as (
    insert into kernel.networks as n (staff_id, network, last_at) values (:staff_id, :network, :at)
    on conflict (staff_id, network) do update set last_at = greatest(n.last_at, excluded.last_at)
)
select not exists (select from known);

-- The sessions of one account, the one last used first.
-- name: sessions_of
select id, method, address, agent, created_at, seen_at, expires_at
from kernel.sessions
where staff_id = :staff_id and expires_at > :at and seen_at > :idle_since
order by seen_at desc, id
limit 200;

-- One of the account's own; another's session is not there.
-- name: end_session_by_id
delete from kernel.sessions where id = :id and staff_id = :staff_id;

-- All of an account but one; of all, if none is to stay.
-- name: end_other_sessions
delete from kernel.sessions where staff_id = :staff_id and (id is distinct from :but::uuid);

-- How to sign out at the provider that vouched for this session.
-- name: sign_out_of
select sign_out from kernel.sessions where token_hash = :token_hash;

-- Half of a sign-in: the password was right.
-- name: add_half
insert into kernel.half_sign_ins (token_hash, staff_id, method, goes_to, sign_out, expires_at)
values (:token_hash, :staff_id, :method, :goes_to, :sign_out, :expires_at);

-- Only while it is young, had few mistakes, and its account is on.
-- name: half
select h.staff_id, t.login, t.name, h.method, h.goes_to, h.sign_out, h.mistakes
from kernel.half_sign_ins h
join kernel.staff t on t.id = h.staff_id
where h.token_hash = :token_hash and h.expires_at > :at and h.mistakes < :most and t.active;

-- Counted before the code is looked at; no row if it is over. The row stays locked, so codes come one after the other.
-- name: try_half
update kernel.half_sign_ins set mistakes = mistakes + 1
where token_hash = :token_hash and expires_at > :at and mistakes < :most
returning mistakes;

-- The second half has come.
-- name: end_half
delete from kernel.half_sign_ins where token_hash = :token_hash;

-- With the sessions of an account its half sign-ins end.
-- name: end_halves_of
delete from kernel.half_sign_ins where staff_id = :staff_id;

-- The second factor of an account, as it is sealed.
-- name: second_factor
select sealed, confirmed_at, proposed, last_step from kernel.second_factors where staff_id = :staff_id;

-- A new proposal takes the place of one that was never confirmed; what is confirmed goes on.
-- name: propose_factor
insert into kernel.second_factors (staff_id, proposed) values (:staff_id, :proposed)
on conflict (staff_id) do update set proposed = excluded.proposed;

-- The proposal becomes the factor, if it is still the one whose code was given; its code is spent.
-- name: confirm_factor
update kernel.second_factors
set sealed = proposed, proposed = null, confirmed_at = :at, last_step = :step
where staff_id = :staff_id and proposed = :proposed
returning true;

-- The condition stands in the write: of two requests with the same code one finds it spent.
-- name: spend_step
update kernel.second_factors set last_step = :step
where staff_id = :staff_id and sealed is not null and last_step < :step
returning true;

-- Off, whether confirmed or only proposed.
-- name: remove_factor
delete from kernel.second_factors where staff_id = :staff_id;

-- New codes make the old ones worthless.
-- name: remove_codes
delete from kernel.recovery_codes where staff_id = :staff_id;

-- Hashes only; the codes were shown once.
-- name: add_code
insert into kernel.recovery_codes (staff_id, code_hash) values (:staff_id, :code_hash);

-- Used up by the write that finds it unused.
-- name: use_code
update kernel.recovery_codes set used_at = :at
where staff_id = :staff_id and code_hash = :code_hash and used_at is null
returning true;

-- How many are left to be used.
-- name: codes_left
select count(*) from kernel.recovery_codes where staff_id = :staff_id and used_at is null;

-- Everybody, with what the list says: there are dozens.
-- name: staff_table
select t.id, t.login, t.name, t.active,
    array_to_string(
        array(
            select distinct roles.name from kernel.holdings join kernel.roles on roles.id = holdings.role_id
            where holdings.staff_id = t.id order by roles.name
        ), '; '
    ) as roles,
    (select count(*) from kernel.holdings where holdings.staff_id = t.id and holdings.role_id is null) as rights,
    exists (select from kernel.second_factors f where f.staff_id = t.id and f.sealed is not null) as has_factor,
    (select count(*) from kernel.sessions s where s.staff_id = t.id and s.expires_at > :at) as sessions,
    (select max(d.last_at) from kernel.devices d where d.staff_id = t.id) as last_at
from kernel.staff t;

-- Whether one of the roles that somebody holds, anywhere, asks for a second factor.
-- name: asked_by_role
select exists (
    select from kernel.holdings join kernel.roles on roles.id = holdings.role_id
    where holdings.staff_id = :staff_id and roles.second_factor
);

-- Locked, because old and new value go to the audit log.
-- name: role_asks
select second_factor from kernel.roles where id = :id for update;

-- From the next sign-in on.
-- name: set_role_asks
update kernel.roles set second_factor = :asks where id = :id;

-- For the list of roles.
-- name: asking_roles
select id from kernel.roles where second_factor;

-- Who leaves for a provider.
-- name: add_oidc_request
insert into kernel.oidc_requests (state_hash, browser_hash, provider, nonce, verifier, goes_to, staff_id, expires_at)
values (:state_hash, :browser_hash, :provider, :nonce, :verifier, :goes_to, :staff_id, :expires_at);

-- Taken once, and only in the browser that left.
-- name: take_oidc_request
delete from kernel.oidc_requests
where state_hash = :state_hash and browser_hash = :browser_hash and provider = :provider and expires_at > :at
returning nonce, verifier, goes_to, staff_id;

-- Who an account of a provider is here.
-- name: identity
select i.staff_id, t.login, t.name, t.active
from kernel.identities i join kernel.staff t on t.id = i.staff_id
where i.issuer = :issuer and i.subject = :subject;

-- An account of a provider belongs to one account here: the constraint refuses a second.
-- name: add_identity
insert into kernel.identities (issuer, subject, staff_id, provider, label, linked_at, used_at)
values (:issuer, :subject, :staff_id, :provider, :label, :at, :at);

-- What the provider calls it may have changed.
-- name: use_identity
update kernel.identities set label = :label, used_at = :at, provider = :provider
where issuer = :issuer and subject = :subject;

-- The providers that an account can sign in with.
-- name: identities_of
select issuer, subject, provider, label, linked_at, used_at
from kernel.identities where staff_id = :staff_id order by linked_at;

-- Another's link is not there.
-- name: remove_identity
delete from kernel.identities where issuer = :issuer and subject = :subject and staff_id = :staff_id;

-- Told to every session of the account but the one that did it.
-- name: add_notice
insert into kernel.notices (id, staff_id, kind, session_id, address, agent, happened_at)
values (:id, :staff_id, :kind, :session_id, :address, :agent, :at);

-- The ones not put away, but for what this session did itself.
-- name: unseen_notices
select id, kind, address, agent, happened_at, seen_at from kernel.notices
where staff_id = :staff_id and seen_at is null and session_id is distinct from :session_id::uuid
order by happened_at desc
limit 5;

-- The account's page shows what happened last.
-- name: notices_of
select id, kind, address, agent, happened_at, seen_at from kernel.notices
where staff_id = :staff_id order by happened_at desc, id desc limit :limit;

-- Put away; an account's own only, and never by the session that it warns of.
-- name: see_notices
update kernel.notices set seen_at = :at
where staff_id = :staff_id and seen_at is null and session_id is distinct from :session_id::uuid and happened_at <= :at;

-- Hourly: what nobody can use or asks for any more.
-- name: sweep_halves
delete from kernel.half_sign_ins where expires_at <= :at;

-- Hourly: who has not come back by now does not come back.
-- name: sweep_oidc_requests
delete from kernel.oidc_requests where expires_at <= :at;

-- Hourly: a browser that was not used for so long has to become known again.
-- name: sweep_devices
delete from kernel.devices where last_at <= :before;

-- Hourly: where somebody worked from is nobody's business for longer than it serves them.
-- name: sweep_networks
delete from kernel.networks where last_at <= :before;

-- Hourly: old news.
-- name: sweep_notices
delete from kernel.notices where happened_at <= :before;
