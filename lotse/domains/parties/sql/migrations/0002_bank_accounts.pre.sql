-- Holder, IBAN and BIC of the account that buyers transfer to.
alter table parties.legal_entities add column bank_account jsonb not null default '{}';
