"""Where stock may lie, which location serves which shop, and which pool counts what."""
