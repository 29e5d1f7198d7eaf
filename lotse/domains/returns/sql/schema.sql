-- Declarations of withdrawal as they arrived.

create schema returns;

-- People quote it on the phone. Gaps are fine: it is a name, not a count.
create sequence returns.numbers as bigint start with 100001;

create table returns.withdrawals (
    id uuid not null,
    number text not null,
    shop_id uuid not null,
    -- Null: number and mail address name no order of ours. Orders are hot, so nothing refers to them by foreign key.
    order_id uuid,
    order_number text not null,
    name text not null,
    email text not null,
    what text not null,
    -- [{"position": 1, "quantity": 2, "text": "…"}, …]; empty: everything.
    parts jsonb not null,
    way text not null,
    language text not null,
    -- The same declaration again is known by it; holds no personal data that could be read.
    mark bytea not null,
    declared_at timestamptz not null,
    settled_at timestamptz,
    settled_by text not null default '',
    note text not null default '',
    constraint withdrawals_pkey primary key (id),
    constraint withdrawals_number_unique unique (number),
    constraint withdrawals_shop foreign key (shop_id) references parties.shops (id),
    constraint withdrawals_way_known check (way in ('form', 'order')),
    constraint withdrawals_parts_array check (jsonb_typeof(parts) = 'array'),
    -- Longer ones are attacks; the form says so before.
    constraint withdrawals_lengths check (
        char_length(name) <= 200 and char_length(order_number) <= 80 and char_length(email) <= 254
        and char_length(what) <= 2000 and char_length(note) <= 2000
    )
);
comment on column returns.withdrawals.name is 'retention: contact';
comment on column returns.withdrawals.email is 'retention: contact';
comment on column returns.withdrawals.what is 'retention: contact';
-- What an order's page asks.
create index withdrawals_order_id on returns.withdrawals (order_id) where order_id is not null;
-- The same declaration again, and how many came from a mail address: both look at the last day only.
create index withdrawals_mark on returns.withdrawals (mark, declared_at);
create index withdrawals_email on returns.withdrawals (lower(email), declared_at) where email <> '';
-- What staff has to do.
create index withdrawals_open on returns.withdrawals (id) where settled_at is null;
