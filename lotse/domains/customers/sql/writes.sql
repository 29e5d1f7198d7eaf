-- Made or overwritten by number, in the order of numbers so that two imports do not deadlock. Party and moment stay.
-- name: put_customers
insert into customers.customers as c (id, party_id, number, shop_id, customer_group, created_at)
select n.id, n.party_id, n.number, n.shop_id, n.customer_group, :at
  from jsonb_to_recordset(:customers::jsonb)
       as n (id uuid, party_id uuid, number text, shop_id uuid, customer_group text)
 order by n.number
on conflict (number) do update
   set customer_group = excluded.customer_group
returning new.id, new.party_id, new.number,
          old.id is null or new.customer_group <> old.customer_group as changed;

-- One import at a time looks numbers up and makes what is missing, so that no party is made for a customer that
-- somebody else just made. Held until the transaction ends.
-- name: lock_numbers
select pg_advisory_xact_lock(hashtextextended('lotse.customers.numbers', 0));

-- An address that is known moves to the front: it is the one in use again.
-- name: put_addresses
insert into customers.addresses as a
       (id, customer_id, kind, name, company, street, street2, postcode, city, region, country, added_at)
select n.id, n.customer_id, n.kind, n.name, n.company, n.street, n.street2, n.postcode, n.city, n.region, n.country, :at
  from jsonb_to_recordset(:addresses::jsonb)
       as n (id uuid, customer_id uuid, kind text, name text, company text, street text, street2 text, postcode text,
             city text, region text, country text)
on conflict (customer_id, kind, name, company, street, street2, postcode, city, region, country) do update
   set added_at = greatest(a.added_at, excluded.added_at)
returning new.id, new.customer_id, old.id is null as made;

-- Addresses go; the customer's number and id stay, because orders carry them.
-- name: erase_addresses
delete from customers.addresses
where customer_id in (select id from customers.customers where party_id = :party_id)
returning customer_id;

-- One mail address is one account: the index has the last word.
-- name: add_login
insert into customers.logins (customer_id, email, password, created_at, changed_at)
values (:customer_id, :email, :password, :at, :at);

-- A new password.
-- name: set_password
update customers.logins set password = :password, changed_at = :at where customer_id = :customer_id;

-- One mail address is one account: the index has the last word. What it was.
-- name: set_email
update customers.logins set email = :email, changed_at = :at where customer_id = :customer_id returning old.email;

-- A session begins anew at every sign-in.
-- name: begin_session
insert into customers.sessions (token_hash, customer_id, created_at, expires_at)
values (:token_hash, :customer_id, :at, :expires_at);

-- One that is over already stays so.
-- name: end_session
delete from customers.sessions where token_hash = :token_hash;

-- All of an account but one.
-- name: end_sessions
delete from customers.sessions where customer_id = :customer_id and token_hash <> :but;

-- Swept in bounded steps.
-- name: sweep_sessions
delete from customers.sessions
 where token_hash in (select token_hash from customers.sessions where expires_at < :at limit :limit);

-- Guests' lists that nobody touched.
-- name: sweep_lists
delete from customers.wish_lists
 where id in (
     select id from customers.wish_lists where customer_id is null and changed_at < :before limit :limit
 );

-- Made when it is first needed; a customer has one.
-- name: make_list
insert into customers.wish_lists as l (id, customer_id, changed_at)
values (:id, :customer_id, :at)
on conflict (customer_id) do update set changed_at = excluded.changed_at
returning id;

-- Once, and not beyond what a list takes.
-- name: add_wish
insert into customers.wishes (list_id, product_id, added_at, variant_id)
select :list_id, :product_id, :at, :variant_id
 where (select count(*) from customers.wishes where list_id = :list_id) < :most
on conflict do nothing;

-- Who chose wants what was chosen: the wish for just any of the product has become it.
-- name: drop_open_wishes
delete from customers.wishes w
 where w.list_id = :list_id and w.variant_id is null
   and exists (
       select from customers.wishes c
        where c.list_id = w.list_id and c.product_id = w.product_id and c.variant_id is not null
   );

-- Also what is not on it.
-- name: remove_wish
delete from customers.wishes
 where list_id = :list_id and product_id = :product_id and variant_id is not distinct from :variant_id;

