"""What things are: products, variants, texts, pictures and the category tree."""
