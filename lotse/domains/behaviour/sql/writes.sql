-- The words as they were shown, once per version and language.
-- name: keep_text
insert into behaviour.consent_texts (text_version, language, words, first_used_at)
values (:text_version, :language, :words, :at)
on conflict (text_version, language) do nothing;

-- Every choice is a row of its own: a proof is never overwritten.
-- name: keep_consent
insert into behaviour.consents (id, text_version, language, measurement, marketing, place, replaces, decided_at)
values (:id, :text_version, :language, :measurement, :marketing, :place, :replaces, :at);

-- Withdrawn once is withdrawn; the later moment counts for what is still in memory.
-- name: withdraw
insert into behaviour.withdrawn as w (visitor, withdrawn_at)
values (:visitor, :at)
on conflict (visitor) do update set withdrawn_at = greatest(w.withdrawn_at, excluded.withdrawn_at);

-- What was logged under an id goes with it.
-- name: delete_events
delete from behaviour.events where visitor = any(:visitors::uuid[]);

-- The ties to a person go with the id.
-- name: delete_visitors
delete from behaviour.visitors where visitor = any(:visitors::uuid[]);

-- An id is drawn once and never comes back.
-- name: forget_withdrawn
delete from behaviour.withdrawn where withdrawn_at < :before;

-- Somebody signed in who had agreed: the newest person at a shared device.
-- name: link
insert into behaviour.visitors as v (visitor, party_id, linked_at)
values (:visitor, :party_id, :at)
on conflict (visitor) do update set party_id = excluded.party_id, linked_at = excluded.linked_at
 where v.party_id <> excluded.party_id;

-- What is older than it may be leaves by whole months.
-- name: drop_months
select behaviour.drop_months(:before);
