# What lotse/kernel/migrate.py uses of yoyo-migrations 9, which brings no types.
