-- Orders: what was sold. Never edited, only amended by further facts (release, cancellation, return, credit).
create schema orders;

-- Drawn ahead by the desk, so numbers have gaps: they are names, not a count (invoice numbers are another thing).
create sequence orders.numbers start 100001;

create table orders.orders (
    id uuid not null primary key,
    number text not null,
    shop_id uuid not null,
    channel text not null,
    legal_entity_id uuid not null,
    -- The legal entity's zone decides the period of postings.
    zone text not null,
    -- Null: a guest.
    customer_id uuid,
    payment_id uuid not null,
    currency text not null,
    language text not null,
    -- Unit prices are with tax.
    gross boolean not null,
    net_minor bigint not null,
    tax_minor bigint not null,
    gross_minor bigint not null,
    actor text not null,
    placed_at timestamptz not null,
    recorded_at timestamptz not null,
    -- People name an order by it, on the phone and at the till.
    constraint orders_number_unique unique (number),
    constraint orders_channel_known check (channel in ('web', 'till', 'marketplace', 'agent', 'desk', 'api')),
    constraint orders_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint orders_total_is_net_and_tax check (gross_minor = net_minor + tax_minor)
);
-- A customer's own orders; guests cost nothing here.
create index orders_customer on orders.orders (customer_id, id) where customer_id is not null;
-- Orders of a span of days. Block ranges: rows come in the order of their time, and an insert pays next to nothing.
create index orders_placed_at on orders.orders using brin (placed_at);
-- Orders of a channel that few come by. Block ranges that know which channels occur in them: as cheap for an insert.
create index orders_channel on orders.orders using brin (channel text_bloom_ops)
with (pages_per_range = 32, autosummarize = on);
-- "Somebody paid 249.90": nothing else leads to an amount among millions. Prices are few, so the entries of an amount
-- share a page, and an insert finds that page in memory.
create index orders_gross_minor on orders.orders (gross_minor);
-- Orders that were told long after they were placed: their ids do not tell their time, those of all others do. None in
-- most shops; an insert only pays for looking.
create index orders_told_late on orders.orders (id)
where uuid_extract_timestamp(id) - placed_at > interval '24:00:00';

-- What was sold, as it was sold: nothing here changes when the catalogue, a price or a tax rate does.
create table orders.lines (
    order_id uuid not null,
    position smallint not null,
    -- goods leave a pool; shipping and charge do not.
    kind text not null,
    offer_id uuid,
    variant_id uuid,
    seller_party_id uuid,
    legal_entity_id uuid not null,
    sku text not null,
    text text not null,
    quantity bigint not null,
    unit text not null,
    -- Major units, finer than the minor unit where the price is; with tax if the order's prices are.
    unit_price numeric(18, 6) not null,
    net_minor bigint not null,
    tax_minor bigint not null,
    gross_minor bigint not null,
    tax_code text not null,
    tax_rate numeric(7, 6) not null,
    tax_country text not null,
    -- Which prices, promotions and rules made the amount.
    rule_ids jsonb not null,
    -- Where it comes from.
    pool_id bigint,
    location_id uuid,
    constraint lines_pkey primary key (order_id, position),
    constraint lines_kind_known check (kind in ('goods', 'shipping', 'charge')),
    constraint lines_quantity_positive check (quantity > 0),
    constraint lines_total_is_net_and_tax check (gross_minor = net_minor + tax_minor),
    -- Goods come from somewhere.
    constraint lines_goods_have_source check ((kind = 'goods') = (pool_id is not null))
);

-- Names and addresses, erasable by order once retention ends; orders and lines carry ids only.
create table orders.contacts (
    order_id uuid not null primary key,
    -- Retention: until the order is settled and withdrawal is over (art. 6(1)(b) GDPR).
    email text not null,
    -- Retention: like email.
    phone text not null,
    -- Retention: with the invoice, 8 years (s. 147 AO, s. 14b UStG).
    billing jsonb not null,
    -- Retention: like email.
    -- Null: where the bill goes.
    delivery jsonb,
    erased_at timestamptz
);
-- The service desk finds the order of somebody who has no number at hand: by mail address, or by the last word of the
-- name, which is the surname. Guests too, so it cannot be asked of the customers. Tills write no contacts.
create index contacts_email on orders.contacts (lower(email) text_pattern_ops) where email <> '';
create index contacts_surname on orders.contacts (lower(substring(billing ->> 'name' from '\S+$')) text_pattern_ops);

comment on column orders.contacts.email is 'retention: contact';
comment on column orders.contacts.phone is 'retention: contact';
comment on column orders.contacts.billing is 'retention: invoice';
comment on column orders.contacts.delivery is 'retention: contact';

-- From here on the goods may leave: at once by invoice, with the money by prepayment.
create table orders.releases (
    order_id uuid not null primary key,
    released_at timestamptz not null,
    recorded_at timestamptz not null
);

