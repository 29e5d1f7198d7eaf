"""What buyers send back: so far that they withdraw from a contract."""
