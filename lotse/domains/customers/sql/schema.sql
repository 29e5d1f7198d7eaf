-- Customers and their addresses. Names and mail addresses are the parties'.

create schema customers;

-- Numbers for customers that bring none. Gaps are fine: a number is a name, not a count.
create sequence customers.numbers as bigint start with 100001;

create table customers.customers (
    id uuid not null,
    party_id uuid not null,
    number text not null,
    -- Where the customer came from; it may buy in every shop.
    shop_id uuid not null,
    customer_group text not null default '',
    created_at timestamptz not null,
    constraint customers_pkey primary key (id),
    -- One party is one customer.
    constraint customers_party_unique unique (party_id),
    -- The number is natural: from a source, a card or drawn; imports upsert by it.
    constraint customers_number_unique unique (number),
    constraint customers_number_length check (char_length(number) between 1 and 40 and number = btrim(number)),
    constraint customers_group_form check (customer_group ~ '^([a-z0-9][a-z0-9_-]{0,31})?$'),
    constraint customers_party foreign key (party_id) references parties.parties (id),
    constraint customers_shop foreign key (shop_id) references parties.shops (id)
);
-- The foreign key's own look-up.
create index customers_shop_id on customers.customers (shop_id);
-- The back office finds a number by its beginning.
create index customers_number_prefix on customers.customers (number text_pattern_ops);

-- Erasable as a whole: orders keep their own copy for as long as the law asks. Each column's comment names its class.
create table customers.addresses (
    id uuid not null,
    customer_id uuid not null,
    kind text not null,
    name text not null,
    company text not null default '',
    street text not null default '',
    street2 text not null default '',
    postcode text not null default '',
    city text not null default '',
    region text not null default '',
    country text not null,
    added_at timestamptz not null,
    constraint addresses_pkey primary key (id),
    constraint addresses_customer foreign key (customer_id) references customers.customers (id) on delete cascade,
    constraint addresses_kind_known check (kind in ('billing', 'delivery')),
    -- The same address twice tells nothing new; a repeated import must not grow the table.
    constraint addresses_once unique (
        customer_id, kind, name, company, street, street2, postcode, city, region, country
    ),
    constraint addresses_country_form check (country ~ '^[A-Z]{2}$'),
    -- Labels and forms end there; the index above needs an end as well.
    constraint addresses_lengths check (
        char_length(name) between 1 and 200 and char_length(company) <= 200 and char_length(street) <= 200
        and char_length(street2) <= 200 and char_length(postcode) <= 20 and char_length(city) <= 100
        and char_length(region) <= 100
    )
);
comment on column customers.addresses.name is 'retention: contact';
comment on column customers.addresses.company is 'retention: contact';
comment on column customers.addresses.street is 'retention: contact';
comment on column customers.addresses.street2 is 'retention: contact';
comment on column customers.addresses.postcode is 'retention: contact';
comment on column customers.addresses.city is 'retention: contact';
comment on column customers.addresses.region is 'retention: contact';

-- What customers sign in with. Who orders as a guest has none.
create table customers.logins (
    customer_id uuid not null,
    -- As it was typed; found whatever its case.
    email text not null,
    -- argon2id in PHC format.
    password text not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    constraint logins_pkey primary key (customer_id),
    constraint logins_customer foreign key (customer_id) references customers.customers (id) on delete cascade,
    constraint logins_email_length check (octet_length(email) between 3 and 254)
);
comment on column customers.logins.email is 'retention: contact';
comment on column customers.logins.password is 'retention: contact';
-- One mail address is one account.
create unique index logins_email on customers.logins (lower(email));

-- The token itself is in the browser's cookie only.
create table customers.sessions (
    token_hash bytea not null,
    customer_id uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint sessions_pkey primary key (token_hash),
    constraint sessions_customer foreign key (customer_id) references customers.logins (customer_id) on delete cascade
);
-- All of an account end when its password changes; and the foreign key's own look-up.
create index sessions_customer_id on customers.sessions (customer_id);
-- What has ended is swept.
create index sessions_expires_at on customers.sessions (expires_at);

-- A guest's list belongs to whoever has its id in a cookie; at sign-in it joins the customer's.
create table customers.wish_lists (
    id uuid not null,
    customer_id uuid,
    changed_at timestamptz not null,
    constraint wish_lists_pkey primary key (id),
    -- A customer has one.
    constraint wish_lists_customer_unique unique (customer_id),
    constraint wish_lists_customer foreign key (customer_id) references customers.customers (id) on delete cascade
);
-- Guests' lists that nobody touched are swept.
create index wish_lists_old on customers.wish_lists (changed_at) where customer_id is null;

