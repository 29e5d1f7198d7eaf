-- Checkout: baskets, and what delivery costs until a domain of its own knows more.
create schema checkout;

create table checkout.baskets (
    -- Unguessable: whoever knows it may change the basket.
    id uuid not null,
    shop_id uuid not null,
    customer_id uuid,
    -- Counts changes, so that an order is placed of the basket that was seen.
    version integer not null default 1,
    -- The order that it became; from then on it never changes.
    order_id uuid,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    -- The newest attempt to pay for it: whoever orders it otherwise must end that one first.
    charge_id uuid,
    constraint baskets_pkey primary key (id),
    constraint baskets_shop foreign key (shop_id) references parties.shops (id),
    constraint baskets_version_counts check (version >= 1)
) with (fillfactor = 80); -- each change of a line counts the version up: room keeps that HOT
-- Old baskets are deleted, the oldest first. Block ranges: rows come in order of time.
create index baskets_changed on checkout.baskets using brin (changed_at);

create table checkout.basket_lines (
    basket_id uuid not null,
    offer_id uuid not null,
    variant_id uuid not null,
    quantity integer not null,
    -- The unit price when the line was last touched: a change is shown, not slipped in.
    seen_unit_price numeric(18, 6),
    added_at timestamptz not null,
    constraint basket_lines_pkey primary key (basket_id, offer_id),
    constraint basket_lines_basket foreign key (basket_id) references checkout.baskets (id) on delete cascade,
    -- More than this is an enquiry, not a basket.
    constraint basket_lines_quantity check (quantity between 1 and 9999)
);

-- What delivery to a country costs in a shop, from a moment on.
create table checkout.shipping_rates (
    shop_id uuid not null,
    country text not null,
    valid_from timestamptz not null,
    price_minor bigint not null,
    -- From this value of goods on it is free; null: never.
    free_from_minor bigint,
    constraint shipping_rates_pkey primary key (shop_id, country, valid_from),
    constraint shipping_rates_shop foreign key (shop_id) references parties.shops (id),
    constraint shipping_rates_country_form check (country ~ '^[A-Z]{2}$'),
    constraint shipping_rates_price_not_negative check (price_minor >= 0),
    constraint shipping_rates_free_from_positive check (free_from_minor > 0)
);

-- An attempt to pay for a basket through a provider, with everything that its order needs once the money is there.
create table checkout.attempts (
    -- The charge is what moves; this row is what it is for.
    charge_id uuid not null primary key,
    basket_id uuid not null,
    -- The basket as it was when the buyer accepted its total.
    version integer not null,
    shop_id uuid not null,
    order_id uuid not null,
    hold_id uuid not null,
    -- The hold of the attempt before, given back when this one holds.
    replaces uuid,
    -- Where the buyer came from, as a keyed hash: holds are limited by it.
    origin text not null,
    -- Until then the goods are held, and the prices with them.
    held_until timestamptz not null,
    return_url text not null,
    webhook_url text not null,
    -- Retention: until the order is placed, or an hour after nothing came of it (art. 6(1)(b) GDPR).
    "order" jsonb,
    created_at timestamptz not null,
    closed_at timestamptz,
    -- By which variation of the value from which delivery is free the buyer saw the total: trying again, and paying late,
    -- go by the same.
    free_from text not null default 'set'
);
comment on column checkout.attempts."order" is 'retention: contact';
-- What is closed and still names somebody.
create index attempts_to_erase on checkout.attempts (closed_at) where "order" is not null and closed_at is not null;
-- What is not closed: few rows, so the index stays small.
create index attempts_open on checkout.attempts (created_at) where closed_at is null;
