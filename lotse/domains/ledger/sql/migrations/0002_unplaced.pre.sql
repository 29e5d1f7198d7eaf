-- Money that came in for an order that could not be placed, until it has gone back.
insert into ledger.accounts (code, name, kind) values ('unplaced', 'Payments without an order', 'liability')
on conflict (code) do nothing;