create table customers.wishes (
    list_id uuid not null,
    product_id uuid not null,
    added_at timestamptz not null,
    -- The colour and size that was chosen; null where nothing was.
    variant_id uuid,
    -- One in two sizes is two wishes.
    constraint wishes_once unique nulls not distinct (list_id, product_id, variant_id),
    constraint wishes_list foreign key (list_id) references customers.wish_lists (id) on delete cascade,
    constraint wishes_product foreign key (product_id) references catalog.products (id) on delete cascade,
    constraint wishes_variant foreign key (variant_id) references catalog.variants (id) on delete cascade
);
-- The foreign keys' own look-ups.
create index wishes_product_id on customers.wishes (product_id);
create index wishes_variant_id on customers.wishes (variant_id);

-- What somebody agreed to and took back, each time: the newest of a purpose holds (art. 7 (1) GDPR wants the proof).
create table customers.consents (
    customer_id uuid not null,
    purpose text not null,
    decided_at timestamptz not null,
    given boolean not null,
    -- The proof: which mail address confirmed it, and when it had been asked. Empty of what was agreed to before mails
    -- confirmed it, which therefore does not hold, and of what was taken back.
    email text not null default '',
    asked_at timestamptz,
    constraint consents_pkey primary key (customer_id, purpose, decided_at),
    constraint consents_customer foreign key (customer_id) references customers.customers (id) on delete cascade,
    constraint consents_purpose_form check (purpose ~ '^[a-z][a-z_]{0,31}$')
);
comment on column customers.consents.email is 'retention: contact';

-- Who agreed to mail but did not follow the confirming mail's link yet. The link is signed and names this row; it works
-- while the row is there, so it works once. Following it is what proves that the mailbox's owner agreed (s. 7 (2) UWG).
create table customers.consent_requests (
    id uuid not null,
    customer_id uuid not null,
    purpose text not null,
    -- Where the mail goes, and so whose consent it becomes.
    email text not null,
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    constraint consent_requests_pkey primary key (id),
    constraint consent_requests_customer foreign key (customer_id) references customers.logins (customer_id)
        on delete cascade,
    constraint consent_requests_purpose_form check (purpose ~ '^[a-z][a-z_]{0,31}$')
);
comment on column customers.consent_requests.email is 'retention: contact';
-- What an account waits for; and the foreign key's own look-up.
create index consent_requests_customer_id on customers.consent_requests (customer_id);
-- What has ended is swept.
create index consent_requests_expires_at on customers.consent_requests (expires_at);

-- Who forgot a password. The mail's link is signed and names this row; it works while the row is there, so it works once.
create table customers.resets (
    id uuid not null,
    customer_id uuid not null,
    requested_at timestamptz not null,
    expires_at timestamptz not null,
    constraint resets_pkey primary key (id),
    constraint resets_customer foreign key (customer_id) references customers.logins (customer_id) on delete cascade
);
-- All of an account end with a new password; and the foreign key's own look-up.
create index resets_customer_id on customers.resets (customer_id);
-- What has ended is swept.
create index resets_expires_at on customers.resets (expires_at);

-- Who wants to sign in with another mail address. The link of the mail to it is signed and names this row; it works until
-- it was followed, so it works once. What was followed stays: by the former address is found what came under it, when a
-- person's data are exported or erased.
create table customers.email_changes (
    id uuid not null,
    customer_id uuid not null,
    -- Where the mail goes, and what the address becomes.
    email text not null,
    requested_at timestamptz not null,
    expires_at timestamptz not null,
    -- What it was, and until when; null until the link was followed.
    former text,
    changed_at timestamptz,
    constraint email_changes_pkey primary key (id),
    constraint email_changes_customer foreign key (customer_id) references customers.logins (customer_id)
        on delete cascade,
    constraint email_changes_email_length check (octet_length(email) between 3 and 254),
    constraint email_changes_whole check ((former is null) = (changed_at is null))
);
comment on column customers.email_changes.email is 'retention: contact';
comment on column customers.email_changes.former is 'retention: contact';
-- What an account waits for, and what it was called; and the foreign key's own look-up.
create index email_changes_customer_id on customers.email_changes (customer_id);
-- What nobody followed is swept.
create index email_changes_expires_at on customers.email_changes (expires_at) where changed_at is null;
