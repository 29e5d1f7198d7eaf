-- Who sends a file with a key (an Idempotency-Key with its principal) and sends it again, gets the same import.
alter table kernel.imports add column request_key text;
-- One import per key; files without one (folder, command line) have none.
create unique index imports_request_key on kernel.imports (request_key) where request_key is not null;
