"""From a basket to an order."""
