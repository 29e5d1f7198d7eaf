-- What is not closed: few rows, so the index stays small.
create index attempts_open on checkout.attempts (created_at) where closed_at is null;
