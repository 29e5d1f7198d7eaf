"""What a shop writes to those who buy from it, and Lotse to those who work with it."""
