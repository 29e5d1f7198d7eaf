-- A party with what may be erased of it; an erased one has no names row.
-- name: parties
select p.id, p.kind, coalesce(n.name, '') as name, coalesce(n.legal_name, '') as legal_name,
       coalesce(n.email, '') as email, coalesce(n.phone, '') as phone, p.created_at,
       array(select r.role from parties.roles r where r.party_id = p.id order by r.role) as roles
  from parties.parties p
  left join parties.names n on n.party_id = p.id
 where p.id = any(:ids::uuid[])
 order by array_position(:ids::uuid[], p.id);

-- Several parties may share a mail address (a family, a firm's mailbox); the oldest first.
-- name: by_email
select party_id from parties.names where lower(email) = lower(:email) and email <> '' order by party_id limit :limit;

-- One legal entity by its code.
-- name: legal_entity_by_code
select id, party_id, code, name, country, currency, vat_id, address, timezone, bank_account
  from parties.legal_entities where code = :code;

-- One legal entity by its id.
-- name: legal_entity
select id, party_id, code, name, country, currency, vat_id, address, timezone, bank_account
  from parties.legal_entities where id = :id;

-- All of them: a retailer has a handful.
-- name: legal_entities
select id, party_id, code, name, country, currency, vat_id, address, timezone, bank_account
  from parties.legal_entities order by code;

-- One shop by its code.
-- name: shop_by_code
select id, code, name, channel, legal_entity_id, owner_party_id, language, languages, currency, country, gross, timezone
  from parties.shops where code = :code;

-- One shop by its id.
-- name: shop
select id, code, name, channel, legal_entity_id, owner_party_id, language, languages, currency, country, gross, timezone
  from parties.shops where id = :id;

-- Some shops, for a page that names them.
-- name: shops_by_ids
select id, code, name, channel, legal_entity_id, owner_party_id, language, languages, currency, country, gross, timezone
  from parties.shops where id = any(:ids::uuid[]) order by code;

-- The back office's table of shops; a person who is bound to shops sees those.
-- name: shop_table
select s.id, s.code, s.name, s.channel, s.legal_entity_id, e.name as legal_entity, s.owner_party_id,
       array_to_string(s.languages, ', ') as languages, s.currency, s.country, s.gross, s.timezone
  from parties.shops s
  join parties.legal_entities e on e.id = s.legal_entity_id
 where :everything::boolean or s.id = any(:in_shops::uuid[]);

-- One about to be changed.
-- name: lock_shop
select id, code, name, channel, legal_entity_id, owner_party_id, language, languages, currency, country, gross, timezone
  from parties.shops where id = :shop_id for update;

-- One about to be changed.
-- name: lock_legal_entity
select id, party_id, code, name, country, currency, vat_id, address, timezone, bank_account
  from parties.legal_entities where id = :legal_entity_id for update;

-- A page of shops by code: a platform's partners have thousands.
-- name: shops
select id, code, name, channel, legal_entity_id, owner_party_id, language, languages, currency, country, gross, timezone
  from parties.shops
 where code > coalesce(:after::text, '')
 order by code
 limit :limit;

-- Every party has a name until it is erased; erasing leaves a line in the audit, so a missing one without it is lost.
-- name: check_names
select 'parties.party:' || p.id as subject, 'a name, or a record of its erasure' as expected, 'neither' as found
  from parties.parties p
 where not exists (select from parties.names n where n.party_id = p.id)
   and not exists (select from kernel.audit a where a.subject = 'privacy.erasure:' || p.id);

-- A party that keeps books of its own is no private person's record: its name stands in the commercial register.
-- name: is_legal_entity
select exists (select from parties.legal_entities where party_id = :party_id);