-- What a guest wished for becomes the customer's; what both have is there once.
-- name: join_lists
insert into customers.wishes (list_id, product_id, added_at, variant_id)
select :into, w.product_id, w.added_at, w.variant_id from customers.wishes w where w.list_id = :list_id
on conflict do nothing;

-- The guest's list has done its work.
-- name: drop_list
delete from customers.wish_lists where id = :list_id and customer_id is null;

-- A decision, only if it differs from what holds; of two links to it followed at once the first one counts.
-- name: decide_consent
insert into customers.consents (customer_id, purpose, decided_at, given, email, asked_at)
select :customer_id, :purpose, :at, :given, :email, :asked_at
 where :given is distinct from coalesce(
     (select given and email <> '' from customers.consents where customer_id = :customer_id and purpose = :purpose
       order by decided_at desc limit 1), false)
on conflict do nothing;

-- Asked of the mail address that the account signs in with.
-- name: ask_consent
insert into customers.consent_requests (id, customer_id, purpose, email, asked_at, expires_at)
select :id, l.customer_id, :purpose, l.email, :at, :expires_at from customers.logins l where l.customer_id = :customer_id;

-- The link is used up.
-- name: take_consent_request
delete from customers.consent_requests
 where id = :id and expires_at > :at
returning id, customer_id, purpose, email, asked_at, expires_at;

-- Once it is decided, either way, no mail that is still under way decides it again.
-- name: drop_consent_requests
delete from customers.consent_requests where customer_id = :customer_id and purpose = :purpose;

-- Links that nobody followed in time.
-- name: sweep_consent_requests
delete from customers.consent_requests
 where id in (select id from customers.consent_requests where expires_at < :at limit :limit);

-- Who is erased signs in no more, wishes for nothing and agreed to nothing.
-- name: erase_account
with gone as (
    delete from customers.logins where customer_id in (select id from customers.customers where party_id = :party_id)
), lists as (
    delete from customers.wish_lists where customer_id in (select id from customers.customers where party_id = :party_id)
)
delete from customers.consents where customer_id in (select id from customers.customers where party_id = :party_id);

-- One address goes.
-- name: remove_address
delete from customers.addresses where id = :id and customer_id = :customer_id;

-- Changed in its place among the others. Changed to one that is there already, the two become one.
-- name: edit_address
with old as (
    delete from customers.addresses where id = :id and customer_id = :customer_id
    returning id, customer_id, kind, added_at
)
insert into customers.addresses as a
       (id, customer_id, kind, name, company, street, street2, postcode, city, region, country, added_at)
select o.id, o.customer_id, o.kind, :name, :company, :street, :street2, :postcode, :city, :region, :country, o.added_at
  from old o
on conflict (customer_id, kind, name, company, street, street2, postcode, city, region, country) do update
   set added_at = greatest(a.added_at, excluded.added_at);

-- Only for an address that has an account; nobody is told which.
-- name: ask_reset
insert into customers.resets (id, customer_id, requested_at, expires_at)
select :id, l.customer_id, :at, :expires_at from customers.logins l where lower(l.email) = lower(:email)
returning customer_id;

-- The link is used up.
-- name: take_reset
delete from customers.resets where id = :id and expires_at > :at;

-- A new password ends every link that was asked for before.
-- name: drop_resets
delete from customers.resets where customer_id = :customer_id;

-- Links whose hour is over.
-- name: sweep_resets
delete from customers.resets where id in (select id from customers.resets where expires_at < :at limit :limit);

-- Whether somebody has this address already is not asked here: the answer is the same.
-- name: ask_email
insert into customers.email_changes (id, customer_id, email, requested_at, expires_at)
values (:id, :customer_id, :email, :at, :expires_at);

-- The link is used up.
-- name: take_email_change
update customers.email_changes set former = :former, changed_at = :at
 where id = :id and changed_at is null and expires_at > :at;

-- A newer wish, another address or another password ends every link that was asked for before.
-- name: drop_email_changes
delete from customers.email_changes where customer_id = :customer_id and changed_at is null;

-- Links that nobody followed in time.
-- name: sweep_email_changes
delete from customers.email_changes
 where id in (
     select id from customers.email_changes where changed_at is null and expires_at < :at limit :limit
 );
