"""The domains, in the order that ARCHITECTURE.md draws."""
