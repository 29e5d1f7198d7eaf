"""Assembles the roles: storefront, back office, API."""
