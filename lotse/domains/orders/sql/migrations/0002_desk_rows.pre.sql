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
