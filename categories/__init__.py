"""Knows what an address is and which lists name it. Knows nothing of users, settings or traffic."""
