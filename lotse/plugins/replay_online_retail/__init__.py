"""Replays the year of a real British web shop (UCI Online Retail) through the real order path."""
