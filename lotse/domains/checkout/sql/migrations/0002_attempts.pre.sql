-- Attempts to pay for baskets through a provider.
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
    closed_at timestamptz
);
comment on column checkout.attempts."order" is 'retention: contact';
-- What is closed and still names somebody.
create index attempts_to_erase on checkout.attempts (closed_at) where "order" is not null and closed_at is not null;
-- The newest attempt to pay for a basket: whoever orders it otherwise must end that one first.
alter table checkout.baskets add column charge_id uuid;
