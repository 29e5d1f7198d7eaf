"""Rates of value added tax by country, class and day, and how an amount splits."""
