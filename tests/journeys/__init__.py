"""What a visitor and a shopkeeper live through, from the first page to the last."""