-- Facts that take an order back in whole or part, and credits that have no order.
create table orders.amendments (
    id uuid not null primary key,
    kind text not null,
    -- Null: a credit without a sale.
    order_id uuid,
    legal_entity_id uuid not null,
    customer_id uuid,
    currency text not null,
    net_minor bigint not null,
    tax_minor bigint not null,
    gross_minor bigint not null,
    reason text not null,
    actor text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    constraint amendments_kind_known check (kind in ('cancellation', 'return', 'credit')),
    -- Only a credit can be without a sale.
    constraint amendments_have_order check (order_id is not null or kind = 'credit'),
    constraint amendments_total_is_net_and_tax check (gross_minor = net_minor + tax_minor)
);
-- An order's amendments. An order is cancelled once.
create index amendments_order on orders.amendments (order_id, id) where order_id is not null;
create unique index amendments_one_cancellation on orders.amendments (order_id) where kind = 'cancellation';
-- Credits without an order, for what a customer is handed over; a handful of rows.
create index amendments_credits on orders.amendments (customer_id) where order_id is null and customer_id is not null;

create table orders.amendment_lines (
    amendment_id uuid not null,
    position smallint not null,
    -- The line that is taken back.
    order_id uuid,
    order_position smallint,
    variant_id uuid,
    sku text not null,
    text text not null,
    quantity bigint not null,
    net_minor bigint not null,
    tax_minor bigint not null,
    gross_minor bigint not null,
    tax_code text not null,
    tax_rate numeric(7, 6) not null,
    -- Where the goods went back to; null if they did not.
    pool_id bigint,
    constraint amendment_lines_pkey primary key (amendment_id, position),
    constraint amendment_lines_quantity_positive check (quantity > 0),
    constraint amendment_lines_total_is_net_and_tax check (gross_minor = net_minor + tax_minor),
    constraint amendment_lines_name_a_line check ((order_id is null) = (order_position is null))
);

-- How much of a line was taken back: one row from the first time on, so that no one sums over the past.
create table orders.line_balances (
    order_id uuid not null,
    position smallint not null,
    quantity bigint not null,
    gross_minor bigint not null,
    taken_back bigint not null,
    credited_minor bigint not null,
    constraint line_balances_pkey primary key (order_id, position),
    -- Nothing comes back that was not sold, and no more money than was paid for it.
    constraint line_balances_quantity check (taken_back between 0 and quantity),
    constraint line_balances_amount check (credited_minor between 0 and gross_minor)
);

-- What customers have bought in all: a projection that a job brings up to the marks below, so that no page sums over
-- years. What is younger than the marks is added when it is asked for.
create table orders.customer_sums (
    customer_id uuid not null,
    currency text not null,
    orders bigint not null,
    gross_minor bigint not null,
    credited_minor bigint not null,
    first_at timestamptz,
    last_at timestamptz,
    constraint customer_sums_pkey primary key (customer_id, currency)
);

-- Up to which order and which amendment the sums are. One row.
create table orders.summed (
    only_one boolean not null default true primary key,
    orders_upto uuid not null default '00000000-0000-0000-0000-000000000000',
    amendments_upto uuid not null default '00000000-0000-0000-0000-000000000000',
    constraint summed_is_one check (only_one)
);
insert into orders.summed default values;

-- What the desk sends: one row of each of its writers, the fields in the order of the writer's Struct. A type of their
-- own and not the tables' rows, so that a new column does not break a desk of the version before.
create type orders.orders_row as (
    id uuid,
    number text,
    shop_id uuid,
    channel text,
    legal_entity_id uuid,
    zone text,
    customer_id uuid,
    payment_id uuid,
    currency text,
    language text,
    gross boolean,
    net_minor bigint,
    tax_minor bigint,
    gross_minor bigint,
    actor text,
    placed_at timestamptz,
    recorded_at timestamptz
);

create type orders.lines_row as (
    order_id uuid,
    position smallint,
    kind text,
    offer_id uuid,
    variant_id uuid,
    seller_party_id uuid,
    legal_entity_id uuid,
    sku text,
    text text,
    quantity bigint,
    unit text,
    unit_price numeric,
    net_minor bigint,
    tax_minor bigint,
    gross_minor bigint,
    tax_code text,
    tax_rate numeric,
    tax_country text,
    rule_ids jsonb,
    pool_id bigint,
    location_id uuid
);

create type orders.contacts_row as (
    order_id uuid,
    email text,
    phone text,
    billing jsonb,
    delivery jsonb
);

create type orders.releases_row as (
    order_id uuid,
    released_at timestamptz,
    recorded_at timestamptz
);

-- By when the buyer was told that it arrives, as shown: the estimate is kept, so that it can be compared with what came.
create table orders.promises (
    order_id uuid not null primary key,
    earliest date not null,
    latest date not null,
    shown_at timestamptz not null,
    constraint promises_in_order check (earliest <= latest)
);

create type orders.promises_row as (
    order_id uuid,
    earliest date,
    latest date,
    shown_at timestamptz
);
