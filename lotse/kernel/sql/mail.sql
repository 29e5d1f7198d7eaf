-- A mail to send; a second one of the same event, kind and recipient is left out.
-- name: enqueue
insert into kernel.mails (id, mail, event_id, recipient_mark, shop_id, language, about, party_id, payload, address, name,
                          wording, is_trial, due_at, again_of, created_at)
values (:id, :mail, :event_id, :recipient_mark, :shop_id, :language, :about, :party_id, :payload, :address, :name,
        :wording, :is_trial, :at, :again_of, :at)
on conflict on constraint mails_once do nothing;

-- Takes what is due; a second worker passes over what the first holds.
-- name: claim
update kernel.mails m
   set state = 'sending', claimed_at = :at, due_at = null, tries = m.tries + 1
  from (select id from kernel.mails
         where state = 'waiting' and due_at <= :at
         order by due_at, id
         limit :limit
           for update skip locked) due
 where m.id = due.id
returning m.id;

-- What a worker took, with the bytes of an earlier try.
-- name: claimed
select m.id, m.mail, m.shop_id, m.language, m.about, m.party_id, m.payload::text as payload, m.address, m.name, m.tries,
       m.created_at, m.wording, c.message
  from kernel.mails m
  left join kernel.mail_copies c on c.mail_id = m.id
 where m.id = any (:ids::uuid[])
 order by m.id;

-- The bytes of a mail, before the first of them goes anywhere.
-- name: keep_copy
insert into kernel.mail_copies (mail_id, message) values (:id, :message) on conflict (mail_id) do nothing;

-- From here on nobody knows what the server has until it answers. Only who still holds the mail may go on.
-- name: hand
update kernel.mails set state = 'handing', subject = :subject, claimed_at = :at where id = :id and state = 'sending';

-- How a try ended.
-- name: note
update kernel.mails
   set state = :state, error = :error, due_at = :due_at, claimed_at = null,
       sent_at = case when :state = 'sent' then :at else sent_at end
 where id = :id and state in ('sending', 'handing');

-- Mails whose worker died. What had not been handed over is due at once.
-- name: recover_sending
update kernel.mails
   set state = 'waiting', due_at = :at, claimed_at = null, error = :error
 where state = 'sending' and claimed_at < :before;

-- What was on the wire when its worker died.
-- name: held_on_the_wire
select id from kernel.mails where state = 'handing' and claimed_at < :before order by id for update skip locked;

-- When there is something to do next.
-- name: next_due
select min(due_at) from kernel.mails where state = 'waiting';

-- One mail for the back office.
-- name: one
select id, mail, state, shop_id, language, about, address, name, subject, tries, error, is_trial, created_at, due_at,
       sent_at, bounced_at, again_of
  from kernel.mails
 where id = :id;

-- One mail to be sent again: what it was made of.
-- name: to_repeat
select m.id, m.mail, m.shop_id, m.language, m.about, m.party_id, m.payload::text as payload, m.address, m.name, m.tries,
       m.created_at, m.wording, null::bytea as message
  from kernel.mails m
 where m.id = :id;

-- What was sent, byte for byte.
-- name: copy_of
select message from kernel.mail_copies where mail_id = :id;

-- Mails about one thing, the newest first.
-- name: about
select id, mail, state, shop_id, language, about, address, name, subject, tries, error, is_trial, created_at, due_at,
       sent_at, bounced_at, again_of
  from kernel.mails
 where about = :about
 order by id desc
 limit :limit;

-- The back office's table: one row per mail.
-- name: mail_table
select m.id, m.mail, m.state, m.shop_id, m.language, m.about, m.address, m.name, m.subject, m.tries, m.error, m.is_trial,
       m.created_at, m.due_at, m.sent_at, m.bounced_at, m.again_of
  from kernel.mails m
 where :everything::boolean or m.shop_id = any (:in_shops::uuid[]);

-- Where a mail belongs: the shop that it writes for; one of no shop is only for who may see all.
-- name: whose
select shop_id as shop from kernel.mails where id = :id;

-- A report that it did not arrive, perhaps after the server had taken it.
-- name: bounce
update kernel.mails
   set state = 'bounced', bounced_at = :at, error = :error
 where id = :id and state in ('sent', 'unsure', 'handing');

-- A report that it takes longer: no end, but worth a word.
-- name: delayed
update kernel.mails set error = :error where id = :id and state in ('sent', 'unsure');

-- What staff must look at, counted for the monitor.
-- name: trouble
select state, count(*) as mails from kernel.mails where state in ('failed', 'bounced', 'unsure') group by state;

-- The newest words of a mail in a language, of one shop and of all shops.
-- name: current_texts
select distinct on (shop_id) id, mail, shop_id, language, wording, created_by, created_at, problem
  from kernel.mail_texts
 where mail = :mail and language = :language and (shop_id is null or shop_id = :shop_id)
 order by shop_id, id desc;

-- Which mails have words of staff: what the list of templates marks.
-- name: edited_texts
select distinct on (mail, language, shop_id) id, mail, shop_id, language, wording, created_by, created_at, problem
  from kernel.mail_texts
 order by mail, language, shop_id, id desc;

-- The versions of a mail's words in one place, the newest first.
-- name: text_history
select id, mail, shop_id, language, wording, created_by, created_at, problem
  from kernel.mail_texts
 where mail = :mail and language = :language and shop_id is not distinct from :shop_id
 order by id desc
 limit :limit;

-- One version.
-- name: text
select id, mail, shop_id, language, wording, created_by, created_at, problem from kernel.mail_texts where id = :id;

-- A new version.
-- name: put_text
insert into kernel.mail_texts (id, mail, shop_id, language, wording, created_by, created_at)
values (:id, :mail, :shop_id, :language, :wording, :created_by, :at);

-- A version that could not be used, once it is known.
-- name: mark_text
update kernel.mail_texts set problem = :problem where id = :id and problem = '';

-- Two people at one text: the second waits and sees what the first wrote.
-- name: lock_text
select pg_advisory_xact_lock(hashtextextended('mail_texts:' || :key::text, 0));

-- After their time nobody needs to know any more to whom they went, nor what they said.
-- name: forget
with gone as (
    select id from kernel.mails
     where id < kernel.uuid7_floor(:before) and (address is not null or name <> '' or subject <> '')
       and state not in ('waiting', 'sending', 'handing')
     order by id
     limit :limit
), copies as (
    delete from kernel.mail_copies c using gone where c.mail_id = gone.id
)
update kernel.mails m set address = null, name = '', subject = '', wording = null, error = '' from gone where m.id = gone.id;

-- What is kept of a person's mails, for their export.
-- name: of_party
select id, mail, state, shop_id, language, about, address, name, subject, tries, error, is_trial, created_at, due_at,
       sent_at, bounced_at, again_of
  from kernel.mails
 where party_id = :party_id
 order by id;

-- A person is erased: what waited is not sent any more. By address too: a mail was perhaps written before, or without,
-- knowing whose address it is.
-- name: erase_party
with gone as (
    select id from kernel.mails
     where (party_id = :party_id or (address is not null and lower(address) = any (:addresses::text[])))
       and (address is not null or name <> '' or subject <> '')
       for update
), copies as (
    delete from kernel.mail_copies c using gone where c.mail_id = gone.id
)
update kernel.mails m
   set address = null, name = '', subject = '', wording = null, error = '',
       state = case when m.state = 'waiting' then 'cancelled' else m.state end, due_at = null
  from gone
 where m.id = gone.id;
