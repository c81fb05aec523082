"""Changes decided one by one, at a terminal: `--interactive`."""
