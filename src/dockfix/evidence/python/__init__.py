"""Evidence from the application's Python sources, which are only parsed, never executed."""
