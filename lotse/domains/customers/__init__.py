"""Who buys: customer numbers, groups and addresses."""
