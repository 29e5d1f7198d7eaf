"""Waiting rooms and back pressure."""
