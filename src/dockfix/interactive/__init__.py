"""Decide on changes one by one at a terminal: `--interactive`."""
