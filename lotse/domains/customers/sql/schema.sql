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
