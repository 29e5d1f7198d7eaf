-- Credits without an order, for what a customer is handed over; a handful of rows.
create index amendments_credits on orders.amendments (customer_id) where order_id is null and customer_id is not null;
