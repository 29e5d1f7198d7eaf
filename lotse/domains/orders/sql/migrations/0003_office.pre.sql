-- What the back office looks for: orders of a span of days, and of somebody who has no number at hand.
-- Orders of a span of days. Block ranges: rows come in the order of their time, and an insert pays next to nothing.
create index orders_placed_at on orders.orders using brin (placed_at);
-- The service desk finds the order of somebody who has no number at hand: by mail address, or by the last word of the
-- name, which is the surname. Guests too, so it cannot be asked of the customers. Tills write no contacts.
create index contacts_email on orders.contacts (lower(email) text_pattern_ops) where email <> '';
create index contacts_surname on orders.contacts (lower(substring(billing ->> 'name' from '\S+$')) text_pattern_ops);

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
