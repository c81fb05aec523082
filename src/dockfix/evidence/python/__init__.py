"""Evidence from the application's Python sources, which are read, never run and never edited."""
