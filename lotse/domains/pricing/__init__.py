"""What a variant costs, since when and for whom; the one function that prices a basket."""
