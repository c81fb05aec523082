"""A whole repository at once: what to look at, by whom, remembered where, handed over how."""
