-- Where postcodes are, from a file (kind `postcodes`): stores by distance, and the state whose holidays count. Without
-- one, regions of two digits stand in (`rules.region_of`).
create table inventory.postcodes (
    country text not null,
    postcode text not null,
    city text not null,
    -- ISO 3166-2 without the country; empty if the file does not say.
    state text not null,
    latitude double precision not null,
    longitude double precision not null,
    constraint postcodes_pkey primary key (country, postcode),
    constraint postcodes_country_form check (country ~ '^[A-Z]{2}$'),
    constraint postcodes_lengths check (
        char_length(postcode) between 1 and 16 and char_length(city) <= 200 and state ~ '^([A-Z0-9]{1,3})?$'
    ),
    constraint postcodes_place check (latitude between -90 and 90 and longitude between -180 and 180)
);
