"""Who is who: persons, organisations, their roles, legal entities and shops."""
