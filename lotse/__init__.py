"""Lotse: the open commerce platform that a retailer owns."""
