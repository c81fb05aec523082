"""What dockfix checks in a file: refusals, reviews and guarantees, and the registry of codes."""
