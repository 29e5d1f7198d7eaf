-- A role may ask for a second factor: who may refund ten thousand is worth more to a thief than who may look.
alter table kernel.roles add column second_factor boolean not null default false;
