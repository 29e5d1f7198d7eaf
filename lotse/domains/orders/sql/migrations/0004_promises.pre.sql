-- What was promised is a fact of the order.
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
