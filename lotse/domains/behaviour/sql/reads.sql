-- What is logged under some visitors' ids, for the export of a person's data; bounded, a year of one person fits.
-- name: events_of
select id, kind, version, source, visitor, session, view, bot, body, at
  from behaviour.events
 where visitor = any(:visitors::uuid[])
 order by id
 limit 100000;

-- Whose ids belong to a person.
-- name: visitors_of
select visitor from behaviour.visitors where party_id = :party_id order by visitor;

-- The proof of a choice.
-- name: consent
select id, text_version, language, measurement, marketing, place, replaces, decided_at
  from behaviour.consents where id = :id;

-- The back office's page: what came in, by kind and by who.
-- name: sums
select kind, source, bot, (visitor is not null) as agreed, sum(times) as events
  from behaviour.events
 where id >= :since
 group by 1, 2, 3, 4
 order by sum(times) desc, 1, 2, 3, 4;

-- How people choose, by the words that they were shown.
-- name: choices
select text_version, place, measurement, marketing, count(*) as people
  from behaviour.consents
 where decided_at >= :since
 group by 1, 2, 3, 4
 order by count(*) desc, 1, 2, 3, 4;

-- Nothing may be logged of whoever took their consent back; what a process still had in memory is gone after an hour.
-- name: check_withdrawn
select 'behaviour.visitor:' || w.visitor as subject, 'no events' as expected, count(*) || ' events' as found
  from behaviour.withdrawn w
  join behaviour.events e on e.visitor = w.visitor
 where w.withdrawn_at < now() - interval '2 hours'
 group by w.visitor;

-- Of these something may have come in later, out of some process's memory.
-- name: withdrawn_since
select visitor from behaviour.withdrawn where withdrawn_at >= :since;
