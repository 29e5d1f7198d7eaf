"""What is owed for something, and what came in and went back."""
