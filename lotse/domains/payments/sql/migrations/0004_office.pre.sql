-- What the back office looks for: money that is owed back, and money that went back.
-- To be paid back: the work list of whoever pays. Few rows at any time.
create index payments_refund_due on payments.payments (id)
where received_minor - refunded_minor > amount_minor - credited_minor;
-- What went back, for the back office's lists.
create index payments_refunded on payments.payments (id) where refunded_minor > 0;
-- From a posting, which carries the receipt's id, to what was paid. Block ranges: ids come in the order of their time.
create index receipts_id on payments.receipts using brin (id);
-- As for receipts.
create index refunds_id on payments.refunds using brin (id);
