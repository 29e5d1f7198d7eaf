-- The code before knew one wish per product, whatever its size.
alter table customers.wishes drop constraint wishes_pkey;
