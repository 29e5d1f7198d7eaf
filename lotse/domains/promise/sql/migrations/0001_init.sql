-- How locations send and how long carriers need. What was promised with an order stands with the order.

create schema promise;

-- Of a location that has none here, `rules.SENDERS` says how its kind sends.
create table promise.senders (
    location_id uuid not null,
    -- {"mon": "14:00", …} in the location's own time; a weekday that is missing sends nothing.
    cut_offs jsonb not null,
    handling_days integer not null,
    constraint senders_pkey primary key (location_id),
    constraint senders_location foreign key (location_id) references inventory.locations (id),
    constraint senders_cut_offs_object check (jsonb_typeof(cut_offs) = 'object'),
    -- Longer is no promise but a pre-order.
    constraint senders_handling_days check (handling_days between 0 and 60)
);

-- Between countries that have none here, `rules.ROUTES` says what is usual.
create table promise.routes (
    from_country text not null,
    to_country text not null,
    days_min integer not null,
    days_max integer not null,
    weekdays text[] not null,
    constraint routes_pkey primary key (from_country, to_country),
    constraint routes_countries_form check (from_country ~ '^[A-Z]{2}$' and to_country ~ '^[A-Z]{2}$'),
    constraint routes_days check (0 <= days_min and days_min <= days_max and days_max <= 60),
    constraint routes_weekdays check (
        cardinality(weekdays) > 0 and weekdays <@ array['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
    )
);
