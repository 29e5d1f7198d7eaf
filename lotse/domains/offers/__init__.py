"""Who sells which variant in which shop, and in which condition."""
