"""What every domain stands on; no business words, knows no domain."""
