"""The database's life cycle: settings, the embedded server, backup and restore."""
