-- The senders of a page: a handful of locations.
-- name: senders
select location_id, cut_offs, handling_days from promise.senders where location_id = any(:location_ids::uuid[]);

-- All of them: no retailer has more than some dozen.
-- name: routes
select from_country, to_country, days_min, days_max, weekdays from promise.routes order by from_country, to_country;
