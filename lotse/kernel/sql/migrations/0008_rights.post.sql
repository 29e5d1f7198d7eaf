-- What old code has given while new code ran already; then the lists go.
insert into kernel.holdings (id, staff_id, right_name, since)
select uuidv7(), staff.id, named.right_name, staff.changed_at
from kernel.staff
cross join lateral (
    select replace(scope, ':', '.') as right_name from unnest(staff.scopes) as scope
    -- Refunds have a right of their own now.
    union
    select 'orders.refund' where staff.scopes && array['payments.write', 'payments:write']
) as named
on conflict do nothing;
insert into kernel.holdings (id, token_id, right_name, since)
select uuidv7(), tokens.id, named.right_name, tokens.created_at
from kernel.tokens
cross join lateral (
    select replace(scope, ':', '.') as right_name from unnest(tokens.scopes) as scope
    union
    select 'orders.refund' where tokens.scopes && array['payments.write', 'payments:write']
) as named
on conflict do nothing;
alter table kernel.staff drop column scopes;
alter table kernel.tokens drop column scopes;
