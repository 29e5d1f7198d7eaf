"""Countable things that can run out, their movements and the holds on them."""
