-- Two devices that subscribe to one thing at once are counted one after the other.
-- name: lock_about
select pg_advisory_xact_lock(hashtextextended('push:' || :about::text, 0));

-- How many other devices hear of a thing.
-- name: others_about
select count(*) from kernel.push_devices where about = :about and endpoint_mark <> :mark;

-- A device that wants to hear of a thing; once more is the same device with its newest keys.
-- name: subscribe
insert into kernel.push_devices (id, endpoint, endpoint_mark, public_key, auth, about, shop_id, party_id, language,
                                 created_at, told_at)
values (:id, :endpoint, :mark, :public_key, :auth, :about, :shop_id, :party_id, :language, :at, :at)
on conflict on constraint push_devices_once do update
   set public_key = excluded.public_key, auth = excluded.auth, shop_id = excluded.shop_id,
       party_id = excluded.party_id, language = excluded.language, told_at = excluded.told_at;

-- A device wants to hear no more of these things.
-- name: unsubscribe
delete from kernel.push_devices where endpoint_mark = :mark and about = any (:about::text[]);

-- What a device still wants to hear of.
-- name: left
select count(*) from kernel.push_devices where endpoint_mark = :mark;

-- Whether the button says "off" or "on".
-- name: is_told
select exists (select from kernel.push_devices where endpoint_mark = :mark and about = any (:about::text[]));

-- The browser was given another address for the same device.
-- name: renew
update kernel.push_devices d
   set endpoint = :endpoint, endpoint_mark = :mark, public_key = :public_key, auth = :auth, told_at = :at
 where d.endpoint_mark = :former
   and not exists (select from kernel.push_devices n where n.endpoint_mark = :mark and n.about = d.about);

-- Who hears of an event: each device once, although it may want to hear of the order and of its customer.
-- name: devices_about
select distinct on (endpoint_mark) id, endpoint, endpoint_mark, public_key, auth, about, shop_id, party_id, language
  from kernel.push_devices
 where about = any (:about::text[])
 order by endpoint_mark, id;

-- A message to a device; a second one of the same event and kind is left out.
-- name: enqueue
insert into kernel.push_messages (id, push, event_id, endpoint_mark, payload, created_at, expires_at)
values (:id, :push, :event_id, :mark, :payload, :at, :expires_at)
on conflict on constraint push_messages_once do nothing;

-- What a job sends.
-- name: message
select id, push, event_id, endpoint_mark, payload::text as payload, state, tries, error, created_at, expires_at
  from kernel.push_messages
 where id = :id;

-- Where a message goes, if anybody is still there: the newest keys of the device.
-- name: device
select id, endpoint, endpoint_mark, public_key, auth, about, shop_id, party_id, language
  from kernel.push_devices
 where endpoint_mark = :mark
 order by told_at desc, id desc
 limit 1;

-- A try that failed for now.
-- name: tried
update kernel.push_messages set tries = tries + 1, error = :error where id = :id and state = 'waiting';

-- How a message ended.
-- name: note
update kernel.push_messages
   set state = :state, error = :error, tries = tries + 1, ended_at = :at
 where id = :id and state = 'waiting';

-- The push service knows the address no more.
-- name: forget_endpoint
delete from kernel.push_devices where endpoint_mark = :mark;

-- A device that is reached is kept for longer.
-- name: told
update kernel.push_devices set told_at = greatest(told_at, :at) where endpoint_mark = :mark;

-- What devices were told of an event.
-- name: of_event
select id, push, event_id, endpoint_mark, payload::text as payload, state, tries, error, created_at, expires_at
  from kernel.push_messages
 where event_id = :event_id
 order by id;

-- The devices of a person, for their export.
-- name: of_party
select id, endpoint, endpoint_mark, public_key, auth, about, shop_id, party_id, language
  from kernel.push_devices
 where party_id = :party_id
 order by id;

-- A person is erased: what waits for their devices finds nobody.
-- name: erase_party
delete from kernel.push_devices where party_id = :party_id;

-- Messages that ended long ago.
-- name: sweep_messages
delete from kernel.push_messages
 where id in (select id from kernel.push_messages
               where id < kernel.uuid7_floor(:before) and state <> 'waiting'
               order by id
               limit :limit);

-- Devices that were told nothing for so long.
-- name: sweep_devices
delete from kernel.push_devices
 where id in (select id from kernel.push_devices where told_at < :before order by told_at limit :limit);
