-- Prices: append-only. A price holds from valid_from until the next one of its key, so nothing can overlap or leave a gap.

create schema pricing;

create table pricing.prices (
    id uuid not null,
    shop_id uuid not null,
    variant_id uuid not null,
    currency text not null,
    -- Empty for everybody; a group's own price goes before.
    customer_group text not null default '',
    min_quantity integer not null default 1,
    -- Major units per smallest unit of the variant, finer than cents (0.012990 per gram). Null ends the price.
    unit_price numeric(18, 6),
    gross boolean not null,
    valid_from timestamptz not null,
    recorded_at timestamptz not null,
    changed_by text not null,
    reason text not null default '',
    constraint prices_pkey primary key (id),
    -- At any moment one price per key holds; also the way it is read: the last one before a moment.
    constraint prices_once unique (shop_id, variant_id, customer_group, min_quantity, valid_from),
    constraint prices_shop foreign key (shop_id) references parties.shops (id),
    constraint prices_variant foreign key (variant_id) references catalog.variants (id),
    constraint prices_currency_form check (currency ~ '^[A-Z]{3}$'),
    constraint prices_group_form check (customer_group ~ '^([a-z0-9][a-z0-9_-]{0,31})?$'),
    constraint prices_min_quantity_positive check (min_quantity >= 1),
    constraint prices_unit_price_not_negative check (unit_price >= 0),
    -- History is written as it happens: nothing begins before it was recorded.
    constraint prices_not_backdated check (valid_from >= recorded_at)
);
-- The history of a variant over all shops, and the foreign key's own look-up.
create index prices_variant_id on pricing.prices (variant_id, valid_from desc);
