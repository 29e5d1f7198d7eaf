-- An id that exists keeps its kind and its moment: a party does not turn from a person into an organisation.
-- name: put_parties
insert into parties.parties (id, kind, created_at)
select id, kind, :at from unnest(:ids::uuid[], :kinds::text[]) as k (id, kind)
on conflict (id) do nothing;

-- Overwrites what differs, and says whose did.
-- name: put_names
insert into parties.names as n (party_id, name, legal_name, email, phone)
select * from unnest(:ids::uuid[], :names::text[], :legal_names::text[], :emails::text[], :phones::text[])
on conflict (party_id) do update
   set name = excluded.name, legal_name = excluded.legal_name, email = excluded.email, phone = excluded.phone
 where (n.name, n.legal_name, n.email, n.phone)
       is distinct from (excluded.name, excluded.legal_name, excluded.email, excluded.phone)
returning party_id;

-- Says who got which role that it had not.
-- name: grant_roles
insert into parties.roles (party_id, role, since)
select distinct party_id, role, :at::timestamptz from unnest(:ids::uuid[], :roles::text[]) as k (party_id, role)
on conflict do nothing
returning party_id, role;

-- Says whether it had the role.
-- name: revoke_role
delete from parties.roles where party_id = :party_id and role = :role returning party_id;

-- The code is its name for ever; everything else may change.
-- name: put_legal_entity
insert into parties.legal_entities (id, party_id, code, name, country, currency, vat_id, address, timezone, bank_account)
values (:id, :party_id, :code, :name, :country, :currency, :vat_id, :address, :timezone, :bank_account)
on conflict (code) do update
   set party_id = excluded.party_id, name = excluded.name, country = excluded.country, currency = excluded.currency,
       vat_id = excluded.vat_id, address = excluded.address, timezone = excluded.timezone,
       bank_account = excluded.bank_account
returning id;

-- The code is its name for ever; everything else may change.
-- name: put_shop
insert into parties.shops (id, code, name, channel, legal_entity_id, owner_party_id, languages, currency, country, gross,
                           timezone)
values (:id, :code, :name, :channel, :legal_entity_id, :owner_party_id, :languages::text[], :currency, :country, :gross,
        :timezone)
on conflict (code) do update
   set name = excluded.name, channel = excluded.channel, legal_entity_id = excluded.legal_entity_id,
       owner_party_id = excluded.owner_party_id, languages = excluded.languages, currency = excluded.currency,
       country = excluded.country, gross = excluded.gross, timezone = excluded.timezone
returning id;

-- Names go as a whole; the party stays, because orders and entries carry its id. Nothing if it had none.
-- name: erase_names
delete from parties.names where party_id = :party_id returning party_id;
