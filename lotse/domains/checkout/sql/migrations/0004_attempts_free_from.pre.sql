-- By which variation of the value from which delivery is free the buyer saw the total.
alter table checkout.attempts add column free_from text not null default 'set';
