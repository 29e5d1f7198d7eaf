-- Overwrites; what says the same stays untouched and is told to nobody.
-- name: put_sender
insert into promise.senders as s (location_id, cut_offs, handling_days)
values (:location_id, :cut_offs, :handling_days)
on conflict (location_id) do update
   set cut_offs = excluded.cut_offs, handling_days = excluded.handling_days
 where (s.cut_offs, s.handling_days) is distinct from (excluded.cut_offs, excluded.handling_days);

-- Overwrites; what says the same stays untouched and is told to nobody.
-- name: put_route
insert into promise.routes as r (from_country, to_country, days_min, days_max, weekdays)
values (:from_country, :to_country, :days_min, :days_max, :weekdays::text[])
on conflict (from_country, to_country) do update
   set days_min = excluded.days_min, days_max = excluded.days_max, weekdays = excluded.weekdays
 where (r.days_min, r.days_max, r.weekdays) is distinct from (excluded.days_min, excluded.days_max, excluded.weekdays);
