-- All tables that live in months; nobody has to name them.
-- name: ensure_months
select kernel.ensure_months(:at, :ahead);

-- One table, one month.
-- name: ensure_month
select kernel.ensure_month(:parent::text::regclass, :at);
