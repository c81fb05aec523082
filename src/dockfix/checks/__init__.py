"""What is asked of a file: the registry of codes, refusals, reviews and guarantees."""
