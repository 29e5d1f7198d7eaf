"""The demo retailer: an invented sports house, made from a seed, with pictures drawn by code."""
