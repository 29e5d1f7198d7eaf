-- Parties, what may be erased of them, their roles, legal entities and shops.

create schema parties;

create table parties.parties (
    id uuid not null,
    kind text not null,
    created_at timestamptz not null,
    constraint parties_pkey primary key (id),
    constraint parties_kind_known check (kind in ('person', 'organisation'))
);

-- Everything that names or reaches somebody, in a row of its own: erasing deletes it and leaves the ids that orders,
-- entries and events carry. Each column's comment names its retention class.
create table parties.names (
    party_id uuid not null,
    name text not null,
    legal_name text not null default '',
    email text not null default '',
    phone text not null default '',
    constraint names_pkey primary key (party_id),
    constraint names_party foreign key (party_id) references parties.parties (id) on delete cascade,
    -- Longer ones are mistakes or attacks; pages and documents have no room for them.
    constraint names_name_length check (char_length(name) between 1 and 200 and char_length(legal_name) <= 200),
    -- RFC 5321: 254 octets; the form is checked where it is typed.
    constraint names_email_length check (octet_length(email) <= 254),
    constraint names_phone_length check (char_length(phone) <= 50)
);
comment on column parties.names.name is 'retention: contact';
comment on column parties.names.legal_name is 'retention: contact';
comment on column parties.names.email is 'retention: contact';
comment on column parties.names.phone is 'retention: contact';
-- The service desk finds people by mail address; case does not matter to anybody who types one.
create index names_email on parties.names (lower(email)) where email <> '';
-- The service desk finds people by the beginning of their name.
create index names_name on parties.names (lower(name) text_pattern_ops);
-- And by that of its last word, which is the surname; and by the beginning of a mail address.
create index names_surname on parties.names (lower(substring(name from '\S+$')) text_pattern_ops);
create index names_email_prefix on parties.names (lower(email) text_pattern_ops) where email <> '';

create table parties.roles (
    party_id uuid not null,
    role text not null,
    since timestamptz not null,
    -- A party has a role or not: once.
    constraint roles_pkey primary key (party_id, role),
    constraint roles_party foreign key (party_id) references parties.parties (id) on delete cascade,
    constraint roles_role_known check (role in ('customer', 'seller', 'supplier', 'partner', 'staff', 'provider'))
);

create table parties.legal_entities (
    id uuid not null,
    party_id uuid not null,
    code text not null,
    name text not null,
    country text not null,
    currency text not null,
    vat_id text not null default '',
    address jsonb not null default '{}',
    timezone text not null,
    -- Holder, IBAN and BIC of the account that buyers transfer to; the company's own, so nothing to erase.
    bank_account jsonb not null default '{}',
    constraint legal_entities_pkey primary key (id),
    -- Settings, imports and exports to the tax adviser name it by its code.
    constraint legal_entities_code_unique unique (code),
    constraint legal_entities_code_form check (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    constraint legal_entities_party foreign key (party_id) references parties.parties (id),
    constraint legal_entities_name_length check (char_length(name) between 1 and 200),
    -- ISO 3166-1 alpha-2 and ISO 4217; membership is checked by the command.
    constraint legal_entities_country_form check (country ~ '^[A-Z]{2}$'),
    constraint legal_entities_currency_form check (currency ~ '^[A-Z]{3}$')
);
-- The foreign key's own look-up when a party is deleted.
create index legal_entities_party_id on parties.legal_entities (party_id);

create table parties.shops (
    id uuid not null,
    code text not null,
    name text not null,
    channel text not null,
    legal_entity_id uuid not null,
    owner_party_id uuid not null,
    languages text[] not null,
    -- The language that speaks when none of the others fits; derived, so that it is always one of them.
    language text not null generated always as (languages[1]) stored,
    currency text not null,
    country text not null,
    gross boolean not null,
    timezone text not null,
    constraint shops_pkey primary key (id),
    -- Addresses and settings name a shop by its code.
    constraint shops_code_unique unique (code),
    constraint shops_code_form check (code ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    constraint shops_legal_entity foreign key (legal_entity_id) references parties.legal_entities (id),
    constraint shops_owner foreign key (owner_party_id) references parties.parties (id),
    constraint shops_name_length check (char_length(name) between 1 and 200),
    constraint shops_channel_known check (channel in ('web', 'till', 'marketplace', 'agent', 'desk', 'api')),
    constraint shops_languages_any check (cardinality(languages) >= 1 and array_position(languages, null) is null),
    constraint shops_country_form check (country ~ '^[A-Z]{2}$'),
    constraint shops_currency_form check (currency ~ '^[A-Z]{3}$')
);
-- The foreign keys' own look-ups when a legal entity or a party is deleted.
create index shops_legal_entity_id on parties.shops (legal_entity_id);
create index shops_owner_party_id on parties.shops (owner_party_id);
