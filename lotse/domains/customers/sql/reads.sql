-- In the order asked; names are the parties', and empty once erased.
-- name: customers
select c.id, c.party_id, c.number, c.shop_id, c.customer_group, coalesce(n.name, '') as name,
       coalesce(n.email, '') as email, coalesce(n.phone, '') as phone, c.created_at
  from customers.customers c
  left join parties.names_of(array(
           select x.party_id from customers.customers x where x.id = any(:ids::uuid[])
       )) n on n.party_id = c.party_id
 where c.id = any(:ids::uuid[])
 order by array_position(:ids::uuid[], c.id);

-- For imports and the command: which of these numbers are there.
-- name: by_numbers
select id, party_id, number from customers.customers where number = any(:numbers::text[]);

-- Whose party this is.
-- name: by_parties
select id, party_id, number from customers.customers where party_id = any(:party_ids::uuid[]) order by id;

-- The newest of each kind is the one in use.
-- name: addresses
select distinct on (customer_id, kind)
       id, customer_id, kind, name, company, street, street2, postcode, city, region, country
  from customers.addresses
 where customer_id = any(:ids::uuid[])
 order by customer_id, kind, added_at desc, id desc;

-- All of one customer's to choose from: where parcels go first, of each kind the newest first.
-- name: address_book
select id, customer_id, kind, name, company, street, street2, postcode, city, region, country
  from customers.addresses
 where customer_id = :customer_id
 order by kind = 'delivery' desc, added_at desc, id desc
 limit :limit;

-- One of a customer's own, to be changed.
-- name: address
select id, customer_id, kind, name, company, street, street2, postcode, city, region, country
  from customers.addresses
 where id = :id and customer_id = :customer_id;

-- Also those that are in use no more, for the export of what is kept.
-- name: every_address
select id, customer_id, kind, name, company, street, street2, postcode, city, region, country
  from customers.addresses
 where customer_id = any(:ids::uuid[])
 order by customer_id, added_at, id;

-- The back office's table. Names are the parties' and added per page.
-- name: customer_table
select c.id, c.party_id, c.number, c.shop_id, c.customer_group, c.created_at
  from customers.customers c
 where :everything::boolean or c.shop_id = any(:in_shops::uuid[]);

-- What the customers of a page are called and how they are reached; who was erased is absent.
-- name: named
select n.party_id, n.kind, n.name, n.email, n.phone from parties.names_of(:party_ids::uuid[]) n;

-- By the beginning of a number or a name, or by a mail address: for the palette.
-- name: found
select c.id, c.party_id, c.number
  from customers.customers c
 where (c.number ~>=~ :begins and c.number ~<~ (:begins || chr(1114111))
        or c.party_id in (select f.party_id from parties.find(:begins, :at_most) f))
   and (:shops::uuid[] is null or c.shop_id = any(:shops::uuid[]))
 order by c.id desc
 limit :limit;

-- A customer as it is about to be changed: two people at one customer wait for each other.
-- name: lock
select id, party_id, number, shop_id, customer_group from customers.customers where id = :customer_id for update;

-- Where a customer came from.
-- name: whose
select shop_id as shop from customers.customers where id = :customer_id;

-- As many numbers as there are customers without one.
-- name: draw_numbers
select 'K' || nextval('customers.numbers') from generate_series(1, :count::integer);

-- A customer is a party in the role of one.
-- name: check_roles
select 'customers.customer:' || c.number as subject, 'a party with the role customer' as expected, 'none' as found
  from customers.customers c
  left join parties.with_role('customer', array(select party_id from customers.customers)) r
    on r.party_id = c.party_id
 where r.party_id is null;

-- The hash leaves the database only for the comparison.
-- name: login_of_email
select customer_id, email, password from customers.logins where lower(email) = lower(:email);

-- The same by its customer.
-- name: login_of_customer
select customer_id, email, password from customers.logins where customer_id = :customer_id;

-- Whose session this is, if it has not ended.
-- name: session
select customer_id from customers.sessions where token_hash = :token_hash and expires_at > :at;

-- What is on a list, the newest first.
-- name: wishes
select w.product_id, w.added_at, w.variant_id
  from customers.wishes w
 where w.list_id = :list_id
 order by w.added_at desc, w.product_id, w.variant_id
 limit :limit;

-- A customer's list.
-- name: list_of_customer
select id from customers.wish_lists where customer_id = :customer_id;

-- A guest's list, if it is still one.
-- name: guest_list
select id from customers.wish_lists where id = :id and customer_id is null;

-- The newest decision of each purpose. Given is only what a mailbox confirmed.
-- name: consents
select distinct on (purpose) purpose, given and email <> '' as given, decided_at, email, asked_at
  from customers.consents
 where customer_id = :customer_id
 order by purpose, decided_at desc;

-- Every decision, for the export.
-- name: every_consent
select purpose, given, decided_at, email, asked_at
  from customers.consents
 where customer_id = any(:ids::uuid[])
 order by decided_at;

-- What an account waits for: the newest mail of each purpose.
-- name: consent_requests
select distinct on (purpose) id, customer_id, purpose, email, asked_at, expires_at
  from customers.consent_requests
 where customer_id = :customer_id and expires_at > :at
 order by purpose, asked_at desc, id desc;

-- Every one of them, for the export.
-- name: every_consent_request
select id, customer_id, purpose, email, asked_at, expires_at
  from customers.consent_requests
 where customer_id = any(:ids::uuid[])
 order by asked_at;

-- What a link may confirm, while it may.
-- name: consent_request
select id, customer_id, purpose, email, asked_at, expires_at
  from customers.consent_requests
 where id = :id and expires_at > :at;

-- What is wished for, for the export.
-- name: every_wish
select w.product_id, w.added_at, w.variant_id
  from customers.wishes w
  join customers.wish_lists l on l.id = w.list_id
 where l.customer_id = any(:ids::uuid[])
 order by w.added_at;

-- Whose password a link may set, while it may.
-- name: reset
select r.id, l.customer_id, l.email, r.expires_at
  from customers.resets r
  join customers.logins l on l.customer_id = r.customer_id
 where r.id = :id and r.expires_at > :at;

-- An account as an example for previews, of a shop or of any: the newest.
-- name: newest_account
select l.customer_id
  from customers.logins l
  join customers.customers c on c.id = l.customer_id
 where :shop_id::uuid is null or c.shop_id = :shop_id
 order by l.created_at desc
 limit 1;

-- What a link may change, while it may.
-- name: email_change
select id, customer_id, email, requested_at, expires_at, former, changed_at
  from customers.email_changes
 where id = :id and changed_at is null and expires_at > :at;

-- What an account waits for.
-- name: email_asked
select id, customer_id, email, requested_at, expires_at, former, changed_at
  from customers.email_changes
 where customer_id = :customer_id and changed_at is null and expires_at > :at
 order by requested_at desc, id desc
 limit 1;

-- One that was followed: what the address was.
-- name: email_changed
select id, customer_id, email, requested_at, expires_at, former, changed_at
  from customers.email_changes
 where id = :id and changed_at is not null;

-- Every one of them, for the export.
-- name: every_email_change
select id, customer_id, email, requested_at, expires_at, former, changed_at
  from customers.email_changes
 where customer_id = any(:ids::uuid[])
 order by requested_at;
