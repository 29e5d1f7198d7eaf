"""Finds articles: search, categories with facets, suggestions, and who stands first by whose decision."""
