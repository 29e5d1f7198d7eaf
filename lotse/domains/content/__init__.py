"""What a shop says beside its goods: pages made of blocks, menus, and where old addresses lead."""
