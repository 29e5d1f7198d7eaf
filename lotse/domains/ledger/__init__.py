"""Double-entry postings, zero-sum per set and currency."""
