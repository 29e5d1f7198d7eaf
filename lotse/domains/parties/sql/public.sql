-- What statements of upper domains may ask of parties, always for many at once.

-- Names and mail addresses of parties; an erased party is absent.
create or replace function parties.names_of(party_ids uuid[])
returns table (party_id uuid, kind text, name text, legal_name text, email text, phone text)
language sql stable security definer rows 100
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select n.party_id, p.kind, n.name, n.legal_name, n.email, n.phone
      from parties.names n
      join parties.parties p on p.id = n.party_id
     where n.party_id = any(party_ids)
$$;

-- Parties whose name, surname or mail address begins with a text, for lists that are searched; bounded.
create or replace function parties.find(begins text, at_most integer)
returns table (party_id uuid)
language sql stable security definer set search_path = '' rows 100
as $$
    (select n.party_id from parties.names n
      -- As a range and not as `like`: an index serves it whatever plan is cached. No text sorts after U+10FFFF.
      where lower(n.name) ~>=~ lower(begins) and lower(n.name) ~<~ (lower(begins) || chr(1114111))
      limit at_most)
    union
    (select n.party_id from parties.names n
      where lower(substring(n.name from '\S+$')) ~>=~ lower(begins)
        and lower(substring(n.name from '\S+$')) ~<~ (lower(begins) || chr(1114111))
      limit at_most)
    union
    (select n.party_id from parties.names n
      where n.email <> '' and lower(n.email) ~>=~ lower(begins) and lower(n.email) ~<~ (lower(begins) || chr(1114111))
      limit at_most)
$$;

-- Code, currency and time zone of shops.
create or replace function parties.shops_of(shop_ids uuid[])
returns table (shop_id uuid, code text, owner_party_id uuid, currency text, country text, gross boolean, timezone text)
language sql stable security definer rows 10
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select s.id, s.code, s.owner_party_id, s.currency, s.country, s.gross, s.timezone
      from parties.shops s
     where s.id = any(shop_ids)
$$;

-- Which of these parties have a role.
create or replace function parties.with_role(wanted text, party_ids uuid[])
returns table (party_id uuid)
language sql stable security definer rows 10
set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off
as $$
    select r.party_id from parties.roles r where r.role = wanted and r.party_id = any(party_ids)
$$;
