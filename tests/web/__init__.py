"""Between the socket and the domains."""
